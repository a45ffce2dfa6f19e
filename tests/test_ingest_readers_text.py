from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.documents import Document, UnreadableFile
from ingest.readers.characters import clean
from ingest.readers.text import read_text


def read_source(tmp_path: Path, source: str | bytes, name: str = "notes.txt") -> Document:
    file = tmp_path / name
    file.write_bytes(source.encode() if isinstance(source, str) else source)
    (document,) = read_text(file, f"wiki/{name}")
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    assert read_source(tmp_path, "Café – 5 €".encode(encoding)).text == "Café – 5 €"


def test_bytes_that_windows_leaves_undefined_do_not_stop_it(tmp_path: Path) -> None:
    assert "caf" in read_source(tmp_path, b"caf\xe9 \x81 words").text


def test_binary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="binary"):
        read_source(tmp_path, b"\x89PNG\x00\x00")


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"--- ***"])
def test_file_without_a_word_is_unreadable(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="holds no text"):
        read_source(tmp_path, content)


def test_wiki_headings_are_sections(tmp_path: Path) -> None:
    document = read_source(tmp_path, "Lead.\n== Use ==\nWords.\n=== Safety ===\nHelmets.\n")
    assert [section.path for section in document.sections] == [("Use",), ("Use", "Safety")]
    assert document.text == "Lead.\n\nUse\n\nWords.\n\nSafety\n\nHelmets."


def test_underlined_headings_are_sections_and_the_first_is_the_title(tmp_path: Path) -> None:
    document = read_source(tmp_path, "Crane manual\n============\n\nLead.\n\nUse\n---\n\nWords.\n")
    assert document.title == "Crane manual"
    assert [section.path for section in document.sections] == [("Use",)]


def test_lone_first_line_is_the_title(tmp_path: Path) -> None:
    assert read_source(tmp_path, "House rules\n\nNo smoking.").title == "House rules"


def test_file_name_is_the_title_of_running_text(tmp_path: Path) -> None:
    document = read_source(tmp_path, "A city. It lies inland.", "Bras%C3%ADlia_%28city%29.txt")
    assert document.title == "Brasília (city)"


def test_hard_wrapped_lines_are_joined(tmp_path: Path) -> None:
    line = "The depot in the north of the town has forty beds and a kitchen that is"
    document = read_source(tmp_path, "\n".join([line, line, line, line, "open.", "", "New one."]))
    assert document.text.endswith(f"{line} open.\n\nNew one.")


def test_lines_that_are_no_prose_stay(tmp_path: Path) -> None:
    assert read_source(tmp_path, "a = 1\nb = 2\nc = 3\nd = 4\ne = 5").text.count("\n") == 4


@given(st.text(st.characters()))
def test_clean_text_can_be_stored(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert not set(cleaned) & {"\0", "\r", "\ufeff", "\xad"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ﬁrst ﬂoor", "first floor"),
        ("a\xa0b", "a b"),
        ("x² ½", "x² ½"),
        ("\ud83d\ude00", "😀"),
        ("e\u0301", "é"),
        ("co\xadop", "coop"),
        ("a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_only_harmless_changes_are_made(text: str, expected: str) -> None:
    assert clean(text) == expected
