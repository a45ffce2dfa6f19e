"""The report as one HTML file that opens from disk and asks nothing of anyone. Pure."""

import base64
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from eval.report import evidence, figures, plot, side, tables, verdict, words
from eval.report.arms import MIN_CALLS
from eval.report.folder import Json, Run

CONTENTS = (
    ("arms", "Arms"),
    ("decomposition", "Retrieval"),
    ("abstention", "Abstention"),
    ("cost", "Cost and time"),
    ("rule", "Statistics"),
    ("tests", "Five tests"),
    ("selection", "Selection"),
    ("collateral", "Side effects"),
    ("guards", "Checks"),
    ("questions", "Every question"),
    ("manifest", "Manifest"),
)
"""Sections below the first screen: id and title."""

_HERE = Path(__file__).parent


def as_html(report: Json, run: Run) -> str:
    """The page. What comes from files is escaped, and its policy lets only its own script run."""
    style, script = (_part(name) for name in ("style.css", "script.js"))
    block = side.side_by_side(run)
    names = words.contrast_names(report)
    retrieving = [arm for arm in report["arms"] if arm["decomposition"]]
    template = _environment(report["costs"]["currency"]).get_template("template.html.j2")
    return template.render(
        report=report,
        words=words,
        evidence=evidence,
        tables=tables,
        parts=plot.PARTS,
        contents=CONTENTS,
        min_calls=MIN_CALLS,
        question=verdict.question(report),
        headline=verdict.headline(report),
        cautions=verdict.cautions(report),
        cards=[verdict.card(name, report) for name in names],
        lines={name: plot.number_line(one) for name, one in report["contrasts"].items()},
        dots=plot.dots(report["arms"]),
        bars=[(arm, plot.segments(arm["decomposition"])) for arm in retrieving],
        baseline=next((arm for arm in report["arms"] if arm["role"] == "baseline"), None),
        seeded=any(len(arm["by_seed"]) > 1 for arm in report["arms"]),
        started=_day(report["manifest"]),
        manifest=_lines(report["manifest"]),
        block=block,
        policy=_policy(style, script),
        style=_markup(style),
        script=_markup(script),
        data=_markup(side.as_json(block)),
    )


def _day(manifest: Json | None) -> str:
    return str((manifest or {}).get("started", ""))[:10]


def _environment(currency: str) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "percent": figures.percent,
        "points": figures.points,
        "span": figures.span,
        "number": figures.number,
        "plain": tables.plain,
        "money": partial(figures.money, currency=currency),
    }
    environment.filters.update(filters)
    return environment


def _policy(style: str, script: str) -> str:
    """No request at all; only the page's own style and script, by their hashes."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _markup(text: str) -> Any:
    """Text of this package, or JSON that cannot end its element: not to be escaped."""
    from markupsafe import Markup

    return Markup(text)


def _part(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _lines(manifest: Json | None) -> list[tuple[str, str]]:
    """The manifest with one line for each value, however deep."""
    found: list[tuple[str, str]] = []
    for name, value in (manifest or {}).items():
        if isinstance(value, dict):
            found += [(f"{name} · {inner}", text) for inner, text in _lines(cast(Json, value))]
        else:
            found.append((name, tables.plain(value)))
    return found
