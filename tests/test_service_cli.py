"""The commands: `serve` as a process that ends as it is asked to; what the others refuse."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from ingest.embed import SentenceEmbedder
from service.cli import app, listen
from tests.corpora import pages, run, write
from tests.servers import GUARD, Exchange, ScriptedServer, within

REPOSITORY = Path(__file__).parents[1]


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(REPOSITORY / "ragfirst.py"), "serve", *arguments]


def refusal(*arguments: str, **variables: str) -> str:
    """What a serve that must not start prints, after ending with status 2."""
    done = subprocess.run(
        command(*arguments),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=GUARD,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def served(tmp_path: Path) -> Generator[tuple[subprocess.Popen[str], str]]:
    """The process and its address; its model's server never answers."""

    def silent(exchange: Exchange) -> None:
        exchange.hold()

    with ScriptedServer(silent) as server:
        process: Any = subprocess.Popen(
            command("--port", "0", "--index", str(tmp_path / "index")),
            env={**os.environ, "OPENAI_BASE_URL": server.url},
            stderr=subprocess.PIPE,
            text=True,
            # Where tests run in the background it may be ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        with process:
            try:
                line: str = within(process.stderr.readline)
                assert line.startswith("ragfirst answers at http://localhost:")
                yield process, line.split()[3]
            finally:
                process.kill()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_while_it_loads(
    served: tuple[subprocess.Popen[str], str], sent: signal.Signals
) -> None:
    process, address = served
    with urlopen(f"{address}/health/live", timeout=GUARD) as response:
        assert b"true" in response.read()
    process.send_signal(sent)
    assert process.wait(GUARD) == (0 if sent == signal.SIGTERM else 130)
    assert process.stderr
    assert "Traceback" not in process.stderr.read()


def test_the_parts_of_a_response_do_not_wait_for_one_another() -> None:
    with listen("127.0.0.1", 0) as place:
        with socket.create_connection(place.getsockname()):
            connection, _ = place.accept()
            with connection:
                assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        printed = refusal("--port", str(port))
    assert f"cannot listen on '127.0.0.1', port {port} (Address already in use)" in printed
    assert "--port" in printed


def test_a_host_that_is_not_here_is_named() -> None:
    assert "cannot listen on '203.0.113.1'" in refusal("--host", "203.0.113.1")


def test_a_setting_that_is_wrong_is_named_with_its_value() -> None:
    assert "wrong setting" in (printed := refusal(RAGFIRST_TOP_K="many"))
    reader = refusal(RAGFIRST_READER="packaged", OPENAI_API_KEY="of-nobody-else")
    assert "wrong setting: RAGFIRST_READER is 'packaged'" in reader
    assert "of-nobody-else" not in reader
    assert "'many'" in printed


@pytest.mark.parametrize("name", ["search", "ask"])
def test_a_collection_that_there_is_not_is_told_those_there_are(
    name: str, tmp_path: Path, embedder: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost/v1")
    monkeypatch.setenv("RAGFIRST_MODEL", "never-asked")
    run(tmp_path / "index", write(tmp_path / "wiki", pages("tank")), embedder=embedder)
    arguments = [name, "tank", "--collection", "wikis", "--index", str(tmp_path / "index")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert result.stderr == "ragfirst: no collection 'wikis' in the index: it has ['wiki']\n"
