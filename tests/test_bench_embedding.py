"""The benchmark's own arithmetic, not its figures."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bench.embedding import CONTRACTS, Passages, gigaflop, measure, sample
from bench.embedding_ways import Vectors, Way, own_int8
from ingest.embed import SentenceEmbedder, packaged_folder
from ingest.embed_bert import BertFolder


@pytest.fixture(scope="module")
def folder() -> BertFolder:
    found = BertFolder.of(packaged_folder("all-MiniLM-L6-v2"))
    assert found is not None
    return found


def recording(turns: list[str], name: str) -> Callable[[Sequence[str]], Vectors]:
    def embed(texts: Sequence[str]) -> Vectors:
        turns.append(name)
        return np.full((len(texts), 2), 3.0, np.float32)

    return embed


def test_the_layers_of_256_tokens_cost_6_gigaflop_of_which_attention_is_a_tenth(
    folder: BertFolder,
):
    assert gigaflop([256], folder) == pytest.approx(6.04, abs=0.01)
    # Each token on its own: no attention to others.
    assert gigaflop([1] * 256, folder) == pytest.approx(5.44, abs=0.01)


def test_ways_take_turns():
    turns: list[str] = []
    ways = [Way(name, "float32", recording(turns, name)) for name in "AB"]
    rows = measure(ways, Passages(["one", "two"], ["three"]), rounds=2)
    # Once each to warm up, then chunks and sentences.
    assert "".join(turns) == "AB" + "AABB" * 2
    assert all(row.chunks < 1 and row.sentences < 1 for row in rows)


def test_vectors_of_chunks_and_sentences_are_compared_at_length_one():
    [row] = measure(
        [Way("A", "float32", recording([], "A"))], Passages(["one", "two"], ["three"]), rounds=1
    )
    assert row.vectors.shape == (3, 2)
    assert np.linalg.norm(row.vectors, axis=1) == pytest.approx(1)


def test_int8_is_near_what_it_stands_for(folder: BertFolder, embedder: SentenceEmbedder):
    texts = ["The pump on the quay is oiled every March.", "The gauge reads zero."]
    vectors = own_int8(folder).embed(texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert ((vectors * embedder.embed(texts)).sum(axis=1) > 0.97).all()


@pytest.mark.shared
@pytest.mark.skipif(not CONTRACTS.is_dir(), reason="the contracts are not beside the checkout")
def test_a_sample_has_as_many_chunks_as_asked_for_of_several_contracts(
    embedder: SentenceEmbedder,
):
    found = sample(CONTRACTS, 4, embedder)
    assert len(found.chunks) == len(set(found.chunks)) == 4
    assert len({text.partition("\n")[0] for text in found.chunks}) > 1
    assert found.sentences
