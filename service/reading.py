"""The process that reads uploads: `python -m service.reading ORDER`, started by `service.worker`.

It takes up all there is to do, then ends. Killed at any instant it loses nothing: the next one goes
on where it was.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import filelock
import numpy as np

from ingest.chunk import ChunkSettings
from ingest.embed import Embedder, UnknownEmbedder, Vectors
from ingest.lock import IndexBusy
from ingest.progress import Progress
from ingest.schema import IndexRefused, Manifest, check_embedder, read_manifest, read_only
from ingest.settings import IngestSettings
from ingest.sync import SyncSettings, sync
from service.backlog import at_home, give_up, pending, take_up, tidy
from service.journal import TRIES
from service.uploads import Uploads

LOOK_AGAIN = 0.5
"""Seconds between two looks whether a batch ingest is done."""

NICENESS = 5
"""Answering goes first where the processor is short."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is started with.

    Attributes:
        settings: Of the index and its embedder; all that `IngestSettings` has.
        because: How the process before ended, if it failed.
        tries: Times that a file may have been begun; one that was oftener is given up.
    """

    settings: dict[str, Any]
    because: str = "it ended with the service"
    tries: int = TRIES

    def as_json(self) -> str:
        """As `main` takes it."""
        return json.dumps(asdict(self))


def order_of(settings: IngestSettings) -> Order:
    """The order of settings; the process may have another working folder."""
    names = set(IngestSettings.model_fields)
    return Order({**settings.model_dump(mode="json", include=names), "index": str(settings.index)})


def main(embedder_of: Callable[[IngestSettings], Callable[[], Embedder]] | None = None) -> None:
    """Carry out the order that is the process's only argument.

    What keeps it from that is the exit status. `embedder_of`: `late_embedder`, or another.
    """
    order = Order(**json.loads(sys.argv[1]))
    settings = IngestSettings(**order.settings)
    embedder = (embedder_of or late_embedder)(settings)
    uploads = Uploads(settings.index)
    _give_way()
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    try:
        read_uploads(uploads, embedder, settings, order.because, order.tries)
    except (IndexRefused, UnknownEmbedder) as error:  # no file's fault
        uploads.journal.forgive()
        sys.exit(str(error))
    except SystemExit:
        uploads.journal.forgive()
        raise


def _give_way() -> None:
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    with suppress(OSError):  # where memory is short, too, this is what may end
        Path("/proc/self/oom_score_adj").write_text("1000")


def _end(*_: object) -> NoReturn:
    raise SystemExit(0)


def _end_with_the_service() -> None:
    """Standard input ends when whoever started this does, however that comes to be."""
    while os.read(0, 1 << 10):  # not by `sys.stdin`, which must not be in use when Python ends
        pass
    os._exit(1)


def read_uploads(
    uploads: Uploads,
    embedder: Callable[[], Embedder],
    settings: IngestSettings,
    because: str = "",
    tries: int = TRIES,
) -> None:
    """Do what is pending until there is nothing left, or nothing that can be done.

    One process at a time; another is waited for, and so is a batch ingest. Raises `IndexRefused`
    and what `embedder` does.
    """
    with filelock.FileLock(uploads.files.folder / ".worker.lock"):
        at_home(uploads)
        careful = _after_a_death(uploads, because, tries)
        before, tasks = frozenset[Any](), pending(uploads)
        while tasks and tasks != before:
            take_up(uploads)
            for collection in sorted({collection for collection, *_ in tasks}):
                _read(uploads, collection, embedder(), settings, careful)
            before, tasks = tasks, pending(uploads)
        at_home(uploads)  # of an index that was only made now
        tidy(uploads)


def _after_a_death(uploads: Uploads, because: str, tries: int) -> bool:
    """Whether a process has died in the middle; files that it did so of too often are given up."""
    left = uploads.journal.read()
    uploads.journal.stop()
    for (collection, file), begun in left.items():
        if begun.reading and begun.attempts >= tries:
            if uploads.files.fingerprint(collection, file) == begun.fingerprint:
                times = f"{begun.attempts} times" if begun.attempts > 1 else "once"
                reason = f"reading it was tried {times} and never came to an end: {because}"
                give_up(uploads, collection, file, begun.fingerprint, reason)
            uploads.journal.end(collection, file)
    return bool(left)


def _read(
    uploads: Uploads,
    collection: str,
    embedder: Embedder,
    settings: IngestSettings,
    careful: bool,
) -> None:
    chunking = ChunkSettings(settings.chunk_tokens or embedder.token_limit, settings.chunk_overlap)
    # Gone from these folders means deleted, by name, even where it is all of them.
    wanted = SyncSettings(
        chunking,
        allow_mass_delete=True,
        allow_empty=True,
        live=True,
        one_by_one=careful,
        limits=settings.parse_limits,
    )
    corpora = [(uploads.files.folder / collection, collection)]
    while True:
        try:
            sync(corpora, uploads.index, embedder, wanted, _Watched(uploads, collection))
            return
        except IndexBusy:
            time.sleep(LOOK_AGAIN)


class _Watched(Progress):
    """Keeps the journal."""

    def __init__(self, uploads: Uploads, collection: str) -> None:
        self._uploads = uploads
        self._collection = collection

    def file(self, path: str) -> None:
        mark = self._uploads.files.fingerprint(self._collection, path)
        self._uploads.journal.begin(self._collection, path, mark or "")

    def done(self, path: str) -> None:
        self._uploads.journal.end(self._collection, path)


def late_embedder(settings: IngestSettings) -> Callable[[], Embedder]:
    """The embedder of the settings, which is loaded when the first text is to be embedded.

    Deleting needs none, and loading takes seconds. Where the index does not tell what it is like,
    it is loaded at once.
    """
    late: list[Embedder] = []

    def load() -> Embedder:
        from ingest.embed import SentenceEmbedder

        return SentenceEmbedder(settings.embedder, threads=settings.threads)

    def get() -> Embedder:
        if not late:
            made_with = _manifest(settings.index)
            known = made_with is not None and made_with.embedder == settings.embedder
            late.append(LateEmbedder(made_with, load) if made_with and known else load())
        return late[0]

    return get


def _manifest(index: Path) -> Manifest | None:
    try:
        with read_only(index) as connection:
            return read_manifest(connection)
    except IndexRefused:
        return None  # there is none yet; of any other trouble the sync tells


class LateEmbedder:
    """An `Embedder` that is like the one that an index was made by, until it is needed."""

    def __init__(self, made_with: Manifest, load: Callable[[], Embedder]) -> None:
        """`load` is called once, or never."""
        self.name = made_with.embedder
        self.revision = made_with.revision
        self.dimension = made_with.dimension
        self.token_limit = made_with.token_limit
        self._made_with = made_with
        self._load = load
        self._loaded: Embedder | None = None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`."""
        return self._embedder().count_tokens(texts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        return self._embedder().embed(texts) if texts else np.zeros((0, self.dimension), np.float32)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`."""
        return self._embedder().embed_query(text)

    def _embedder(self) -> Embedder:
        """Raises `IndexRefused` where it is another one of the same name."""
        if self._loaded is None:
            found = self._load()
            check_embedder(self._made_with, found.name, found.revision)
            self._loaded = found
        return self._loaded


if __name__ == "__main__":
    main()
