"""Configurations of retrieval on an index of a few pages."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.quality_ranking import (
    PLAIN,
    Remembering,
    Service,
    UnknownConfiguration,
    configuration,
    min_max,
    reciprocal_ranks,
)
from ingest.embed import Vectors
from service.fuse import Weights
from service.retrieve import RetrievalSettings, Retrieved, retrieve
from tests.corpora import pages, reader, run, write
from tests.fakes import FakeEmbedder

ASKED = "How many stones does the cow weigh?"
SHIPPED = RetrievalSettings()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranking")
    write(folder / "wiki", pages("ant", "bee", "cow", "dog", "eel", "fox"))
    run(folder / "index", folder / "wiki")
    return folder / "index"


def rank(index: Path, name: str) -> list[tuple[int, float]]:
    with reader(index).snapshot() as snapshot:
        found = configuration(name, SHIPPED).rank(ASKED, snapshot, FakeEmbedder())
    return pairs(found)


def pairs(found: Retrieved) -> list[tuple[int, float]]:
    return [(hit.chunk.id, hit.score) for hit in found.hits]


@pytest.mark.parametrize("name", [*PLAIN, "shipped", "minmax:0.7", "fused:0.5,0,0"])
def test_every_configuration_ranks_all_pages_on_one_scale(index: Path, name: str):
    scores = [score for _, score in rank(index, name)]
    assert len(scores) == 6
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1.2 for score in scores)


def test_each_list_alone_is_in_its_own_order(index: Path):
    with reader(index).snapshot() as snapshot:
        dense = snapshot.dense(FakeEmbedder().embed_query(ASKED), 50)
        lexical = snapshot.lexical(ASKED, 50)
    assert rank(index, "minilm") == sorted(dense.items(), key=lambda one: (-one[1], one[0]))
    order = sorted(lexical, key=lambda one: (-lexical[one], one))
    assert [one for one, _ in rank(index, "bm25")] == order


def test_the_shipped_one_is_the_service_s_own(index: Path):
    with reader(index).snapshot() as snapshot:
        found = retrieve(ASKED, snapshot, FakeEmbedder(), SHIPPED)
    assert rank(index, "shipped")[:3] == pairs(found)


def test_other_weights_are_those_of_the_name(index: Path):
    with reader(index).snapshot() as snapshot:
        settings = RetrievalSettings(6, weights=Weights(0.2, 0.4, 0.0))
        found = retrieve(ASKED, snapshot, FakeEmbedder(), settings)
    assert rank(index, "fused:0.2,0.4,0") == pairs(found)


def test_nameless_is_the_service_without_names():
    found = configuration("nameless", SHIPPED)
    assert found == Service("nameless", replace(SHIPPED, names=False))


@pytest.mark.parametrize("name", ["bm26", "minmax:2", "fused:0.1", "fused:a,b,c", "bm25:1", ""])
def test_what_is_no_configuration_is_named(name: str):
    with pytest.raises(UnknownConfiguration, match=r"no configuration '.*': there are bm25"):
        configuration(name, SHIPPED)


def test_reciprocal_ranks_favour_what_both_lists_have():
    scores = reciprocal_ranks([{1: 0.9, 2: 0.8}, {3: 9.0, 2: 8.0}])
    assert max(scores, key=lambda one: scores[one]) == 2
    assert reciprocal_ranks([{1: 0.9}, {1: 9.0}]) == {1: pytest.approx(1)}


def test_lists_are_stretched_to_the_same_length():
    scores = min_max({1: 0.9, 2: 0.8, 3: 0.7}, {3: 20.0, 4: 10.0}, 0.25)
    assert scores == {1: 0.25, 2: pytest.approx(0.125), 3: 0.75, 4: 0.0}


def test_a_list_of_one_counts_in_full():
    assert min_max({1: 0.3}, {}, 0.5) == {1: 0.5}


def test_a_question_is_embedded_once():
    class Counting(FakeEmbedder):
        asked = 0

        def embed_query(self, text: str) -> Vectors:
            self.asked += 1
            return super().embed_query(text)

    inner = Counting()
    both = Remembering(inner)
    assert (both.embed_query("cow") == both.embed_query("cow")).all()
    assert inner.asked == 1
