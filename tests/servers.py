"""Real servers on loopback: one that behaves by a script, faults included, and llama.cpp's."""

import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

GUARD = 60.0
"""Seconds after which what should have ended is taken for hung: far beyond any that is right."""

_Result = TypeVar("_Result")


class Exchange:
    """One request, and the ways to answer it. `count` numbers the requests of a server from 1."""

    def __init__(self, handler: BaseHTTPRequestHandler, count: int, stop: threading.Event) -> None:
        self._handler = handler
        self.count = count
        self.stop = stop
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        length = int(handler.headers.get("content-length", 0))
        self.body: dict[str, Any] = json.loads(handler.rfile.read(length) or b"{}")

    def reply(
        self, status: int, body: str | bytes | dict[str, Any] | list[Any], **headers: str
    ) -> None:
        """A whole response; `Retry_After="1"` becomes the header Retry-After."""
        raw = body if isinstance(body, bytes) else _text(body).encode()
        sent = {"Content_Type": "application/json", "Content_Length": str(len(raw)), **headers}
        self.begin(status, **sent)
        self.send(raw)

    def begin(self, status: int, **headers: str) -> None:
        """The head of a response."""
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def send(self, raw: bytes) -> None:
        """Some bytes of the body, at once."""
        self._handler.wfile.write(raw)
        self._handler.wfile.flush()

    def hold(self) -> None:
        """Keep silent until the server closes."""
        self.stop.wait()

    def drip(self, raw: bytes) -> None:
        """Send this over and over until the server closes or the client goes."""
        while not self.stop.wait(0.02):
            self.send(raw)

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # The handler's files hold the socket open besides the socket itself.
        self._handler.wfile.close()
        self._handler.rfile.close()
        self._handler.connection.close()


Script = Callable[[Exchange], None]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what these tests are about; the rest is the test's fault."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class ScriptedServer:
    """An HTTP server that answers each request by a script and keeps the exchanges."""

    def __init__(self, script: Script) -> None:
        self.exchanges: list[Exchange] = []
        stop = self._stop = threading.Event()
        exchanges, lock = self.exchanges, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                with lock:
                    exchange = Exchange(self, len(exchanges) + 1, stop)
                    exchanges.append(exchange)
                script(exchange)

            do_GET = do_POST

            def finish(self) -> None:
                try:
                    super().finish()
                except ValueError:  # after `reset`
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def completion(text: str | None, **choice: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, **choice}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def failure(message: str, **members: Any) -> dict[str, Any]:
    """The body of an error, as OpenAI sends it."""
    return {"error": {"message": message, "type": "invalid_request_error", **members}}


@contextmanager
def refused() -> Generator[str]:
    """The address of a port that is taken and does not listen: connections are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def within(run: Callable[[], _Result], seconds: float = GUARD) -> _Result:
    """What `run` returns or raises; fails where it hangs, and leaves its thread behind then."""
    outcome: list[_Result] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(run())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"still waiting after {seconds:g} s"
    if raised:
        raise raised[0]
    return outcome[0]


_LLAMA = """
import sys, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path = sys.argv[1]
settings.model_alias = {"smollm2-gguf"}
settings.hostnames, settings.port = ["127.0.0.1"], 0
settings.n_ctx, settings.n_parallel, settings.cpuparams.n_threads = 4096, 1, 1
settings.warmup, settings.verbosity = False, 0
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@contextmanager
def llama(gguf: Path) -> Generator[str]:
    """llama.cpp's own server in a process of its own; yields the base URL of its API.

    Its address is printed once it is ready, and it ends when its standard input does.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _LLAMA, str(gguf)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdin and process.stdout
        try:
            address = within(process.stdout.readline).strip()
            assert address.startswith("http://"), f"llama.cpp did not start: {address!r}"
            yield f"{address}/v1"
            process.stdin.close()
            assert process.wait(GUARD) == 0
        finally:
            process.kill()


def _text(body: str | dict[str, Any] | list[Any]) -> str:
    return body if isinstance(body, str) else json.dumps(body)
