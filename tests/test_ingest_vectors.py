"""Searching vectors: an approximate base, its filtered removals, and the exact rest beside it."""

from typing import Any

import numpy as np
import pytest

from ingest.embed import Vectors
from ingest.members import Ids, Part, to_bits
from ingest.vectors import Base, Recipe, VectorIndex, make_base, make_exact, recipe

DIMENSION = 32
COUNT = 2000
NONE = np.zeros(0, np.int64)

RECIPES = [
    Recipe("IVF16,SQ8", 4, 1000, 1.25),
    Recipe("HNSW16,Flat", 64, 1000, 1.25),
    Recipe("HNSW16,SQ8", 64, 1000, 1.25),
]
each_recipe = pytest.mark.parametrize("made", RECIPES, ids=lambda one: one.factory)


def unit_rows(count: int, seed: int) -> Vectors:
    """Vectors around a few centres, as those of texts on a few topics are."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((20, DIMENSION))
    rows = centres[chance.integers(20, size=count)] + chance.standard_normal((count, DIMENSION))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


IDS = np.arange(COUNT, dtype=np.int64) * 3 + 5
VECTORS = unit_rows(COUNT, 1)
QUERIES = unit_rows(40, 2)


def based(made: Recipe, gone: Ids = NONE, newer: int = 0) -> VectorIndex:
    """All but the last `newer` in a base, which `gone` have left."""
    old = COUNT - newer
    base = make_base(DIMENSION, made, VECTORS, [(IDS[:old], VECTORS[:old])])
    return VectorIndex(make_exact(DIMENSION, IDS[old:], VECTORS[old:]), Base(base, made, gone))


def found(index: VectorIndex, count: int, part: Part | None = None, hidden: Ids = NONE) -> Any:
    """The ids found for each query, those of the base scored by the true vectors."""
    by_id = dict(zip(IDS.tolist(), VECTORS, strict=True))
    for query in QUERIES:
        one = index.search(query[None], count, part, hidden)
        scores = one.scored | {i: float(by_id[i] @ query) for i in one.rough}
        yield sorted(scores, key=lambda i: -scores[i])[:count]


def recall(index: VectorIndex, among: Ids, part: Part | None = None, hidden: Ids = NONE) -> float:
    """The share of the true ten nearest among some ids."""
    rows = VECTORS[np.searchsorted(IDS, among)]
    true = [among[np.argsort(-(rows @ query))[:10]] for query in QUERIES]
    pairs = zip(true, found(index, 10, part, hidden), strict=True)
    return float(np.mean([len(set(ids.tolist()) & set(got)) / len(ids) for ids, got in pairs]))


@each_recipe
def test_a_base_finds_nearly_all_of_the_nearest(made: Recipe):
    assert recall(based(made), IDS) > 0.9


@each_recipe
def test_what_left_the_base_is_never_found_and_takes_no_place(made: Recipe):
    gone = IDS[::2]
    index = based(made, gone)
    assert not {i for ids in found(index, 10) for i in ids} & set(gone.tolist())
    assert recall(index, IDS[1::2]) > 0.9
    assert index.size == COUNT // 2


@each_recipe
def test_newer_vectors_are_found_beside_the_base(made: Recipe):
    index = based(made, newer=COUNT // 2)
    assert recall(index, IDS) > 0.9
    assert index.ids().tolist() == IDS.tolist()


@each_recipe
@pytest.mark.parametrize("step", [2, 10, 200])
def test_a_filter_keeps_the_recall_however_few_it_leaves(made: Recipe, step: int):
    some = IDS[::step]
    part = Part(to_bits(some), len(some))
    assert recall(based(made), some, part) > 0.9
    assert recall(based(made, newer=300), some, part) > 0.9


@each_recipe
def test_a_filter_finds_none_but_its_own(made: Recipe):
    some = IDS[::200]
    for ids in found(based(made, newer=300), 50, Part(to_bits(some), len(some))):
        assert set(ids) == set(some.tolist())


@each_recipe
def test_who_may_see_nothing_finds_nothing(made: Recipe):
    part = Part(to_bits(NONE), 0)
    assert not any(found(based(made, newer=300), 10, part))


@each_recipe
@pytest.mark.parametrize("filtered", [False, True])
def test_hidden_ones_are_left_out_of_both(made: Recipe, filtered: bool):
    part = Part(to_bits(IDS), COUNT) if filtered else None
    index = based(made, gone=IDS[10:20] if not filtered else NONE, newer=300)
    hidden = IDS[::4]
    ids = {i for ids in found(index, 10, part, hidden) for i in ids}
    assert not ids & set(hidden.tolist())


@each_recipe
def test_the_vectors_of_both_are_given_back(made: Recipe):
    index = based(made, newer=300)
    places = np.array([5, COUNT - 1, 0, 900])
    cosines = (index.vectors(IDS[places]) * VECTORS[places]).sum(axis=1)
    assert cosines == pytest.approx(np.ones(4), abs=0.01)


def test_without_a_base_all_is_scored_exactly():
    index = VectorIndex(make_exact(DIMENSION, IDS, VECTORS), None)
    assert recall(index, IDS) == 1
    assert index.search(QUERIES[:1], 10, None, NONE).rough == []


def test_small_indexes_have_no_base_and_large_ones_more_lists():
    assert recipe(50_000) is None
    small, large = recipe(100_000), recipe(1_000_000)
    assert small is not None and large is not None
    assert large.sample > small.sample
