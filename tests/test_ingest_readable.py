"""A snapshot of some collections only: as one of an index in which there are no others."""

from pathlib import Path

import numpy as np
import pytest

from ingest.members import KEPT, Members, to_bits, without
from ingest.snapshot import Snapshot
from tests.corpora import hide, page, pages, reader, run, write
from tests.fakes import FakeEmbedder

EMBEDDER = FakeEmbedder()
ASKED = "How heavy is the bee number 1?"

OWN = frozenset({"own", "shared"})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of what may be read, and of more that fits `ASKED` better."""
    folder = tmp_path_factory.mktemp("both")
    write(folder / "own", pages("ant", "bee"))
    write(folder / "shared", pages("cow"))
    others = {f"{n}.md": page("bee") for n in range(20)}
    write(folder / "others", {**others, "wasp.md": page("wasp")})
    run(folder / "index", folder / "own", folder / "shared", folder / "others")
    return folder / "index"


@pytest.fixture(scope="module")
def alone(both: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of what may be read, and nothing else."""
    index = tmp_path_factory.mktemp("alone") / "index"
    run(index, both.parent / "own", both.parent / "shared")
    return index


def dense(snapshot: Snapshot, of: str | None = None) -> dict[str, float]:
    return by_path(snapshot, snapshot.dense(EMBEDDER.embed_query(ASKED), 3, of))


def lexical(snapshot: Snapshot, of: str | None = None) -> dict[str, float]:
    return by_path(snapshot, snapshot.lexical(ASKED, 3, of))


def by_path(snapshot: Snapshot, scores: dict[int, float]) -> dict[str, float]:
    return {one.document.path: scores[one.id] for one in snapshot.chunks(list(scores))}


def test_without_a_filter_the_others_are_best(both: Path):
    with reader(both).snapshot() as snapshot:
        for found in (dense(snapshot), lexical(snapshot)):
            assert "0.md" in found
            assert not {"ant.md", "cow.md"} & found.keys()


def test_the_nearest_are_those_of_the_readable(both: Path, alone: Path):
    with reader(both).snapshot(OWN) as some, reader(alone).snapshot() as all_:
        found = dense(some)
        assert found == pytest.approx(dense(all_))
        assert set(found) == {"ant.md", "bee.md", "cow.md"}


def test_words_weigh_as_if_there_were_no_others(both: Path, alone: Path):
    question = f"{ASKED} wasp"
    with reader(both).snapshot(OWN) as some, reader(alone).snapshot() as all_:
        assert some.term_weights(question) == all_.term_weights(question)
        with reader(both).snapshot() as whole:
            assert whole.term_weights(question) != some.term_weights(question)


def test_lexical_scores_are_as_if_there_were_no_others(both: Path, alone: Path):
    """All chunks are of one length here, the one thing that scores have of the others."""
    with reader(both).snapshot(OWN) as some, reader(alone).snapshot() as all_:
        found = lexical(some)
        assert found == pytest.approx(lexical(all_), rel=1e-5)
        assert set(found) == {"ant.md", "bee.md", "cow.md"}


def test_a_collection_that_may_be_read_can_be_searched_alone(both: Path):
    with reader(both).snapshot(OWN) as snapshot:
        assert set(dense(snapshot, "shared")) == set(lexical(snapshot, "shared")) == {"cow.md"}


def test_one_that_may_not_holds_nothing(both: Path):
    with reader(both).snapshot(OWN) as snapshot:
        assert dense(snapshot, "others") == lexical(snapshot, "others") == {}
        assert snapshot.documents("others") == []


def test_who_may_read_nothing_finds_nothing(both: Path):
    with reader(both).snapshot(frozenset()) as snapshot:
        assert dense(snapshot) == lexical(snapshot) == {}
        assert snapshot.documents() == snapshot.collections() == snapshot.chunk_ids() == []


def test_lists_show_the_readable_only(both: Path):
    with reader(both).snapshot(OWN) as snapshot:
        assert snapshot.collections() == ["own", "shared"]
        assert snapshot.sizes() == {"own": 2, "shared": 1}
        assert [one.path for one in snapshot.documents()] == ["ant.md", "bee.md", "cow.md"]
        assert len(snapshot.chunk_ids()) == 3


def test_what_may_not_be_read_is_not_had_by_its_number(both: Path):
    with reader(both).snapshot() as whole, reader(both).snapshot(OWN) as some:
        documents, chunks = whole.documents("others"), whole.chunks(whole.chunk_ids())
        hidden = [one.id for one in chunks if one.document.collection == "others"]
        query = EMBEDDER.embed_query(ASKED)
        assert len(hidden) == 21
        assert some.chunks(hidden) == []
        assert some.closeness(query, hidden) == {}
        assert {some.document(one.id) for one in documents} == {None}
        assert {some.text(one.id) for one in documents} == {""}
        assert "".join(whole.text(one.id) for one in documents)


def test_a_deleted_document_is_gone_for_these_readers_too(both: Path, tmp_path: Path):
    write(tmp_path / "own", pages("ant", "bee"))
    index = tmp_path / "index"
    run(index, tmp_path / "own")
    kept = reader(index)
    with kept.snapshot(OWN) as before:
        assert "bee.md" in dense(before)
    hide(index, "bee.md")
    with kept.snapshot(OWN) as after:
        assert set(dense(after)) == set(lexical(after)) == {"ant.md"}


def test_a_new_generation_shows_to_these_readers_too(tmp_path: Path):
    write(tmp_path / "own", pages("ant"))
    index = tmp_path / "index"
    run(index, tmp_path / "own")
    kept = reader(index)
    with kept.snapshot(OWN) as before:
        assert set(dense(before)) == {"ant.md"}
    run(index, write(tmp_path / "own", pages("ant", "bee")))
    with kept.snapshot(OWN) as after:
        assert set(dense(after)) == {"ant.md", "bee.md"}


def test_sets_of_collections_are_kept_up_to_a_number():
    members = Members(np.array([1, 5, 9]), np.array([0, 1, 0]), ["own", "others"])
    first = members.part(OWN)
    assert (first.count, first.bits.tolist()) == (2, [2, 2])
    assert members.part(OWN) is first
    for n in range(KEPT):
        members.part(frozenset({f"{n}"}))
    assert members.part(OWN) is not first


@pytest.mark.parametrize(
    ("ids", "gone", "left"),
    [
        ([1, 8, 300], [], [1, 8, 300]),
        ([1, 8, 300], [8], [1, 300]),
        ([3], [3, 900], []),
        ([], [5], []),
    ],
)
def test_bits_stand_for_ids(ids: list[int], gone: list[int], left: list[int]):
    bits = to_bits(ids)
    kept = without(bits, gone)
    assert [i for i in range(len(kept) * 8) if kept[i // 8] >> i % 8 & 1] == left
    assert [i for i in range(len(bits) * 8) if bits[i // 8] >> i % 8 & 1] == ids
