"""Wikitext: the text of a MediaWiki page as its reader sees it, with its headings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import mwparserfromhell
from mwparserfromhell.nodes import (
    Argument,
    Comment,
    ExternalLink,
    Heading,
    HTMLEntity,
    Node,
    Tag,
    Template,
    Text,
    Wikilink,
)
from mwparserfromhell.wikicode import Wikicode

from ingest.documents import Section, UnreadableFile
from ingest.readers.characters import clean, has_words, one_line
from ingest.readers.layout import TextBuilder
from ingest.readers.leftovers import shield, tidy, unshield
from ingest.readers.templates import expand
from ingest.readers.unseen_html import is_hidden_by
from ingest.readers.wikitables import CELL, ROW, render_table

_REDIRECT = re.compile(r"\s*#\s*redirect\b|\s*#[^\W\d_]+\s*:?\s*\[\[", re.IGNORECASE)
# Taken out before parsing, which is twice as fast without them. Spans stop at the next opening tag,
# so that a page of unclosed tags takes linear time.
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<ref\b[^<>]*/>|<ref\b[^<>]*>(?:(?!<ref\b).)*?</ref\s*>|</?ref\b[^<>]*>?"
    r"|</?nowiki\s*/?>|__[A-Z]{3,}__",
    re.IGNORECASE | re.DOTALL,
)
# A "<" that opens nothing; thousands of them cost the parser minutes.
_BARE_SIGN = re.compile(r"<(?![a-zA-Z/!])")
_SPANS = re.compile(
    r"<(nowiki|pre|source|syntaxhighlight)\b(?:(?!<\1\b).)*?</\1\s*>", re.I | re.DOTALL
)
_QUOTES = re.compile(r"'{2,5}")
_HIDDEN_TAGS = frozenset(
    "ref references gallery timeline imagemap score graph mapframe maplink templatedata hiero"
    " style script section templatestyles indicator includeonly categorytree inputbox rss".split()
)
_VERBATIM_TAGS = frozenset("pre source syntaxhighlight math chem ce nowiki".split())
_BLOCK_TAGS = frozenset("div p center blockquote pre source syntaxhighlight poem br hr".split())
_INTERLANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*")
_EMPTY_BRACKETS = re.compile(r" ?\([\s,;:/–-]{0,20}\)|(?<=\()[ ,;]{1,20}|[ ,;]{1,20}(?=\))")
_SPACE_BEFORE = re.compile(r" {1,20}(?=[,.;:](?:\s|$))")
_LIST_MARK = re.compile(r"([*#:;]+)\s*")
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Wiki:
    """What a dump says of its wiki. `namespaces` are the local names by number."""

    site: str = ""
    namespaces: Mapping[int, str] = field(default_factory=dict[int, str])

    def is_redirect(self, wikitext: str) -> bool:
        """Whether a page is nothing but a redirect, in English or in the wiki's own language."""
        return _REDIRECT.match(wikitext) is not None

    def is_hidden(self, target: str) -> bool:
        """Whether a link shows no text of its own: a file, a category, another language."""
        prefix, colon, _ = target.partition(":")
        prefix = prefix.strip().casefold()
        if not colon:
            return False
        local = {self.namespaces.get(number, "").casefold() for number in (6, 14)}
        return prefix in {"file", "image", "media", "category"} | local


class _Renderer:
    """Turns parsed wikitext into lines; it holds what the page needs on the way down."""

    def __init__(self, title: str, wiki: Wiki) -> None:
        self._title = title
        self._wiki = wiki
        self._depth = 0

    def render(self, code: Wikicode) -> str:
        if self._depth > _DEEPEST:
            return ""
        self._depth += 1
        try:
            return "".join(self.nodes(code.nodes))
        finally:
            self._depth -= 1

    def nodes(self, nodes: Sequence[Node]) -> list[str]:
        """Render nodes that stand side by side."""
        return [self._node(node, _stands_alone(nodes, at)) for at, node in enumerate(nodes)]

    def _node(self, node: Node, alone: bool) -> str:
        match node:
            case Text():
                return _QUOTES.sub("", str(node.value))
            case Wikilink():
                return self._link(node)
            case Template():
                return expand(node, self.render, self._title, alone)
            case Tag():
                return self._tag(node)
            case ExternalLink():
                return self._external(node)
            case HTMLEntity():
                return _entity(node)
            case Heading():
                return f"\n\n{one_line(self.render(node.title))}\n\n"
            case Argument():
                return self.render(node.default) if node.default is not None else ""
            case Comment():
                return ""
            case _:
                return ""

    def _link(self, link: Wikilink) -> str:
        target = str(link.title).strip()
        if self._wiki.is_hidden(target):
            return ""
        if link.text is not None and str(link.text).strip():
            return self.render(link.text)
        prefix, colon, _ = target.partition(":")
        if colon and _INTERLANGUAGE.fullmatch(prefix):
            return ""
        shown = self.render(link.title).strip().lstrip(":").replace("_", " ")
        if link.text is not None:  # the pipe trick: [[Mercury (planet)|]] shows "Mercury"
            shown = re.sub(r"\s*\([^)]*\)$", "", shown)
        return shown.partition("#")[0] or shown.lstrip("#")

    def _external(self, link: ExternalLink) -> str:
        if link.title is not None:
            return self.render(link.title)
        return "" if link.brackets else str(link.url)

    def _tag(self, tag: Tag) -> str:
        name = str(tag.tag).strip().casefold()
        if tag.wiki_markup is not None and name in {"li", "dd", "dt"}:
            return str(tag.wiki_markup)
        if name in _HIDDEN_TAGS or _is_unseen(tag):
            return ""
        if name == "table":
            return render_table(tag, self.render)
        if name in {"tr", "td", "th"}:  # in HTML, where the parser sees no table around them
            return (f"\n{ROW}" if name == "tr" else CELL) + self.render(tag.contents)
        if not tag.contents.nodes:
            return "\n" if name == "br" else "\n\n" if name in _BLOCK_TAGS else ""
        verbatim = name in _VERBATIM_TAGS
        inner = shield(str(tag.contents)) if verbatim else self.render(tag.contents)
        if name == "li":
            return f"\n* {inner.strip()}\n"
        return f"\n\n{inner}\n\n" if name in _BLOCK_TAGS else inner


