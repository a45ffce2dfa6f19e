"""The format of a question file or folder, by what it holds, not by its name."""

from pathlib import Path
from typing import Any, cast

from eval.imports import cuad, table
from eval.imports.records import BadRecord, csv_header, json_records, parse_json, read_text, record
from eval.questions import UnreadableQuestions


def detect(path: Path) -> str:
    """The name of the format. Raises `UnreadableQuestions` for what none of them reads."""
    if path.is_dir():
        return _folder(path)
    head = read_text(path).lstrip()[:1]
    found = _csv(path) if head not in ("{", "[") else _json(path)
    if found is None:
        raise UnreadableQuestions(
            f"{path}: holds no format that is known (SQuAD, Snips or Ragas JSON, FlashRAG JSON "
            "Lines, a CSV table); name the format"
        )
    return found


def _folder(path: Path) -> str:
    if (path / "queries.jsonl").is_file():
        return "beir"
    if any(path.glob("*/train_*.json")):
        return "snips"
    raise UnreadableQuestions(
        f"{path}: neither a BEIR folder (queries.jsonl) nor a Snips one (*/train_*.json); for "
        "another format give the file"
    )


def _csv(file: Path) -> str | None:
    header = csv_header(file)
    if "user_input" in header:
        return "ragas"
    for name, columns in (("cuad", cuad.find_columns), ("table", table.find_columns)):
        try:
            columns(file)
        except UnreadableQuestions:
            continue
        return name
    return None


def _json(file: Path) -> str | None:
    text = read_text(file)
    try:
        whole = parse_json(file, text)
    except UnreadableQuestions:
        whole = None
    if isinstance(whole, dict):
        found = _object(cast(dict[str, Any], whole))
        if found:
            return found
    for _, one in json_records(file):
        if isinstance(one, dict):
            if "golden_answers" in one:
                return "flashrag"
            if "user_input" in one:
                return "ragas"
            if "answers" in one and "answerable" in one:
                raise UnreadableQuestions(f"{file}: is a question file already; use it as it is")
            return None
    return None


def _object(value: dict[str, Any]) -> str | None:
    lists = [cast(list[Any], one) for one in value.values() if isinstance(one, list)]
    first = [record(one) for items in lists for one in items[:9]]
    fields = {field for one in first if not isinstance(one, BadRecord) for field in one}
    if "data" in value and "paragraphs" in fields:
        return "squad"
    return "snips" if len(lists) == len(value) and "data" in fields else None
