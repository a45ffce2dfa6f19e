"""Files parsed in another process: real ones, which hang, crash and are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from ingest import parsing
from ingest.documents import Document, Failure, UnreadableFile
from ingest.parsing import Parser, ParserNotStarted
from ingest.parsing_messages import Order, ParseLimits
from tests.corpora import dump, page, pages, write

PRINTS_ITS_PARSER = """
import signal, sys
import psutil
from ingest.parsing import Parser
from ingest.parsing_messages import Order, ParseLimits

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background ignores
with Parser(ParseLimits()) as parser:
    for _, items in parser.read([(0, Order(sys.argv[1], "d.xml"))]):
        next(items)
        print(psutil.Process().children()[0].pid, flush=True)
        sys.stdin.read()
"""

Outcome = tuple[str, list[str]]
"""A file's name, and the paths of its documents, then the reason why there are no more."""


@pytest.fixture
def parser() -> Generator[Parser]:
    with Parser(ParseLimits(60, 512)) as made:
        yield made
    assert children() == []


def children() -> list[psutil.Process]:
    """The parsing processes of this one."""
    return [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]


def orders(folder: Path, *names: str) -> list[tuple[str, Order | None]]:
    return [(name, Order(str(folder / name), name)) for name in names]


def outcomes(
    parser: Parser,
    files: Iterable[tuple[str, Order | None]],
    between: Callable[[str, str], None] = lambda file, path: None,
) -> list[Outcome]:
    """What becomes of files; `between` is called after each outcome."""
    found: list[Outcome] = []
    for name, items in parser.read(files, ahead=False):
        found.append((name, []))
        try:
            for item in items:
                failed = isinstance(item, Failure)
                found[-1][1].append(f"{item.path}: {item.reason}" if failed else item.path)
                between(name, item.path)
        except UnreadableFile as error:
            found[-1][1].append(str(error))
    return found


def large(folder: Path, megabytes: int) -> str:
    """A text file whose parsing takes some seconds, or many times its size."""
    (folder / "large.txt").write_text("All words of it are read.\n" * (megabytes * 40_000))
    return "large.txt"


def test_files_are_read_in_order_by_one_process(tmp_path: Path, parser: Parser) -> None:
    write(tmp_path, pages("ant", "bee") | {"d.xml": dump(("Elk", "An elk."), ("Fox", "A fox."))})
    seen: set[int] = set()
    files = orders(tmp_path, "ant.md", "d.xml", "bee.md")
    found = outcomes(parser, files, lambda file, path: seen.update(one.pid for one in children()))
    assert found == [
        ("ant.md", ["ant.md"]),
        ("d.xml", ["d.xml#Elk", "d.xml#Fox"]),
        ("bee.md", ["bee.md"]),
    ]
    assert len(seen) == 1


def test_documents_arrive_as_the_readers_make_them(tmp_path: Path, parser: Parser) -> None:
    from ingest.readers import read

    write(tmp_path, {"ant.md": "---\nauthor: Ada\n---\n# Ant\n\nWords.\n\n## Legs\n\nSix."})
    ((_, items),) = [(name, list(items)) for name, items in parser.read(orders(tmp_path, "ant.md"))]
    assert items == list(read(tmp_path / "ant.md", "ant.md"))
    assert isinstance(items[0], Document) and items[0].sections and items[0].metadata


def test_nothing_is_started_where_there_is_nothing_to_read(parser: Parser) -> None:
    assert outcomes(parser, [("closed", None)]) == [("closed", [])]
    assert children() == []


