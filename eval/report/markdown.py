"""The report as Markdown: verdict, figures, evidence, without the single questions. Pure."""

import re
from collections.abc import Sequence
from typing import cast

from eval.report import evidence, tables
from eval.report.figures import number
from eval.report.folder import Json
from eval.report.tables import Table, plain
from eval.report.verdict import Card, card, cautions, headline, question
from eval.report.words import GUARDS, contrast_names

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def as_markdown(report: Json) -> str:
    """The whole text. All that comes from files is escaped: it is data, no markup."""
    short, sentence = headline(report)
    counts = report["counts"]
    parts = [
        f"# {_text(question(report))} {short}.",
        f"{_text(sentence)} {number(counts['questions'])} test questions from "
        f"{number(counts['clusters'])} sources; base model {_text(report['base'])}.",
        *(f"> **{_text(one.title)}.** {_text(one.text)}" for one in cautions(report)),
        *(_card(card(name, report)) for name in contrast_names(report)),
        _section("Arms", [tables.arms_table(report)]),
        _section("Where retrieval wins and loses", _full(tables.decomposition_table(report))),
        _section("Knowing when not to answer", [tables.abstention_table(report)]),
        _section("Cost and time", [tables.cost_table(report)]),
        _section("Would it pay?", _full(tables.returns_table(report))),
        _section("How the verdict was reached", _full(evidence.contrasts_table(report))),
        _section("Every arm against the baseline (Holm)", _full(evidence.holm_table(report))),
        _list("Five tests before fine-tuning", _tests(report)),
        _section("Chosen on dev", [table for _, _, table in evidence.selection_tables(report)]),
        _section("What else the adapter changed", _full(evidence.collateral_table(report))),
        _list("Checks before the verdict", _guards(report)),
        _list("Manifest", _manifest(report["manifest"])),
    ]
    return "\n\n".join(parts) + "\n"


def _card(one: Card) -> str:
    figure = (
        f"**{_text(one.difference)} points** ({_text(one.interval)}). " if one.difference else ""
    )
    return (
        f"## {one.id}, {one.title.lower()}: {one.decision}\n\n"
        f"{figure}{_text(one.reason)} {_text(one.money)}".strip()
        + f"\n\n_{_text(one.asked[0].upper() + one.asked[1:])}._"
    )


def _full(table: Table) -> list[Table]:
    return [table] if table.rows and len(table.columns) > 1 else []


def _section(title: str, found: Sequence[Table]) -> str:
    if not found:
        return f"## {title}\n\nNot measured."
    several = len(found) > 1
    return f"## {title}\n\n" + "\n\n".join(
        (f"**{_text(table.caption)}**\n\n" if several else "") + _table(table) for table in found
    )


def _table(table: Table) -> str:
    aligned = ["---" if place < table.texts else "---:" for place in range(len(table.columns))]
    lines = [[_text(name) for name in table.columns], aligned]
    lines += [[_text(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(title: str, items: Sequence[str]) -> str:
    return f"## {title}\n\n" + ("\n".join(f"- {item}" for item in items) or "Not measured.")


def _tests(report: Json) -> list[str]:
    return [
        f"**{_text(one['name'])}: {_text(one['outcome'])}.** "
        f"{_text(plain(one.get('evidence', '')))}"
        for one in cast(list[Json], report["warrant"] or [])
    ]


def _guards(report: Json) -> list[str]:
    found: list[str] = []
    for guard in report["guards"]:
        state = "holds" if guard["passed"] else "BROKEN"
        waived = ", waived" if guard["waived"] else ""
        what = GUARDS.get(guard["name"], "")
        records = [f"    - {_text(plain(record))}" for record in guard["records"]]
        line = f"**{_text(guard['name'])}: {state}{waived}.** {_text(what)}. {_text(guard['note'])}"
        found.append("\n".join([line.strip(), *records]))
    return found


def _manifest(manifest: Json | None) -> list[str]:
    return [f"{_text(name)}: {_text(plain(value))}" for name, value in (manifest or {}).items()]


def _text(text: str | None) -> str:
    """On one line, and with nothing that Markdown or HTML would take for markup."""
    return _SPECIAL.sub(r"\\\1", " ".join((text or "").split(" ")).replace("\n", " "))
