from dataclasses import replace

import pytest

from ingest.derive import terms
from ingest.documents import Page, Section
from service.ground import Quote, best_quotes, rank, support, without_citations
from tests.hits import hit, quotes, ranked, weigh

PRICES = "LH-210R gateway, for outdoors: €2,410 each.\nLH-210 gateway, for indoors: €1,180 each."


@pytest.mark.parametrize(
    ("code", "cosines", "price"),
    [("LH-210", (0.68, 0.5), "€1,180"), ("LH-210R", (0.5, 0.68), "€2,410")],
)
def test_the_code_of_the_question_beats_a_near_miss(
    code: str, cosines: tuple[float, float], price: str
):
    best, second = ranked(f"How much is the {code}?", hit(PRICES, cosines))
    assert price in best.text
    assert second.cosine > best.cosine


def test_a_nearer_sentence_is_better():
    first, second = ranked("Who?", hit("The pump leaks here.\nThe pump rusts now.", (0.4, 0.6)))
    assert (first.text, second.text) == ("The pump rusts now.", "The pump leaks here.")


def test_a_word_of_the_question_counts():
    found = ranked("Is there rust?", hit("The pump leaks here.\nThe pump has rust."))
    assert found[0].text == "The pump has rust."


def test_a_rare_word_counts_more_than_a_common_one():
    hits = [hit("The pump leaks here.\nThe ship rusts here.")]
    weights = {"pump": 1.0, "rust": 5.0}
    assert rank("Pump or rust", hits, weights, terms)[0].text == "The ship rusts here."


def test_a_heading_that_holds_the_questions_words_helps():
    sentence = "It happens on every first Tuesday."
    plain, headed = hit(sentence, title="Notes"), hit(sentence, title="Audit")
    assert ranked("When is the audit?", plain, headed)[0].hit is headed


def test_only_the_heading_above_a_sentence_helps_it():
    text = "Audit\nIt happens on every first Tuesday.\nDance\nIt happens on every third Tuesday."
    sections = (Section(0, ("Audit",)), Section(text.index("Dance"), ("Dance",)))
    found = ranked("When is the dance?", hit(text, sections=sections))
    assert [quote.text[-14:-9] for quote in found] == ["third", "first"]


def test_a_sentence_next_to_one_that_sounds_like_the_question_is_better():
    lines = ["We paint the hull.", "It takes two men.", "They are paid well.", "It needs two men."]
    found = ranked("Is the hull painted?", hit("\n".join(lines), (0.9, 0.3, 0.3, 0.3)))
    assert [quote.text for quote in found[:2]] == lines[:2]


def test_a_sentence_with_the_shape_of_an_answer_is_better():
    found = ranked("How many men?", hit("It needs some men.\nIt needs four men."))
    assert found[0].text == "It needs four men."


def test_a_longer_sentence_says_more():
    short, long = "The pump leaks.", "The pump leaks where an old casing meets the inlet."
    assert ranked("Is it dry?", hit(short), hit(long))[0].text == long


def test_a_sentence_of_a_better_hit_is_better():
    weak, strong = hit("The pump leaks.", score=0.3), hit("The pump leaks.", score=0.6)
    assert ranked("Is it dry?", weak, strong)[0].hit is strong


def test_scores_fall_over_all_hits():
    scores = [
        quote.score
        for quote in ranked(
            "How much is the LH-210?", hit(PRICES, (0.2, 0.9)), hit(PRICES, (0.9, 0.2))
        )
    ]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)


def test_a_quote_is_the_slice_of_its_hit_at_its_offsets():
    found = ranked("Where is it?", hit("🎉 Done at last.\n  The 🚢 is here. It waits  now. \n"))
    assert {quote.text for quote in found} == {
        "🎉 Done at last.",
        "The 🚢 is here.",
        "It waits  now.",
    }
    assert all(quote.hit.chunk.text[quote.start : quote.end] == quote.text for quote in found)


def test_a_quote_says_how_much_of_the_question_it_holds():
    [quote] = ranked("pump rust", hit("The pump leaks."))
    assert quote.overlap == 0.5


@pytest.mark.parametrize("question", ["", "?!", "🎉"])
def test_a_question_without_terms_ranks_by_meaning(question: str):
    found = rank(question, [hit("The pump leaks.\nThe ship leaks.", (0.4, 0.6))], {}, terms)
    assert [quote.text for quote in found] == ["The ship leaks.", "The pump leaks."]


def test_no_hits_hold_no_quotes():
    assert rank("Where?", [], weigh("Where?"), terms) == []


def test_the_best_quotes_are_the_first():
    four = quotes("A one.", "B two.", "C three.", "D four.")
    assert best_quotes(four) == four[:3]


def test_the_same_words_are_quoted_once():
    first, repeat, other = quotes("The pump  leaks.", "the PUMP leaks.", "It rusts.")
    assert best_quotes([first, repeat, other]) == [first, other]


def on_page(number: int, *texts: str, named: bool = True) -> list[Quote]:
    """Sentences of a chunk that stands on a page of its own."""
    one = hit("\n".join(texts))
    document = replace(one.chunk.document, pages=[Page(0, "")] * number)
    chunk = replace(one.chunk, id=number, document=document)
    found = replace(one, chunk=chunk, named=named)
    return [Quote(found, 0, len(text), text, 1.0, 0.5, 0.0) for text in texts]


