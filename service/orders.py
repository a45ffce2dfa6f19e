"""Text of documents that speaks to a model instead of a reader, made harmless. Pure.

Documents are data. What could open a turn or close a fence in a prompt is taken out (`defused`);
paragraphs that give a model orders are never quoted as an answer (`orders`); and an answer holds
nothing that a viewer of Markdown or HTML would load or hide an address behind (`inert`). Text
without any of that stays as it is, to the letter.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from service.order_patterns import RULES

_TOKENS = (
    r"</?\s*passage\b([^<>]*>)?"  # the fence, closed or not
    r"|<[|｜][^|｜>]*[|｜]>"  # ChatML, Llama, Phi, Cohere; DeepSeek
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT)\]"  # Mistral
    r"|<</?SYS>>"
    r"|<(?:start|end)_of_turn>"  # Gemma
    r"|</?(?:tool_calls?|tool_response|function_calls?|invoke|think|system|assistant)\b[^<>]*>"
)
_OPENING = re.compile(_TOKENS + r"|</?s>|<(?:bos|eos|pad)>", re.IGNORECASE)
_TURN = re.compile(_TOKENS, re.IGNORECASE)

_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]+\U000e007f")
"""The flags of England and the like are written in letters that are not seen."""

_REVERSED = re.compile("[\u202d\u202e\U000e0000-\U000e007f]")
_SMUGGLED = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
"""What turns the reading order round, and letters that only a model reads."""

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LOOKALIKES = str.maketrans(
    "авгекмнопрстухѕіјԁһԛԝѵӏ" + "αειηκνορτυχω" + "ɑɡɩıո",
    "abrekmhonpctyxsijdhqwvl" + "aeinkvoptuxw" + "agiin",
)
"""Cyrillic, Greek and other letters, and the Latin ones that they look like."""

_WORD = re.compile(r"[^\W\d_]+")
_ORDERS = tuple((frozenset(words.split()), re.compile(pattern)) for words, pattern in RULES)
_NEEDED = frozenset[str]().union(*(needed for needed, _ in _ORDERS))

_LINK = re.compile(
    r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?(?:[a-z][a-z0-9+.-]*:|//|www\.)[^()]*(?:\([^()]*\)[^()]*)*\)?",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"^[ ]{0,3}\[[^\]\n]+\]:[ \t]*<?(?:[a-z][a-z0-9+.-]*:|//)\S+.*$", re.I | re.M
)
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto):[^<>\s]+)>", re.IGNORECASE)
_ELEMENT = re.compile(
    r"</?(?:script|style|iframe|frame|object|embed|applet|portal)\b[^<>]*>?"
    r"|<[a-z][\w-]*\s[^<>]*=[^<>]*>?",  # attributes are what loads, links and runs
    re.IGNORECASE,
)


def defused(text: str) -> str:
    """Text that cannot close its fence or open a turn of a chat template."""
    text = _SMUGGLED.sub("", text)
    while _OPENING.search(text):  # what is left around one may make the next
        text = _OPENING.sub(" ", text)
    return text


@lru_cache(maxsize=4096)  # the same chunks are found again and again
def orders(text: str) -> tuple[int, int] | None:
    """From where to where a text gives orders to a model, in whole paragraphs; None: nowhere."""
    spans = [span for span in _paragraphs(text) if _is_order(text[span[0] : span[1]])]
    return (spans[0][0], spans[-1][1]) if spans else None


def inert(text: str) -> str:
    """An answer's text without what a viewer of Markdown or HTML would load, run or link to.

    Links keep their words, addresses in plain sight stay.
    """
    while (plain := _without_links(text)) != text:
        text = plain
    return text


def _without_links(text: str) -> str:
    for pattern, kept in ((_LINK, r"\1"), (_REFERENCE, ""), (_AUTOLINK, r"\1"), (_ELEMENT, "")):
        text = pattern.sub(kept, text)
    return text


def _paragraphs(text: str) -> Sequence[tuple[int, int]]:
    ends = [(gap.start(), gap.end()) for gap in _PARAGRAPH.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    return list(zip(starts, [*(start for start, _ in ends), len(text)], strict=True))


def _is_order(paragraph: str) -> bool:
    if _TURN.search(paragraph):
        return True
    if not paragraph.isascii() and _REVERSED.search(_FLAG.sub("", paragraph)):
        return True
    folded = _folded(paragraph)
    words = _NEEDED.intersection(_WORD.findall(folded))
    return any(not needed.isdisjoint(words) and order.search(folded) for needed, order in _ORDERS)


def _folded(text: str) -> str:
    """Text as it looks: without marks, invisible characters and letters of other alphabets."""
    if text.isascii():
        return text.casefold()
    parts = unicodedata.normalize("NFKD", text)
    if not parts.isascii():
        parts = "".join(one for one in parts if unicodedata.category(one) not in ("Mn", "Cf"))
    return parts.casefold().translate(_LOOKALIKES)
