import gzip
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.documents import Document, Failure, UnreadableFile
from ingest.readers import READERS, kind_of, read

SHARED = Path(__file__).parents[1].parent / "shared" / "data"


def shared(path: str) -> Path:
    if not (SHARED / path).exists():
        pytest.skip(f"{path} is not beside the checkout")
    return SHARED / path


def read_one(file: Path) -> Document:
    (document,) = read(file, file.name)
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PDF", "pdf"),
        ("b.Md", "markdown"),
        ("c.HTM", "html"),
        ("d.txt", "text"),
        ("e.docx", None),
        ("Makefile", None),
        ("f.json", None),
        (".gitignore", None),
    ],
)
def test_kind_comes_from_the_name_without_opening(tmp_path: Path, name: str, kind: str) -> None:
    assert kind_of(tmp_path / name) == kind


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'<?xml version="1.0"?>\n<!-- x --><mediawiki xmlns="y">', "mediawiki"),
        ("<mediawiki>".encode("utf-16"), "mediawiki"),
        (b"<rss><item>about &lt;mediawiki</item></rss>", None),
        (b"<rss><mediawiki/></rss>", None),
        (b"", None),
    ],
)
def test_xml_is_known_by_its_root(tmp_path: Path, content: bytes, kind: str | None) -> None:
    file = tmp_path / "dump.xml"
    file.write_bytes(content)
    assert kind_of(file) == kind


def test_archive_of_something_else_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    file.write_bytes(b"\x1f\x8b broken")
    assert kind_of(file) is None


def test_damaged_dump_is_reported_not_skipped(tmp_path: Path) -> None:
    file = tmp_path / "wiki.xml.bz2"
    file.write_bytes(b"BZh9 broken")
    assert kind_of(file) == "mediawiki"
    with pytest.raises(UnreadableFile):
        list(read(file, file.name))


def test_a_dump_whose_compression_is_damaged_is_reported_not_skipped(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"<mediawiki>" + bytes(range(256)) * 9))
    packed[20:60] = b"\xff" * 40  # for which zlib has an error of its own
    file = tmp_path / "wiki.xml.gz"
    file.write_bytes(packed)
    assert kind_of(file) == "mediawiki"


@pytest.mark.parametrize("head", [b"<!---->", b"<??>", b"<!DOCTYPE a>", b" <!-- --> "])
def test_a_head_of_thousands_of_comments_is_told_at_once(tmp_path: Path, head: bytes) -> None:
    file = tmp_path / "dump.xml"
    file.write_bytes(head * 4_000 + b"<mediawiki>")
    assert kind_of(file) == "mediawiki"
    file.write_bytes(head * 4_000 + b"<rss>")
    assert kind_of(file) is None


def test_telling_kinds_apart_loads_no_parser() -> None:
    code = (
        "import sys, ingest.plan;"
        "print([one for one in ('pypdf', 'lxml', 'markdown_it') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_library_that_is_not_installed_is_no_damage_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.md"
    file.write_text("Words.")
    monkeypatch.setitem(sys.modules, "ingest.readers.markdown", None)
    with pytest.raises(ImportError):
        list(read(file, file.name))


def test_unknown_kind_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"data\.xyz"):
        list(read(tmp_path / "data.xyz", "data.xyz"))


def test_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        list(read(tmp_path / "gone.md", "gone.md"))


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), ZeroDivisionError("y")])
def test_whatever_a_parser_raises_becomes_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(file: Path, name: str) -> Iterator[Document | Failure]:
        yield Failure(name, "first")
        raise error

    monkeypatch.setitem(READERS, "text", broken)
    outcomes = read(tmp_path / "a.txt", "a.txt")
    next(outcomes)
    with pytest.raises(UnreadableFile, match="damaged"):
        next(outcomes)


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
def test_what_is_not_the_files_fault_goes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(file: Path, name: str) -> Iterator[Document | Failure]:
        raise error
        yield

    monkeypatch.setitem(READERS, "text", broken)
    with pytest.raises(type(error)):
        list(read(tmp_path / "a.txt", "a.txt"))


@pytest.mark.shared
def test_contract_reads_as_sentences() -> None:
    folder = shared("contracts/pdf")
    document = read_one(next(folder.glob("ZOND*")))
    assert "shall be, and hereby is, amended by deleting the date" in document.text
    assert len(document.pages) == 5


@pytest.mark.shared
def test_quarterly_report_keeps_table_rows() -> None:
    document = read_one(shared("sec10q/data/v1/docs/2023 Q1 AAPL.pdf"))
    assert "\nGross margin 50,332 54,243\n" in document.text
    assert document.text.count("Q1 2023 Form 10-Q |") <= 1


@pytest.mark.shared
def test_labels_and_outline_of_a_book(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        document = read_one(shared("pdf-odd-cases/009-pdflatex-geotopo/GeoTopo-komprimiert.pdf"))
    assert [page.label for page in document.pages[:4]] == ["i", "ii", "iii", "1"]
    section = document.sections[2]
    assert document.text[section.start :].startswith("1.2 Metrische Räume\n")
    assert not caplog.records


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("005-libreoffice-writer-password/libreoffice-writer-password.pdf", "needs a password"),
        ("017-unreadable-meta-data/unreadablemetadata.pdf", "damaged"),
        ("019-grayscale-image/grayscale-image.pdf", "OCR"),
    ],
)
def test_odd_pdfs_are_named_for_what_they_are(path: str, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_one(shared(f"pdf-odd-cases/{path}"))


@pytest.mark.shared
def test_dump_without_siteinfo_and_dump_in_utf16_are_read() -> None:
    folder = shared("wiki/mediawiki/gensim")
    for name, count in (
        ("enwiki-table-markup.xml.bz2", 5),
        ("bgwiki-latest-pages-articles-shortened.xml.bz2", 3),
    ):
        assert len(list(read(folder / name, name))) == count


@pytest.mark.shared
def test_handbook_page_has_its_title_and_sections() -> None:
    document = read_one(shared("wiki/handbook-18F/pages/travel-and-leave/leave.md"))
    assert document.title == "Leave types"
    assert ("Types of leave", "Sick leave") in [section.path for section in document.sections]
