import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.corpora import pages, run, write

TOP = Path(__file__).parents[1]

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
    assert all(name in output for name in ("ingest", "status", "serve", "ask", "search"))


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
