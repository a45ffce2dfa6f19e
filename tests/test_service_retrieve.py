from dataclasses import replace
from pathlib import Path

import pytest

from ingest.chunk import contextual
from service.fuse import Weights
from service.retrieve import RetrievalSettings, Retrieved, UnknownCollection, retrieve
from tests.corpora import page, pages, reader, run, write
from tests.fakes import FakeEmbedder

TOPICS = ("ant", "bee", "cow", "dog", "eel", "fox")
ASKED = "How many stones does the cow weigh?"
SETTINGS = RetrievalSettings()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six short pages, and a collection of two documents that are many chunks."""
    folder = tmp_path_factory.mktemp("retrieve")
    write(folder / "wiki", pages(*TOPICS))
    write(folder / "long", {f"{name}.md": page(name, 40) for name in ("cow", "yak")})
    run(folder / "index", folder / "wiki", folder / "long")
    return folder / "index"


def ask(
    index: Path,
    question: str = ASKED,
    settings: RetrievalSettings = SETTINGS,
    collection: str | None = None,
) -> Retrieved:
    with reader(index).snapshot() as snapshot:
        return retrieve(question, snapshot, FakeEmbedder(), settings, collection)


def ids(found: Retrieved) -> list[int]:
    return [hit.chunk.id for hit in found.hits]


def test_the_best_chunk_comes_first(index: Path):
    hit = ask(index).hits[0]
    assert "cow" in hit.chunk.text
    assert hit.score == max(one.score for one in ask(index).hits)


def test_three_hits_are_the_default(index: Path):
    assert len(ask(index).hits) == 3


def test_fewer_hits_are_the_first_of_more(index: Path):
    two, nine = (ask(index, settings=replace(SETTINGS, top_k=k)) for k in (2, 9))
    assert len(ids(nine)) == 9
    assert ids(nine)[:2] == ids(two)


def test_scores_of_the_hits_fall(index: Path):
    scores = [hit.score for hit in ask(index, settings=replace(SETTINGS, top_k=9)).hits]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1]


def test_candidates_beyond_the_hits_are_weighed(tmp_path: Path):
    # Its one right sentence is drowned in its chunk: the other chunk is nearer as a whole.
    drowned = "The vault code is zebra. " + " ".join(["Much else goes on."] * 9)
    near = "The vault shuts. The code works. It is low."
    run(
        tmp_path / "index",
        write(tmp_path / "wiki", {"a.md": f"# A\n\n{near}", "b.md": f"# B\n\n{drowned}"}),
    )
    by_sentence = Weights(dense=1.0, sentence=1.0, title=0.0)
    by_chunk = replace(by_sentence, sentence=0.0)

    def best(weights: Weights) -> str:
        settings = RetrievalSettings(top_k=1, weights=weights)
        return ask(tmp_path / "index", "The vault code is?", settings).hits[0].chunk.document.path

    assert (best(by_chunk), best(by_sentence)) == ("a.md", "b.md")


def test_hits_may_be_more_than_the_candidates_set(index: Path):
    few = RetrievalSettings(top_k=3, candidates=1)
    assert len(ask(index, settings=few).hits) == 3


def test_a_collection_alone_is_searched(index: Path):
    found = ask(index, settings=replace(SETTINGS, top_k=9), collection="wiki")
    assert {hit.chunk.document.collection for hit in found.hits} == {"wiki"}
    assert len(found.hits) == len(TOPICS)


def test_a_collection_is_chosen_before_the_candidates_are_taken(index: Path):
    narrow = RetrievalSettings(top_k=1, candidates=1)
    everywhere = ask(index, page("yak"), narrow).hits[0]
    within = ask(index, page("yak"), narrow, "wiki").hits[0]
    assert (everywhere.chunk.document.collection, within.chunk.document.collection) == (
        "long",
        "wiki",
    )


@pytest.mark.parametrize("name", ["memos", "", "WIKI"])
def test_an_unknown_collection_is_refused_with_the_known_ones(index: Path, name: str):
    with pytest.raises(UnknownCollection, match=f"'{name}'.*'long', 'wiki'"):
        ask(index, collection=name)


def test_a_hit_is_an_exact_slice_of_its_document(index: Path):
    found = ask(index, settings=replace(SETTINGS, top_k=20))
    with reader(index).snapshot() as snapshot:
        for hit in found.hits:
            whole = snapshot.text(hit.chunk.document.id)
            assert hit.chunk.text == whole[hit.chunk.start : hit.chunk.end]
    assert max(hit.chunk.start for hit in found.hits) > 0


def test_a_hit_is_within_the_embedders_limit_with_its_heading(index: Path):
    embedder = FakeEmbedder()
    texts = [
        contextual(hit.chunk.document.title, hit.chunk.section, hit.chunk.text)
        for hit in ask(index, settings=replace(SETTINGS, top_k=20)).hits
    ]
    longest = max(embedder.count_tokens(texts))
    assert embedder.token_limit / 2 < longest <= embedder.token_limit - 2


def test_a_hit_has_the_cosines_of_its_sentences(index: Path):
    close = ask(index, "The cow number 2 weighs 5 stones.", collection="wiki").hits[0].close
    assert len(close.spans) == len(close.sentences) == 3
    assert close.best == close.sentences[2]


def test_a_hit_that_shares_no_word_with_the_question_has_no_bm25(index: Path):
    hits = ask(index, "zebra").hits
    assert [hit.bm25 for hit in hits] == [None] * 3


def test_a_hit_that_does_has_its_bm25(index: Path):
    with reader(index).snapshot() as snapshot:
        scores = snapshot.lexical(ASKED, 50)
    assert [hit.bm25 for hit in ask(index).hits] == [scores[one] for one in ids(ask(index))]


def test_the_questions_terms_come_with_their_weights(index: Path):
    weights = ask(index).term_weights
    assert weights["cow"] > weights["stone"] > 0


@pytest.mark.parametrize("question", ["", "?!", "🎉"])
def test_a_question_without_terms_still_has_hits(index: Path, question: str):
    found = ask(index, question)
    assert found.term_weights == {}
    assert len(found.hits) == 3


def test_a_title_that_holds_the_questions_words_helps(tmp_path: Path):
    body = "It happens on every first Tuesday of the year."
    files = {"a.md": f"# Dance\n\n{body}\n", "b.md": f"# Audit\n\n{body}\n"}
    run(tmp_path / "index", write(tmp_path / "wiki", files))
    titles_only = Weights(dense=1.0, sentence=0.0, title=5.0)
    found = ask(tmp_path / "index", "audit", RetrievalSettings(2, weights=titles_only))
    first, second = found.hits
    assert first.chunk.document.title == "Audit"
    assert first.score - second.score > 4


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents with long names, of several chunks each."""
    folder = tmp_path_factory.mktemp("named")
    files = {
        f"{name}.md": f"# Acme {name} Supply Agreement\n\nIt binds Ann and Bob. "
        + "\n\n".join(
            f"The {thing} clause of it. " + " ".join(f"{thing} words {at}." for at in range(20))
            for thing in ("rent", "audit", "notice")
        )
        for name in ("Nordic", "Pacific")
    }
    run(folder / "index", write(folder / "wiki", files))
    return folder / "index"


