"""PDF: one document a file, with its pages, labels and outline, read with pypdf."""

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from pypdf import PasswordType, PdfReader, apply_configuration, get_configuration

from ingest.documents import Document, Failure, Page, Section, UnreadableFile
from ingest.readers import titles
from ingest.readers.characters import clean, has_words, one_line
from ingest.readers.faults import in_plain_words
from ingest.readers.outline import Entry, find_headings, read_outline
from ingest.readers.paragraphs import Line, join, parse_lines, set_widths
from ingest.readers.running import drop_running_lines
from ingest.readers.unseen_pdf import seen_text

# pypdf refuses arrays of more than 100,000 elements; tagged 10-Q reports hold longer ones.
_LONGEST_ARRAY = 2_000_000
_DAMAGED = "the PDF is damaged"


def read_pdf(file: Path, name: str) -> Iterator[Document | Failure]:
    """Read a PDF. A page that fails on its own counts as a page without text.

    Raises:
        UnreadableFile: The file is encrypted or damaged, or none of its pages holds text.
    """
    larger = get_configuration().with_overwrites(array_maximum_element_count=_LONGEST_ARRAY)
    with _quiet_pypdf(), apply_configuration(larger), file.open("rb") as stream:
        with in_plain_words(_DAMAGED):
            reader = _open(PdfReader(stream))
            broken: list[str] = []
            raw = [_page_text(reader, number, broken) for number in range(len(reader.pages))]
        empty = tuple(number for number, text in enumerate(raw, start=1) if not has_words(text))
        _require_text(len(raw), len(empty), broken)
        document = _document(reader, name, raw, empty)
    yield document


@contextmanager
def _quiet_pypdf() -> Generator[None]:
    """Hold back pypdf's warnings: they name byte offsets, not anything an owner can mend."""
    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def _open(reader: PdfReader) -> PdfReader:
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise UnreadableFile("encrypted: it needs a password; save a copy without one")
    return reader


def _page_text(reader: PdfReader, number: int, broken: list[str]) -> str:
    """The text of a page; where that cannot be had, why is added to `broken`."""
    try:
        with in_plain_words(_DAMAGED):
            return clean(seen_text(reader.pages[number]).replace("\xad", "-"))
    except UnreadableFile as error:
        broken.append(str(error))
        return ""


def _require_text(pages: int, empty: int, broken: Sequence[str]) -> None:
    if not pages:
        raise UnreadableFile("the PDF is damaged: no page of it could be found")
    if pages == empty and broken:
        which = f"{len(broken)} of {pages}"
        raise UnreadableFile(f"no page holds text, {which} cannot be read: {broken[0]}")
    if pages == empty:
        which = (
            "its only page holds no text" if pages == 1 else f"none of its {pages} pages holds text"
        )
        raise UnreadableFile(f"{which}; a scan needs OCR first")


def _document(reader: PdfReader, name: str, raw: Sequence[str], empty: tuple[int, ...]) -> Document:
    pages = drop_running_lines([parse_lines(text, page) for page, text in enumerate(raw)])
    entries = _outline(reader)
    heads = find_headings(entries, pages)
    width = set_widths(list(chain.from_iterable(pages)))
    for lines in pages:
        set_widths(lines, width)
    lines = list(chain.from_iterable(pages))
    text, starts = join(lines)
    return Document(
        path=name,
        title=_title(reader, name, text),
        kind="pdf",
        text=text,
        sections=_sections(entries, heads, lines, starts, len(text)),
        pages=_pages(_labels(reader, len(raw)), lines, starts, len(text)),
        empty_pages=empty,
        metadata=_metadata(reader),
    )


def _outline(reader: PdfReader) -> list[Entry]:
    try:
        with in_plain_words(_DAMAGED):
            return read_outline(reader)
    except UnreadableFile:
        return []  # the text is worth having without its bookmarks


def _labels(reader: PdfReader, count: int) -> list[str]:
    numbers = [str(number) for number in range(1, count + 1)]
    try:
        with in_plain_words(_DAMAGED):
            labels = [one_line(label) for label in reader.page_labels]
    except UnreadableFile:
        return numbers
    if len(labels) != count:
        return numbers
    return [label or number for label, number in zip(labels, numbers, strict=True)]


def _pages(
    labels: Sequence[str], lines: Sequence[Line], starts: Sequence[int], end: int
) -> tuple[Page, ...]:
    """The pages' offsets; a page without lines begins where the next one does."""
    first = {line.page: start for line, start in reversed(list(zip(lines, starts, strict=True)))}
    offsets: list[int] = []
    for number in reversed(range(len(labels))):
        end = first.get(number, end)
        offsets.append(end)
    offsets.reverse()
    if offsets:
        offsets[0] = 0
    return tuple(Page(start, label) for start, label in zip(offsets, labels, strict=True))


def _sections(
    entries: Sequence[Entry],
    heads: Sequence[Line | None],
    lines: Sequence[Line],
    starts: Sequence[int],
    end: int,
) -> tuple[Section, ...]:
    offset = {id(line): start for line, start in zip(lines, starts, strict=True)}
    sections: list[Section] = []
    least = 0
    for entry, head in zip(entries, heads, strict=True):
        least = max(least, _start(entry, head, lines, offset, end))
        sections.append(Section(least, entry.path))
    return tuple(sections)


def _start(
    entry: Entry, head: Line | None, lines: Sequence[Line], offset: dict[int, int], end: int
) -> int:
    if head is not None:
        return offset[id(head)]
    return next((offset[id(line)] for line in lines if line.page >= entry.page), end)


def _title(reader: PdfReader, name: str, text: str) -> str:
    written = _metadata_field(reader, "title")
    if titles.is_sensible(written, name):
        return titles.with_name(written, name)
    return titles.choose(name, text)


def _metadata(reader: PdfReader) -> dict[str, str]:
    fields = {field: _metadata_field(reader, field) for field in ("author", "subject", "keywords")}
    fields["created"] = _metadata_field(reader, "creation_date")
    return {field: value for field, value in fields.items() if value}


def _metadata_field(reader: PdfReader, field: str) -> str:
    try:
        with in_plain_words(_DAMAGED):
            return one_line(str(getattr(reader.metadata, field, None) or ""))
    except UnreadableFile:
        return ""
