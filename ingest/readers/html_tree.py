"""The tree of an HTML page as lxml parses it, and which of it a visitor sees."""

import re
from collections.abc import Iterator
from typing import Protocol, cast

from lxml.html import (  # pyright: ignore[reportMissingTypeStubs]
    HTMLParser,
    document_fromstring,  # pyright: ignore[reportUnknownVariableType]
    fragment_fromstring,  # pyright: ignore[reportUnknownVariableType]
)

from ingest.documents import UnreadableFile
from ingest.readers.characters import clean
from ingest.readers.unseen_html import is_unseen

BLOCKS = frozenset(
    "p div section article main header body html figure figcaption blockquote dl dt dd ul ol li"
    " address details summary center fieldset legend hgroup hr form label option".split()
)
_DROPPED = frozenset(
    "script style noscript template head nav aside footer button input select textarea iframe"
    " object embed svg canvas audio video map dialog menu".split()
)
_DROPPED_ROLES = frozenset("navigation search banner contentinfo complementary menu".split())
_DROPPED_NAMES = re.compile(
    r"(?:^|\s)(?:navbar|navigation|nav|navbox|breadcrumbs?|sidebar|menu|cookie-?\w*|skip-?link|toc"
    r"|site-(?:header|footer|nav)|page-footer|mw-editsection|mw-jump-link|catlinks|printfooter"
    r"|noprint|headerlink|related|sharing|social|sr-only|visually-hidden)(?:$|\s)",
    re.IGNORECASE,
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


DEEPEST = 150  # below this, an element gives its text without its layout


class Element(Protocol):
    """What is used of lxml's elements, which come without types."""

    tag: object
    text: str | None
    tail: str | None

    def __iter__(self) -> Iterator["Element"]: ...
    def get(self, key: str) -> str | None:
        """An attribute."""
        ...

    def iter(self, *tags: str) -> Iterator["Element"]:
        """This element and all below it, in order."""
        ...

    def iterancestors(self, *tags: str) -> Iterator["Element"]:
        """The elements around this one, the nearest first."""
        ...

    def text_content(self) -> str:
        """All text in it, hidden or not."""
        ...

    def xpath(self, path: str) -> list["Element"]:
        """The elements on a path."""
        ...


def parse_document(source: str) -> Element:
    """Parse a whole page.

    Raises:
        UnreadableFile: It is nested so deeply that the parser gives up.
    """
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    content = clean(source).encode() if source.strip() else b"<p></p>"
    root = cast("Element", document_fromstring(content, parser=parser))
    if "Excessive depth" in str(getattr(parser, "error_log", "")):
        raise UnreadableFile("the HTML is nested too deeply")
    return root


def parse_fragment(source: str) -> Element:
    """Parse a piece of a page, as a <div>."""
    return cast("Element", fragment_fromstring(clean(source), create_parent=True))


def visible_children(element: Element) -> Iterator[tuple[Element | None, str]]:
    """The children that are shown (None for a hidden one), each with the text behind it."""
    for child in element:
        hidden = not isinstance(child.tag, str) or _is_hidden(child)
        yield None if hidden else child, child.tail or ""


def visible_text(element: Element) -> str:
    """The text a visitor sees in an element; line breaks and borders of blocks are spaces."""
    return "".join(_texts(element, 0))


def _texts(element: Element, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield element.text_content()
        return
    yield element.text or ""
    for child, tail in visible_children(element):
        if child is not None:
            apart = child.tag in BLOCKS or child.tag in {"td", "th", "tr", "br"}
            yield " " if apart else ""
            yield from _texts(child, depth + 1)
            yield " " if apart else ""
        yield tail


def _is_hidden(element: Element) -> bool:
    if element.tag in _DROPPED or element.get("hidden") is not None:
        return True
    if element.get("aria-hidden") == "true" or element.get("role") in _DROPPED_ROLES:
        return True
    if _HIDDEN_STYLE.search(element.get("style") or "") or is_unseen(element):
        return True
    names = (element.get("class"), element.get("id"))
    return any(_DROPPED_NAMES.search(value) for value in names if value)
