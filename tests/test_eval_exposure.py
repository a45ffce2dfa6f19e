"""Documents as training examples."""

from pathlib import Path

from eval.configure import ADAPTER
from eval.exposure import LEAD_WORDS, PIECE_WORDS, document_examples
from eval.tune.examples import Example
from ingest.documents import Section
from ingest.stored import StoredChunk, StoredDocument

INTRODUCTION = "The tank holds water."
CARE = "Care\nRinse the sensor twice a year. Dry it in the shade. Put it back."
TEXT = f"{INTRODUCTION}\n\n{CARE}"
SECTIONS = (Section(TEXT.index("Care"), ("Care",)),)


def document(
    name: int = 1, title: str = "Manual", sections: tuple[Section, ...] = SECTIONS
) -> StoredDocument:
    file = f"{name}.md"
    return StoredDocument(
        name, Path("wiki"), file, file, "markdown", title, "wiki", {}, sections, (), ()
    )


def chunk(text: str, start: int = 0, of: StoredDocument | None = None) -> StoredChunk:
    return StoredChunk(1, of or document(), text, (), None, None, start, start + len(text))


def piece(begin: str, end: str) -> StoredChunk:
    """The chunk of `TEXT` from the words `begin` to the words `end`."""
    start = TEXT.index(begin)
    return chunk(TEXT[start : TEXT.index(end) + len(end)], start)


def asked(example: Example) -> str:
    return example.messages[-1].content


def test_a_chunk_is_asked_for_by_title_and_section_and_its_text_is_the_reply():
    [example] = document_examples([piece("Care", "back.")])
    assert "“Manual > Care”" in asked(example)
    assert example.completion == CARE


def test_the_adapters_own_instruction_stands_before_the_question():
    [example] = document_examples([piece("The tank", "water.")])
    assert [message.role for message in example.messages] == ["system", "user"]
    assert example.messages[0].content == ADAPTER["knowledge"]


def test_the_wording_goes_by_turns_and_is_the_same_each_time():
    chunks = [chunk("A word or two.", of=document(name, sections=())) for name in range(1, 6)]
    first = document_examples(chunks)
    assert len({asked(example) for example in first}) == 5
    assert document_examples(chunks) == first


def test_a_chunk_that_continues_a_section_is_asked_for_by_the_words_before_it():
    _, later = document_examples([piece("Care", "twice a year."), piece("Dry it", "back.")])
    assert "… Care Rinse the sensor twice a year." in asked(later)
    assert later.completion == "Dry it in the shade. Put it back."


def test_of_an_overlap_only_what_stands_before_the_chunk_is_a_lead():
    chunks = [piece("Care", "the shade."), piece("Dry it", "back.")]
    assert asked(document_examples(chunks)[1]).count("Dry it") == 0


def test_a_chunk_that_opens_a_section_is_not_asked_for_by_the_one_before():
    _, care = document_examples([piece("The tank", "water."), piece("Care", "back.")])
    assert "holds water" not in asked(care)


def test_what_stands_before_is_found_whatever_the_order_and_only_in_the_same_document():
    chunks = [piece("Dry it", "back."), chunk("Other words.", 90, document(2, "Other", ()))]
    chunks.append(piece("Care", "twice a year."))
    later, other, _ = document_examples(chunks)
    assert "twice a year" in asked(later)
    assert "…" not in asked(other)


def test_a_long_chunk_gives_pieces_that_hold_every_sentence_once():
    text = " ".join(f"Sentence number {at} of this long page has ten words." for at in range(45))
    examples = document_examples([chunk(text, of=document(sections=()))])
    assert len(examples) == 3
    assert all(len(example.completion.split()) <= PIECE_WORDS for example in examples)
    assert " ".join(example.completion for example in examples) == text
    assert len({asked(example) for example in examples}) == 3


def test_a_sentence_that_is_too_long_is_cut_between_words():
    text = " ".join(f"word{at}" for at in range(PIECE_WORDS + 50))
    first, second = document_examples([chunk(text, of=document(sections=()))])
    assert f"{first.completion} {second.completion}" == text
    assert " ".join(first.completion.split()[-LEAD_WORDS:]) in asked(second)


def test_chunks_without_words_give_no_example():
    assert document_examples([chunk(" \n ", of=document(sections=()))]) == []