def test_a_document_that_the_question_names_is_marked(contracts: Path):
    question = "What does the Acme Pacific Supply Agreement say about notice?"
    hits = ask(contracts, question, replace(SETTINGS, top_k=20)).hits
    assert {hit.chunk.document.path for hit in hits if hit.named} == {"Pacific.md"}
    assert {hit.chunk.document.path for hit in hits} == {"Pacific.md", "Nordic.md"}


def test_names_may_not_matter(contracts: Path):
    question = "What does the Acme Pacific Supply Agreement say about notice?"
    found = ask(contracts, question, replace(SETTINGS, names=False))
    assert not any(hit.named for hit in found.hits)


def test_who_is_asked_of_a_named_documents_opening(contracts: Path):
    asked = "Who signed the Acme Nordic Supply Agreement on audit?"
    first = ask(contracts, asked).hits[0].chunk
    assert (first.document.path, first.start) == ("Nordic.md", 0)
    raised = Weights(opening=0.0)
    assert ask(contracts, asked, replace(SETTINGS, weights=raised)).hits[0].chunk.start > 0


def test_the_words_beside_a_name_choose_among_its_chunks(contracts: Path):
    found = ask(contracts, "What does the Acme Nordic Supply Agreement say about rent words?")
    assert "rent words" in found.hits[0].chunk.text
    assert found.hits[0].chunk.document.path == "Nordic.md"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports that differ in title and opening alone, and are as long as to be several chunks."""
    folder = tmp_path_factory.mktemp("reports")
    body = "\n\n".join(
        " ".join(f"The {thing} of the period number {at}." for at in range(20))
        for thing in ("margin", "inventory", "goodwill")
    )
    files = {
        f"{ticker}-{quarter}.md": f"# 2023 {quarter} {ticker}\n\nFiled by {name} Inc. with the "
        f"commission. " + "It is a report of many words. " * 8 + f"\n\n{body}"
        for ticker, name in (("ACM", "Acme"), ("BOR", "Borealis"), ("CYG", "Cygnus"))
        for quarter in ("Q1", "Q2", "Q3")
    }
    run(folder / "index", write(folder / "wiki", files))
    return folder / "index"


@pytest.mark.parametrize(
    ("question", "report"),
    [
        ("What was Borealis's margin of the period in Q2?", "BOR-Q2.md"),
        ("What was Cygnus's inventory in the third quarter?", "CYG-Q3.md"),
        ("What was the goodwill in the latest report of Acme?", "ACM-Q3.md"),
    ],
)
def test_names_and_periods_choose_among_documents_that_read_alike(
    reports: Path, question: str, report: str
):
    hits = ask(reports, question).hits
    assert hits[0].chunk.document.path == report
    assert 0 < hits[0].source < hits[0].score


def test_where_sources_weigh_nothing_no_hit_is_lifted(reports: Path):
    settings = replace(SETTINGS, weights=Weights(source=0.0))
    assert {hit.source for hit in ask(reports, "Borealis in Q2", settings).hits} == {0.0}


def test_where_names_do_not_matter_neither_do_sources(reports: Path):
    hits = ask(reports, "The latest of Borealis", replace(SETTINGS, names=False)).hits
    assert {hit.source for hit in hits} == {0.0}


def test_a_question_that_names_a_whole_title_is_lifted_by_nothing_else(contracts: Path):
    asked = "Who signed the Acme Nordic Supply Agreement on audit?"
    assert {hit.source for hit in ask(contracts, asked).hits} == {0.0}
