from eval.imports.pages import with_pages
from eval.questions import Evidence, Question


def find(document: str, quote: str) -> int | None:
    return {("a.pdf", "Vance built it."): 7}.get((document, quote))


def placed(*evidence: Evidence) -> list[int | None]:
    (question,) = with_pages([Question("q1", "Who?", ("Vance",), evidence=evidence)], find)
    return [one.page for one in question.evidence]


def test_a_quote_gets_the_page_on_which_it_is_found():
    assert placed(Evidence("a.pdf", "Vance built it."), Evidence("a.pdf", "Lost.")) == [7, None]


def test_a_page_that_is_known_stays():
    assert placed(Evidence("a.pdf", "Vance built it.", page=2)) == [2]


def test_evidence_without_a_quote_stays_without_a_page():
    assert placed(Evidence("a.pdf")) == [None]
