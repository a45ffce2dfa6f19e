"""The commands that look after an index: `ragfirst status` and `ragfirst backup`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from ingest.documents import Failure
from ingest.schema import IndexRefused, read_only
from ingest.settings import IngestSettings
from ingest.status import Status, read_status
from ingest.verify import Problem

app = typer.Typer(add_completion=False, no_args_is_help=True)

IndexOption = Annotated[
    Path | None,
    typer.Option("--index", help="The index folder.", show_default="RAGFIRST_INDEX or ./index"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")]

_SHOWN_FAILURES = 20


@app.command()
def status(
    index: IndexOption = None,
    check: Annotated[
        bool,
        typer.Option("--verify", help="Check all of it: database, rows, vectors, text index."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what the index holds.

    Exit status: 0, 1 where --verify finds problems, or 2 where there is no usable index.
    """
    problems: list[Problem] = []
    try:
        settings = IngestSettings()
        target = index or settings.index
        if check:
            from ingest.verify import verify

            problems = verify(target, settings.embedder)
        with read_only(target) as connection:
            found = read_status(connection)
    except (IndexRefused, ValueError) as error:
        refuse(Console(stderr=True), error)
    if as_json:
        verified = {"problems": [asdict(one) for one in problems]} if check else {}
        typer.echo(json.dumps({**found.as_dict(), **verified}, ensure_ascii=False))
    else:
        _print_status(found, target)
        if check:
            _print_problems(problems, "Sound: all of it was checked.")
    raise typer.Exit(1 if problems else 0)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The folder to make.")],
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the index, uploads and keys too, while ingest and service may go on.

    The copy is checked, and is an index folder like any other: to restore it, move it to where the
    index was.

    Exit status: 0 done, 1 done with problems that are in the index itself, 2 not done.
    """
    from ingest.backup import back_up

    try:
        source = index or IngestSettings().index
        made = back_up(source, target)
    except (IndexRefused, ValueError) as error:
        refuse(Console(stderr=True), error)
    if as_json:
        typer.echo(json.dumps({"target": str(target), **asdict(made)}, ensure_ascii=False))
    else:
        size = f"{made.files} files, {made.bytes / 1e6:.1f} MB"
        typer.echo(f"{target}: generation {made.generation} of {source}, {size}.")
        _print_problems(made.problems, "Sound: all of it was checked.")
    raise typer.Exit(1 if made.problems else 0)


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
    print_failures(found.failures)


def _print_problems(problems: Sequence[Problem], otherwise: str) -> None:
    if not problems:
        typer.echo(otherwise)
        return
    typer.echo(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}:")
    for problem in problems:
        typer.echo(f"  {problem.part}: {problem.what}: {problem.remedy}")


def print_failures(failures: Sequence[Failure]) -> None:
    """Name the first of the files that could not be read."""
    if not failures:
        return
    typer.echo(f"{len(failures)} could not be read (--retry-failed reads them again):")
    for failure in failures[:_SHOWN_FAILURES]:
        typer.echo(f"  {failure.path}: {failure.reason}")
    if len(failures) > _SHOWN_FAILURES:
        typer.echo(f"  … {len(failures) - _SHOWN_FAILURES} more: `ragfirst status --json` has all")


def as_dicts(failures: Sequence[Failure]) -> list[dict[str, Any]]:
    """Failures for JSON output."""
    return [{"path": failure.path, "reason": failure.reason} for failure in failures]


def refuse(console: Console, error: Exception) -> NoReturn:
    """Print an error that is meant for people, and end with status 2."""
    console.print(f"ragfirst: {error}", style="red", markup=False, highlight=False)
    raise typer.Exit(2) from error
