"""Checksums tell files and rows that are as they were from others."""

import sqlite3
from pathlib import Path

import pytest

from ingest.checksums import CHUNK, check, checksums, of_values, sound
from tests.corpora import write

VALUES = (7, 0, "Text", '["A"]', None, None, 3, 7, b"\x00\x01", b"", b"\x02")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, {"a.txt": "one", "below/b.txt": "two", ".lock": "", "below/.meta": "x"})


def row(*values: object, names: tuple[str, ...] = (*CHUNK, "checksum")) -> sqlite3.Row:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    columns = ", ".join(f"? AS {name}" for name in names)
    return connection.execute(f"SELECT {columns}", values).fetchone()


def test_files_are_named_by_their_path_and_hidden_ones_left_out(folder: Path):
    assert checksums(folder) == {"a.txt": [3, 2053932785], "below/b.txt": [3, 298486374]}


def test_what_is_as_it_was_passes(folder: Path):
    recorded = checksums(folder)
    (folder / "new").write_text("is not asked about")
    check(folder, recorded)


@pytest.mark.parametrize(
    ("text", "words"),
    [("onE", "a.txt is not what was written"), ("on", "a.txt has 2 bytes of 3")],
)
def test_what_has_changed_is_named(folder: Path, text: str, words: str):
    recorded = checksums(folder)
    (folder / "a.txt").write_text(text)
    with pytest.raises(ValueError, match=words):
        check(folder, recorded)


def test_what_is_missing_is_an_error_of_the_disk(folder: Path):
    recorded = checksums(folder)
    (folder / "a.txt").unlink()
    with pytest.raises(FileNotFoundError):
        check(folder, recorded)


def test_a_row_that_is_as_it_was_is_sound():
    assert sound(row(*VALUES, of_values(VALUES)), CHUNK)


@pytest.mark.parametrize("at", range(len(VALUES)))
def test_a_row_of_which_one_value_has_changed_is_not(at: int):
    changed = list[object](VALUES)
    changed[at] = b"\x09" if isinstance(VALUES[at], bytes) else 99
    assert not sound(row(*changed, of_values(VALUES)), CHUNK)


def test_what_moves_from_one_value_to_the_next_is_a_change():
    assert of_values(["ab", "c"]) != of_values(["a", "bc"])


def test_a_row_whose_bytes_became_text_is_not_sound():
    changed = (*VALUES[:8], "\x00\x01", *VALUES[9:])
    assert not sound(row(*changed, of_values(VALUES)), CHUNK)


def test_a_row_that_lost_its_checksum_or_a_column_is_not_sound():
    assert not sound(row(*VALUES, None), CHUNK)
    assert not sound(row(*VALUES[1:], 1, names=(*CHUNK[1:], "checksum")), CHUNK)


def test_a_row_of_a_format_without_checksums_is_taken_as_it_is():
    assert sound(row(*VALUES, names=CHUNK), CHUNK)
