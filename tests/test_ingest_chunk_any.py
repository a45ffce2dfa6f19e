"""Whatever a reader hands over: the promises of chunks and quotes over any text at all."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunk import ChunkSettings, chunk, contextual, section_at
from ingest.documents import Document, Page, Section
from ingest.encode import QUOTE_CHARACTERS, quotable
from ingest.sentences import sentences
from tests.fakes import FakeEmbedder

count = FakeEmbedder().count_tokens

PIECES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(
        ["\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\u200b", "\ufeff"]
        + ["word " * 90, "x" * 3000, ". ", "e\u0301" * 50, "क्षि", "🏳\u200d🌈" * 30, "\t"]
    ),
)
HEADINGS = st.lists(st.text(max_size=60) | st.just("long " * 30), max_size=4).map(tuple)
LIMITS = st.integers(32, 300).flatmap(
    lambda limit: st.builds(ChunkSettings, st.just(limit), st.integers(0, limit // 2))
)


@st.composite
def any_documents(draw: st.DrawFn) -> Document:
    """Pages begin anywhere, sections at any line, several of them at one place."""
    text = "".join(draw(st.lists(PIECES, max_size=30)))
    lines = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    starts = st.lists(st.sampled_from(lines), max_size=6).map(sorted)
    sections = tuple(Section(at, draw(HEADINGS)) for at in draw(starts))
    offsets = st.lists(st.integers(0, len(text)), max_size=6).map(sorted)
    pages = tuple(Page(at, str(at)) for at in draw(offsets))
    return Document("a.md", draw(st.text(max_size=250)), "text", text, sections, pages)


@given(any_documents(), LIMITS)
@settings(max_examples=150, deadline=None)
def test_chunks_are_slices_in_order_that_cover_every_sentence(found: Document, how: ChunkSettings):
    chunks = chunk(found, count, how)
    covered = set[int]()
    for position, one in enumerate(chunks):
        assert one.position == position
        assert one.text == found.text[one.start : one.end] != ""
        covered |= set(range(one.start, one.end))
    for before, after in zip(chunks, chunks[1:], strict=False):
        assert before.start < after.start and before.end < after.end
    for span in sentences(found.text):
        bare = {at for at in range(span.start, span.end) if not found.text[at].isspace()}
        assert bare <= covered


@given(any_documents(), LIMITS)
@settings(max_examples=150, deadline=None)
def test_a_chunk_fits_beside_its_header_or_is_a_quarter_of_the_limit(
    found: Document, how: ChunkSettings
):
    for one in chunk(found, count, how):
        header = count([contextual(found.title, one.section, "")])[0]
        assert count([one.text])[0] <= max(how.limit - 2 - header, how.limit // 4)


@given(any_documents(), LIMITS)
@settings(max_examples=150, deadline=None)
def test_a_chunk_stands_under_the_headings_that_all_of_it_stands_under(
    found: Document, how: ChunkSettings
):
    for one in chunk(found, count, how):
        for at in (one.start, one.end - 1):
            assert section_at(found.sections, at)[: len(one.section)] == one.section


@given(any_documents(), LIMITS)
@settings(max_examples=100, deadline=None)
def test_what_can_be_quoted_is_short_and_has_no_space_at_its_ends(
    found: Document, how: ChunkSettings
):
    for one in chunk(found, count, how):
        last = 0
        for span in quotable(found, one):
            quote = one.text[span.start : span.end]
            assert quote == quote.strip() and 0 < len(quote) <= QUOTE_CHARACTERS
            assert span.start >= last
            last = span.end
