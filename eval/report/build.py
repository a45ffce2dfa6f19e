"""report.json: everything that a report says, computed from the files of a run folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from eval.report.arms import describe_arms
from eval.report.collateral import collateral_lines
from eval.report.contrasts import against_baseline, contrasts
from eval.report.folder import Json, Run, read_run
from eval.report.money import assumptions, returns
from eval.report.words import INCONCLUSIVE

DIGITS = 6
"""Of every float in report.json."""


def build_report(folder: Path) -> Json:
    """The content of report.json: the same files always give the same.

    {task, kind, contrasts, arms, guards, manifest} are a contract; what else is there is for the
    other forms of the report. Floats have six digits. Raises what `read_run` raises.
    """
    return build(read_run(folder))


def build(run: Run) -> Json:
    """The report of a run that has been read. Pure."""
    arms = describe_arms(run)
    by_name = {arm["name"]: arm for arm in arms}
    guards = [_guard(guard) for guard in run.guards or []]
    found = {name: _held(one, guards) for name, one in contrasts(run).items()}
    report: Json = {
        "task": run.name,
        "kind": run.task["kind"],
        "base": run.task.get("base", "not named"),
        "specialist": run.task.get("specialist"),
        "target": run.task["target"],
        "margin": run.task["margin"],
        "grader": run.task.get("grader"),
        "seeds": list(run.seeds),
        "twice": run.twice,
        "quick": bool((run.manifest or {}).get("quick")),
        "baseline": run.baseline,
        "counts": _counts(run),
        "contrasts": found,
        "arms": arms,
        "holm": against_baseline(run),
        "returns": {
            name: returns(one, by_name.get(one["arm"]), by_name.get(one["baseline"]), run.costs)
            for name, one in found.items()
            if not run.twice
        },
        "costs": assumptions(run.costs),
        "guards": guards,
        "guards_missing": run.guards is None,
        "warrant": run.warrant,
        "selection": run.selection,
        "collateral": None if run.collateral is None else collateral_lines(run.collateral),
        "manifest": run.manifest,
    }
    return cast(Json, rounded(report))


def rounded(value: Any) -> Any:
    """The value with floats of six digits, and tuples as lists, as JSON has them."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        items = cast(Mapping[Any, Any], value).items()
        return {str(name): rounded(item) for name, item in items}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in cast(Sequence[Any], value)]
    return value


def _counts(run: Run) -> Json:
    answerable = sum(question.answerable for question in run.questions)
    return {
        "questions": len(run.questions),
        "answerable": answerable,
        "unanswerable": len(run.questions) - answerable,
        "clusters": len({question.source or question.id for question in run.questions}),
        "rows": len(run.rows),
        "unscored": sum(row.right is None for row in run.rows),
    }


def _held(contrast: Json, guards: Sequence[Json]) -> Json:
    """A contrast without its verdict where a guard is broken that nobody waived."""
    broken = [guard["name"] for guard in guards if not guard["passed"] and not guard["waived"]]
    if not broken:
        return contrast
    reason = f"no verdict may rest on a run with a broken check ({', '.join(broken)})"
    return contrast | {"decision": INCONCLUSIVE, "reason": reason, "questions_needed": None}


def _guard(guard: Json) -> Json:
    return {
        "name": guard["name"],
        "passed": bool(guard["passed"]),
        "waived": bool(guard.get("waived")),
        "records": list(guard.get("records") or []),
        "note": guard.get("note") or "",
    }
