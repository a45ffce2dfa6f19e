"""The SQuAD 2.0 development articles as a wiki in an index, for the benchmarks that need one."""

import json
import random
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from eval.squad import SquadQuestion, read_questions, write_wiki
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.settings import IngestSettings
from ingest.snapshot import Reader
from ingest.sync import SyncSettings, sync

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
QUESTIONS = SHARED / "wiki" / "squad2-dev.json"
SPLITS = SHARED / "wiki" / "squad2-splits.json"

SEED = 20261124


def articles(split: str) -> list[str]:
    """The names of the articles of `tune` or `test`."""
    return json.loads(SPLITS.read_text())[split]


def sample(
    count: int, seed: int = SEED, only: Collection[str] | None = None
) -> list[SquadQuestion]:
    """So many answerable questions (of these articles), drawn with the seed."""
    asked = [
        question
        for question in read_questions(QUESTIONS)
        if question.answers and (only is None or question.article in only)
    ]
    return random.Random(seed).sample(asked, min(count, len(asked)))


def open_wiki(index: Path, embedder: Embedder, without: Sequence[str] = ()) -> Reader:
    """Index the articles, but for those in `without`, with the default settings; reuse what is."""
    settings = IngestSettings()
    chunking = ChunkSettings(embedder.token_limit, settings.chunk_overlap)
    with tempfile.TemporaryDirectory() as folder:
        # The folder's path is the source root: a name that stays lets the next run skip the work.
        wiki = index / "source" if not without else Path(folder)
        for page in write_wiki(QUESTIONS, wiki):
            if page.stem in without:
                page.unlink()
        sync([(wiki, "wiki")], index, embedder, SyncSettings(chunking, allow_mass_delete=True))
    return Reader(index, embedder)
