"""Shared by all tests: no model hub is ever asked, and the real embedder is loaded once."""

import os
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ingest.embed import SentenceEmbedder
from tests.corpora import pages, run, write

# None of the imports above loads the library that reads it.
os.environ["HF_HUB_OFFLINE"] = "1"

NOBODY = 65534


@pytest.fixture(scope="session")
def embedder() -> SentenceEmbedder:
    return SentenceEmbedder("all-MiniLM-L6-v2", threads=2)


@pytest.fixture
def unprivileged() -> Generator[Path]:
    """An empty folder, and a user whom permissions bind, unlike root."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(0)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder of three wiki pages, for the tests that need nothing more of it."""
    return write(tmp_path / "wiki", pages("ant", "bee", "cow"))


@pytest.fixture
def index(tmp_path: Path, corpus: Path) -> Path:
    """The index of `corpus`, by the fake embedder."""
    run(tmp_path / "index", corpus)
    return tmp_path / "index"
