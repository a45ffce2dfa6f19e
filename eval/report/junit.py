"""JUnit XML for a gate in continuous integration: one test case a guard, one a contrast. Pure.

The form is that of Apache Ant's JUnitReport task, which Jenkins, GitLab and the others read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as XML

from eval.report.figures import points, span_points
from eval.report.folder import Json
from eval.report.tables import plain
from eval.report.verdict import reason
from eval.report.words import GUARDS, INCONCLUSIVE

UNKNOWN_TIME = "1970-01-01T00:00:00"
"""The form wants a time; this one stands where the run has no manifest."""


def as_junit(report: Json) -> str:
    """The report as JUnit XML.

    A broken guard is a failure, and all of its records are in it. A waived one, and a contrast
    that is inconclusive, are skipped with the reason. What was decided stands in the properties,
    as "C1.decision", "C1.difference" and so on: "not warranted" is a result, no failure.
    """
    root = XML.Element("testsuites")
    suite = XML.SubElement(root, "testsuite")
    properties = XML.SubElement(suite, "properties")
    for name, value in _properties(report):
        XML.SubElement(properties, "property", name=name, value=_legal(value))
    cases = [_guard(suite, report, guard) for guard in report["guards"]]
    cases += [_contrast(suite, report, name) for name in report["contrasts"]]
    XML.SubElement(suite, "system-out")
    XML.SubElement(suite, "system-err")
    for name, value in {
        "name": f"ragfirst.{report['task']}",
        "package": "ragfirst",
        "id": "0",
        "timestamp": _started(report["manifest"]),
        "hostname": "localhost",
        "tests": str(len(cases)),
        "failures": str(_count(cases, "failure")),
        "errors": "0",
        "skipped": str(_count(cases, "skipped")),
        "time": _seconds(report["manifest"]),
    }.items():
        suite.set(name, _legal(value))
    XML.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + XML.tostring(root, "unicode") + "\n"


def _properties(report: Json) -> list[tuple[str, str]]:
    found = [("task", report["task"]), ("kind", report["kind"]), ("seeds", plain(report["seeds"]))]
    for name, contrast in report["contrasts"].items():
        for field in ("decision", "difference", "interval", "margin", "questions_needed"):
            found.append((f"{name}.{field}", plain(contrast[field])))
    return found


def _guard(suite: XML.Element, report: Json, guard: Json) -> XML.Element:
    case = _case(suite, report, "guards", guard["name"])
    if guard["passed"]:
        return case
    records = "\n".join(plain(record) for record in guard["records"])
    what = GUARDS.get(guard["name"], guard["name"])
    if guard["waived"]:
        XML.SubElement(case, "skipped", message=_legal(f"waived, and it does not hold: {what}"))
    else:
        message = _legal(f"it does not hold that {what}. {guard['note']}".strip())
        broken = XML.SubElement(case, "failure", message=message, type="guard")
        broken.text = _legal(records)
    return case


def _contrast(suite: XML.Element, report: Json, name: str) -> XML.Element:
    contrast = report["contrasts"][name]
    case = _case(suite, report, "contrasts", name)
    if contrast["decision"] == INCONCLUSIVE:
        figures = f"{points(contrast['difference'])}, {span_points(contrast['interval'])}"
        message = f"inconclusive ({figures}): {reason(contrast)}"
        XML.SubElement(case, "skipped", message=_legal(message))
    return case


def _case(suite: XML.Element, report: Json, group: str, name: str) -> XML.Element:
    classname = _legal(f"ragfirst.{report['task']}.{group}")
    return XML.SubElement(suite, "testcase", name=_legal(name), classname=classname, time="0")


def _count(cases: Sequence[XML.Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)


def _started(manifest: Json | None) -> str:
    """In UTC, without a zone, as the form wants it."""
    try:
        found = datetime.fromisoformat(str((manifest or {}).get("started")))
    except ValueError:
        return UNKNOWN_TIME
    return found.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def _seconds(manifest: Json | None) -> str:
    stages: dict[str, Any] = (manifest or {}).get("stages_seconds") or {}
    return f"{sum(stages.values()):.3f}"


def _legal(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(
        one
        for one in text
        if one in "\t\n\r"
        or "\x20" <= one <= "\ud7ff"
        or "\ue000" <= one <= "\ufffd"
        or one > "\uffff"
    )
