"""Which passages of a small index are gold."""

from dataclasses import replace
from typing import NamedTuple

import pytest

from eval.evidence import GoldPassages, chunk_name, holds_gold
from eval.questions import Evidence, Question
from ingest.stored import StoredChunk
from service.answer import Answerer
from service.retrieve import RetrievalSettings
from tests.corpora import reader, run, write
from tests.fakes import FakeEmbedder, OneReply

FILLER = " ".join(f"Note {at} of the keeper is about rope and tar." for at in range(30))
WIKI = {
    "ferry.md": f"# Ferry\n\n{FILLER}\n\nThe hull of the Sable is vermilion. {FILLER}\n\n"
    "The crew painted it vermilion in May.\n",
    "pump.md": "# Pump\n\nThe pump is vermilion too. It moves 430 litres.\n",
    "log.md": "# Log\n\nNobody wrote in it.\n",
}
HULL = Question(
    id="hull",
    question="What colour is the hull of the Sable?",
    answers=("vermilion",),
    evidence=(Evidence("ferry.md", "The hull of the Sable is vermilion."),),
)


class Index(NamedTuple):
    answerer: Answerer
    chunks: list[StoredChunk]

    def gold(self, question: Question, top_k: int = 3) -> list[StoredChunk]:
        answerer = replace(self.answerer, retrieval=RetrievalSettings(top_k=top_k))
        return GoldPassages(answerer).chunks(question)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("evidence")
    write(folder / "wiki", WIKI)
    run(folder / "index", folder / "wiki")
    answerer = Answerer(reader(folder / "index"), FakeEmbedder(), OneReply(""))
    with answerer.reader.snapshot() as snapshot:
        return Index(answerer, snapshot.chunks(snapshot.chunk_ids()))


def evidence(*items: tuple[str, str]) -> Question:
    return replace(HULL, evidence=tuple(Evidence(*item) for item in items))


def test_a_passage_of_the_evidence_document_with_an_answer_is_gold(index: Index):
    gold = {chunk.document.path for chunk in index.chunks if holds_gold(chunk, HULL)}
    assert gold == {"ferry.md"}
    assert any("vermilion" in c.text for c in index.chunks if c.document.path == "pump.md")


def test_where_no_document_is_named_any_passage_with_an_answer_is_gold(index: Index):
    gold = {
        one.document.path for one in index.chunks if holds_gold(one, replace(HULL, evidence=()))
    }
    assert gold == {"ferry.md", "pump.md"}


def test_a_passage_without_an_answer_is_not_gold(index: Index):
    asked = replace(HULL, answers=("green",))
    assert not any(holds_gold(chunk, asked) for chunk in index.chunks)


def test_a_passage_is_named_by_its_document_and_place(index: Index):
    names = [chunk_name(chunk) for chunk in index.chunks]
    assert len(set(names)) == len(names) > 4
    assert "pump.md@0" in names


def test_the_gold_chunk_is_the_one_with_the_quote_however_it_is_broken(index: Index):
    broken = evidence(("ferry.md", "The hull of\n  the Sable is vermilion."))
    [chunk] = index.gold(replace(broken, answers=("told by no passage",)))
    assert "hull of the Sable is vermilion" in chunk.text


def test_without_a_quote_it_is_one_with_an_answer(index: Index):
    [chunk] = index.gold(evidence(("pump.md", "")))
    assert chunk.document.path == "pump.md"


def test_of_chunks_with_an_answer_it_is_the_one_nearest_to_a_quote_that_stands_nowhere(
    index: Index,
):
    [chunk] = index.gold(evidence(("ferry.md", "In May the crew painted all of it.")))
    assert "crew painted it" in chunk.text
    assert "hull of the Sable" not in chunk.text


@pytest.mark.parametrize(
    "question",
    [
        replace(HULL, evidence=()),
        evidence(("log.md", "")),
        evidence(("gone.md", "The hull of the Sable is vermilion.")),
    ],
    ids=["none", "no-answer-there", "no-document"],
)
def test_where_evidence_is_unknown_there_is_no_gold_chunk(index: Index, question: Question):
    assert index.gold(question) == []
    assert GoldPassages(index.answerer).look(question) is None


def test_one_chunk_that_holds_two_pieces_of_evidence_comes_once(index: Index):
    twice = evidence(("pump.md", "The pump is vermilion too."), ("pump.md", "It moves 430 litres."))
    assert len(index.gold(twice)) == 1


def test_as_many_gold_chunks_as_go_into_a_prompt(index: Index):
    both = evidence(("ferry.md", HULL.evidence[0].quote), ("pump.md", "It moves 430 litres."))
    assert [chunk.document.path for chunk in index.gold(both)] == ["ferry.md", "pump.md"]
    assert [chunk.document.path for chunk in index.gold(both, top_k=1)] == ["ferry.md"]


def test_all_chunks_are_known_however_many_are_read_at_once(
    index: Index, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("eval.evidence._TOGETHER", 2)
    assert len(index.chunks) > 4
    for path in ("ferry.md", "pump.md"):
        [chunk] = index.gold(evidence((path, "")))
        assert chunk.document.path == path


def test_what_is_looked_up_is_gold_alone_with_its_sentences_ranked(index: Index):
    looked = GoldPassages(index.answerer).look(HULL)
    assert looked is not None
    assert [hit.chunk for hit in looked.found.hits] == index.gold(HULL)
    assert "vermilion" in looked.quotes[0].text
    assert 0 < looked.signals.hit_cosine <= 1
    with index.answerer.reader.snapshot() as snapshot:
        assert looked.generation == snapshot.generation
        assert looked.found.term_weights == snapshot.term_weights(HULL.question)


def test_gold_is_as_near_as_retrieval_has_it(index: Index):
    looked = GoldPassages(index.answerer).look(HULL)
    hits = index.answerer.search(HULL.question, top_k=50).hits
    assert looked is not None
    [gold] = looked.found.hits
    [same] = [hit for hit in hits if hit.chunk == gold.chunk]
    assert same.close == gold.close
