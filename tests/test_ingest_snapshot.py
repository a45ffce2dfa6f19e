from pathlib import Path

import pytest

from ingest.embed import Vectors
from ingest.schema import IndexRefused, connect
from ingest.snapshot import Reader, Snapshot
from tests.corpora import contents, hide, page, pages, reader, run, write
from tests.fakes import FakeEmbedder, PowerCut

EMBEDDER = FakeEmbedder()


def ask(text: str) -> Vectors:
    return EMBEDDER.embed_query(text)


def dense(snapshot: Snapshot, question: str, count: int = 3, of: str | None = None) -> list[str]:
    """The documents of the nearest chunks, best first."""
    return paths(snapshot, snapshot.dense(ask(question), count, of))


def lexical(snapshot: Snapshot, question: str, count: int = 3, of: str | None = None) -> list[str]:
    return paths(snapshot, snapshot.lexical(question, count, of))


def paths(snapshot: Snapshot, scores: dict[int, float]) -> list[str]:
    best = sorted(scores, key=lambda one: -scores[one])
    return [chunk.document.path for chunk in snapshot.chunks(best)]


def test_dense_search_finds_the_nearest_chunk(index: Path):
    with reader(index).snapshot() as snapshot:
        assert dense(snapshot, page("bee"))[0] == "bee.md"


def test_dense_scores_are_cosines_of_the_stored_vectors(index: Path):
    stored = {piece.document: vector for piece, vector in contents(index).items()}
    with reader(index).snapshot() as snapshot:
        scores = snapshot.dense(ask("the bee weighs"), 3)
        found = {one.document.path: scores[one.id] for one in snapshot.chunks(list(scores))}
    expected = {path: float(ask("the bee weighs")[0] @ vector) for path, vector in stored.items()}
    assert found == pytest.approx(expected, abs=1e-6)


def test_fewer_chunks_than_asked_for_are_all_found(index: Path):
    with reader(index).snapshot() as snapshot:
        assert len(snapshot.dense(ask("ant"), 50)) == 3


def test_lexical_search_finds_words(index: Path):
    with reader(index).snapshot() as snapshot:
        assert lexical(snapshot, "How heavy is the cow?")[0] == "cow.md"


@pytest.mark.parametrize("question", ["", "   ", "?!… -- ()", '"+-&|!(){}[]^~*:/\\"', "🎉"])
def test_a_question_without_words_finds_nothing_lexically(index: Path, question: str):
    with reader(index).snapshot() as snapshot:
        assert snapshot.lexical(question, 3) == {}


def test_query_syntax_in_a_question_is_only_text(index: Path):
    with reader(index).snapshot() as snapshot:
        assert lexical(snapshot, 'text:ant AND NOT (ant) "ant^2 [a TO b')[0] == "ant.md"


def test_common_words_alone_are_searched_too(index: Path):
    with reader(index).snapshot() as snapshot:
        assert len(lexical(snapshot, "the of about")) == 3


def test_a_question_of_20000_words_is_answered(index: Path):
    question = " ".join(f"word{at}" for at in range(20_000)) + " bee"
    with reader(index).snapshot() as snapshot:
        assert lexical(snapshot, question)[0] == "bee.md"


def test_rare_terms_weigh_more_than_common_ones(index: Path):
    with reader(index).snapshot() as snapshot:
        weights = snapshot.term_weights("the cow flies")
    assert weights["fli"] > weights["cow"] > weights["the"] > 0


@pytest.fixture
def crowded(index: Path, tmp_path: Path) -> Path:
    """A collection whose every chunk matches "bee" better than the one page of the wiki does."""
    crowd = {f"{at}.md": f"# Bee\n\nbee bee {at}" for at in range(20)}
    run(index, write(tmp_path / "crowd", crowd))
    return index


def test_the_collection_is_chosen_before_the_nearest_are_taken(crowded: Path):
    with reader(crowded).snapshot() as snapshot:
        assert "bee.md" not in dense(snapshot, "bee bee")
        assert "bee.md" in dense(snapshot, "bee bee", of="wiki")
        assert all(path[0].isalpha() for path in dense(snapshot, "bee bee", 9, of="wiki"))


def test_the_collection_is_chosen_before_the_best_words_are_taken(crowded: Path):
    with reader(crowded).snapshot() as snapshot:
        assert "bee.md" not in lexical(snapshot, "bee")
        assert lexical(snapshot, "bee", of="wiki") == ["bee.md"]


def test_a_collection_does_not_change_lexical_scores(crowded: Path):
    with reader(crowded).snapshot() as snapshot:
        among_all, alone = snapshot.lexical("bee", 99), snapshot.lexical("bee", 99, "wiki")
    assert all(alone[one] == pytest.approx(among_all[one]) for one in alone)


def test_an_unknown_collection_holds_nothing(index: Path):
    with reader(index).snapshot() as snapshot:
        assert snapshot.dense(ask("bee"), 3, "none") == {}
        assert snapshot.lexical("bee", 3, "none") == {}
        assert snapshot.documents("none") == []