def test_of_a_document_that_is_named_other_pages_are_quoted_first():
    ranked = [*on_page(1, "A one.", "B two.", "C three."), *on_page(2, "D four.")]
    assert [quote.text for quote in best_quotes(ranked)] == ["A one.", "D four.", "B two."]


def test_of_others_the_best_are_quoted():
    ranked = [*on_page(1, "A one.", "B two.", "C three.", named=False), *on_page(2, "D four.")]
    assert best_quotes(ranked) == ranked[:3]


def test_no_quotes_are_best_of_nothing():
    assert best_quotes([]) == []


@pytest.mark.parametrize(
    ("answer", "bare"),
    [
        ("It leaks [1].", "It leaks."),
        ("It leaks. [1] [23]", "It leaks."),
        ("It leaks [1][7], badly [2, 3].", "It leaks, badly."),
        ("[1] It leaks.", "It leaks."),
        ("It [sic] leaks [n].", "It [sic] leaks [n]."),
        ("", ""),
    ],
)
def test_citations_are_taken_out(answer: str, bare: str):
    assert without_citations(answer) == bare


def bearing(answer: str, *texts: str, question: str = "What of it?") -> list[str] | None:
    """The texts of the quotes that bear the answer."""
    found = support(answer, question, quotes(*texts), terms)
    return None if found is None else [quote.text for quote in found]


def test_an_answer_is_borne_by_the_quote_that_says_so():
    assert bearing("Teodora Vance [2].", "Ice is cold.", "Teodora Vance built it.") == [
        "Teodora Vance built it."
    ]


def test_another_form_of_a_word_bears_it():
    assert bearing("Leaking pumps.", "The pump leaks.") is not None


def test_an_answer_that_no_quote_holds_is_not_borne():
    assert bearing("Oskar Lund.", "Teodora Vance built it.") is None


def test_an_answer_that_only_repeats_the_question_is_not_borne():
    assert (
        bearing("The pump leaks.", "The pump leaks.", question="Is it true the pump leaks?") is None
    )


@pytest.mark.parametrize("answer", ["", "[1]", "...", "🎉"])
def test_an_answer_without_words_is_not_borne(answer: str):
    assert bearing(answer, "The pump leaks.") is None


def test_nothing_is_borne_by_no_quotes():
    assert bearing("Teodora Vance.") is None


SAID = "alpha bravo charlie delta echo"
SAID_TOO = "foxtrot golf hotel india kilo"


def test_nine_words_in_ten_are_enough():
    assert bearing(f"{SAID} {SAID_TOO}", f"{SAID} {SAID_TOO}".removesuffix(" kilo")) is not None


def test_four_words_in_five_are_not():
    assert bearing(SAID, "alpha bravo charlie delta") is None


def test_words_of_the_question_must_stand_in_the_quote_too():
    assert bearing("Pump 2 was sold.", "Pump 1 was sold.", question="What was pump 2?") is None


def test_the_commonest_words_need_no_quote():
    assert bearing("It is what you have: alpha.", "alpha") is not None


def test_what_only_several_quotes_say_together_is_not_borne():
    assert bearing(f"{SAID} {SAID_TOO}", SAID, SAID_TOO) is None


def test_each_statement_may_have_a_quote_of_its_own():
    assert bearing("Alpha bravo. Golf hotel.", "Golf hotel.", "Alpha bravo.") == [
        "Alpha bravo.",
        "Golf hotel.",
    ]


def test_a_number_that_a_quote_holds_is_borne():
    assert bearing("It moves 4.30 litres.", "The pump: 4.30 litres, and it moves.") is not None


@pytest.mark.parametrize("number", ["43", "4300", "4.30", "430,5"])
def test_a_number_that_no_quote_holds_is_not_borne(number: str):
    answer = f"alpha bravo charlie delta echo golf hotel india {number}"
    assert bearing(answer, f"{answer.replace(number, '430')}") is None


def test_a_number_of_the_question_must_stand_in_the_quote_too():
    assert bearing(f"{SAID} {SAID_TOO} 2", f"{SAID} {SAID_TOO} 1", question="Pump 2?") is None


def test_the_number_of_a_citation_needs_no_quote():
    assert bearing(f"{SAID} [2, 17].", SAID) is not None


def test_of_quotes_that_bear_as_much_the_best_is_taken():
    assert bearing(SAID, f"{SAID} here", f"{SAID} there") == [f"{SAID} here"]


def test_a_denial_is_not_borne_by_what_it_denies():
    assert bearing("The pump does not need priming.", "The pump needs priming.") is None


def test_the_code_of_another_product_does_not_bear_it():
    words = "alpha bravo charlie delta echo foxtrot golf hotel india"
    assert bearing(f"LH-210R {words}", f"LH-210 {words}") is None
    assert bearing(f"LH-210R {words}", f"LH-210R {words}") is not None


def test_an_answer_of_another_kind_than_asked_for_is_not_borne():
    asked = "What does it cost?"
    assert bearing("The price is alpha.", "The price is alpha.", question=asked) is None
    assert bearing("The price is €5.", "The price is €5.", question=asked) is not None
