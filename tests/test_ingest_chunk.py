import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunk import (
    CHARACTERS_PER_TOKEN,
    HEADER_CHARACTERS,
    Chunk,
    ChunkSettings,
    chunk,
    contextual,
    page_at,
    section_at,
)
from ingest.documents import Document, Page, Section
from ingest.embed import SentenceEmbedder
from ingest.sentences import sentences
from tests.fakes import FakeEmbedder

count = FakeEmbedder().count_tokens
SETTINGS = ChunkSettings(64, 8)


def document(
    text: str, sections: tuple[Section, ...] = (), pages: tuple[Page, ...] = (), title: str = "Pump"
) -> Document:
    return Document("pump.md", title, "markdown", text, sections, pages)


def words(number: int, word: str = "steel") -> str:
    """A sentence of so many words."""
    return " ".join([word.capitalize(), *[word] * (number - 1)]) + "."


def sectioned(*parts: tuple[str, str]) -> Document:
    """A document of sections (heading, body), all of one level."""
    text, sections = "", list[Section]()
    for heading, body in parts:
        sections.append(Section(len(text), (heading,)))
        text += f"{heading}\n{body}\n\n"
    return document(text, tuple(sections))


ODD = ["第三", "句子", "。", "🎉", "👩\u200d🔧", "été", "x" * 10_000, "a\u00a0b", "|"]
WORDS = ["valve", "is", "Dr.", "No?", *ODD]
BODY = st.lists(st.sampled_from(WORDS), min_size=1, max_size=60)
GAPS = st.sampled_from([" ", ". ", ".\n", "\n\n", "\u00a0"])


@st.composite
def random_documents(draw: st.DrawFn) -> Document:
    text, sections = "", list[Section]()
    for number in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            path = ("Part", f"Section {number}")[: draw(st.integers(1, 2))]
            sections.append(Section(len(text), path))
            text += f"{path[-1]}\n"
        for word in draw(BODY):
            text += word + draw(GAPS)
        text += "\n"
    return document(text, tuple(sections))


@given(random_documents())
@settings(max_examples=40, deadline=None)
def test_chunks_are_exact_slices(found: Document):
    for one in chunk(found, count, SETTINGS):
        assert one.text == found.text[one.start : one.end]
        assert one.text.strip() == one.text != ""


@given(random_documents())
@settings(max_examples=40, deadline=None)
def test_chunks_cover_every_sentence(found: Document):
    chunks = chunk(found, count, SETTINGS)
    covered = set[int]().union(*(range(one.start, one.end) for one in chunks))
    for span in sentences(found.text):
        bare = {at for at in range(span.start, span.end) if not found.text[at].isspace()}
        assert bare <= covered


@given(random_documents())
@settings(max_examples=40, deadline=None)
def test_chunks_with_their_header_fit_the_token_limit(found: Document):
    for one in chunk(found, count, SETTINGS):
        assert count([contextual(found.title, one.section, one.text)])[0] + 2 <= SETTINGS.limit


@given(random_documents())
@settings(max_examples=40, deadline=None)
def test_a_chunk_holds_no_more_characters_than_its_tokens_may(found: Document):
    for one in chunk(found, count, SETTINGS):
        assert len(one.text) <= SETTINGS.limit * (CHARACTERS_PER_TOKEN + 1)


@given(random_documents())
@settings(max_examples=10, deadline=None)
def test_chunks_fit_the_real_embedder(embedder: SentenceEmbedder, found: Document):
    limit = ChunkSettings(embedder.token_limit)
    for one in chunk(found, embedder.count_tokens, limit):
        embedded = contextual(found.title, one.section, one.text)
        assert embedder.count_tokens([embedded])[0] + 2 <= embedder.token_limit


@given(random_documents())
@settings(max_examples=40, deadline=None)
def test_positions_count_up_and_offsets_grow(found: Document):
    chunks = chunk(found, count, SETTINGS)
    assert [one.position for one in chunks] == list(range(len(chunks)))
    assert all(
        a.start < b.start and a.end < b.end for a, b in zip(chunks, chunks[1:], strict=False)
    )


def test_no_sentence_is_cut_that_fits():
    text = " ".join(words(25, word) for word in ("iron", "zinc", "lead", "gold"))
    whole = {text[span.start : span.end] for span in sentences(text)}
    for one in chunk(document(text), count, SETTINGS):
        assert {one.text[s.start : s.end] for s in sentences(one.text)} <= whole


def overlapping(chunks: list[Chunk]) -> list[int]:
    return [max(a.end - b.start, 0) for a, b in zip(chunks, chunks[1:], strict=False)]


def test_a_short_last_sentence_is_repeated():
    text = " ".join([words(40, "iron"), words(6, "zinc"), words(40, "lead")])
    first, second = chunk(document(text), count, SETTINGS)
    assert first.text.endswith(words(6, "zinc"))
    assert second.text.startswith(words(6, "zinc"))