def read_wikitext(wikitext: str, title: str, wiki: Wiki) -> tuple[str, tuple[Section, ...]]:
    """The readable text of a page and its sections; empty text where it has no word."""
    seen = _BARE_SIGN.sub("&lt;", _without_unseen(wikitext))
    code = mwparserfromhell.parse(seen, skip_style_tags=True)
    renderer = _Renderer(title, wiki)
    builder = TextBuilder()
    pending: list[tuple[str, int]] = []
    for heading, nodes in _by_heading(code.nodes):
        if heading is not None:
            _queue(pending, one_line(renderer.render(heading.title)), heading.level)
        body = _lines("".join(renderer.nodes(nodes)))
        if any(map(has_words, body)):
            for shown, level in pending:
                builder.heading(shown, level)
            pending.clear()
            _add(builder, body)
    try:
        return builder.finish()
    except UnreadableFile:
        return "", ()


def _by_heading(nodes: Sequence[Node]) -> Iterator[tuple[Heading | None, list[Node]]]:
    """The page in pieces: each heading with what stands below it, up to the next."""
    heading: Heading | None = None
    below: list[Node] = []
    for node in nodes:
        if isinstance(node, Heading):
            yield heading, below
            heading, below = node, []
        else:
            below.append(node)
    yield heading, below


def _stands_alone(nodes: Sequence[Node], at: int) -> bool:
    """Whether a node has its line for itself, as notices and boxes have."""
    before = nodes[at - 1] if at else None
    after = nodes[at + 1] if at + 1 < len(nodes) else None
    if before is None and after is None:
        return False
    starts = before is None or not isinstance(before, Text) or str(before.value).endswith("\n")
    ends = after is None or (isinstance(after, Text) and str(after.value).startswith("\n"))
    return starts and ends


def _queue(pending: list[tuple[str, int]], heading: str, level: int) -> None:
    """Headings wait for text below them: an emptied section ("References") shows no heading."""
    while pending and pending[-1][1] >= level:
        pending.pop()
    if heading:
        pending.append((heading, level))


def _without_unseen(wikitext: str) -> str:
    """Drop comments, references and magic words, except where markup is shown as it is."""
    pieces: list[str] = []
    at = 0
    for span in _SPANS.finditer(wikitext):
        pieces += (_UNSEEN.sub("", wikitext[at : span.start()]), span[0])
        at = span.end()
    pieces.append(_UNSEEN.sub("", wikitext[at:]))
    return "".join(pieces)


def _is_unseen(tag: Tag) -> bool:
    # Pale text is none: the colour of its table cell is declared elsewhere.
    return is_hidden_by("".join(map(str, tag.attributes)), on_white=False)


def _entity(entity: HTMLEntity) -> str:
    try:
        return shield(entity.normalize())
    except (ValueError, OverflowError):
        return ""


def _lines(rendered: str) -> list[str]:
    loose = rendered.replace(f"{ROW}{CELL}", ROW).replace(CELL, " | ")
    text = clean(tidy(loose))
    text = _SPACE_BEFORE.sub("", _EMPTY_BRACKETS.sub("", text))
    return unshield(text).split("\n")


def _add(builder: TextBuilder, lines: list[str]) -> None:
    """Add lines as blocks: rows and list items on lines of their own, the rest as paragraphs."""
    paragraph: list[str] = []
    for line in [*lines, ""]:
        flat = " ".join(line.split())
        mark = _LIST_MARK.match(flat)
        special = flat.startswith(ROW) or mark is not None
        if flat and not special:
            paragraph.append(flat)
            continue
        if any(map(has_words, paragraph)):
            builder.add(" ".join(paragraph))
        paragraph.clear()
        if mark is not None:
            _add_item(builder, mark[1], flat[mark.end() :])
        elif special:
            builder.add(flat.replace(ROW, "").strip(), tight=True)


def _add_item(builder: TextBuilder, mark: str, text: str) -> None:
    if not has_words(text):
        return
    bullet = "  " * (len(mark) - 1) + "- " if mark[-1] in "*#" else ""
    builder.add(bullet + text, tight=True)
