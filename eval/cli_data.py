"""The commands `ragfirst eval import`, `calibrate` and `drift`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from eval.imports.locate import Located

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")]

_SHOWN = 10
_OWN = {
    "format": "--format",
    "path": "the first argument",
    "limit": "--limit",
    "seed": "--seed",
    "sources": "--source",
    "document_prefix": "--document-prefix",
}


def mount(group: typer.Typer) -> None:
    """Add the commands to the group."""
    group.command(name="import")(import_)
    group.command()(calibrate)
    group.command()(drift)


def import_(
    path: Annotated[Path, typer.Argument(help="The file or folder of questions.")],
    out: Annotated[Path, typer.Argument(help="The question file (JSONL) to write, or a folder.")],
    format: Annotated[
        str,
        typer.Option(help="squad, beir, ragas, flashrag, cuad, table (CSV), snips, or auto."),
    ] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="So many questions, drawn.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw and of the split.")] = 0,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Only this source (for SQuAD, an article); may be given again."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of the format, as quote=paragraph; may be given again."),
    ] = None,
    wiki: Annotated[
        Path | None, typer.Option(help="SQuAD: also write the articles as a wiki into this folder.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Shares of train, dev, test by source, as 0.7,0.1,0.2; OUT is a folder."),
    ] = None,
    document_prefix: Annotated[
        str, typer.Option(help="A folder to put before every document of the evidence.")
    ] = "",
    pages: Annotated[
        Path | None,
        typer.Option(help="The folder of the PDFs: find the page of each quote of the evidence."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read questions of another tool or benchmark into a question file.

    Exit status: 0 done, 1 done with records left out, each named, 2 not done.
    """
    from eval.imports.formats import import_questions
    from eval.imports.locate import locate
    from eval.imports.split import split_by_source
    from eval.questions import write_questions

    console = Console(stderr=True)
    try:
        imported = import_questions(
            format,
            path,
            limit=limit,
            seed=seed,
            sources=source or None,
            document_prefix=document_prefix,
            **_options(option or []),
        )
        located = locate(imported.questions, pages, document_prefix) if pages else None
        questions = located.questions if located else imported.questions
        if wiki:
            from eval.squad import write_wiki

            write_wiki(path, wiki)
        written: dict[str, int] = {}
        if split:
            shares = _shares(split)
            parts = split_by_source(questions, shares, seed)
            for name in ("train", "dev", "test"):
                file = out / f"{name}.jsonl"
                written[str(file)] = write_questions(file, getattr(parts, name))
        else:
            written[str(out)] = write_questions(out, questions)
    except (ValueError, OSError) as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    skipped = [{"place": one.place, "reason": one.reason} for one in imported.skipped]
    remarks = imported.notes + (located.notes if located else [])
    if as_json:
        notes = [{"place": note.place, "text": note.text} for note in remarks]
        found: dict[str, object] = {
            "format": imported.format,
            "written": written,
            "skipped": skipped,
            "notes": notes,
        }
        if located:
            found["pages"] = _told(located)
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        for file, count in written.items():
            typer.echo(f"{count} questions ({imported.format}) → {file}")
        for note in remarks:
            typer.echo(f"note: {note.place}: {note.text}")
        if located:
            typer.echo(located.summary())
            _list("no page", [f"{one.place}: {one.text}" for one in located.missing])
        _list("left out", [f"{one['place']}: {one['reason']}" for one in skipped])
    raise typer.Exit(1 if skipped else 0)


def _list(what: str, lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        typer.echo(f"{what}: {line}")
    if len(lines) > _SHOWN:
        typer.echo(f"… and {len(lines) - _SHOWN} more; --json lists them all")


def _told(located: "Located") -> dict[str, object]:
    missing = [{"place": one.place, "text": one.text} for one in located.missing]
    return {"asked": located.asked, "located": located.found, "missing": missing}


def calibrate(
    runs: Annotated[int, typer.Option(min=1, help="Simulated runs a scenario.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Simulate runs of the verdict rule: how often it is wrong, and how often it finds a gain.

    Exit status: 0, or 1 where a rate misses its target.
    """
    from eval.calibrate_report import run_and_print

    raise typer.Exit(run_and_print(runs, seed, as_json))


def drift(
    earlier: Annotated[Path, typer.Argument(help="The run folder of before.")],
    later: Annotated[Path, typer.Argument(help="The run folder of the same task, of now.")],
    as_json: JsonOption = False,
) -> None:
    """Say whether an arm got better or worse between two runs of one task.

    Exit status: 0 no arm got worse, 1 one did, 2 the runs cannot be compared.
    """
    from eval import drift as drifts

    try:
        found = drifts.drift(earlier, later)
    except (ValueError, OSError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        for line in drifts.told(found):
            typer.echo(line)
    raise typer.Exit(1 if found.worse else 0)


def _options(given: list[str]) -> dict[str, object]:
    """name=value pairs; true, false and existing paths become what they say."""
    found: dict[str, object] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise ValueError(f"option 'option': name=value is wanted, found {one!r}")
        if name in _OWN:
            raise ValueError(f"option 'option': {name!r} is given by {_OWN[name]}, found {one!r}")
        words: dict[str, object] = {"true": True, "false": False}
        known = words.get(value.lower(), value)
        is_list = name == "labels"
        found[name] = value.split(";") if is_list else known
        if isinstance(known, str) and not is_list and Path(value).exists():
            found[name] = Path(value)
    return found


def _shares(text: str) -> tuple[float, float, float]:
    try:
        train, dev, test = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"option 'split': three shares as 0.7,0.1,0.2, found {text!r}") from error
    return train, dev, test
