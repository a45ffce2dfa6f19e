"""The commands `ragfirst ingest` and `ragfirst status`."""

import json
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any, NoReturn

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
from rich.table import Table

from ingest.chunk import ChunkSettings
from ingest.documents import Failure
from ingest.progress import Progress
from ingest.schema import DATABASE, IndexRefused, in_memory, read_only
from ingest.settings import IngestSettings
from ingest.status import Status, read_status
from ingest.store import Store
from ingest.sync import Report, SyncSettings, plan_all, sync, up_to_date

app = typer.Typer(add_completion=False, no_args_is_help=True)

IndexOption = Annotated[
    Path | None,
    typer.Option("--index", help="The index folder.", show_default="RAGFIRST_INDEX or ./index"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")]

_SHOWN_FAILURES = 20


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
        if dry_run:
            _dry_run(named, target, retry_failed, allow_mass_delete, as_json)
            return
        quiet = as_json or not console.is_terminal
        with nullcontext(Progress()) if quiet else _Bar(console) as progress:
            report = _sync(named, target, settings, (retry_failed, allow_mass_delete), progress)
    except KeyboardInterrupt:
        console.print("Interrupted. What was done is kept; run the same command to go on.")
        raise typer.Exit(130) from None
    except (IndexRefused, ValueError) as error:
        _refuse(console, error)
    _print_report(report, time.monotonic() - started, as_json)
    raise typer.Exit(1 if report.failures else 0)


@app.command()
def status(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Say what the index holds. Exit status: 0, or 2 where there is no usable index."""
    try:
        target = index or IngestSettings().index
        with read_only(target) as connection:
            found = read_status(connection)
    except (IndexRefused, ValueError) as error:
        _refuse(Console(stderr=True), error)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        _print_status(found, target)


def _sync(
    named: list[tuple[Path, str]],
    index: Path,
    settings: IngestSettings,
    allowed: tuple[bool, bool],
    progress: Progress,
) -> Report:
    def options(token_limit: int) -> SyncSettings:
        limit = settings.chunk_tokens or token_limit
        return SyncSettings(ChunkSettings(limit, settings.chunk_overlap), *allowed)

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
                    "failures": _as_dicts(report.failures),
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
    _print_failures(report.failures)


def _print_status(found: Status, index: Path) -> None:
    typer.echo(
        f"{index}: generation {found.generation}, {found.documents} documents ({found.pages} PDF "
        f"pages, {found.empty_pages} of them without text), {found.chunks} chunks by "
        f"{found.embedder or 'no embedder yet'}."
    )
    table = Table("collection", "documents", box=None)
    for name, count in found.collections.items():
        table.add_row(name, str(count))
    Console().print(table)
    _print_failures(found.failures)


def _print_failures(failures: list[Failure]) -> None:
    if not failures:
        return
    typer.echo(f"{len(failures)} could not be read (--retry-failed reads them again):")
    for failure in failures[:_SHOWN_FAILURES]:
        typer.echo(f"  {failure.path}: {failure.reason}")
    if len(failures) > _SHOWN_FAILURES:
        typer.echo(f"  … {len(failures) - _SHOWN_FAILURES} more: `ragfirst status --json` has all")


def _as_dicts(failures: list[Failure]) -> list[dict[str, str]]:
    return [{"path": failure.path, "reason": failure.reason} for failure in failures]


def _refuse(console: Console, error: Exception) -> NoReturn:
    console.print(f"ragfirst: {error}", style="red", markup=False, highlight=False)
    raise typer.Exit(2) from error
