"""The command `ragfirst ingest`."""

import json
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bar

from ingest.chunk import ChunkSettings
from ingest.cli_index import IndexOption, JsonOption, as_dicts, print_failures, refuse
from ingest.lock import IndexBusy, locked
from ingest.progress import Progress
from ingest.roots import move_root
from ingest.schema import DATABASE, IndexRefused, connect, in_memory, read_only
from ingest.settings import IngestSettings
from ingest.store import Store
from ingest.sync import Report, SyncSettings, plan_all, sync, up_to_date

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def documents() -> None:
    """With this a single command stays one of a group, as the commands of other packages are."""


LOOK_AGAIN = 0.5
"""Seconds between two looks whether another ingest is done."""


@app.command()
def ingest(
    corpora: Annotated[
        list[Path], typer.Argument(metavar="CORPUS...", help="Folders of PDFs and wiki pages.")
    ],
    index: IndexOption = None,
    collection: Annotated[
        str | None,
        typer.Option(help="Collection of the documents.", show_default="the corpus folder's name"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be read and deleted; change nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read files that failed before once more.")
    ] = False,
    allow_mass_delete: Annotated[
        bool,
        typer.Option("--allow-mass-delete", help="Let more than half of a corpus leave the index."),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait while another ingest is writing to the index.")
    ] = False,
    moved_from: Annotated[
        Path | None,
        typer.Option(help="Where the corpus folder was before; its documents are kept."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring an index in line with folders of documents.

    What is unchanged is skipped, what is gone is deleted from the index. Stop it at any time: what
    is done is kept, the index goes on answering, and the next run continues.

    Exit status: 0 done, 1 done with failures, 2 not done.
    """
    named = [(corpus, collection or corpus.resolve().name) for corpus in corpora]
    console = Console(stderr=True)
    started = time.monotonic()
    try:
        settings = IngestSettings()
        target = index or settings.index
        if moved_from is not None:
            _refuse_moving(corpora, dry_run)
        if dry_run:
            _dry_run(named, target, retry_failed, allow_mass_delete, as_json)
            return
        quiet = as_json or not console.is_terminal
        with nullcontext(Progress()) if quiet else _Bar(console) as progress:
            allowed = (retry_failed, allow_mass_delete)

            def run() -> Report:
                if moved_from is not None:
                    _move(moved_from, corpora[0], target)
                return _sync(named, target, settings, allowed, progress)

            report = _when_free(run, console) if wait else run()
    except KeyboardInterrupt:
        console.print("Interrupted. What was done is kept; run the same command to go on.")
        raise typer.Exit(130) from None
    except (IndexRefused, ValueError) as error:
        refuse(console, error)
    _print_report(report, time.monotonic() - started, as_json)
    raise typer.Exit(1 if report.failures else 0)


def _when_free(run: Callable[[], Report], console: Console) -> Report:
    """Run it, once no other ingest is writing; who does is said once."""
    told = False
    while True:
        try:
            return run()
        except IndexBusy as error:
            if not told:
                console.print(f"Waiting: {error}", markup=False, highlight=False)
            told = True
        time.sleep(LOOK_AGAIN)


def _refuse_moving(corpora: list[Path], dry_run: bool) -> None:
    if len(corpora) != 1 or dry_run:
        raise ValueError("--moved-from goes with one corpus, and not with --dry-run")


def _move(before: Path, corpus: Path, index: Path) -> None:
    with locked(index), closing(connect(index)) as connection:
        move_root(connection, before.absolute(), corpus.resolve())


def _sync(
    named: list[tuple[Path, str]],
    index: Path,
    settings: IngestSettings,
    allowed: tuple[bool, bool],
    progress: Progress,
) -> Report:
    def options(token_limit: int) -> SyncSettings:
        limit = settings.chunk_tokens or token_limit
        chunking = ChunkSettings(limit, settings.chunk_overlap)
        return SyncSettings(chunking, *allowed, limits=settings.parse_limits)

    report = up_to_date(
        named, index, settings.embedder, lambda manifest: options(manifest.token_limit)
    )
    if report is None:
        # torch takes seconds to load: only a sync that has something to embed does.
        from ingest.embed import SentenceEmbedder

        embedder = SentenceEmbedder(settings.embedder, threads=settings.threads)
        report = sync(named, index, embedder, options(embedder.token_limit), progress)
    return report


def _dry_run(
    named: list[tuple[Path, str]], index: Path, retry_failed: bool, mass_delete: bool, as_json: bool
) -> None:
    existing = (index / DATABASE).is_file()
    with read_only(index) if existing else closing(in_memory()) as connection:
        options = SyncSettings(ChunkSettings(256), retry_failed, mass_delete)
        plans = plan_all(named, index, Store(connection), options)
    changes = [change for plan in plans for change in plan.changes()]
    skipped = sum(len(plan.skipped) for plan in plans)
    unchanged = sum(plan.unchanged for plan in plans)
    if as_json:
        found = {"changes": [change._asdict() for change in changes]}
        typer.echo(json.dumps({**found, "unchanged": unchanged, "skipped": skipped}))
        return
    for change in changes:
        typer.echo(f"{change.action:8} {change.path}")
    typer.echo(
        f"{len(changes)} files to bring in line, {unchanged} unchanged, {skipped} of unknown kind. "
        "Nothing was changed."
    )


class _Bar(Progress):
    """A progress bar over the files, with the documents and chunks written so far."""

    def __init__(self, console: Console) -> None:
        self._bar = Bar(
            SpinnerColumn(),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("files · {task.fields[counts]} · {task.description}", markup=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task("listing", total=None, counts="")
        self._documents = self._chunks = 0

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, files: int) -> None:
        self._bar.update(self._task, total=files)

    def file(self, path: str) -> None:
        self._update(description=path[-60:])

    def document(self, chunks: int) -> None:
        self._documents += 1
        self._chunks += chunks
        self._update()

    def done(self, path: str) -> None:
        self._update(advance=1)

    def publishing(self) -> None:
        self._update(description="publishing")

    def _update(self, **changes: Any) -> None:
        counts = f"{self._documents} documents, {self._chunks} chunks"
        self._bar.update(self._task, counts=counts, **changes)


def _print_report(report: Report, seconds: float, as_json: bool) -> None:
    if as_json:
        typer.echo(
            json.dumps(
                {
                    **report.totals._asdict(),
                    "added": report.added,
                    "changed": report.changed,
                    "deleted": report.deleted,
                    "unchanged": report.unchanged,
                    "skipped": report.skipped,
                    "failures": as_dicts(report.failures),
                    "seconds": round(seconds, 3),
                },
                ensure_ascii=False,
            )
        )
        return
    documents, pages, chunks = report.totals
    typer.echo(
        f"{report.added} documents added, {report.changed} changed, {report.deleted} deleted, "
        f"{report.unchanged} unchanged; {report.skipped} files of unknown kind skipped."
    )
    typer.echo(
        f"The index holds {documents} documents ({pages} PDF pages) in {chunks} chunks. "
        f"{seconds:.1f} s."
    )
    print_failures(report.failures)
