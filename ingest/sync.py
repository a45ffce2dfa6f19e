"""A sync: list, hash, skip what is unchanged, read and embed the rest, publish.

Killed at any instant, the published generation still answers, and the next run goes on from the
documents already done.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ingest import derive
from ingest.chunk import Chunk, ChunkSettings, chunk
from ingest.documents import Document, Failure
from ingest.embed import Embedder
from ingest.encode import encode
from ingest.files import File, digest, unchanged, unique
from ingest.lock import locked
from ingest.parsing import Parser
from ingest.parsing_messages import ParseLimits
from ingest.plan import Known, Plan, make_plan, refuse_together
from ingest.progress import Progress
from ingest.schema import DATABASE, IndexRefused, Manifest, claim_manifest, connect, read_manifest
from ingest.store import Store, Totals, always

EMBED_TOGETHER = 256
"""Chunks gathered from several documents before they are embedded, sorted by length."""


@dataclass(slots=True)
class Report:
    """What a run did, in documents; `skipped` counts files of an unknown kind.

    `totals` and `failures` are of the whole index after the run.
    """

    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    skipped: int = 0
    totals: Totals = Totals(0, 0, 0)
    failures: list[Failure] = field(default_factory=list[Failure])


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How to cut, and what a sync may do beyond reading what is new.

    `retry_failed`: read files with a failure on record again though they have not changed.
    `allow_mass_delete`: let more than half of a root's files leave the index; `allow_empty`: let
    them all. `live`: files are deleted and replaced while they are read, so write nothing of one
    that is no longer what it was; the next sync reads it. `one_by_one`: end one file before the
    next is begun, as progress tells, instead of embedding many together. `limits`: what parsing a
    file may take.
    """

    chunking: ChunkSettings
    retry_failed: bool = False
    allow_mass_delete: bool = False
    allow_empty: bool = False
    live: bool = False
    one_by_one: bool = False
    limits: ParseLimits = ParseLimits()


def sync(
    corpora: Sequence[tuple[Path, str]],
    index: Path,
    embedder: Embedder,
    settings: SyncSettings,
    progress: Progress | None = None,
) -> Report:
    """Bring the index in line with corpus folders, each with its collection, and publish.

    All folders are checked before any of them is read. Raises `IndexRefused`; a file that cannot be
    read is never an error but a failure in the report.
    """
    refuse_together([path for path, _ in corpora], index)
    with locked(index), closing(connect(index, create=True)) as connection:
        claim_manifest(connection, manifest(embedder, settings.chunking))
        store = Store(connection)
        plans = plan_all(corpora, index, store, settings)
        run = _Run(store, embedder, settings, progress or Progress())
        report = run.carry_out(plans)
        if store.changed() or store.generation == 1:
            derive.build(connection, index, store.generation, embedder.dimension)
            store.publish()
            derive.prune(index, store.generation - 1)
        elif not derive.whole(index, store.generation - 1):
            derive.build(connection, index, store.generation - 1, embedder.dimension)
        report.totals, report.failures = store.totals(), store.failures()
        return report


def up_to_date(
    corpora: Sequence[tuple[Path, str]],
    index: Path,
    embedder: str,
    settings: Callable[[Manifest], SyncSettings],
) -> Report | None:
    """The report of a sync that has nothing to do, found without loading the embedder; else None.

    `embedder` is its name; `settings` are asked for with the manifest of the index, since a chunk
    limit may be the embedder's own. Raises `IndexRefused` as `sync` does.
    """
    if not (index / DATABASE).is_file():
        return None
    with locked(index), closing(connect(index)) as connection:
        made_with = read_manifest(connection)
        if made_with is None or made_with.embedder != embedder:
            return None
        wanted, store = settings(made_with), Store(connection)
        chunking = ChunkSettings(made_with.chunk_tokens, made_with.chunk_overlap)
        plans = plan_all(corpora, index, store, wanted)
        if any(plan.read or plan.gone for plan in plans) or wanted.chunking != chunking:
            return None
        if store.changed() or not derive.whole(index, store.generation - 1):
            return None
        return Report(
            unchanged=sum(store.living(store.root(plan.root)) for plan in plans),
            skipped=sum(len(plan.skipped) for plan in plans),
            totals=store.totals(),
            failures=store.failures(),
        )


