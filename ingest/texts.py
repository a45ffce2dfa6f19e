"""The text index of a generation: tantivy over the chunks' texts with their headings.

Going on from a former one links its segments, which never change once they are written; a removed
chunk is marked in a small file beside its segment.
"""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import tantivy

TOKENIZER = "ragfirst_english"
_HEAP = 64_000_000
_DELETED_TOGETHER = 10_000


class Text(NamedTuple):
    """What the text index takes of a chunk: its text with title and heading path in front."""

    chunk: int
    collection: str
    text: str


def create(folder: Path) -> tantivy.Index:
    """A new text index, empty. The folder must not be there."""
    folder.mkdir(parents=True)
    return _with_tokenizer(tantivy.Index(_schema(), path=str(folder)))


def open_texts(folder: Path) -> tantivy.Index:
    """Open one. Raises `ValueError` or `OSError` where it is missing or damaged."""
    if folder.is_dir() and not os.access(folder, os.W_OK):
        folder = _writable(folder)
    index = _with_tokenizer(tantivy.Index.open(str(folder)))
    index.reload()
    return index


def continued(former: Path, folder: Path) -> tantivy.Index:
    """A text index that begins as the former one, which stays as it is."""
    folder.mkdir(parents=True)
    for path in former.iterdir():
        # Its own lock files; and its own lists of segments, which a commit replaces.
        if path.name.endswith(".lock"):
            continue
        if path.suffix == ".json":
            shutil.copyfile(path, folder / path.name)
        else:
            link(path, folder / path.name)
    return open_texts(folder)


def change(index: tantivy.Index, gone: Sequence[int], texts: Iterable[Text]) -> None:
    """Remove chunks by id, add others, and make it lasting."""
    writer = index.writer(heap_size=_HEAP, num_threads=1)
    for start in range(0, len(gone), _DELETED_TOGETHER):
        some = list(gone[start : start + _DELETED_TOGETHER])
        # Not by `delete_documents_by_term`: it takes a number for a signed one, and finds none.
        writer.delete_documents_by_query(tantivy.Query.term_set_query(index.schema, "chunk", some))
    for text in texts:
        document = tantivy.Document()
        document.add_unsigned("chunk", text.chunk)
        document.add_text("collection", text.collection)
        document.add_text("text", text.text)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


def _writable(folder: Path) -> Path:
    """A folder of links to the files of one that may only be read: tantivy locks a file to read."""
    shadow = tempfile.TemporaryDirectory(prefix="ragfirst-")
    atexit.register(shadow.cleanup)
    for path in folder.iterdir():
        if not path.name.endswith(".lock"):
            (Path(shadow.name) / path.name).symlink_to(path.absolute())
    return Path(shadow.name)


def held(folder: Path) -> int:
    """How many chunks the segments hold, removed ones that no merge has dropped yet among them."""
    segments = json.loads((folder / "meta.json").read_text())["segments"]
    return sum(segment["max_doc"] for segment in segments)


def link(source: Path, target: Path) -> None:
    """A second name for a file that never changes, or a copy where the disk has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def terms(text: str) -> list[str]:
    """The terms of a question as the text index has them: lower case, folded, stemmed."""
    return _analyzer().analyze(text)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("chunk", stored=True, indexed=True, fast=True)
    builder.add_text_field("collection", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name=TOKENIZER, index_option="freq")
    return builder.build()


def _with_tokenizer(index: tantivy.Index) -> tantivy.Index:
    index.register_tokenizer(TOKENIZER, _analyzer())
    return index


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (
        tantivy.Filter.remove_long(60),
        tantivy.Filter.lowercase(),
        tantivy.Filter.ascii_fold(),
        tantivy.Filter.stemmer("english"),
    ):
        builder = builder.filter(step)
    return builder.build()
