"""Index folders for the benchmark of quality, each made once for its sources and settings."""

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.quality_sets import QualitySet
from eval.manifest import commit
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.progress import Progress
from ingest.settings import IngestSettings
from ingest.snapshot import Reader
from ingest.sync import SyncSettings, sync

MADE = "made.json"
"""What an index was made of and when, beside it; written last."""


def open_index(
    asked: QualitySet, folder: Path, embedder: Embedder, settings: IngestSettings
) -> tuple[Reader, dict[str, Any]]:
    """The index of a set's corpus, below `folder`, and what made it.

    An index is made again where files, embedder, chunking or the index format changed; what a
    changed reader would make of the same files is not seen: delete the folder then. One that was
    stopped goes on from the documents that it has.

    Raises:
        IndexRefused: The corpus cannot be indexed.
    """
    chunking = ChunkSettings(settings.chunk_tokens or embedder.token_limit, settings.chunk_overlap)
    made_of = {
        "embedder": embedder.name,
        "revision": embedder.revision,
        "chunking": asdict(chunking),
        "files": digest_of(asked.folders),
    }
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]
    index = folder / f"{asked.corpus}-{digest}"
    if not (index / MADE).is_file():
        started = time.monotonic()
        roots = [(one, one.name) for one in asked.folders]
        report = sync(
            roots, index, embedder, SyncSettings(chunking, allow_mass_delete=True), Progress()
        )
        about = made_of | {
            "documents": report.totals.documents,
            "chunks": report.totals.chunks,
            "failures": [f"{one.path}: {one.reason}" for one in report.failures],
            "commit": commit(),
            "seconds": round(time.monotonic() - started, 1),
        }
        (index / MADE).write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n")
    return Reader(index, embedder), json.loads((index / MADE).read_text())


def digest_of(folders: tuple[Path, ...]) -> str:
    """Sixteen hex digits over the names and bytes of all files of the folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                name = f"{folder.name}/{file.relative_to(folder).as_posix()}"
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()[:16]
