"""Elements of HTML that their own style keeps from being seen.

Style sheets are not read: what they hide is often shown by a script, and has then to be found.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

_DECLARATION = re.compile(r"([a-z-]+)\s*:\s*([^;]+)")
_LENGTH = re.compile(r"(-?\d*\.?\d+)(px|pt|em|rem|%|vw|vh)?$")
_RGB = re.compile(r"rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)[^)]*\)$")
_CUT_AWAY = re.compile(r"rect\((?:0(?:px)?[\s,]*){4}\)|inset\((?:50|100)%")
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_ATTRIBUTE = re.compile(r"([\w-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_ENDLESS = frozenset(
    "area base br col embed hr img input link meta source track wbr"
    " p li dt dd tr td th thead tbody tfoot option".split()
)
"""Elements that have no end tag, or may do without one: where they end is not known here."""

_NAMED = {
    "white": (255.0, 255.0, 255.0),
    "snow": (255.0, 250.0, 250.0),
    "ivory": (255.0, 255.0, 240.0),
    "whitesmoke": (245.0, 245.0, 245.0),
    "black": (0.0, 0.0, 0.0),
}
_WHITE = _NAMED["white"]

_NEAR = 12.0
"""Of 255, in each component: colours nearer than this cannot be told apart."""

_TINY = 1.5
"""Pixels or points: letters of this size and less are not for reading."""

_FAR = -900.0
"""Pixels or points: what stands as far to the left or above is outside of the window."""

_Colour = tuple[float, float, float]


class Element(Protocol):
    """What is used of lxml's elements."""

    def get(self, key: str) -> str | None:
        """An attribute."""
        ...

    def iter(self, *tags: str) -> "Iterator[Element]":
        """This element and all below it, in order."""
        ...

    def iterancestors(self, *tags: str) -> "Iterator[Element]":
        """The elements around this one, the nearest first."""
        ...


def is_unseen(element: Element) -> bool:
    """Whether nobody sees the element's text. Where something inside it may differ, it is seen."""
    style, colour = _declared(element.get("style")), element.get("color") or ""
    if not style and not colour:
        return False
    if _hides(style):
        return True
    pale = _colour(style.get("color", colour))
    if not _is_tiny(style) and (pale is None or not _near(pale, _ground(element))):
        return False
    inside = list(element.iter())[1:]
    return not any(one.get(name) for one in inside for name in ("style", "class", "color"))


class HiddenTags:
    """Follows single tags as they come, and knows whether what stands here is inside a hidden one.

    For formats in which an element's tags and its text are parsed apart.
    """

    def __init__(self) -> None:
        self._name = ""
        self._depth = 0

    @property
    def inside(self) -> bool:
        """Whether a hidden element is open."""
        return self._depth > 0

    def feed(self, markup: str) -> None:
        """Take the next piece of markup, one tag or several."""
        for closing, name, attributes in _TAG.findall(markup):
            low = name.lower()
            if self._depth:
                if low == self._name and not attributes.endswith("/"):
                    self._depth += -1 if closing else 1
            elif not closing and low not in _ENDLESS and is_hidden_by(attributes):
                self._name, self._depth = low, 1


def is_hidden_by(attributes: str, *, on_white: bool = True) -> bool:
    """Whether a tag with these attributes hides its text by itself.

    `on_white`: pale text is hidden, too, where the tag names no background.
    """
    if attributes.endswith("/"):
        return False
    found: dict[str, str] = {
        name.lower(): double or single or bare
        for name, double, single, bare in _ATTRIBUTE.findall(attributes)
    }
    style = _declared(found.get("style", ""))
    if "hidden" in found or _hides(style):
        return True
    if _is_tiny(style) or not on_white:
        return _is_tiny(style)
    colour = _colour(style.get("color", found.get("color", "")))
    behind = _declared_ground(style, found.get("bgcolor", ""))
    return colour is not None and _near(colour, _colour(behind) if behind else _WHITE)


def _declared(style: str | None) -> dict[str, str]:
    """The declarations of a style attribute; a later one of a name counts."""
    if not style:
        return {}
    found = _DECLARATION.findall(style.lower())
    return {name: value.replace("!important", "").strip() for name, value in found}


def _hides(style: Mapping[str, str]) -> bool:
    if style.get("display") == "none" or style.get("visibility") in ("hidden", "collapse"):
        return True
    if any(_is_under(style, name, _FAR) for name in ("left", "top", "text-indent")):
        return True
    if style.get("color") == "transparent" and not any("background" in name for name in style):
        return True
    if _CUT_AWAY.match(style.get("clip", "")) or _CUT_AWAY.match(style.get("clip-path", "")):
        return True
    cut = style.get("overflow") == "hidden"
    return cut and _is_under(style, "width", 1.0) and _is_under(style, "height", 1.0)


def _is_tiny(style: Mapping[str, str]) -> bool:
    return _is_under(style, "font-size", _TINY)


def _is_under(style: Mapping[str, str], name: str, most: float) -> bool:
    """Whether a length is declared and at most this; relative ones count where they are 0."""
    found = _LENGTH.match(style.get(name, ""))
    if not found:
        return False
    value = float(found[1])
    return value <= most and (value <= 0 or found[2] in (None, "px", "pt"))


def _ground(element: Element) -> _Colour | None:
    """The colour behind an element; None where that cannot be told without a style sheet."""
    root = element
    for one in (element, *element.iterancestors()):
        root = one
        behind = _declared_ground(_declared(one.get("style")), one.get("bgcolor"))
        if behind:
            return _colour(behind)
    sheets = next(iter(root.iter("style", "link")), None)
    return _WHITE if sheets is None else None


def _declared_ground(style: Mapping[str, str], attribute: str | None) -> str:
    """What an element is filled with, as it is written; "" where it lets others shine through."""
    names = ("background-image", "background-color", "background")
    named = next((style[name] for name in names if name in style), attribute or "")
    return "" if named in ("transparent", "none") else named


def _near(one: _Colour, other: _Colour | None) -> bool:
    return other is not None and all(abs(a - b) <= _NEAR for a, b in zip(one, other, strict=True))


def _colour(name: str) -> _Colour | None:
    """Red, green and blue, 0…255, of a colour as CSS writes it; None for what is not known here."""
    text = name.strip().lower()
    if text in _NAMED:
        return _NAMED[text]
    digits = text.removeprefix("#")
    if text.startswith("#") and re.fullmatch(r"[0-9a-f]+", digits) and len(digits) in (3, 6):
        wide = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
        red, green, blue = (float(int(wide[at : at + 2], 16)) for at in (0, 2, 4))
        return red, green, blue
    found = _RGB.match(text)
    return (float(found[1]), float(found[2]), float(found[3])) if found else None
