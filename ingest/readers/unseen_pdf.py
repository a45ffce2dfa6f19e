"""Text of a PDF page that is drawn so that nobody sees it: invisible, of no size, white on white.

Whatever may be seen after all is kept: white text over anything that was drawn there before, and
the invisible text of a scan, which is its own OCR. Only the page's own content is looked at, not
the forms that it draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from pypdf import PageObject
from pypdf.generic import ContentStream, NameObject

TINY = 1.5
"""Points: text of this size and less is not for reading."""

WHITE = 0.95
"""Of 1, for every colour component."""

THICK = 4.0
"""Points: a line as wide as this is a bar that text may stand on."""

LEAST = 12
"""Letters and digits on a page: what has fewer are spacers and fillers, and says nothing."""

CURVES = 100
"""A page that draws as many curves may have its letters drawn, and their text invisibly behind."""

_Matrix = tuple[float, float, float, float, float, float]
_Operation = tuple[list[Any], bytes]

_IDENTITY: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_SHOWS = frozenset({b"Tj", b"TJ", b"'", b'"'})
_COLOURS = {b"g": 1, b"rg": 3, b"k": 4}
_SPACES = {"/DeviceGray": 1, "/DeviceRGB": 3, "/DeviceCMYK": 4, "/CalGray": 1, "/CalRGB": 3}
_FILLS = frozenset({b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"})
_STROKES = frozenset({b"S", b"s"})
_INVISIBLE = 3


@dataclass(frozen=True, slots=True)
class _State:
    """The part of the graphics state that decides whether text is seen."""

    matrix: _Matrix = _IDENTITY
    white: bool = False
    space: int | None = None
    size: float = 0.0
    mode: int = 0
    leading: float = 0.0
    width: float = 1.0


def seen_text(page: PageObject) -> str:
    """The page's text as pypdf extracts it, without what is not seen. Changes the page."""
    held = page.get("/Contents")
    source = held.get_object() if held is not None else None
    if source is None:
        return page.extract_text()
    # As extract_text itself reads it, which then need not do so again.
    content = ContentStream(source, page.pdf, "bytes")
    page[NameObject("/Contents")] = content
    operations = cast("list[_Operation]", content.operations)
    unseen = _unseen(operations, page)
    whole = page.extract_text()
    if not unseen:
        return whole
    content.operations = [
        kept
        for at, operation in enumerate(operations)
        for kept in (_moves(operation[1]) if at in unseen else [operation])
    ]
    seen = page.extract_text()
    return seen if _letters(whole) - _letters(seen) >= LEAST else whole


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _moves(operator: bytes) -> list[_Operation]:
    """What is left of an operation whose text is taken out: the move to the next line."""
    return [([], b"T*")] if operator in (b"'", b'"') else []


def _unseen(operations: Sequence[_Operation], page: PageObject) -> set[int]:
    """The places of the operations that show text which is not seen."""
    drawing = _Drawing(page)
    for at, (operands, operator) in enumerate(operations):
        drawing.do(at, operands, operator)
    scanned = drawing.pictures > 0 or drawing.curves >= CURVES
    behind = scanned and 2 * drawing.hidden >= drawing.shown
    return drawing.small | drawing.pale | (set() if behind else drawing.invisible)


