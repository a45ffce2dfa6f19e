"""Asking a server with as little work as may be, so that it is what is measured; starting one."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]

_ADDRESS = re.compile(r"https?://[\w.]+:\d+[\w/]*")


@dataclass(frozen=True, slots=True)
class Response:
    """A response, and the seconds until it was there whole. Headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Connection:
    """One connection, kept open; asks one question after the other."""

    def __init__(self, address: str) -> None:
        """`address` as http://host:port; what follows is left out."""
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Mapping[str, Any]) -> Response:
        """Raises `OSError` or `EOFError` where the connection breaks; the next call makes a new."""
        raw = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        if self._streams and (self._streams[0].at_eof() or self._streams[0].exception()):
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        begun = time.perf_counter()
        try:
            writer.write(head.encode() + raw)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
            headers = {name.lower(): value.strip() for name, value in pairs}
            content = await reader.readexactly(int(headers["content-length"]))
        except BaseException:  # cancelled, too: the rest of an answer would be taken for the next
            self.close()
            raise
        seconds = time.perf_counter() - begun
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Response(int(lines[0].split()[1]), headers, content, seconds)

    def close(self) -> None:
        """Close it; may be called twice."""
        if self._streams:
            self._streams[1].close()
        self._streams = None


@contextmanager
def started(*command: str, **settings: str) -> Generator[str]:
    """The address that a Python command of this repository prints, on either output, as it starts.

    `settings`: environment variables. The process is ended by SIGTERM.
    """
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # What it says later has to be read, or it waits for that.
    reading = threading.Thread(target=_read_on, args=(process,), daemon=True)
    with process:
        try:
            address = _address(process)
            reading.start()
            yield address
        finally:
            process.terminate()
            process.wait(60)
            if reading.ident:
                reading.join()


def _address(process: "subprocess.Popen[str]") -> str:
    said: list[str] = []
    assert process.stdout
    for line in process.stdout:
        said.append(line)
        if found := _ADDRESS.search(line):
            return found[0].replace("localhost", "127.0.0.1")
    raise RuntimeError(f"{process.args} did not start: {''.join(said)}")


def _read_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdout
    for line in process.stdout:
        print(line, end="", file=sys.stderr)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; not a number where there are none."""
    if not values:
        return float("nan")
    import numpy as np

    return float(cast(Any, np).quantile(values, share))
