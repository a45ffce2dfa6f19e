"""An embedder that costs next to nothing, for benchmarks of all the rest."""

import time
import zlib
from collections.abc import Sequence

import numpy as np

from ingest.embed import Vectors

_DIRECTIONS = 4096


class HashedWords:
    """An `Embedder` without a model: a random direction for each word, added up.

    The same text has the same vector in every process.
    """

    def __init__(
        self,
        dimension: int = 384,
        token_limit: int = 256,
        *,
        name: str = "hashed-words",
        pause: float = 0.0,
    ) -> None:
        """`pause`: seconds a text, as if a model were at work."""
        self.name, self.revision = name, "1"
        self.dimension, self.token_limit = dimension, token_limit
        self._pause = pause
        chance = np.random.default_rng(0)
        self._directions = chance.standard_normal((_DIRECTIONS, dimension)).astype(np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`: a token is a word."""
        return [len(text.split()) for text in texts]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        time.sleep(self._pause * len(texts))
        rows = np.full((len(texts), self.dimension), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            words = [zlib.crc32(word.encode()) % _DIRECTIONS for word in text.casefold().split()]
            row += self._directions[words].sum(axis=0)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`."""
        return self.embed([text])
