"""`ragfirst eval calibrate`: runs the simulation and says whether the rule keeps its promises."""

import json
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from eval.calibrate import Grid, ScenarioResult, as_json, calibrate, possible, skipped
from eval.decide import LEVEL

WRONG = 0.05
"""The most that a wrong verdict may happen in any scenario."""

OFF = 0.02
"""How far coverage may be from the nominal one."""

ENOUGH = 2000
"""Runs a scenario from which on a missed target is no mere chance."""

POWER = 0.8
"""Wanted at the margin + 0.15 with 300 questions, 30 clusters, correlation 0.1 or less."""


def run_and_print(runs: int, seed: int, as_json_only: bool) -> int:
    """Simulate, print a table or JSON, and return the exit status: 1 where a promise is broken."""
    grid = Grid()
    console = Console(stderr=True)
    scenarios = possible(grid)
    shown = track(scenarios, "simulating", console=console, disable=not console.is_terminal)
    results = [calibrate(scenario, runs, seed) for scenario in shown]
    missed = promises(results, grid)
    if as_json_only:
        typer.echo(json.dumps(as_json(results, grid)))
    else:
        _print(results, grid)
        for line in missed:
            typer.echo(line)
        if missed and runs < ENOUGH:
            typer.echo(f"With fewer than {ENOUGH} runs some targets are missed by chance alone.")
    return 1 if missed else 0


def promises(results: Sequence[ScenarioResult], grid: Grid) -> list[str]:
    """A line for each scenario that misses a target; none where the rule keeps them all."""
    lines: list[str] = []
    for one in results:
        for name, rate in (
            ("falsely warranted", one.false_warranted),
            ("falsely not warranted", one.false_not_warranted),
        ):
            if rate is not None and rate > WRONG:
                lines.append(f"{name} in {rate:.4f}, at most {WRONG} is wanted: {_told(one)}")
        if abs(one.coverage - LEVEL) > OFF + 1e-9:
            lines.append(f"coverage {one.coverage:.4f}, {LEVEL} ± {OFF} is wanted: {_told(one)}")
        if one.power is not None and _is_powered(one, grid) and one.power < POWER:
            lines.append(f"power {one.power:.3f}, at least {POWER} is wanted: {_told(one)}")
    return lines


def _is_powered(one: ScenarioResult, grid: Grid) -> bool:
    scenario = one.scenario
    return (
        abs(scenario.difference - grid.margin - 0.15) < 1e-9
        and scenario.questions >= 300
        and scenario.clusters >= 30
        and scenario.icc <= 0.1
    )


def _print(results: Sequence[ScenarioResult], grid: Grid) -> None:
    table = Table(title=f"The rule over {results[0].runs} runs a scenario, worst of each row")
    for name in ("clusters", "correlation", "scenarios"):
        table.add_column(name, justify="right")
    for name in ("false warranted", "false not warranted", "coverage", "power at +0.15"):
        table.add_column(name, justify="right")
    for clusters in grid.clusters:
        for icc in grid.iccs:
            some = [
                one
                for one in results
                if one.scenario.clusters == clusters and one.scenario.icc == icc
            ]
            if some:
                table.add_row(*_cells(some, clusters, icc, grid))
    Console(width=120).print(table)
    typer.echo(f"{len(results)} scenarios; {len(skipped(grid))} combinations are not possible.")


def _cells(some: Sequence[ScenarioResult], clusters: int, icc: float, grid: Grid) -> list[str]:
    wrong = [one.false_warranted for one in some if one.false_warranted is not None]
    missed = [one.false_not_warranted for one in some if one.false_not_warranted is not None]
    covered = [one.coverage for one in some]
    powers: list[Any] = [
        one.power
        for one in some
        if one.power is not None
        and one.scenario.questions >= 300
        and abs(one.scenario.difference - grid.margin - 0.15) < 1e-9
    ]
    return [
        str(clusters),
        f"{icc:g}",
        str(len(some)),
        f"{max(wrong):.4f}" if wrong else "",
        f"{max(missed):.4f}" if missed else "",
        f"{min(covered):.3f}–{max(covered):.4f}",
        f"{min(powers):.3f}" if powers else "",
    ]


def _told(one: ScenarioResult) -> str:
    scenario = one.scenario
    return (
        f"{scenario.questions} questions, {scenario.clusters} clusters, correlation "
        f"{scenario.icc:g}, discordance {scenario.discordance:g}, difference "
        f"{scenario.difference:g}"
    )
