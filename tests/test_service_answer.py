"""The whole path over a small real index: a PDF and a wiki in, a cited answer out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from service.abstain import THRESHOLD
from service.answer import ABSTENTION, Answer, Answerer
from service.llm import LLMError
from service.retrieve import UnknownCollection
from tests.corpora import reader, run, write
from tests.fakes import FakeEmbedder, OneReply

ASKED = "How many litres does the Orlo pump move in a minute?"
CAPACITY = "The Orlo pump moves 430 litres in a minute."
BORNE = "430 litres in a minute."
FOREIGN = "Who signs visas abroad?"

LONG = ", ".join(f"the keeper of year {year} wrote the log" for year in range(1900, 1930)) + "."
WIKI = {
    "ferry.md": "# Sable ferry\n\nIt sails 🚢 daily.\n\n## Hull\n\n### Colour\n\n"
    "The hull of the Sable is vermilion 🟥 above the water.\n\n## Crew\n\nFour people sail her.\n",
    "log.md": f"# Log\n\n{LONG}\n",
    "twin.md": "# Twin\n\nThe Orlo pump moves 430 litres in a minute.\n",
}
MANUAL = {
    "Introduction": [
        "This manual is for the people who run the pump house.",
        *(f"Rule {at}: keep hands, hair and sleeves away from wheel {at}." for at in range(9)),
    ],
    "Capacity": [CAPACITY, "It needs no priming."],
    "History": ["Teodora Vance built the pump."],
}
"""Outline entry → lines, a page each."""


def write_manual(path: Path) -> None:
    canvas: Any = Canvas(str(path))  # typed in part only
    canvas.setTitle("Orlo manual")
    for heading, lines in MANUAL.items():
        canvas.bookmarkPage(heading)
        canvas.addOutlineEntry(heading, heading)
        for row, line in enumerate([heading, *lines]):
            canvas.drawString(72, 760 - 30 * row, line)
        canvas.showPage()
    canvas.save()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answer")
    write(folder / "wiki", WIKI)
    (folder / "pdf").mkdir()
    write_manual(folder / "pdf" / "orlo.pdf")
    run(folder / "index", folder / "wiki", folder / "pdf")
    return folder


@pytest.fixture
def llm() -> OneReply:
    return OneReply(BORNE)


@pytest.fixture
def answerer(folder: Path, llm: OneReply) -> Answerer:
    return Answerer(reader(folder / "index"), FakeEmbedder(), llm)


def slices(answerer: Answerer, answer: Answer) -> list[str]:
    """What stands in the documents' texts where the citations point."""
    with answerer.reader.snapshot() as snapshot:
        return [
            snapshot.text(citation.document_id)[citation.start : citation.end]
            for citation in answer.citations
        ]


def test_a_reply_that_the_passages_bear_is_the_answer(answerer: Answerer):
    answer = answerer.answer(ASKED, collection="pdf")
    assert answer.answer == f"{BORNE} [1]"
    assert (answer.grounding, answer.abstained) == ("model", False)


def test_a_reply_that_they_do_not_bear_is_replaced_by_quotes(folder: Path):
    answerer = Answerer(reader(folder / "index"), FakeEmbedder(), OneReply("It moves 500 tons."))
    answer = answerer.answer(ASKED)
    assert (answer.grounding, answer.abstained) == ("quoted", False)
    assert answer.answer.startswith(f"{CAPACITY} [1]")


def test_a_citation_of_a_pdf_names_page_section_and_document(answerer: Answerer):
    cited = answerer.answer(ASKED, collection="pdf").citations[0]
    assert (cited.n, cited.quote, cited.page, cited.section) == (1, CAPACITY, 2, "Capacity")
    assert (cited.document, cited.title) == ("orlo.pdf", "Orlo manual")


def test_page_and_section_are_found_beyond_the_first_chunk(folder: Path):
    llm = OneReply("Teodora Vance built it.")
    answerer = Answerer(reader(folder / "index"), FakeEmbedder(), llm)
    cited = answerer.answer("Who built the Orlo pump?", collection="pdf").citations[0]
    hits = answerer.search("Orlo", top_k=20, collection="pdf").hits
    [chunk] = [hit.chunk for hit in hits if hit.chunk.id == cited.chunk_id]
    assert chunk.start > 0
    assert (cited.quote, cited.page, cited.section) == (MANUAL["History"][0], 3, "History")


def test_a_citation_of_a_wiki_page_names_its_heading_path(answerer: Answerer):
    cited = answerer.answer("What colour is the hull of the Sable ferry?").citations[0]
    assert (cited.document, cited.page, cited.section) == ("ferry.md", None, "Hull > Colour")


@pytest.mark.parametrize(
    "question", [ASKED, "What colour is the hull of the Sable?", "What did the keeper of 1907 do?"]
)
def test_offsets_of_a_citation_reproduce_its_quote(answerer: Answerer, question: str):
    answer = replace(answerer, abstain_below=0.0).answer(question)
    assert len(answer.citations) > 1
    assert slices(answerer, answer) == [citation.quote for citation in answer.citations]


def test_quotes_of_a_long_sentence_have_300_characters_at_most(answerer: Answerer):
    answer = replace(answerer, abstain_below=0.0).answer("What did the keeper of 1907 write?")
    assert answer.citations[0].document == "log.md"
    assert max(len(citation.quote) for citation in answer.citations) <= 300


