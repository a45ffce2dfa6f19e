"""The tables of how a verdict was reached, as texts. Pure."""

from collections.abc import Callable
from typing import cast

from eval.report import figures as show
from eval.report.folder import Json
from eval.report.tables import Column, Table, plain, turned


def contrasts_table(report: Json) -> Table:
    """The statistics of each contrast."""
    rows: list[Column] = [
        ("Decision", lambda one: one["decision"]),
        ("Compared", lambda one: f"{one['arm']} − {one['baseline']}"),
        ("Difference", lambda one: show.points(one["difference"])),
        ("Interval", _interval),
        ("Margin", lambda one: show.points(one["margin"])),
        ("p (sign flips by cluster)", lambda one: show.probability(one["p_value"])),
        ("Questions", lambda one: show.number(one["questions"])),
        ("Clusters", lambda one: show.number(one["clusters"])),
        ("Seeds", lambda one: show.number(one["seeds"])),
        ("Questions left out (unscored)", lambda one: show.number(one["unscored"])),
        ("Smallest gain it could have found", lambda one: show.points(one["detectable"])),
        ("Questions that settle such a difference", _needed),
        *_seeds(report),
        ("Names swapped by cluster: wrongly warranted", _swapped),
    ]
    return turned("Contrasts", report, report["contrasts"], rows)


def holm_table(report: Json) -> Table:
    """Every arm against the baseline."""
    return Table(
        "Every arm against the baseline",
        ("Arm", "Difference", "Interval", "p", "p, corrected"),
        tuple(
            (
                one["arm"],
                show.points(one["difference"]),
                show.span_points(one["interval"]),
                show.probability(one["p_value"]),
                show.probability(one["p_adjusted"]),
            )
            for one in report["holm"]
        ),
    )


def selection_tables(report: Json) -> list[tuple[str, str, Table]]:
    """By arm: its name, how it went in a line, and all configurations."""
    found: list[tuple[str, str, Table]] = []
    for arm, tried in cast(Json, report["selection"] or {}).items():
        if arm == "baseline":
            continue
        configurations, chosen = tried["configurations"], tried["chosen"]
        rows = tuple(
            (
                plain(one["settings"]),
                "✓" if number == chosen else "",
                show.percent(one["dev_accuracy"]),
                show.number(one["questions"]),
            )
            for number, one in enumerate(configurations)
        )
        best = show.percent(configurations[chosen]["dev_accuracy"])
        line = f"{len(configurations)} tried, chosen one on dev: {best}"
        columns = ("Settings", "Chosen", "Right on dev", "Questions")
        found.append((arm, line, Table(f"Configurations of {arm}", columns, rows, texts=2)))
    return found


def equal_tries(report: Json) -> bool:
    """Whether every arm had as many configurations to choose from as the others."""
    arms = cast(Json, report["selection"] or {})
    return len({len(one["configurations"]) for name, one in arms.items() if name != "baseline"}) < 2


def collateral_table(report: Json) -> Table:
    """What the base model could do, before and after."""
    return Table(
        "Collateral damage",
        ("Arm", "Set", "Items", "Before", "After", "Change", "Still passed of those", "Seeds"),
        tuple(
            (
                one["arm"],
                one["measure"],
                show.number(one["items"]),
                show.percent(one["before"]),
                show.percent(one["after"]),
                show.points(one["change"]),
                show.percent(one["kept"]),
                show.number(one["seeds"]),
            )
            for one in cast(list[Json], report["collateral"] or [])
        ),
        texts=2,
    )


def _interval(contrast: Json) -> str:
    if contrast["interval"] is None:
        return show.MISSING
    return f"{show.span_points(contrast['interval'])} ({show.percent(contrast['level'])})"


def _needed(contrast: Json) -> str:
    found = contrast["questions_needed"]
    return "no number" if found is None else show.number(found)


def _seeds(report: Json) -> list[Column]:
    """A row for each seed that any contrast has: questions won and lost, and McNemar's p."""

    def cell(seed: int) -> Callable[[Json], str]:
        def text(contrast: Json) -> str:
            for one in contrast["mcnemar"]:
                if one["seed"] == seed:
                    return (
                        f"{one['gained']:,} / {one['lost']:,} ({show.probability(one['p_value'])})"
                    )
            return show.MISSING

        return text

    seeds = {one["seed"] for found in report["contrasts"].values() for one in found["mcnemar"]}
    return [(f"Seed {seed}: won / lost (p by McNemar)", cell(seed)) for seed in sorted(seeds)]


def _swapped(contrast: Json) -> str:
    found = contrast["label_swaps"]
    return show.MISSING if found is None else f"{found['warranted']:,} of {found['swaps']:,}"
