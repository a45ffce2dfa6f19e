"""The app with its log in a text, and what stands there."""

import io
import json
import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from ingest.embed import Vectors
from service import logs
from service.answer import Answerer
from service.app import create_app
from service.llm import LLM
from service.loading import Loading
from service.settings import ServiceSettings
from tests.corpora import reader
from tests.fakes import FakeEmbedder
from tests.servers import within


class Log(io.StringIO):
    """What is logged, as it was written and line by line."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        """The only one."""
        (line,) = self.lines
        return line

    def until(self, count: int) -> list[dict[str, Any]]:
        """The lines, once there are so many."""

        def wait() -> list[dict[str, Any]]:
            while len(self.lines) < count:
                time.sleep(0.01)  # the request ends in the server's own time
            return self.lines

        return within(wait)


def settings(**values: Any) -> ServiceSettings:
    return ServiceSettings().model_copy(update={"log_format": "json", **values})


@contextmanager
def logging_to(log: Log, chosen: ServiceSettings) -> Generator[None]:
    """The process's log as `serve` sets it up, undone at the end."""
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in logs.OWN}
    handlers, level = root.handlers[:], root.level
    logs.configure(chosen, log)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)


class Breaking(FakeEmbedder):
    """An embedder that fails with the question in its message."""

    def embed_query(self, text: str) -> Vectors:
        raise KeyError(text)


@contextmanager
def client_over(
    folder: Path,
    llm: LLM,
    log: Log,
    embedder: FakeEmbedder | None = None,
    *,
    address: str | None = None,
    **values: Any,
) -> Generator[TestClient]:
    """The app over an index. `address`: where its guard takes it to listen; `values`: settings."""
    chosen = settings(index=folder, **values)
    answerer = Answerer(reader(folder), embedder or FakeEmbedder(), llm, abstain_below=0)
    with (
        logging_to(log, chosen),
        TestClient(create_app(Loading(chosen, answerer), address)) as client,
    ):
        yield client