class _Drawing:
    """Carries out a page's operations as far as that matters here."""

    def __init__(self, page: PageObject) -> None:
        self._resources: Any = page.get("/Resources") or {}
        self._state = _State()
        self._saved: list[_State] = []
        self._line = _IDENTITY
        self._path: list[float] = []  # heights
        self._drawn: list[tuple[float, float]] = []  # what is not white: from one height to another
        self.small: set[int] = set()
        self.pale: set[int] = set()
        self.invisible: set[int] = set()
        self.pictures = self.curves = self.shown = self.hidden = 0

    def do(self, at: int, operands: list[Any], operator: bytes) -> None:
        """One operation; what its operands do not make sense of is left out, as viewers do."""
        try:
            self._do(at, operands, operator)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError):
            return

    def _do(self, at: int, operands: list[Any], operator: bytes) -> None:
        match operator:
            case b"q":
                self._saved.append(self._state)
            case b"Q":
                self._state = self._saved.pop()
            case b"cm":
                self._set(matrix=_times(_matrix(operands), self._state.matrix))
            case b"BT":
                self._line = _IDENTITY
            case b"Tf":
                self._set(size=float(operands[1]))
            case b"Tr":
                self._set(mode=int(operands[0]))
            case b"TL":
                self._set(leading=float(operands[0]))
            case b"w":
                self._set(width=float(operands[0]))
            case b"Tm":
                self._line = _matrix(operands)
            case b"Td" | b"TD":
                across, up = float(operands[0]), float(operands[1])
                self._line = _times((1, 0, 0, 1, across, up), self._line)
                if operator == b"TD":
                    self._set(leading=-up)
            case b"T*" | b"'" | b'"':
                self._line = _times((1, 0, 0, 1, 0, -self._state.leading), self._line)
            case b"g" | b"rg" | b"k" | b"cs" | b"sc" | b"scn":
                self._colour(operands, operator)
            case _:
                self._draw(operands, operator)
        if operator in _SHOWS:
            self._show(at, operands)

    def _set(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)

    def _colour(self, operands: list[Any], operator: bytes) -> None:
        if operator == b"cs":
            self._set(white=False, space=self._components(str(operands[0])))
            return
        count = _COLOURS.get(operator, self._state.space)
        values = [float(value) for value in operands if not isinstance(value, NameObject)]
        if count == 4:
            values = [1 - value for value in values]
        known = count is not None and len(values) == len(operands) == count
        self._set(white=known and min(values) >= WHITE)

    def _components(self, name: str) -> int | None:
        """How many components a colour space has in which full ones are white."""
        if name in _SPACES:
            return _SPACES[name]
        space = self._resources["/ColorSpace"][name].get_object()
        kind = str(space[0])
        if kind == "/ICCBased":
            return int(space[1].get_object()["/N"])
        return _SPACES.get(kind)

    def _draw(self, operands: list[Any], operator: bytes) -> None:
        if operator in (b"m", b"l"):
            self._reach(operands)
        elif operator in (b"c", b"v", b"y"):
            self.curves += 1
            for at in range(0, len(operands), 2):
                self._reach(operands[at : at + 2])
        elif operator == b"re":
            across, up, width, height = (float(value) for value in operands)
            for x in (across, across + width):
                for y in (up, up + height):
                    self._reach((x, y))
        elif operator in _FILLS | _STROKES | {b"n"}:
            self._paint(operator)
        elif operator == b"sh":
            self._cover()
        elif operator == b"INLINE IMAGE":
            self._picture()
        elif operator == b"Do":
            drawn = self._resources["/XObject"][operands[0]].get_object()
            if drawn["/Subtype"] == "/Image":
                self._picture()
            else:  # a form may draw anywhere
                self._cover()

    def _reach(self, point: Sequence[Any]) -> None:
        _, b, _, d, _, f = self._state.matrix
        self._path.append(b * float(point[0]) + d * float(point[1]) + f)

    def _paint(self, operator: bytes) -> None:
        path, self._path = self._path, []
        if not path or operator == b"n":
            return
        half = 0.0
        if operator in _STROKES:
            half = self._state.width * _scale(self._state.matrix) / 2
        if (operator in _FILLS and not self._state.white) or 2 * half >= THICK:
            self._drawn.append((min(path) - half, max(path) + half))

    def _picture(self) -> None:
        self.pictures += 1
        _, b, _, d, _, f = self._state.matrix
        corners = (f, f + b, f + d, f + b + d)
        self._drawn.append((min(corners), max(corners)))

    def _cover(self) -> None:
        self._drawn.append((float("-inf"), float("inf")))

    def _show(self, at: int, operands: list[Any]) -> None:
        length = _length(operands[-1])
        self.shown += length
        placed = _times(self._line, self._state.matrix)
        if abs(self._state.size) * _scale(placed) <= TINY:
            self.small.add(at)
        elif self._state.mode == _INVISIBLE:
            self.hidden += length
            self.invisible.add(at)
        elif self._state.mode == 0 and self._state.white and not self._stands_on(placed[5]):
            self.pale.add(at)

    def _stands_on(self, height: float) -> bool:
        """Whether anything but white has been drawn as high on the page as this."""
        return any(low - 1 <= height <= high + 1 for low, high in self._drawn)


def _matrix(operands: Sequence[Any]) -> _Matrix:
    a, b, c, d, e, f = (float(value) for value in operands)
    return a, b, c, d, e, f


def _times(one: _Matrix, other: _Matrix) -> _Matrix:
    """What `one` and then `other` does."""
    a, b, c, d, e, f = one
    p, q, r, s, t, u = other
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def _scale(matrix: _Matrix) -> float:
    """How much larger upright lengths become."""
    return (matrix[2] ** 2 + matrix[3] ** 2) ** 0.5


def _length(shown: Any) -> int:
    if isinstance(shown, list):
        return sum(len(part) for part in cast("list[Any]", shown) if isinstance(part, str | bytes))
    return len(shown)
