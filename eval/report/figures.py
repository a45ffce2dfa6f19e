"""Numbers as a reader sees them; what is None is "not measured". Pure."""

from collections.abc import Sequence

MISSING = "not measured"
_MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


def points(share: float | None, digits: int = 1, *, unit: bool = True) -> str:
    """A difference of shares in percentage points, always with its sign."""
    if share is None:
        return MISSING
    text = _signed(share * 100, digits, always=True)
    return f"{text}{_SPACE}points" if unit else text


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage."""
    return MISSING if share is None else f"{_signed(share * 100, digits)}{_SPACE}%"


def span(ends: Sequence[float | None] | None, digits: int = 1) -> str:
    """An interval of shares, in percent."""
    if ends is None or any(end is None for end in ends):
        return MISSING
    low, high = (end or 0.0 for end in ends)
    return f"{_signed(low * 100, digits)} to {_signed(high * 100, digits)}{_SPACE}%"


def span_points(ends: Sequence[float | None] | None, digits: int = 1) -> str:
    """An interval of differences, in percentage points."""
    if ends is None or any(end is None for end in ends):
        return MISSING
    return f"{points(ends[0], digits, unit=False)} to {points(ends[1], digits, unit=False)}"


def money(amount: float | None, currency: str) -> str:
    """An amount with its currency; cents only where the amount is small."""
    if amount is None:
        return MISSING
    size = abs(amount)
    digits = 0 if size >= 100 or size == 0 else 2 if size >= 0.1 else 3 if size >= 0.01 else 5
    sign = _SIGNS.get(currency)
    text = f"{size:,.{digits}f}"
    minus = _MINUS if amount < 0 and float(text.replace(",", "")) else ""
    return f"{minus}{sign}{text}" if sign else f"{minus}{currency}{_SPACE}{text}"


def number(value: float | None, digits: int = 0) -> str:
    """A plain number with thousands apart."""
    return MISSING if value is None else _signed(value, digits)


def probability(value: float | None) -> str:
    """A p-value: never 0, since it comes from counting."""
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def duration(seconds: float | None) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds is None:
        return MISSING
    if seconds < 100:
        return f"{seconds:.1f}{_SPACE}s"
    if seconds < 6000:
        return f"{seconds / 60:.0f}{_SPACE}min"
    return f"{seconds / 3600:.1f}{_SPACE}h"


def latency(ms: float | None, calls: int) -> str:
    """Milliseconds of an answer; where there is no figure, whether too few calls were timed."""
    if ms is not None:
        return f"{ms:,.0f}{_SPACE}ms"
    return f"too few ({calls})" if calls else MISSING


def months(value: float | None) -> str:
    """How long until money is back."""
    return "never" if value is None else f"{value:.1f}{_SPACE}months"


def _signed(value: float, digits: int, *, always: bool = False) -> str:
    text = f"{abs(value):,.{digits}f}"
    if not float(text.replace(",", "")):
        return text
    return (_MINUS if value < 0 else "+" if always else "") + text
