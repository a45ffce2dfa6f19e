"""What importers share: records read with their places, and what becomes of the bad ones.

An importer yields a `Question` for each good record and a `Skipped` for each bad one; where a
record is kept but something could not be told of it, a `Note` goes with it.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

from eval.questions import Question, UnreadableQuestions


class BadRecord(ValueError):
    """A record cannot become a question; the message names the field. It is skipped."""


class UnusableOption(ValueError):
    """An option of an import has no use here; the message names it and what there is."""


class Skipped(NamedTuple):
    """A record that was left out: where it stands (file, line or record), and why."""

    place: str
    reason: str


class Note(NamedTuple):
    """What to know of records that were kept."""

    place: str
    text: str


_LONGEST_CELL = 1 << 24  # characters

Item = Question | Skipped | Note
Record = dict[str, Any]


def read_text(file: Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    CESU-8 is read too (Unicode report 26: emoji as two surrogates), which some exports write.
    Raises `UnreadableQuestions`.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UnreadableQuestions(f"{file}: cannot be read ({error})") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            units = data.decode("utf-8-sig", "surrogatepass").encode("utf-16-le", "surrogatepass")
            return units.decode("utf-16-le")
        except UnicodeError:
            line = data.count(b"\n", 0, error.start) + 1
            raise UnreadableQuestions(
                f"{file}: line {line}: not UTF-8 ({error.reason}); save the file as UTF-8"
            ) from error


def json_records(file: Path) -> Iterator[tuple[str, Record | BadRecord]]:
    """The records of a JSON Lines file, or of a JSON list, each with its place.

    Raises `UnreadableQuestions` where a list is not JSON.
    """
    text = read_text(file)
    if text.lstrip().startswith("["):
        for number, value in enumerate(parse_json(file, text), start=1):
            yield f"{file}: record {number}", record(value)
        return
    # Not `splitlines`: JSON texts may hold U+2028 and the like, which end no line here.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{file}: line {number}", record(_parsed(line))


def parse_json(file: Path, text: str | None = None) -> Any:
    """The value of a JSON file. Raises `UnreadableQuestions` with the line."""
    try:
        return json.loads(read_text(file) if text is None else text)
    except json.JSONDecodeError as error:
        raise UnreadableQuestions(
            f"{file}: line {error.lineno}: not JSON ({error.msg}, column {error.colno})"
        ) from error
    except RecursionError as error:
        raise UnreadableQuestions(
            f"{file}: JSON nested too deeply to be a question file"
        ) from error


def csv_header(file: Path, delimiter: str = ",") -> list[str]:
    """The column names of a CSV file, stripped. Raises `UnreadableQuestions`."""
    for _, cells in _csv_lines(file, delimiter):
        return [cell.strip() for cell in cells]
    raise UnreadableQuestions(f"{file}: is empty")


def csv_records(file: Path, delimiter: str = ",") -> Iterator[tuple[str, Record | BadRecord]]:
    """The rows of a CSV file as records by column name, each with the line it begins on.

    Empty rows are passed over. Raises `UnreadableQuestions`.
    """
    rows = _csv_lines(file, delimiter)
    header: list[str] = []
    for line, cells in rows:
        if not header:
            header = [cell.strip() for cell in cells]
            continue
        place = f"{file}: line {line}"
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            yield place, BadRecord(f"{len(cells)} cells under {len(header)} columns")
        else:
            padded = cells + [""] * (len(header) - len(cells))
            yield place, dict(zip(header, padded, strict=False))


def _csv_lines(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_LONGEST_CELL)  # contexts in a cell pass the 131,072 of the module
    reader = csv.reader(io.StringIO(read_text(file), newline=""), delimiter=delimiter)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableQuestions(f"{file}: line {begins}: not CSV ({error})") from error


def record(value: Any) -> Record | BadRecord:
    """The value where it is an object, else why it is not one."""
    if isinstance(value, dict | BadRecord):
        return cast("Record | BadRecord", value)
    return BadRecord(f"an object is wanted, found {str(value)[:60]!r}")


def converted(
    records: Iterable[tuple[str, Record | BadRecord]],
    convert: Callable[[str, Record], Iterable[Item]],
) -> Iterator[Item]:
    """What `convert(place, record)` makes of each record; a `BadRecord` is a `Skipped`."""
    for place, one in records:
        try:
            if isinstance(one, BadRecord):
                raise one
            yield from list(convert(place, one))
        except BadRecord as bad:
            yield Skipped(place, str(bad))


def text_of(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text or number of a record, stripped. Raises `BadRecord` where it is missing or empty."""
    value = fields.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        value = str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    if default is not None and (value is None or value == ""):
        return default
    found = "missing or empty" if value is None or isinstance(value, str) else f"{value!r}"
    raise BadRecord(f"field {name!r}: a text is wanted, it is {found}")


def texts_of(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Texts or numbers of a list, stripped, in order, none where it is missing.

    Raises `BadRecord` for what is no list, and for an element that is no text or empty.
    """
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadRecord(f"field {name!r}: a list is wanted, found {value!r}")
    values = cast(list[Any], value)
    return tuple(
        text_of({f"{name}[{place}]": element}, f"{name}[{place}]")
        for place, element in enumerate(values)
    )


def distinct(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts without repeats, in order."""
    return tuple(dict.fromkeys(texts))


@dataclass(frozen=True, slots=True)
class Documents:
    """The files below a folder by their paths in it, sorted, with forward slashes."""

    folder: Path
    paths: tuple[str, ...]

    @classmethod
    def below(cls, folder: Path) -> "Documents":
        """Raises `UnusableOption` where the folder holds no file."""
        files = [file for file in folder.rglob("*") if file.is_file()]
        if not files:
            raise UnusableOption(f"option 'documents': no file below {folder}")
        return cls(folder, tuple(sorted(file.relative_to(folder).as_posix() for file in files)))

    def find(self, pattern: str) -> tuple[str, ...]:
        """The paths that match, in any case of letters.

        A pattern with "*" is one of file names, with or without their suffix; any other is a
        name, with or without it, or the end of a path. Raises `BadRecord` where there is none.
        """
        wanted = pattern.casefold().replace("\\", "/")
        found = tuple(path for path in self.paths if _matches(path.casefold(), wanted))
        if not found:
            raise BadRecord(f"no file below {self.folder} is {pattern!r}")
        return found


def _matches(path: str, wanted: str) -> bool:
    name = PurePosixPath(path)
    if "*" in wanted:
        return fnmatchcase(name.name, wanted) or fnmatchcase(name.stem, wanted)
    return wanted == name.stem or f"/{path}".endswith(f"/{wanted}")


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadRecord(f"not JSON ({error})")
