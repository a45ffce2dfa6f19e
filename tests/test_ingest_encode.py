import numpy as np
import pytest

from ingest.chunk import Chunk, ChunkSettings, chunk
from ingest.documents import Document, Section
from ingest.encode import QUOTE_CHARACTERS, Encoded, encode, quotable
from tests.fakes import FakeEmbedder, PowerCut

TEXT = (
    "The pump house\nIt stands on the quay.\nCapacity\nThe pump moves 430 litres. It hums all day."
)
CAPACITY = Section(TEXT.index("Capacity"), ("Capacity",))


def document(text: str = TEXT, *sections: Section, title: str = "Orlo pump") -> Document:
    return Document("orlo.md", title, "markdown", text, sections)


def whole(of: Document) -> Chunk:
    """The whole document as one chunk."""
    return Chunk(0, of.text, (), None, None, 0, len(of.text))


def quoted(of: Document) -> list[str]:
    return [of.text[span.start : span.end] for span in quotable(of, whole(of))]


def encoded(of: Document) -> tuple[Encoded, list[str]]:
    """The vectors of a document that is one chunk, and what was embedded for them."""
    embedder = FakeEmbedder()
    [[found]] = encode([(of, [whole(of)])], embedder)
    return found, embedder.embedded


def test_a_chunk_and_each_of_its_sentences_have_a_vector():
    found, texts = encoded(document("The pump leaks here. It rusts there too."))
    assert found.embedding.shape == (64,)
    assert found.sentences.shape == (2, 64)
    assert len(texts) == 3


def test_vectors_are_of_single_and_half_precision_and_of_length_one():
    found, _ = encoded(document())
    assert (found.embedding.dtype, found.sentences.dtype) == (np.float32, np.float16)
    assert np.linalg.norm(found.embedding) == pytest.approx(1.0)
    assert np.linalg.norm(found.sentences.astype(float), axis=1) == pytest.approx(1.0, abs=1e-2)


def test_the_vector_of_a_row_is_that_of_the_span_of_that_row():
    of = document(TEXT, CAPACITY)
    found, _ = encoded(of)
    headers = ["Orlo pump", "Orlo pump", "Orlo pump > Capacity", "Orlo pump > Capacity"]
    texts = [
        f"{header}: {of.text[span.start : span.end]}"
        for header, span in zip(headers, found.spans, strict=True)
    ]
    expected = FakeEmbedder().embed(texts).astype(np.float16)
    assert (found.sentences == expected).all()
    assert len({row.tobytes() for row in found.sentences}) == len(found.spans)


def test_a_chunk_is_embedded_with_its_title_and_section():
    of = document("It leaks here.")
    embedder = FakeEmbedder()
    encode([(of, [Chunk(0, of.text, ("Faults",), None, None, 0, 14)])], embedder)
    assert embedder.embedded[0] == "Orlo pump > Faults\nIt leaks here."


def test_a_sentence_is_embedded_with_the_section_it_stands_under():
    _, texts = encoded(document(TEXT, CAPACITY))
    assert "Orlo pump > Capacity: The pump moves 430 litres." in texts
    assert "Orlo pump: It stands on the quay." in texts


def test_the_section_of_a_sentence_is_found_by_its_place_in_the_document():
    of = document(TEXT, CAPACITY)
    start = TEXT.index("It hums")
    embedder = FakeEmbedder()
    encode([(of, [Chunk(1, TEXT[start:], (), None, None, start, len(TEXT))])], embedder)
    assert embedder.embedded[1] == "Orlo pump > Capacity: It hums all day."


def test_a_long_heading_path_is_cut_before_a_sentence():
    _, texts = encoded(document("The pump leaks here.", title="T" * 500))
    assert texts[1] == "T" * 120 + ": The pump leaks here."


def test_a_text_that_repeats_is_embedded_once():
    twice = document("The pump leaks here. It rusts there too. The pump leaks here.")
    embedder = FakeEmbedder()
    [[one], [other]] = encode([(twice, [whole(twice)]), (twice, [whole(twice)])], embedder)
    assert len(embedder.embedded) == len(set(embedder.embedded)) == 3
    assert (one.sentences[0] == one.sentences[2]).all()
    assert (one.sentences == other.sentences).all()


