"""The tables of a report as texts, the same in HTML and Markdown. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from eval.report import figures as show
from eval.report.folder import Json
from eval.report.words import title

NONE = "none"


@dataclass(frozen=True, slots=True)
class Table:
    """A table. The first `texts` columns hold words, the others figures; each row has a head."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1


Column = tuple[str, Callable[[Any], str]]


def arms_table(report: Json) -> Table:
    """Accuracy and wording, by arm."""
    columns: list[Column] = [
        ("Right", lambda arm: show.percent(arm["accuracy"])),
        ("95 % interval", lambda arm: show.span(arm["interval"])),
        ("Seeds", lambda arm: show.number(len(arm["by_seed"]))),
        ("Spread", _spread),
        ("Exact", lambda arm: show.percent(arm["exact_match"])),
        ("Overlap", lambda arm: show.percent(arm["f1"])),
        ("Well formed", lambda arm: show.percent(arm["parsed"])),
        ("Words", lambda arm: show.number(arm["words"], 1)),
        ("Found in top 3", lambda arm: _retrieval(arm, "recall_at_3")),
        ("Citations right", lambda arm: _retrieval(arm, "citation_precision")),
        ("Unscored", lambda arm: f"{arm['unscored']:,} of {arm['rows']:,}"),
    ]
    measured = {
        "Exact": "exact_match",
        "Overlap": "f1",
        "Well formed": "parsed",
        "Found in top 3": "recall_at_3",
        "Citations right": "citation_precision",
    }
    kept = [
        one
        for one in columns
        if any(arm.get(measured.get(one[0], "accuracy")) is not None for arm in report["arms"])
    ]
    return by_arm("The arms in figures", report["arms"], kept)


def decomposition_table(report: Json) -> Table:
    """Found, reached, read: the factors of a retrieval arm's accuracy."""
    arms = [arm for arm in report["arms"] if arm["decomposition"]]

    def part(name: str) -> Callable[[Any], str]:
        return lambda arm: show.percent(arm["decomposition"][name])

    def questions(arm: Any) -> str:
        left_out = arm["decomposition"]["left_out"]
        more = f" ({left_out} left out: place of the answer unknown)" if left_out else ""
        return f"{arm['decomposition']['questions']:,}{more}"

    return by_arm(
        "Decomposition",
        arms,
        [
            ("Found", part("retrieved")),
            ("× reached prompt", part("reached_given_retrieved")),
            ("× read right", part("right_given_gold")),
            ("= right with passage", part("product")),
            ("+ right without", part("rest")),
            ("= right", part("accuracy")),
            ("Questions", questions),
        ],
    )


def abstention_table(report: Json) -> Table:
    """Answering or not, by arm."""
    none = not report["counts"]["unanswerable"]

    def part(name: str, *, unanswerable: bool = False) -> Callable[[Any], str]:
        if unanswerable and none:
            return lambda arm: "no such question"
        return lambda arm: show.percent(arm["abstention"][name])

    return by_arm(
        "Abstention",
        report["arms"],
        [
            ("Right, answerable", part("accuracy_answerable")),
            ("Right, unanswerable", part("accuracy_unanswerable", unanswerable=True)),
            ("False answers", part("false_answers", unanswerable=True)),
            ("False abstentions", part("false_abstentions")),
            ("Coverage", part("coverage")),
            ("Selective accuracy", part("selective_accuracy")),
        ],
    )


def cost_table(report: Json) -> Table:
    """Money, time and tokens, by arm."""
    money = money_of(report)

    def training(arm: Any, value: Callable[[Json], str]) -> str:
        if arm["training"]:
            return value(arm["training"])
        return show.MISSING if arm["trained"] else NONE

    return by_arm(
        "Cost and time",
        report["arms"],
        [
            ("Cost per 1,000 answers", lambda arm: money(arm["cost_per_1000"])),
            ("Half within", lambda arm: show.latency(arm["latency_ms"], arm["timed_calls"])),
            (
                "95 of 100 within",
                lambda arm: show.latency(arm["latency_p95_ms"], arm["timed_calls"]),
            ),
            ("Timed calls", lambda arm: show.number(arm["timed_calls"])),
            ("Tokens in", lambda arm: show.number(arm["prompt_tokens"])),
            ("Tokens out", lambda arm: show.number(arm["completion_tokens"])),
            (
                "Training",
                lambda arm: training(
                    arm, lambda one: f"{show.duration(one['seconds'])}, {one['runs']} runs"
                ),
            ),
            ("Training cost", lambda arm: training(arm, lambda one: money(one["cost"]))),
        ],
    )


def returns_table(report: Json) -> Table:
    """What each contrast's arm would bring and cost, against the baseline."""
    money = money_of(report)
    found: Mapping[str, Json] = report["returns"]

    def both(name: str) -> Callable[[Json], str]:
        return lambda one: (
            f"{money(one[name])} ({money(one[f'{name}_interval'][0])} to "
            f"{money(one[f'{name}_interval'][1])})"
        )

    def back(one: Json) -> str:
        return show.MISSING if one["net"] is None else show.months(one["payback_months"])

    rows: list[Column] = [
        ("More right answers are worth", both("gain")),
        ("Project, once", lambda one: money(one["project"])),
        ("Training", lambda one: money(one["training"])),
        ("Upkeep of the adapter", lambda one: money(one["upkeep"])),
        ("Answers cost more", lambda one: money(one["answering"])),
        ("All costs", lambda one: money(one["total"])),
        ("Left after three months", both("net")),
        ("Paid back after", back),
        ("Difference from which it pays", lambda one: show.points(one["break_even"])),
    ]
    return turned("Return", report, found, rows)


def plain(value: Any) -> str:
    """Any value of a JSON file as a line of text."""
    if isinstance(value, str):
        return value or "(empty)"
    if isinstance(value, Mapping):
        items = cast(Mapping[str, Any], value).items()
        return ", ".join(f"{name}: {plain(item)}" for name, item in items) or NONE
    return json.dumps(value, ensure_ascii=False)


def _retrieval(arm: Json, name: str) -> str:
    return show.percent(arm[name]) if arm["decomposition"] else "does not retrieve"


def _spread(arm: Json) -> str:
    found = arm["spread"]
    if not found:
        return "one run"
    return f"{show.percent(found['lowest'])} to {show.percent(found['highest'])}"


def money_of(report: Json) -> Callable[[float | None], str]:
    """What writes an amount in the report's currency."""
    currency = report["costs"]["currency"]
    return lambda amount: show.money(amount, currency)


def by_arm(caption: str, arms: Sequence[Json], columns: Sequence[Column]) -> Table:
    """One row an arm."""
    return Table(
        caption,
        ("Arm", *(name for name, _ in columns)),
        tuple((arm["name"], *(cell(arm) for _, cell in columns)) for arm in arms),
    )


def turned(caption: str, report: Json, found: Mapping[str, Json], rows: Sequence[Column]) -> Table:
    """One column a contrast."""
    heads = tuple(f"{name}, {title(name, report).lower()}" for name in found)
    return Table(
        caption,
        ("", *heads),
        tuple((name, *(cell(one) for one in found.values())) for name, cell in rows),
    )
