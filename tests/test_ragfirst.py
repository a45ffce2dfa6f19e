import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.corpora import pages, run, write

TOP = Path(__file__).parents[1]

MODELS = {"torch", "transformers", "peft", "sentence_transformers", "openai"}

LOADED = "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"

SERVE = f"""
import sys
import service.app, service.cli, service.loading
from service.settings import ServiceSettings

service.app.create_app(service.loading.Loading(ServiceSettings()))
{LOADED}
"""

COMMAND = f"""
import atexit, sys
atexit.register(lambda: {LOADED})
import ragfirst
ragfirst.main()
"""


def python(code: str, *arguments: str | Path) -> tuple[int, str, set[str]]:
    """Run code in a process of its own: exit status, output, top-level modules loaded at its end.

    The modules are the last line of the error output.
    """
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    assert lines, done
    return done.returncode, done.stdout, set(lines[-1].split())


def test_help_lists_every_command():
    status, output, _ = python(COMMAND, "--help")
    assert status == 0
    assert all(name in output for name in ("ingest", "status", "serve", "ask", "search", "eval"))


def test_help_loads_no_model_library():
    _, _, loaded = python(COMMAND, "--help")
    assert "typer" in loaded
    assert loaded.isdisjoint({"torch", "transformers", "sentence_transformers", "openai"})


@pytest.mark.parametrize("command", ["ingest", "status", "serve", "ask", "search"])
def test_every_command_has_help_of_its_own(command: str):
    status, output, _ = python(COMMAND, command, "--help")
    assert status == 0
    assert f"ragfirst {command}" in output or f"{command} [OPTIONS]" in output


def test_an_unknown_command_is_refused():
    status, output, _ = python(COMMAND, "fly")
    assert (status, output) == (2, "")


def test_help_of_the_evaluation_lists_its_commands_and_loads_no_model_library():
    status, output, loaded = python(COMMAND, "eval", "--help")
    assert status == 0
    assert all(name in output for name in ("audit", "run", "compare", "report", "import"))
    assert "eval" in loaded
    assert loaded.isdisjoint(MODELS | {"faiss", "scipy", "statsmodels", "datasketch"})


@pytest.mark.parametrize("command", ["audit", "run", "compare", "report", "import"])
def test_every_command_of_the_evaluation_has_help_of_its_own(command: str):
    status, output, loaded = python(COMMAND, "eval", command, "--help")
    assert status == 0
    assert f"eval {command} [OPTIONS]" in output
    assert "Exit status" in output or command == "report"
    assert loaded.isdisjoint(MODELS)


def test_questions_are_imported_without_a_model_library(tmp_path: Path):
    table = tmp_path / "table.csv"
    table.write_text("question,answer\nWho?,Vance\n")
    status, output, loaded = python(COMMAND, "eval", "import", table, tmp_path / "out.jsonl")
    assert (status, output) == (0, f"1 questions (table) → {tmp_path / 'out.jsonl'}\n")
    assert loaded.isdisjoint(MODELS)


def test_an_evaluation_that_cannot_begin_says_why_and_loads_no_model(tmp_path: Path):
    status, output, loaded = python(COMMAND, "eval", "run", tmp_path / "no.yaml")
    assert (status, output) == (2, "")
    assert loaded.isdisjoint({"transformers", "peft", "sentence_transformers"})


def installed() -> bool:
    try:
        importlib.metadata.distribution("ragfirst")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@pytest.mark.skipif(not installed(), reason="a version is of an installed package")
def test_the_version_is_the_project_s():
    status, output, _ = python(COMMAND, "--version")
    declared = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    assert (status, output) == (0, f"ragfirst {declared}\n")


def test_serving_loads_no_evaluation_training_or_scale_out_code():
    status, _, loaded = python(SERVE)
    assert status == 0
    assert {"service", "ingest", "fastapi"} <= loaded
    assert loaded.isdisjoint({"eval", "peft", "trl", "ray", "pymilvus", "vllm"})


def test_status_loads_no_model_library(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "wiki", pages("ant")))
    status, output, loaded = python(COMMAND, "status", "--index", tmp_path / "index")
    assert status == 0
    assert "1 documents" in output
    assert "ingest" in loaded
    assert loaded.isdisjoint({"torch", "transformers", "sentence_transformers"})
