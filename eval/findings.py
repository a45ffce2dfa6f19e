"""What the guards found, and the stop where one is broken."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from eval.task import GUARDS, Task

WAIVABLE = ("source-documents",)
"""Guards that a task may waive, by name. Any can be overridden for one run."""

SHOWN = 10
"""So many records of a broken guard are listed when it stops a run; guards.json has them all."""

_REMEDIES = {
    "gold-in-corpus": "correct evidence and answers, or ingest the documents that are missing",
    "leaks": "take these questions out of training and dev, or out of test",
    "source-documents": "split by source, so that no document serves two splits, or waive it in "
    "the task file (waive: [source-documents])",
    "dates": "ask test questions later than training, or leave `asked_at` out where it is unknown",
    "closed-book": "reword the question or the instruction, or give a gold answer that is not "
    "told with the question",
    "question-files": "ingest the documents alone, and keep task files in a folder of their own",
}


class GuardBroken(ValueError):
    """A check before the verdict failed, and nobody waived it; the message lists the records."""


class UnknownGuard(ValueError):
    """A guard is waived or overridden that is not there, or that a task may not waive."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one guard found.

    `name`: of `eval.task.GUARDS`. `records`: what breaks it, one text each, beginning with the
    question or document. `note`: what was checked, and what could not be. `waived`: by the task or
    by an override, which the note says too; a run goes on only if `passed` or `waived`.
    """

    name: str
    passed: bool
    waived: bool
    note: str
    records: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """An item of guards.json."""
        return {**asdict(self), "records": list(self.records)}


def finding(name: str, note: str, records: Iterable[str] = ()) -> Finding:
    """What a guard found: it passed where there are no records."""
    found = tuple(records)
    return Finding(name, passed=not found, waived=False, note=note, records=found)


def waive(findings: Sequence[Finding], task: Task) -> list[Finding]:
    """Mark what the task waives. Raises `UnknownGuard` where it may not be waived by a task."""
    for name in task.waive:
        if name not in WAIVABLE:
            raise UnknownGuard(
                f"{task.file}: field 'waive': {name!r} may not be waived by a task, only "
                f"{', '.join(WAIVABLE)}; override it for a single run, if you must"
            )
    return [_marked(one, "WAIVED by the task", task.waive) for one in findings]


def refuse(findings: Sequence[Finding], override: Sequence[str] = ()) -> list[Finding]:
    """The findings, those named by `override` marked as waived, where the run may go on.

    Raises `GuardBroken` where a guard failed and is not waived, with its first `SHOWN` records and
    the remedy, and `UnknownGuard` for an override that names no guard.
    """
    for name in override:
        if name not in GUARDS:
            raise UnknownGuard(f"override {name!r}: no such guard; there are {', '.join(GUARDS)}")
    marked = [_marked(one, "OVERRIDDEN for this run", override) for one in findings]
    broken = [one for one in marked if not one.passed and not one.waived]
    if broken:
        raise GuardBroken("no verdict can be given:\n" + "\n".join(map(_told, broken)))
    return marked


def write_findings(file: Path, findings: Sequence[Finding]) -> None:
    """Write guards.json: a list with an object for each guard, all of its records in it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    items = [one.as_dict() for one in findings]
    file.write_text(json.dumps(items, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_findings(file: Path) -> list[Finding]:
    """The findings of a guards.json. Raises `ValueError` naming the file where it is not one."""
    try:
        items = cast(list[dict[str, Any]], json.loads(file.read_text(encoding="utf-8")))
        found = [Finding(**item) for item in items]
        return [replace(one, records=tuple(one.records)) for one in found]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ValueError(f"{file}: not a list of findings ({error!r}); audit again") from error


def _marked(finding: Finding, by: str, names: Sequence[str]) -> Finding:
    if finding.name not in names or finding.waived:
        return finding
    needed = "" if not finding.passed else ", though it holds"
    return replace(finding, waived=True, note=f"{by}{needed}: {finding.note}")


def _told(finding: Finding) -> str:
    shown = [f"  - {record}" for record in finding.records[:SHOWN]]
    total = len(finding.records)
    of = "all" if total <= SHOWN else f"the first {SHOWN}"
    head = f"guard {finding.name!r} is broken: {finding.note}; {of} of {total} records:"
    return "\n".join([head, *shown, f"  Remedy: {_REMEDIES[finding.name]}."])
