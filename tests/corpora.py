"""Small corpus folders for tests, and what an index makes of them."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape
from zlib import crc32

import numpy as np

from ingest.chunk import ChunkSettings
from ingest.embed import Embedder, Vectors
from ingest.schema import connect, published
from ingest.snapshot import Reader
from ingest.store import Store
from ingest.sync import Report, SyncSettings, sync
from tests.fakes import FakeEmbedder

CHUNKING = ChunkSettings(64, 8)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write text files below a folder, which is made where it is missing."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def page(topic: str, sentences: int = 3) -> str:
    """The text of a wiki page; no two topics share a sentence."""
    lines = [f"The {topic} number {at} weighs {at + 3} stones." for at in range(sentences)]
    return f"# About {topic}\n\n" + "\n".join(lines) + "\n"


def pages(*topics: str) -> dict[str, str]:
    """One Markdown file a topic."""
    return {f"{topic}.md": page(topic) for topic in topics}


def dump(*titled: tuple[str, str], broken: Sequence[str] = ()) -> str:
    """A MediaWiki export of pages (title, wikitext); those in `broken` have no revision."""
    whole = "".join(
        f"<page><title>{escape(title)}</title><ns>0</ns><id>{crc32(title.encode())}</id>"
        + ("" if title in broken else f"<revision><text>{escape(text)}</text></revision>")
        + "</page>"
        for title, text in titled
    )
    return f"<mediawiki><siteinfo><sitename>Test</sitename></siteinfo>{whole}</mediawiki>"


def run(
    index: Path,
    *corpora: Path | tuple[Path, str],
    embedder: Embedder | None = None,
    retry_failed: bool = False,
    allow_mass_delete: bool = False,
) -> Report:
    """A sync of corpus folders, each in a collection of its own name unless told otherwise."""
    named = [one if isinstance(one, tuple) else (one, one.name) for one in corpora]
    settings = SyncSettings(CHUNKING, retry_failed, allow_mass_delete)
    return sync(named, index, embedder or FakeEmbedder(), settings)


class Piece(NamedTuple):
    """A chunk as two indexes are compared by it."""

    document: str
    text: str
    start: int
    end: int


def contents(index: Path) -> dict[Piece, Vectors]:
    """All chunks that the published generation shows, with their vectors."""
    with closing(connect(index)) as connection:
        generation = published(connection)
        rows = connection.execute(
            "SELECT path, text, start, end, embedding FROM chunks "
            "JOIN documents ON documents.id = document_id "
            "WHERE born <= ? AND (died IS NULL OR died > ?) AND NOT hidden",
            (generation, generation),
        ).fetchall()
    return {Piece(*row[:4]): np.frombuffer(row["embedding"], np.float32) for row in rows}


def documents(index: Path) -> list[str]:
    """The paths of the documents that the published generation shows."""
    with reader(index).snapshot() as snapshot:
        return [document.path for document in snapshot.documents()]


def reader(index: Path) -> Reader:
    """A reader with the embedder that `run` uses unless told otherwise."""
    return Reader(index, FakeEmbedder())


def hide(index: Path, path: str) -> None:
    """The explicit delete of one document."""
    with closing(connect(index)) as connection:
        row = connection.execute("SELECT id FROM documents WHERE path = ?", (path,)).fetchone()
        Store(connection).hide(row["id"])


@contextmanager
def privileged(folder: Path) -> Generator[None]:
    """As root, whose the interpreter may be; what that makes in the folder is nobody's again."""
    user = os.geteuid()
    if os.getuid() == user:
        yield
        return
    os.seteuid(0)
    yield
    for path in folder.rglob("*"):
        os.chown(path, user, user)
    os.seteuid(user)
