"""Readers: one module a format. `read` picks the one for a file by its name."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ingest.documents import Document, Failure
from ingest.readers.html import read_html
from ingest.readers.markdown import read_markdown
from ingest.readers.mediawiki import read_mediawiki
from ingest.readers.pdf import read_pdf
from ingest.readers.text import read_text

Reader = Callable[[Path, str], Iterator[Document | Failure]]

READERS: dict[str, Reader] = {
    ".pdf": read_pdf,
    ".xml": read_mediawiki,
    ".xml.bz2": read_mediawiki,
    ".xml.gz": read_mediawiki,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".txt": read_text,
    ".text": read_text,
}
