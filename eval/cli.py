"""The commands `ragfirst eval …` that carry out a comparison."""

import json
from collections.abc import Generator
from contextlib import closing, contextmanager
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

from eval import cli_data

app = typer.Typer(add_completion=False, no_args_is_help=True)
group = typer.Typer(no_args_is_help=True)
app.add_typer(group, name="eval", help="Should we fine-tune, or is retrieval enough? The proof.")
cli_data.mount(group)

DEMO = ("facts", "format", "same-arm-twice")
"""The controls: retrieval must win, the adapter must win, nobody may win."""

WorkOption = Annotated[
    Path, typer.Option("--work", help="Where run folders, the index and cached calls are kept.")
]
QuickOption = Annotated[
    bool,
    typer.Option(
        "--quick", help="One seed, little training, a quarter of the questions: a look, no verdict."
    ),
]
ArmsOption = Annotated[
    str | None, typer.Option("--arms", help="Only these arms of the task, by name, with commas.")
]
OverrideOption = Annotated[
    list[str] | None,
    typer.Option("--override", help="Go on though this guard is broken; the report says so."),
]
ServerOption = Annotated[
    str | None,
    typer.Option("--server", help="Ask an OpenAI-compatible server, as vLLM, at this base URL."),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="The base's name at the server.  [default: the task's]"),
]
ServedOption = Annotated[
    str,
    typer.Option(
        "--served", help="How the server calls adapters; {task}, {arm}, {seed} filled in."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")]


@group.command()
def audit(
    task: Annotated[Path, typer.Argument(help="A task file (YAML).")],
    work: WorkOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Check what would make a verdict worthless: leaks, missing gold, dates, question files.

    Exit status: 0 all passed or waived, 1 a guard is broken, 2 the task cannot be read.
    """
    console = Console(stderr=True)
    with _refusals(console):
        from eval.compare import check, open_comparison
        from eval.findings import GuardBroken, read_findings

        broken: GuardBroken | None = None
        with (
            _shown(console) as progress,
            closing(open_comparison(task, work, _settings(), progress)) as comparison,
        ):
            try:
                check(comparison)
            except GuardBroken as error:
                broken = error
        findings = read_findings(comparison.work / "guards.json")
    if broken:
        _complain(console, broken)
    if as_json:
        typer.echo(json.dumps([found.as_dict() for found in findings], ensure_ascii=False))
    else:
        for found in findings:
            state = "passed" if found.passed else "WAIVED" if found.waived else "BROKEN"
            typer.echo(f"{state:7} {found.name:17} {found.note}")
    raise typer.Exit(1 if broken else 0)


@group.command()
def run(
    task: Annotated[Path, typer.Argument(help="A task file (YAML).")],
    work: WorkOption = Path("runs"),
    quick: QuickOption = False,
    arms: ArmsOption = None,
    override: OverrideOption = None,
    server: ServerOption = None,
    model: ModelOption = None,
    served: ServedOption = "{task}-{arm}-seed-{seed}",
    as_json: JsonOption = False,
) -> None:
    """Carry out one comparison, from guards to report. Stop it at any time: it goes on from there.

    Exit status: 0 done, 1 a guard is broken, 2 not done.
    """
    _compare([task], work, quick, arms, override, server, model, served, as_json)


@group.command()
def compare(
    tasks: Annotated[
        list[Path] | None,
        typer.Argument(help="Task files.  [default: the demo's controls]"),
    ] = None,
    work: WorkOption = Path("runs"),
    quick: QuickOption = False,
    arms: ArmsOption = None,
    override: OverrideOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry out several comparisons one after the other and print their verdicts.

    One with a broken guard is left out. Exit status: 0 done, 1 a guard is broken, 2 not done.
    """
    names = DEMO[:2] if quick else DEMO  # one seed has no other seeds to be held against
    chosen = tasks or [Path(f"corpus/tasks/{name}/task.yaml") for name in names]
    _compare(chosen, work, quick, arms, override, None, None, "", as_json)


@group.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A run folder.")], as_json: JsonOption = False
) -> None:
    """Write the report of a run folder anew, from its results alone; no model is asked."""
    with _refusals(Console(stderr=True)):
        from eval.report.write import write_report

        files = write_report(folder)
    if as_json:
        typer.echo((folder / "report.json").read_text(encoding="utf-8"))
        return
    for file in files:
        typer.echo(str(file))


def _compare(
    tasks: list[Path],
    work: Path,
    quick: bool,
    arms: str | None,
    override: list[str] | None,
    server: str | None,
    model: str | None,
    served: str,
    as_json: bool,
) -> None:
    console = Console(stderr=True)
    finished: list[Any] = []
    broken = False
    with _refusals(console):
        from eval.compare import generator_of, run_task, task_of
        from eval.findings import GuardBroken
        from eval.run import Options

        settings = _settings()
        read = [task_of(file, arms) for file in tasks]
        _refuse_twice([task.name for task in read])
        for task in read:
            folder = work / (f"{task.name}-quick" if quick else task.name)
            address = (server, model or task.base) if server else None
            named = served if server else None
            options = Options(quick, tuple(override or ()), named, address)
            asked = generator_of(task, settings, server, model)
            try:
                with _shown(console) as progress:
                    finished.append(run_task(task, folder, asked, settings, options, progress))
            except GuardBroken as error:
                _complain(console, error)
                broken = True
    if as_json:
        typer.echo(json.dumps([done.report for done in finished], ensure_ascii=False))
    else:
        for done in finished:
            _print(done.report, done.folder, done.again)
    raise typer.Exit(1 if broken else 0)


def _refuse_twice(names: list[str]) -> None:
    """Two tasks of one name would share a run folder."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"two tasks have the name {name!r}: run them one by one, or rename one"
            )


def _print(report: dict[str, Any], folder: Path, again: bool) -> None:
    typer.echo(f"\n{report['task']} ({report['kind']})" + (": finished before" if again else ""))
    for name, contrast in report["contrasts"].items():
        if contrast.get("difference") is None:
            typer.echo(f"  {name}: {contrast.get('decision')}: {contrast.get('reason', '')}")
            continue
        ends = contrast["interval"]
        between = f" [{100 * ends[0]:+.1f}, {100 * ends[1]:+.1f}]" if ends else ""
        typer.echo(
            f"  {name}: {contrast['decision'].upper()}: {100 * contrast['difference']:+.1f} points"
            f"{between}, margin {100 * contrast['margin']:.0f}"
        )
    for arm in report["arms"]:
        accuracy = arm["accuracy"]
        told = "unscored" if accuracy is None else f"{100 * accuracy:5.1f} % right"
        typer.echo(f"  {arm['name']:18} {told}")
    typer.echo(f"  report: {folder / 'report.html'}")


def _settings() -> Any:
    from service.cli import load_settings

    return load_settings(None)


@contextmanager
def _shown(console: Console) -> Generator[Any]:
    """A progress bar where a person looks on; a line a minute elsewhere."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn())
    with Bar(*columns, MofNCompleteColumn(), TimeElapsedColumn(), console=console) as bar:
        shown = bar.add_task("loading", total=None)

        def tell(what: str, done: int, of: int) -> None:
            bar.update(shown, description=what[-90:], completed=done, total=of)

        yield tell


class _Lines:
    """Progress for a log."""

    def __init__(self, console: Console) -> None:
        import time

        self._console, self._clock = console, time.monotonic
        self._last, self._next = "", 0.0

    def __call__(self, what: str, done: int, of: int) -> None:
        """Tell at each new stage, and once a minute."""
        stage = what.partition(" · ")[0]
        if stage != self._last or self._clock() >= self._next or done == of:
            self._last, self._next = stage, self._clock() + 60
            self._console.print(f"{what}: {done} of {of}", markup=False, highlight=False)


@contextmanager
def _refusals(console: Console) -> Generator[None]:
    """Errors that are meant for people, in words and with exit status 2."""
    from eval.tune.base import CannotTrain
    from ingest.schema import IndexRefused
    from service.llm import LLMError

    try:
        yield
    except KeyboardInterrupt:
        console.print("Interrupted. What was done is kept; run the same command to go on.")
        raise typer.Exit(130) from None
    except ModuleNotFoundError as error:
        _complain(console, f"{error}: pip install 'ragfirst[eval]'")
        raise typer.Exit(2) from error
    except (ValueError, IndexRefused, LLMError, CannotTrain, OSError) as error:
        _complain(console, error)
        raise typer.Exit(2) from error


def _complain(console: Console, error: object) -> None:
    console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