def test_all_texts_go_to_the_embedder_at_once():
    many = [document(f"The pump number {at} leaks here.") for at in range(3)]
    survives_one_call = FakeEmbedder(dies_after=1)
    assert len(encode([(of, [whole(of)]) for of in many], survives_one_call)) == 3
    with pytest.raises(PowerCut):
        survives_one_call.embed([])


def test_chunks_come_in_the_order_of_the_documents():
    first, second = document("The pump leaks here."), document("A ship sails out there.")
    both = encode([(first, [whole(first)]), (second, [whole(second)])], FakeEmbedder())
    assert [len(one) for one in both] == [1, 1]
    for [found], of in zip(both, (first, second), strict=True):
        assert (found.embedding == encoded(of)[0].embedding).all()


def test_a_document_without_chunks_has_no_vectors():
    assert encode([(document(""), [])], FakeEmbedder()) == [[]]


def test_a_chunk_without_sentences_has_the_vector_of_the_chunk_alone():
    found, _ = encoded(document("Pump"))
    assert (found.spans, found.sentences.shape) == ((), (0, 64))


def test_a_heading_is_no_quote():
    lines = "Capacity of the pump\nIt moves 430 litres."
    of = document(lines, Section(0, ("Capacity of the pump",)))
    assert quoted(of) == ["It moves 430 litres."]


def test_the_title_is_no_quote():
    of = document("The old pump\nIt stands on the quay.", title="The old pump")
    assert quoted(of) == ["It stands on the quay."]


def test_a_line_of_two_words_is_no_quote():
    assert quoted(document("430 litres\nIn a minute\nPump")) == ["In a minute"]


def test_spans_are_offsets_into_the_chunk():
    of = document(TEXT, CAPACITY)
    start = TEXT.index("Capacity")
    part = Chunk(1, TEXT[start:], (), None, None, start, len(TEXT))
    assert [part.text[at:end] for at, end in quotable(of, part)] == [
        "The pump moves 430 litres.",
        "It hums all day.",
    ]


def test_a_sentence_of_300_characters_is_one_quote():
    text = "The pump " + "hums " * 57 + "today."
    assert len(text) == QUOTE_CHARACTERS == 300
    assert quoted(document(text)) == [text]


@pytest.mark.parametrize("end", [",", ";", ":", ")", " –", " |"])
def test_a_longer_sentence_is_cut_after_a_clause(end: str):
    first = "The pump " + "hums " * 30 + f"along{end}"
    text = f"{first} and " + "then " * 40 + "it stops."
    assert quoted(document(text)) == [first, text[len(first) + 1 :]]


def test_a_comma_within_a_number_is_no_clause():
    text = "The pump " + "hums " * 30 + "4,300 times " + "and on " * 30 + "it goes."
    assert not any(piece.endswith("4,") for piece in quoted(document(text)))


def test_a_longer_sentence_without_clauses_is_cut_between_words():
    text = "The pump " + "hums " * 150 + "on."
    pieces = quoted(document(text))
    assert " ".join(pieces) == text
    assert all(200 < len(piece) <= QUOTE_CHARACTERS for piece in pieces[:-1])


def test_pieces_of_a_sentence_are_300_characters_at_most_and_hold_all_of_its_words():
    text = ", ".join(f"item {at} weighs {at} stones" for at in range(90)) + "."
    pieces = quoted(document(text))
    assert max(map(len, pieces)) <= QUOTE_CHARACTERS
    assert " ".join(pieces) == text


def test_a_word_longer_than_a_quote_is_cut_within():
    text = f"See the {'x' * 1000} here now."
    spans = quotable(document(text), whole(document(text)))
    assert max(span.end - span.start for span in spans) <= QUOTE_CHARACTERS


def test_every_chunk_of_a_cut_document_has_its_vectors():
    of = document(" ".join(f"The pump number {at} leaks here." for at in range(40)))
    embedder = FakeEmbedder()
    cut = chunk(of, embedder.count_tokens, ChunkSettings(64, 8))
    [found] = encode([(of, cut)], embedder)
    assert len(found) == len(cut) > 1
    for one, vectors in zip(cut, found, strict=True):
        assert [one.text[at:end][:8] for at, end in vectors.spans] == ["The pump"] * len(
            vectors.spans
        )
        assert vectors.sentences.shape == (len(vectors.spans), 64)
