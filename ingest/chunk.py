"""Documents → chunks. Pure: no model, no files; the caller lends a token counter.

A chunk is an exact slice of the document's text, cut between sentences and, where that leaves no
scrap, between sections. The title and heading path are counted against the embedder's limit, since
`contextual` puts them in front of what is embedded and indexed; they are not part of the slice.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ingest.documents import Document, Page, Section
from ingest.sentences import Span, sentences, trim

CountTokens = Callable[[Sequence[str]], list[int]]

HEADER_CHARACTERS = 200
"""A longer header is cut: it would push the slice out of what the embedder reads."""
CHARACTERS_PER_TOKEN = 16
"""At most: word pieces count a run of 100,000 letters as one unknown token, a prompt does not."""
SCRAP_SHARE = 2
"""A chunk smaller than one part in so many of the limit goes on over a section's border."""


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """`limit` and `overlap` in tokens of the embedder, special tokens and header included."""

    limit: int
    overlap: int = 24

    def __post_init__(self) -> None:
        if self.limit < 32 or not 0 <= self.overlap <= self.limit // 2:
            raise ValueError(
                f"chunk limit {self.limit} and overlap {self.overlap}: the limit must be 32 tokens "
                "or more, the overlap at most half of it"
            )


@dataclass(frozen=True, slots=True)
class Chunk:
    """`text == document.text[start:end]`; pages are physical, from 1, None outside PDFs."""

    position: int
    text: str
    section: tuple[str, ...]
    page_from: int | None
    page_to: int | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Unit:
    span: Span
    tokens: int
    section: tuple[str, ...]
    top: bool
    """The unit opens a section."""


def contextual(title: str, section: Sequence[str], text: str) -> str:
    """What is embedded and indexed for a chunk: title, heading path, then the slice.

    Contextual headers cut failed retrievals by about a third (Anthropic, Contextual Retrieval,
    2024).
    """
    header = " > ".join([title, *section])[:HEADER_CHARACTERS]
    return f"{header}\n{text}" if header else text


def chunk(document: Document, count_tokens: CountTokens, settings: ChunkSettings) -> list[Chunk]:
    """Cut a document. The chunks are in order and cover every sentence of the text.

    `count_tokens` gives, for each text, the number of tokens without special tokens.
    """
    count_tokens = _bounded(count_tokens)
    header_tokens = _header_tokens(count_tokens, document)
    paths = [(), *(section.path for section in document.sections)]
    longest = _budget(settings, max(map(header_tokens, paths)))
    units = list(_units(document, count_tokens, longest))
    runs = _pack(units, settings, header_tokens)
    return [_make(document, position, run) for position, run in enumerate(runs)]


def section_at(sections: Sequence[Section], offset: int) -> tuple[str, ...]:
    """The heading path that holds at an offset of the text; empty before the first heading."""
    before = bisect_right(sections, offset, key=lambda section: section.start)
    return sections[before - 1].path if before else ()


def page_at(pages: Sequence[Page], offset: int) -> int | None:
    """The physical page, from 1, that holds an offset of the text; None without pages."""
    return bisect_right(pages, offset, key=lambda page: page.start) or None


def _bounded(count_tokens: CountTokens) -> CountTokens:
    def of(texts: Sequence[str]) -> list[int]:
        counts = zip(count_tokens(texts), texts, strict=True)
        return [max(count, len(text) // CHARACTERS_PER_TOKEN) for count, text in counts]

    return of


def _header_tokens(
    count_tokens: CountTokens, document: Document
) -> Callable[[tuple[str, ...]], int]:
    counts: dict[tuple[str, ...], int] = {}

    def of(section: tuple[str, ...]) -> int:
        if section not in counts:
            counts[section] = count_tokens([contextual(document.title, section, "")])[0]
        return counts[section]

    return of


def _units(document: Document, count_tokens: CountTokens, longest: int) -> Iterator[_Unit]:
    text = document.text
    spans = sentences(text)
    counts = count_tokens([text[span.start : span.end] for span in spans])
    sections, at = document.sections, 0
    path: tuple[str, ...] = ()
    for span, tokens in zip(spans, counts, strict=True):
        top = False
        while at < len(sections) and sections[at].start <= span.start:
            path, at, top = sections[at].path, at + 1, True
        pieces = (
            [(span, tokens)]
            if tokens <= longest
            else _split_long(text, span, count_tokens, longest)
        )
        for piece, count in pieces:
            yield _Unit(piece, count, path, top)
            top = False


def _split_long(
    text: str, span: Span, count_tokens: CountTokens, longest: int
) -> Iterator[tuple[Span, int]]:
    """Halve a sentence over the limit at the space nearest its middle until each part fits."""
    tokens = count_tokens([text[span.start : span.end]])[0]
    if tokens <= longest or span.end - span.start < 2:
        yield span, tokens
        return
    middle = (span.start + span.end) // 2
    left, right = text.rfind(" ", span.start + 1, middle), text.find(" ", middle, span.end - 1)
    near = [cut for cut in (left, right) if cut > 0]
    cut = min(near, key=lambda at: abs(at - middle), default=middle)
    for half in (trim(text, span.start, cut), trim(text, cut, span.end)):
        if half.start < half.end:
            yield from _split_long(text, half, count_tokens, longest)


def _budget(settings: ChunkSettings, header: int) -> int:
    """Tokens left for the slice beside the header and two special tokens."""
    return max(settings.limit - 2 - header, settings.limit // 4)


def _pack(
    units: Sequence[_Unit],
    settings: ChunkSettings,
    header_tokens: Callable[[tuple[str, ...]], int],
) -> Iterator[list[_Unit]]:
    scrap = settings.limit // SCRAP_SHARE
    run: list[_Unit] = []
    used = repeated = 0
    for unit in units:
        full = used + unit.tokens > _budget(settings, header_tokens(_common(run, unit)))
        if run and (full or (unit.top and used >= scrap)):
            if len(run) > repeated:
                yield run
            run = [] if unit.top else _tail(run, settings.overlap)
            used, repeated = sum(kept.tokens for kept in run), len(run)
            if used + unit.tokens > _budget(settings, header_tokens(_common(run, unit))):
                run, used, repeated = [], 0, 0
        run.append(unit)
        used += unit.tokens
    if len(run) > repeated:
        yield run


def _tail(run: Sequence[_Unit], overlap: int) -> list[_Unit]:
    """The last units of a chunk that the next may repeat: `overlap` tokens, one section at most."""
    kept: list[_Unit] = []
    for unit in reversed(run[1:]):
        overlap -= unit.tokens
        if overlap < 0:
            break
        kept.insert(0, unit)
        if unit.top:
            break
    return kept


def _common(run: Sequence[_Unit], unit: _Unit | None = None) -> tuple[str, ...]:
    """The heading path that all units share."""
    paths = [member.section for member in run] + ([unit.section] if unit else [])
    shared: list[str] = []
    for level in zip(*paths, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return tuple(shared)


def _make(document: Document, position: int, run: Sequence[_Unit]) -> Chunk:
    start, end = run[0].span.start, run[-1].span.end
    return Chunk(
        position=position,
        text=document.text[start:end],
        section=_common(run),
        page_from=page_at(document.pages, start),
        page_to=page_at(document.pages, end - 1),
        start=start,
        end=end,
    )