def test_citations_are_numbered_and_three_at_most(answerer: Answerer):
    answer = answerer.answer(ASKED, top_k=20)
    assert [citation.n for citation in answer.citations] == [1, 2, 3]


def test_the_same_sentence_of_two_documents_is_cited_once(answerer: Answerer):
    quotes = [citation.quote for citation in answerer.answer(ASKED).citations]
    assert quotes.count(CAPACITY) == 1


def test_a_citation_names_its_chunk_and_the_chunks_score(answerer: Answerer):
    cited = answerer.answer(ASKED, collection="pdf").citations[0]
    hit = answerer.search(ASKED, collection="pdf").hits[0]
    assert (cited.chunk_id, cited.score) == (hit.chunk.id, round(hit.score, 4))
    assert cited.document_id == hit.chunk.document.id


def test_it_abstains_below_the_threshold_without_asking_the_model(
    answerer: Answerer, llm: OneReply
):
    answer = answerer.answer(FOREIGN)
    assert (answer.answer, answer.abstained, answer.grounding) == (ABSTENTION, True, "none")
    assert llm.asked == []


def test_an_abstention_names_the_model_and_lists_what_was_looked_at(answerer: Answerer):
    answer = answerer.answer(FOREIGN)
    assert (answer.model, answer.usage.prompt_tokens, answer.usage.completion_tokens) == (
        "scripted",
        0,
        0,
    )
    assert slices(answerer, answer) == [citation.quote for citation in answer.citations] != []


def test_a_threshold_of_zero_always_asks(answerer: Answerer, llm: OneReply):
    replace(answerer, abstain_below=0.0).answer(FOREIGN)
    assert len(llm.asked) == 1


def test_the_fitted_threshold_is_the_default(answerer: Answerer):
    assert answerer.abstain_below == THRESHOLD


def test_it_abstains_where_the_model_does_not_know(folder: Path):
    answerer = Answerer(reader(folder / "index"), FakeEmbedder(), OneReply("I don't know."))
    answer = answerer.answer(ASKED)
    assert (answer.abstained, answer.grounding, answer.answer) == (True, "none", ABSTENTION)
    assert answer.citations[0].quote == CAPACITY
    assert answer.usage.completion_tokens == 5


def test_the_model_is_given_the_question_and_the_hits_best_last(answerer: Answerer, llm: OneReply):
    answerer.answer(ASKED)
    prompt = llm.asked[0][-1].content
    texts = [hit.chunk.text for hit in answerer.search(ASKED).hits]
    places = [prompt.index(part) for part in [*reversed(texts), ASKED]]
    assert len(texts) == 3
    assert places == sorted(places)


def test_passages_are_headed_by_title_and_section(answerer: Answerer, llm: OneReply):
    answerer.answer("What colour is the hull of the Sable ferry?", top_k=1)
    assert "<passage>Sable ferry" in llm.asked[0][-1].content


@pytest.mark.parametrize("top_k", [1, 2])
def test_top_k_passages_are_shown(answerer: Answerer, llm: OneReply, top_k: int):
    answerer.answer(ASKED, top_k=top_k)
    assert llm.asked[0][-1].content.count("<passage>") == top_k


def test_only_the_collection_is_cited(answerer: Answerer):
    answer = answerer.answer(ASKED, collection="wiki")
    assert answer.citations[0].document == "twin.md"
    assert {citation.document for citation in answer.citations} <= set(WIKI)


def test_an_unknown_collection_is_refused(answerer: Answerer):
    with pytest.raises(UnknownCollection, match="'memos'.*'pdf', 'wiki'"):
        answerer.answer(ASKED, collection="memos")


def test_the_tokens_are_those_of_the_model(answerer: Answerer):
    usage = replace(answerer, max_tokens=3).answer(ASKED).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (10, 3)


def test_the_parts_of_the_time_make_up_the_whole(answerer: Answerer):
    spent = answerer.answer(ASKED).timings_ms
    parts = [spent.embed, spent.search, spent.rerank, spent.llm]
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(spent.total, abs=0.05)
    assert spent.total > 0


def test_an_error_of_the_model_is_passed_on(folder: Path):
    answerer = Answerer(reader(folder / "index"), FakeEmbedder(), OneReply(LLMError("no luck")))
    with pytest.raises(LLMError, match="no luck"):
        answerer.answer(ASKED)


@pytest.mark.parametrize("question", ["", "?!", "🎉"])
def test_a_question_without_terms_gets_an_abstention(answerer: Answerer, question: str):
    assert answerer.answer(question).abstained


def test_an_index_without_documents_gets_an_abstention_without_citations(tmp_path: Path):
    corpus = write(tmp_path / "wiki", {"blank.md": "\n", "skipped.xyz": "?"})
    run(tmp_path / "index", corpus)
    llm = OneReply(BORNE)
    answer = Answerer(reader(tmp_path / "index"), FakeEmbedder(), llm).answer(ASKED)
    assert (answer.abstained, answer.citations, llm.asked) == (True, [], [])


def test_an_answer_names_its_generation(tmp_path: Path):
    corpus = write(tmp_path / "wiki", WIKI)
    run(tmp_path / "index", corpus)
    answerer = Answerer(reader(tmp_path / "index"), FakeEmbedder(), OneReply(BORNE))
    first = answerer.answer(ASKED).generation
    write(corpus, {"new.md": "# New\n\nA new page.\n"})
    run(tmp_path / "index", corpus)
    assert (first, answerer.answer(ASKED).generation) == (1, 2)
