"""Writes the report of a run folder, in all its forms, beside the run."""

import json
from pathlib import Path

from eval.report.build import build
from eval.report.folder import read_run
from eval.report.html import as_html
from eval.report.junit import as_junit
from eval.report.markdown import as_markdown
from eval.report.table import arms_csv, questions_csv


def write_report(folder: Path) -> list[Path]:
    """Write report.json, .html, .md, arms.csv, questions.csv and junit.xml; return their paths.

    Raises `UnreadableRun`, `UnreadableRows` or `UnreadableQuestions` where a file of the run is
    not what it should be; then nothing is written.
    """
    run = read_run(folder)
    report = build(run)
    texts = {
        "report.json": json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        "report.html": as_html(report, run),
        "report.md": as_markdown(report),
        "arms.csv": arms_csv(report),
        "questions.csv": questions_csv(run),
        "junit.xml": as_junit(report),
    }
    for name, text in texts.items():
        work = folder / f"{name}.new"
        work.write_text(text, encoding="utf-8", newline="")
        work.replace(folder / name)
    return [folder / name for name in texts]