def test_the_process_loads_no_model_and_no_parser_that_it_does_not_need() -> None:
    code = (
        "import sys, ingest.parsing_worker as worker;"
        "print([one for one in ('torch', 'numpy', 'pypdf', 'lxml') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_next_files_are_parsed_ahead(tmp_path: Path, parser: Parser) -> None:
    write(tmp_path, pages("ant"))
    os.mkfifo(tmp_path / "bee.md")
    for name, items in parser.read(orders(tmp_path, "ant.md", "bee.md")):
        if name == "ant.md":
            feed(tmp_path / "bee.md", page("bee"))
        else:
            assert [item.path for item in items] == ["bee.md"]


def feed(pipe: Path, text: str) -> None:
    """Write to a pipe that somebody has opened for reading, or is about to."""
    for _ in range(600):
        try:
            opened = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it yet
            time.sleep(0.1)
            continue
        with os.fdopen(opened, "wb") as file:
            file.write(text.encode())
        return
    raise AssertionError(f"nobody opens {pipe.name}")


@pytest.mark.parametrize(
    ("limits", "megabytes", "what", "setting"),
    [
        (ParseLimits(0.5, 2048), 30, "0.5 s of processor time", "RAGFIRST_PARSE_SECONDS"),
        (ParseLimits(60, 128), 40, "128 MB of memory", "RAGFIRST_PARSE_MEMORY"),
    ],
)
def test_a_file_that_takes_too_much_is_named_and_the_next_is_read(
    tmp_path: Path, limits: ParseLimits, megabytes: int, what: str, setting: str
) -> None:
    write(tmp_path, pages("bee"))
    with Parser(limits) as parser:
        found = outcomes(parser, orders(tmp_path, large(tmp_path, megabytes), "bee.md"))
    reason = f"reading it took more than {what}: set {setting} higher, or split the file"
    assert found == [("large.txt", [reason]), ("bee.md", ["bee.md"])]


def test_a_slow_reader_of_the_documents_uses_up_no_time(tmp_path: Path) -> None:
    long = "Every word of this page is read. " * 6_000
    write(tmp_path, {"d.xml": dump(*((f"Page {at}", long) for at in range(12)))})  # fill the pipe
    begun = list[str]()

    def between(file: str, path: str) -> None:
        if not begun:
            time.sleep(4)  # longer than a file may take on the clock
        begun.append(path)

    with Parser(ParseLimits(0.3)) as parser:
        found = outcomes(parser, orders(tmp_path, "d.xml"), between)
    assert found == [("d.xml", [f"d.xml#Page {at}" for at in range(12)])]


def kill(number: int) -> None:
    (process,) = children()
    os.kill(process.pid, number)


def test_a_page_that_crashes_the_process_is_named_and_the_rest_of_its_dump_is_read(
    tmp_path: Path, parser: Parser
) -> None:
    long = "Every word of this page is read. " * 20_000  # more than a pipe holds
    titled = [(f"Page {at}", long) for at in range(6)]
    write(tmp_path, {"d.xml": dump(*titled), **pages("bee")})

    def between(file: str, path: str) -> None:
        if path == "d.xml#Page 1":
            kill(signal.SIGSEGV)

    ((_, of_dump), of_bee) = outcomes(parser, orders(tmp_path, "d.xml", "bee.md"), between)
    crashed = [one for one in of_dump if "it crashes its parser (SIGSEGV)" in one]
    assert len(crashed) == 1 and crashed[0].startswith("d.xml#Page ")
    titles = [one.partition(": ")[0] for one in of_dump]
    assert titles == [f"d.xml#Page {at}" for at in range(6)]
    assert of_bee == ("bee.md", ["bee.md"])


def test_a_file_that_found_a_process_worn_out_has_a_second_try(
    tmp_path: Path, parser: Parser
) -> None:
    write(tmp_path, pages("ant", "bee"))

    def files() -> Iterator[tuple[str, Order | None]]:
        yield from orders(tmp_path, "ant.md")
        kill(signal.SIGKILL)
        yield from orders(tmp_path, "bee.md")

    assert outcomes(parser, files()) == [("ant.md", ["ant.md"]), ("bee.md", ["bee.md"])]


def test_what_cannot_start_is_no_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parser: Parser
) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('there is no room')")
    monkeypatch.setattr(parsing, "_COMMAND", command)
    with pytest.raises(ParserNotStarted, match="there is no room"):
        outcomes(parser, orders(write(tmp_path, pages("ant")), "ant.md"))


def test_a_program_that_is_not_there_is_no_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parser: Parser
) -> None:
    monkeypatch.setattr(parsing, "_COMMAND", ("/no/such/python",))
    with pytest.raises(ParserNotStarted, match="/no/such/python"):
        outcomes(parser, orders(write(tmp_path, pages("ant")), "ant.md"))


def test_a_library_that_is_not_installed_is_no_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parser: Parser
) -> None:
    write(tmp_path, {"markdown_it.py": "print('loading')\nraise ImportError('no markdown here')"})
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]
    with pytest.raises(ParserNotStarted, match="no markdown here"):
        outcomes(parser, orders(write(tmp_path, pages("ant")), "ant.md"))


def test_leaving_in_the_middle_leaves_no_process_behind(tmp_path: Path) -> None:
    write(tmp_path, pages("ant"))
    large(tmp_path, 20)
    with pytest.raises(KeyboardInterrupt), Parser(ParseLimits()) as parser:
        for _ in parser.read(orders(tmp_path, "ant.md", "large.txt")):
            raise KeyboardInterrupt
    assert children() == []


def test_a_terminals_signals_are_for_the_parent(tmp_path: Path, parser: Parser) -> None:
    def between(file: str, path: str) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            kill(number)
        seen.append(children()[0].pid)

    write(tmp_path, pages("ant", "bee"))
    seen = list[int]()
    found = outcomes(parser, orders(tmp_path, "ant.md", "bee.md"), between)
    assert [paths for _, paths in found] == [["ant.md"], ["bee.md"]]
    assert len(set(seen)) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_parent_that_is_killed_takes_its_process_along(tmp_path: Path, how: int) -> None:
    write(tmp_path, {"d.xml": dump(("Elk", "An elk."), ("Fox", "<b>" * 50_000))})  # for minutes
    command = [sys.executable, "-c", PRINTS_ITS_PARSER, str(tmp_path / "d.xml")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        number = int(parent.stdout.readline())
        assert psutil.pid_exists(number)
        parent.send_signal(how)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(number) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(number)