def test_no_overlap_where_none_is_wanted():
    text = " ".join(words(6) for _ in range(40))
    chunks = chunk(document(text), count, ChunkSettings(64, 0))
    assert len(chunks) > 2
    assert set(overlapping(chunks)) == {0}


def test_a_new_section_repeats_nothing():
    text = " ".join([words(40, "iron"), words(6, "zinc")])
    first, second = chunk(sectioned(("Iron", text), ("Lead", words(40, "lead"))), count, SETTINGS)
    assert overlapping([first, second]) == [0]
    assert second.text.startswith("Lead\n")


def test_overlap_within_a_chunk_of_two_sections_stops_at_the_heading():
    parts = ("Iron", words(3, "iron")), ("Lead", f"{words(3, 'lead')}\n{words(54, 'gold')}")
    first, second = chunk(sectioned(*parts), count, ChunkSettings(64, 16))
    assert "Iron" in first.text
    assert second.section == ("Lead",)
    assert second.text.startswith("Lead\nLead lead lead.")


def test_small_sections_share_a_chunk():
    only = chunk(sectioned(*((f"H{at}", words(4)) for at in range(4))), count, SETTINGS)
    assert len(only) == 1
    assert only[0].section == ()


def test_a_chunk_of_two_subsections_has_the_heading_they_share():
    text = "Safety\nGloves\nWear them.\nGoggles\nWear them too."
    sections = (
        Section(0, ("Safety",)),
        Section(text.index("Gloves"), ("Safety", "Gloves")),
        Section(text.index("Goggles"), ("Safety", "Goggles")),
    )
    (only,) = chunk(document(text, sections), count, SETTINGS)
    assert only.section == ("Safety",)


def test_text_before_the_first_heading_has_no_section():
    text = f"{words(40)}\nLead\n{words(40)}"
    first, second = chunk(
        document(text, (Section(text.index("Lead"), ("Lead",)),)), count, SETTINGS
    )
    assert (first.section, second.section) == ((), ("Lead",))


def test_a_word_of_10000_characters_is_cut_into_slices_without_loss():
    text = "x" * 10_000
    chunks = chunk(document(text), count, SETTINGS)
    assert len(chunks) > 1
    assert "".join(one.text for one in chunks) == text


def test_a_long_sentence_is_cut_at_spaces():
    chunks = chunk(document(words(300)), count, SETTINGS)
    pieces = {word for one in chunks for word in one.text.split()}
    assert pieces == {"Steel", "steel", "steel."}


def test_a_long_header_leaves_a_quarter_of_the_limit_to_the_slice():
    found = document(words(300), title="w " * HEADER_CHARACTERS)
    sizes = count([one.text for one in chunk(found, count, SETTINGS)])
    assert 8 <= max(sizes) <= 16


def test_a_text_without_words_has_no_chunks():
    assert chunk(document(" \n \u00a0"), count, SETTINGS) == []


def test_pages_from_and_to():
    first, second = words(50, "iron"), words(50, "lead")
    text = f"{first}\n{second}"
    pages = (Page(0, "i"), Page(20, "ii"), Page(len(first) + 1, "1"))
    chunks = chunk(document(text, pages=pages), count, SETTINGS)
    assert [(one.page_from, one.page_to) for one in chunks] == [(1, 2), (3, 3)]


def test_an_empty_page_holds_no_chunk():
    text = words(10)
    pages = (Page(0, "1"), Page(0, "2"), Page(len(text), "3"))
    (only,) = chunk(document(text, pages=pages), count, SETTINGS)
    assert (only.page_from, only.page_to) == (2, 2)


def test_documents_without_pages_have_none():
    (only,) = chunk(document(words(10)), count, SETTINGS)
    assert (only.page_from, only.page_to) == (None, None)


def test_page_at_counts_physical_pages_from_one():
    pages = (Page(0, "iv"), Page(10, "v"))
    assert [page_at(pages, at) for at in (0, 9, 10)] == [1, 1, 2]


def test_section_at_is_the_last_heading_before():
    sections = (Section(5, ("A",)), Section(9, ("A", "B")))
    assert [section_at(sections, at) for at in (4, 5, 9)] == [(), ("A",), ("A", "B")]


def test_title_and_headings_go_in_front_of_what_is_embedded():
    assert contextual("Pump", ("Safety", "Gloves"), "Wear.") == "Pump > Safety > Gloves\nWear."


def test_without_a_title_nothing_goes_in_front():
    assert contextual("", (), "Wear.") == "Wear."


@pytest.mark.parametrize(("limit", "overlap"), [(31, 0), (64, 33), (64, -1)])
def test_settings_that_cannot_work_are_refused(limit: int, overlap: int):
    with pytest.raises(ValueError, match=f"chunk limit {limit} and overlap {overlap}"):
        ChunkSettings(limit, overlap)
