"""The Docker files, as far as they can be checked where no engine runs."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
import typer
import yaml

import ragfirst

TOP = Path(__file__).parents[1]
FILE = TOP / "docker-compose.yml"
DOCKERFILE = (TOP / "Dockerfile").read_text()
OWN = ("ingest", "service")
OBSERVING = ("prometheus", "grafana", "otel-collector")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())["services"]


def validate(file: Path) -> int:
    """Check a file against the schema of the compose specification that check-jsonschema brings."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    return subprocess.run([*command, str(file)], capture_output=True, check=False).returncode


def test_the_file_follows_the_compose_specification():
    assert validate(FILE) == 0


def test_the_schema_would_find_a_mistake(tmp_path: Path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text().replace("healthcheck:", "health-check:"))
    assert validate(wrong) == 1


def has_compose() -> bool:
    docker = shutil.which("docker")
    command = [docker or "", "compose", "version"]
    return docker is not None and not subprocess.run(command, capture_output=True).returncode


@pytest.mark.skipif(not has_compose(), reason="no docker client with compose")
def test_docker_compose_takes_the_file():
    subprocess.run(["docker", "compose", "--file", str(FILE), "config", "--quiet"], check=True)


def mount(service: dict[str, Any], target: str) -> dict[str, Any]:
    (found,) = [one for one in service["volumes"] if one["target"] == target]
    return found


@pytest.mark.parametrize("name", ["ingest", "service"])
def test_the_corpus_is_mounted_read_only(services: dict[str, Any], name: str):
    corpus = mount(services[name], "/corpus")
    assert (corpus["type"], corpus["source"], corpus["read_only"]) == ("bind", "./corpus", True)


def test_both_share_the_index_volume(services: dict[str, Any]):
    assert "index" in yaml.safe_load(FILE.read_text())["volumes"]
    assert {mount(services[name], "/index")["source"] for name in OWN} == {"index"}


@pytest.mark.parametrize("name", OWN)
def test_nothing_of_ours_runs_as_root(services: dict[str, Any], name: str):
    assert services[name]["user"].split(":")[0] not in ("", "0", "root")


@pytest.mark.parametrize("name", [*OWN, *OBSERVING, "vllm"])
def test_containers_have_few_rights(services: dict[str, Any], name: str):
    service = services[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    if name != "vllm":  # compiles kernels into folders of its own, as root
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]


def test_the_service_waits_for_a_finished_ingest(services: dict[str, Any]):
    wanted = {"ingest": {"condition": "service_completed_successfully"}}
    assert services["service"]["depends_on"] == wanted
    assert services["ingest"]["restart"] == "no"


def test_the_port_is_the_user_s_choice(services: dict[str, Any]):
    assert services["service"]["ports"] == ["${BIND:-127.0.0.1}:${PORT:-8000}:8000"]


def test_settings_of_a_server_are_passed_on_only_where_set(services: dict[str, Any]):
    environment = services["service"]["environment"]
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        assert environment[name] is None


class Ready(BaseHTTPRequestHandler):
    """Answers /health/ready with the server's `status`, everything else with 404."""

    def do_GET(self) -> None:
        status = cast(Any, self.server).status
        self.send_response(status if self.path == "/health/ready" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def answering(status: int) -> Generator[int]:
    """A server whose readiness has this status; yields its port."""
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        cast(Any, server).status = status
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_ready_from_not_ready(
    services: dict[str, Any], status: int, healthy: bool
):
    kind, python, *arguments = services["service"]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    with answering(status) as port:
        here = [one.replace(":8000/", f":{port}/") for one in arguments]
        done = subprocess.run([sys.executable, *here], capture_output=True, check=False)
    assert (done.returncode == 0) is healthy


def parse(command: list[str]) -> dict[str, Any]:
    """What the command line makes of a command, without running it. Exits where it is wrong."""
    program, name, *arguments = command
    assert program == "ragfirst"
    group: Any = typer.main.get_command(ragfirst.app)
    context = group.make_context("ragfirst", [name], resilient_parsing=True)
    return group.get_command(context, name).make_context(name, arguments).params


def test_the_command_line_takes_the_service_s_command(services: dict[str, Any]):
    values = parse(services["service"]["command"])
    assert str(values["index"]) == "/index"
    assert (values["host"], values["port"]) == ("0.0.0.0", 8000)


def script(services: dict[str, Any]) -> str:
    """The shell script of the ingest, as the container sees it."""
    shell, flag, text = services["ingest"]["command"]
    assert (shell, flag) == ("sh", "-c")
    return text.replace("$$", "$")


def test_the_command_line_takes_the_ingest_s_command(services: dict[str, Any]):
    values = parse(shlex.split(script(services).split("||")[0]))
    assert list(map(str, values["corpora"])) == ["/corpus/wiki", "/corpus/pdf"]
    assert str(values["index"]) == "/index"


def test_the_corpora_of_the_ingest_exist(services: dict[str, Any]):
    for path in re.findall(r"/corpus/\w+", script(services)):
        assert (TOP / path.removeprefix("/")).is_dir()


@pytest.mark.parametrize(("status", "succeeds"), [(0, True), (1, True), (2, False)])
def test_named_failures_do_not_keep_the_service_down(
    services: dict[str, Any], tmp_path: Path, status: int, succeeds: bool
):
    program = tmp_path / "ragfirst"
    program.write_text(f"#!/bin/sh\nexit {status}\n")
    program.chmod(0o700)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script(services)], env=environment, check=False)
    assert (done.returncode == 0) is succeeds


def test_the_image_runs_the_service_in_exec_form_as_nobody_special(services: dict[str, Any]):
    (command,) = re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(command) == services["service"]["command"]
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert users == ["ragfirst"]


def test_the_image_has_the_user_and_folders_that_compose_names(services: dict[str, Any]):
    number = services["service"]["user"].split(":")[0]
    assert f"useradd --uid {number} --create-home ragfirst" in DOCKERFILE
    assert re.search(r"--owner=ragfirst .* /index /cache", DOCKERFILE)
    assert mount(services["service"], "/cache")["type"] == "volume"


def test_the_image_asks_no_model_hub():
    assert re.search(r"^ENV HF_HUB_OFFLINE=1", DOCKERFILE, re.MULTILINE)


def test_all_that_the_image_copies_is_there_and_not_ignored():
    ignored = (TOP / ".dockerignore").read_text().splitlines()
    copied = {
        name
        for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    }
    assert {f"!{name}" for name in copied} <= set(ignored)
    assert [name for name in sorted(copied) if not (TOP / name).exists()] == []


def test_the_weights_are_converted_where_the_service_looks_for_them():
    """The statement that runs while the image is built, and the setting, name one folder."""
    (setting,) = re.findall(r"RAGFIRST_CACHE=(\S+)", DOCKERFILE)
    assert f"LocalChat(cache=Path('{setting}'))" in DOCKERFILE
