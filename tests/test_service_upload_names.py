"""What an upload may be called and what may be in it."""

import gzip
from pathlib import Path

import pytest

from service.upload_names import (
    LONGEST_NAME,
    UploadRefused,
    check_collection,
    check_content,
    safe_name,
    upload_id,
)
from tests.corpora import dump


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("manual.pdf", "manual.pdf"),
        ("Über uns.MD", "Über uns.MD"),
        ("../../etc/notes.txt", "notes.txt"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("..\\..\\notes.txt", "notes.txt"),
        (".hidden.md", "hidden.md"),
        ("... .md.html", "md.html"),
        ("a\x00b\r\nc\x1b.md", "abc.md"),
        ("evil\u202efdp.md", "evilfdp.md"),
        ("  two   spaces .md. ", "two spaces.md"),
        ("u\u0308ber.md", "über.md"),
        ("dump.xml.gz", "dump.xml.gz"),
        ("%2e%2e%2fnotes.txt", "%2e%2e%2fnotes.txt"),
    ],
)
def test_a_name_is_made_safe(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


@pytest.mark.parametrize(("letter", "end"), [("a", ".pdf"), ("日", ".xml.bz2")])
def test_a_long_name_keeps_its_beginning_and_its_end(letter: str, end: str) -> None:
    name = safe_name(letter * 300 + end)
    assert name.startswith(letter * 50) and name.endswith(letter + end)
    assert LONGEST_NAME - 3 < len(name.encode()) <= LONGEST_NAME


@pytest.mark.parametrize("sent", ["", ".", "..", "folder/", "\x00", " . ", "a/..\\"])
def test_nothing_is_no_name(sent: str) -> None:
    with pytest.raises(UploadRefused, match="is no name for a file") as refused:
        safe_name(sent)
    assert (refused.value.status, refused.value.field) == (422, "file")


@pytest.mark.parametrize(
    "sent", ["run.exe", "page.docx", "noextension", ".pdf", "a.pdf/x", "a.md~"]
)
def test_a_kind_that_is_not_read_is_told_those_that_are(sent: str) -> None:
    with pytest.raises(
        UploadRefused, match=r"not of a known kind: send \.htm, .*\.pdf.*\.xml\.gz"
    ) as refused:
        safe_name(sent)
    assert refused.value.status == 415


@pytest.mark.parametrize("name", ["uploads", "Team 7", "a", "हिन्दी", "v1.2_x-y", "a" * 64])
def test_a_collection_may_be_named_by_letters_and_digits(name: str) -> None:
    assert check_collection(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", ".next", "a/b", "a\\b", "a\x00", "a\nb", "-a", "a.", "a" * 65, "日" * 70],
)
def test_a_collection_is_no_path(name: str) -> None:
    with pytest.raises(UploadRefused, match="is no name for a collection") as refused:
        check_collection(name)
    assert refused.value.field == "collection"


DUMP = dump(("One", "The tank is deep.")).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"%PDF-1.7\n"),
        ("a.pdf", b"junk before\n%PDF-1.4\n"),
        ("a.md", "# Über\n".encode()),
        ("a.txt", "Über".encode("cp1252")),
        ("a.txt", b"\xff\xfe" + "Über".encode("utf-16-le")),
        ("a.html", b"<p>Hello"),
        ("a.xml", DUMP),
        ("a.xml.gz", gzip.compress(DUMP)),
    ],
)
def test_what_a_name_promises_is_taken(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    check_content(tmp_path / name, name)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pdf", b"PK\x03\x04 a zip", "is no PDF"),
        ("a.pdf", b"<html>", "is no PDF"),
        ("a.txt", b"%PDF-1.7\n", "give it a name that ends in .pdf"),
        ("a.md", b"\x89PNG\r\n\x1a\n\x00\x00", "NUL bytes"),
        ("a.md", b"a" * (3 << 20) + b"\x00", "NUL bytes"),
        ("a.xml", b"<rss/>", "no MediaWiki export"),
        ("a.gz", gzip.compress(b"a log"), "no MediaWiki export"),
    ],
)
def test_what_it_does_not_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UploadRefused, match=words) as refused:
        check_content(tmp_path / name, name)
    assert refused.value.status == 415


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").touch()
    with pytest.raises(UploadRefused, match="is empty") as refused:
        check_content(tmp_path / "a.md", "a.md")
    assert refused.value.status == 422


def test_an_upload_s_id_is_that_of_its_place() -> None:
    assert upload_id("a", "b.md") == upload_id("a", "b.md")
    assert len({upload_id("a", "b.md"), upload_id("b", "b.md"), upload_id("a", "c.md")}) == 3
