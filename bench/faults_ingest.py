"""`ragfirst ingest` with an embedder that costs nothing: `python -m bench.faults_ingest ingest …`.

All else is as always. It says `ready` when the command begins, and embeds few chunks at a time, so
that a small corpus goes through as many batches as a large one.
"""

import sys
import time
import zlib
from collections.abc import Sequence

import numpy as np

from ingest.embed import Vectors

NAME = "words"
READY = "ready\n"
TOGETHER = 16
PAUSE = 0.002
"""Seconds a text: a real embedder takes longer, and a kill has to find it at work."""


class WordEmbedder:
    """An `Embedder` of hashed words: the same text has the same vector in every process."""

    def __init__(self, name: str = NAME, *, pause: float = PAUSE, **_: object) -> None:
        self.name = name
        self.revision = "1"
        self.dimension = 64
        self.token_limit = 64
        self._pause = pause

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`: a token is a word."""
        return [len(text.split()) for text in texts]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        time.sleep(self._pause * len(texts))
        rows = np.full((len(texts), self.dimension), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.casefold().split():
                row[zlib.crc32(word.strip(".:").encode()) % self.dimension] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`."""
        return self.embed([text])


def main() -> None:
    """The console script, with another embedder."""
    import ingest.embed
    import ingest.sync
    import ragfirst

    ingest.embed.SentenceEmbedder = WordEmbedder
    ingest.sync.EMBED_TOGETHER = TOGETHER
    sys.stdout.write(READY)
    sys.stdout.flush()
    ragfirst.main()


if __name__ == "__main__":
    main()
