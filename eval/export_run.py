"""Per-question rows of a run folder in the forms of other tools, under exports/."""

from pathlib import Path

from eval.exports import ExportRow, by_system, write_evaltrust, write_ragas, write_ragchecker
from eval.passages import read_passages
from eval.questions import read_questions
from eval.rows import read_rows


def export_run(folder: Path) -> list[Path]:
    """Write exports/evaltrust.jsonl, and a Ragas and a RAGChecker file for each arm and seed.

    Ragas and RAGChecker, which know no row without a score, get those that have one. Files of
    arms that are not in the run any more are removed. Raises what reading the run's files raises.
    """
    questions = {question.id: question for question in read_questions(folder / "questions.jsonl")}
    passages = read_passages(folder / "passages.jsonl")
    rows = [
        ExportRow(
            questions[row.id],
            row.arm,
            row.seed,
            row.answer,
            None if row.right is None else bool(row.right),
            # Passages go by their document, as gold evidence does.
            tuple(
                (name.rpartition("@")[0], passages[name])
                for name in row.retrieved
                if name in passages
            ),
        )
        for row in read_rows(folder / "results.jsonl")
    ]
    out = folder / "exports"
    for pattern in ("*.ragas.jsonl", "*.ragchecker.json"):
        for stale in out.glob(pattern):
            stale.unlink()
    written = [out / "evaltrust.jsonl"]
    write_evaltrust(written[0], rows)
    for (arm, seed), some in by_system(row for row in rows if row.right is not None).items():
        for write, form in ((write_ragas, "ragas.jsonl"), (write_ragchecker, "ragchecker.json")):
            file = out / f"{arm}-seed-{seed}.{form}"
            write(file, some)
            written.append(file)
    return written
