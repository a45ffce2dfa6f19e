"""What answers cost, and what a difference between two arms would bring. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from eval.report.folder import Json
from eval.returns import MONTHS, Returns
from eval.task import Costs


def cost_per_1000(
    tokens: Mapping[str, float | None], latency_mean_ms: float | None, costs: Costs
) -> Json:
    """Cost of 1,000 answers: tokens at their price, and the machine for as long as they take.

    The machine counts as taken by one answer at a time, so this is an upper bound where a server
    answers several together. None where a part that has a price was not measured.
    """
    priced = [
        _product(tokens["prompt_tokens"], costs.prompt_million / 1e6 * 1000),
        _product(tokens["completion_tokens"], costs.completion_million / 1e6 * 1000),
    ]
    machine = _product(latency_mean_ms, costs.machine_hour / 3_600_000 * 1000)
    return {
        "cost_per_1000": _sum(*priced, machine),
        "cost_tokens_per_1000": _sum(*priced),
        "cost_machine_per_1000": machine,
    }


def returns(
    contrast: Mapping[str, Any], arm: Json | None, baseline: Json | None, costs: Costs
) -> Json:
    """What the arm of a contrast would bring and cost against the baseline, within `MONTHS`.

    In currency, but for `months`, `payback_months` and `break_even` (the difference that pays for
    it all). `gain` and `net` are given for the difference, and as a pair for the two ends of its
    interval. None where a figure that it rests on was not measured.
    """
    difference, ends = contrast.get("difference"), contrast.get("interval") or [None, None]
    training = (arm or {}).get("training")
    extra = _difference((arm or {}).get("cost_per_1000"), (baseline or {}).get("cost_per_1000"))
    found = None
    if training is not None and extra is not None:
        found = Returns(costs, training["seconds"] / 3600, extra)
    brings = Returns(costs, 0, 0).brings

    def gain(gained: float | None) -> float | None:
        return None if gained is None else brings(gained)

    def net(gained: float | None) -> float | None:
        return None if gained is None or found is None else brings(gained) - found.total

    return {
        "months": MONTHS,
        "gain": gain(difference),
        "gain_interval": [gain(end) for end in ends],
        "project": costs.project,
        "training": training["cost"] if training else None,
        "upkeep": Returns(costs, 0, 0).upkeep,
        "answering": found.answering if found else None,
        "total": found.total if found else None,
        "net": net(difference),
        "net_interval": [net(end) for end in ends],
        "break_even": found.break_even if found else None,
        "payback_months": _payback(gain(difference), found),
    }


def _payback(gain: float | None, found: Returns | None) -> float | None:
    """Months until what comes in has paid for project and training; None where it never does."""
    if gain is None or found is None:
        return None
    month = (gain - found.upkeep - found.answering) / MONTHS
    return (found.costs.project + found.training) / month if month > 0 else None


def assumptions(costs: Costs) -> Json:
    """The figures that the money rests on, by the names of the task file."""
    return asdict(costs)


def _difference(mine: float | None, theirs: float | None) -> float | None:
    return None if mine is None or theirs is None else mine - theirs


def _product(value: float | None, price: float) -> float | None:
    """What has no price costs nothing, measured or not."""
    return 0.0 if price == 0 else None if value is None else value * price


def _sum(*parts: float | None) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