def plan_all(
    corpora: Sequence[tuple[Path, str]], index: Path, store: Store, settings: SyncSettings
) -> list[Plan]:
    """The plans of several corpus folders. Raises `IndexRefused`; see `ingest.plan.make_plan`."""
    refuse_together([path for path, _ in corpora], index)
    roots = [*store.roots(), *(path.resolve() for path, _ in corpora)]
    return [
        make_plan(
            path,
            collection,
            index,
            Known(store.fingerprints(path.resolve()), store.failed_files(path.resolve()), roots),
            retry_failed=settings.retry_failed,
            allow_mass_delete=settings.allow_mass_delete,
            allow_empty=settings.allow_empty,
        )
        for path, collection in corpora
    ]


def manifest(embedder: Embedder, chunking: ChunkSettings) -> Manifest:
    """The manifest of an index that this embedder and these settings make.

    Raises `IndexRefused` for chunks longer than the embedder reads.
    """
    if chunking.limit > embedder.token_limit:
        raise IndexRefused(
            f"chunks of {chunking.limit} tokens are more than the embedder {embedder.name!r} reads "
            f"({embedder.token_limit}): set RAGFIRST_CHUNK_TOKENS to that or less"
        )
    return Manifest(
        embedder=embedder.name,
        revision=embedder.revision,
        dimension=embedder.dimension,
        token_limit=embedder.token_limit,
        chunk_tokens=chunking.limit,
        chunk_overlap=chunking.overlap,
    )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A document that waits to be embedded, with its chunks."""

    document: Document
    digest: str
    chunks: list[Chunk]


class _Run:
    """One sync under way: documents wait until there are enough of them to embed together."""

    def __init__(
        self, store: Store, embedder: Embedder, settings: SyncSettings, progress: Progress
    ) -> None:
        self._report = Report()
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._together = 0 if settings.one_by_one else EMBED_TOGETHER
        self._progress = progress
        self._queue: list[tuple[File, _Waiting | None]] = []
        self._queued_chunks = 0

    def carry_out(self, plans: Sequence[Plan]) -> Report:
        self._progress.begin(sum(len(plan.read) for plan in plans))
        for plan in plans:
            root = self._store.root(plan.root)
            self._report.skipped += len(plan.skipped)
            for path in plan.gone:
                self._report.deleted += self._store.forget(root, path)
        with Parser(self._settings.limits) as parser:
            ahead = not self._settings.one_by_one
            files = ((file, file.order) for file in self._files(plans))
            for file, items in parser.read(files, ahead=ahead):
                self._read(file, items)
        self._flush()
        self._progress.publishing()
        living = sum(self._store.living(self._store.root(plan.root)) for plan in plans)
        self._report.unchanged = living - self._report.added - self._report.changed
        return self._report

    def _files(self, plans: Sequence[Plan]) -> Iterator[File]:
        for plan in plans:
            root = self._store.root(plan.root)
            for path, fingerprint in plan.read.items():
                place, named = plan.root / path, (root, plan.collection, path, fingerprint)
                still = unchanged(place) if self._settings.live else always
                yield File(place, *named, still)

    def _read(self, file: File, items: Iterable[Document | Failure]) -> None:
        self._progress.file(file.path)
        for document in file.documents(items):
            self._document(file, unique(document, file.seen))
        self._queue.append((file, None))
        self._flush_if_enough()

    def _document(self, file: File, document: Document) -> None:
        file.seen.add(document.path)
        made_of = digest(document, file.collection)
        living = self._store.live_digest(file.root, document.path)
        if living == made_of:
            return
        chunks = chunk(document, self._embedder.count_tokens, self._settings.chunking)
        self._queue.append((file, _Waiting(document, made_of, chunks)))
        self._queued_chunks += len(chunks)
        if living is None:
            self._report.added += 1
        else:
            self._report.changed += 1
        self._flush_if_enough()

    def _flush_if_enough(self) -> None:
        if self._queued_chunks >= self._together:
            self._flush()

    def _flush(self) -> None:
        """Embed what waits, then write it in order: documents, and files after their last one."""
        documents = [(one.document, one.chunks) for _, one in self._queue if one]
        encoded = iter(encode(documents, self._embedder))
        for file, waiting in self._queue:
            if waiting is None:
                self._report.deleted += self._store.finish(
                    file.root, file.path, file.fingerprint, file.seen, file.failures, file.still
                )
                self._progress.done(file.path)
                continue
            self._store.put(
                file.root,
                file.path,
                file.collection,
                waiting.document,
                waiting.digest,
                waiting.chunks,
                next(encoded),
                file.still,
            )
            self._progress.document(len(waiting.chunks))
        self._queue.clear()
        self._queued_chunks = 0
