"""CSV files: the arms, and every answer. Pure.

Both open in a spreadsheet, which takes a text that begins with = + - @ for a formula. Such texts
get an apostrophe in front; results.jsonl has them as they were.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from eval.report.folder import Json, Run

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def arms_csv(report: Json) -> str:
    """One line an arm; nested figures get names like "abstention.coverage"."""
    lines = [_flat(arm) for arm in report["arms"]]
    return _csv(_names(lines), lines)


def questions_csv(run: Run) -> str:
    """One line a question, arm and seed, sorted by question, with gold answers and all scores."""
    order = {arm: place for place, arm in enumerate(run.arms)}
    questions = {question.id: question for question in run.questions}
    places = {question.id: place for place, question in enumerate(run.questions)}
    lines: list[Json] = []
    for row in sorted(run.rows, key=lambda row: (places[row.id], order[row.arm], row.seed)):
        question = questions[row.id]
        lines.append(
            {
                "id": row.id,
                "question": question.question,
                "gold": " | ".join(question.answers),
                "answerable": int(question.answerable),
                "source": question.source,
                "arm": row.arm,
                "seed": row.seed,
                "right": row.right,
                "abstained": int(row.abstained),
                "answer": row.answer,
                "grounding": row.grounding,
                "retrieved": " | ".join(row.retrieved),
                "prompt_tokens": row.prompt_tokens,
                "completion_tokens": row.completion_tokens,
                "cost": row.cost,
                "error": row.error,
                **{f"score.{name}": value for name, value in sorted(row.scores.items())},
            }
        )
    return _csv(_names(lines), lines)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Json:
    found: Json = {}
    for name, item in value.items():
        if isinstance(item, Mapping):
            found |= _flat(cast(Json, item), f"{prefix}{name}.")
        elif name == "by_seed":
            found |= {f"{prefix}accuracy.seed {one['seed']}": one["accuracy"] for one in item}
        elif name == "interval" and item:
            found |= {f"{prefix}low": item[0], f"{prefix}high": item[1]}
        elif isinstance(item, list):
            found[f"{prefix}{name}"] = " | ".join(map(str, cast(list[Any], item)))
        else:
            found[f"{prefix}{name}"] = item
    return found


def _names(lines: Iterable[Json]) -> list[str]:
    return list(dict.fromkeys(name for line in lines for name in line))


def _csv(names: Sequence[str], lines: Iterable[Json]) -> str:
    """With the line ends of RFC 4180; what was not measured is empty."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows({name: _safe(value) for name, value in line.items()} for line in lines)
    return out.getvalue()


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