def test_documents_of_a_collection(crowded: Path):
    with reader(crowded).snapshot() as snapshot:
        found = [document.path for document in snapshot.documents("wiki")]
    assert found == ["ant.md", "bee.md", "cow.md"]


def test_chunks_come_in_the_order_asked_for(index: Path):
    with reader(index).snapshot() as snapshot:
        wanted = sorted(snapshot.dense(ask("ant"), 3), reverse=True)
        assert [one.id for one in snapshot.chunks([*wanted, 12345])] == wanted


def test_the_ids_of_all_chunks_are_those_that_are_shown(index: Path, corpus: Path):
    hide(index, "bee.md")
    (corpus / "cow.md").unlink()
    write(corpus, pages("dog"))
    old = reader(index)
    with old.snapshot() as before:
        run(index, corpus)
        assert shown(before) == ["ant.md", "cow.md"]
    with old.snapshot() as after:
        assert shown(after) == ["ant.md", "dog.md"]


def shown(snapshot: Snapshot) -> list[str]:
    ids = snapshot.chunk_ids()
    assert ids == sorted(set(ids))
    return [chunk.document.path for chunk in snapshot.chunks(ids)]


def test_openings_are_first_chunks_of_documents_that_may_be_read(tmp_path: Path):
    write(tmp_path / "open", {"cow.md": page("cow", 40)})
    write(tmp_path / "secret", {"yak.md": page("yak", 40)})
    run(tmp_path / "index", tmp_path / "open", tmp_path / "secret")
    index = reader(tmp_path / "index")
    with index.snapshot() as snapshot:
        cow, yak = (one.id for one in snapshot.documents())
        found = snapshot.openings([yak, cow, 99])
        assert sorted(found) == sorted([cow, yak])
        assert snapshot.text(cow).startswith(found[cow])
        assert len(found[cow]) < len(snapshot.text(cow))
    with index.snapshot(frozenset({"open"})) as snapshot:
        assert list(snapshot.openings([yak, cow])) == [cow]


def test_no_ids_are_no_chunks(index: Path):
    with reader(index).snapshot() as snapshot:
        assert snapshot.chunks([]) == []


def test_the_text_of_a_document_agrees_with_all_offsets(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "wiki", {"long.md": page("ant", 60)}))
    with reader(tmp_path / "index").snapshot() as snapshot:
        (document,) = snapshot.documents()
        text = snapshot.text(document.id)
        chunks = snapshot.chunks(list(snapshot.dense(ask("ant"), 99)))
    assert len(chunks) > 3
    assert all(text[one.start : one.end] == one.text for one in chunks)


def test_a_document_says_where_an_offset_lies(index: Path):
    with reader(index).snapshot() as snapshot:
        document = snapshot.documents()[0]
    assert document.place(0)[0] is None


def test_a_hidden_document_is_gone_at_once_from_everywhere(index: Path):
    shared = reader(index)
    with shared.snapshot() as snapshot:
        (bee,) = snapshot.lexical("bee", 1)
        owner = snapshot.chunks([bee])[0].document.id
    hide(index, "bee.md")
    with shared.snapshot() as snapshot:
        assert "bee.md" not in dense(snapshot, page("bee"))
        assert "bee.md" not in dense(snapshot, page("bee"), of="wiki")
        assert bee not in snapshot.dense(ask(page("bee")), 9)
        assert bee not in snapshot.lexical("bee", 9)
        assert snapshot.chunks([bee]) == []
        assert snapshot.document(owner) is None
        assert [one.path for one in snapshot.documents()] == ["ant.md", "cow.md"]


def test_hidden_documents_take_no_place_among_the_best(crowded: Path):
    for at in range(20):
        hide(crowded, f"{at}.md")
    with reader(crowded).snapshot() as snapshot:
        assert lexical(snapshot, "bee", 1) == ["bee.md"]
        assert len(dense(snapshot, "bee bee", 3)) == 3


def test_another_embedder_is_refused_with_both_names(index: Path):
    with pytest.raises(IndexRefused, match="'fake-words'.*'other-words'"):
        Reader(index, FakeEmbedder("other-words"))


def test_an_index_that_was_never_published_is_refused(tmp_path: Path, corpus: Path):
    with pytest.raises(PowerCut):
        run(tmp_path / "new", corpus, embedder=FakeEmbedder(dies_after=0))
    with pytest.raises(IndexRefused, match="nothing is published"):
        reader(tmp_path / "new")


def test_an_empty_index_is_refused(tmp_path: Path):
    connect(tmp_path, create=True).close()
    with pytest.raises(IndexRefused, match="is empty: ingest a corpus first"):
        reader(tmp_path)


def test_the_manifest_says_what_the_index_was_made_with(index: Path):
    assert reader(index).manifest().embedder == "fake-words"
