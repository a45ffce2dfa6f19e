"""Checks that a program can make of a reply to a general instruction. Pure.

In the spirit of IFEval (Zhou et al. 2023, arXiv 2311.07911), with instructions that a model of
135 million parameters has a chance at. No empty reply passes a check.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from eval.grade import contains, normalise
from eval.refusals import refuses


@dataclass(frozen=True, slots=True)
class Check:
    """What a reply must be like; which of the fields count depends on `kind`, see `KINDS`.

    `values`, `others`: texts. `least`, `most`: counts, either may be None. `checks`: the parts of
    an `all-of`.
    """

    kind: str
    values: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    number: float | None = None
    checks: "tuple[Check, ...]" = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of check: the fields it must have, and what it asks of a reply that is not empty."""

    fields: tuple[str, ...]
    holds: Callable[[Check, str], bool]


def passes(check: Check, text: str) -> bool:
    """Whether a reply passes. Raises `KeyError` for a kind that is none of `KINDS`."""
    holds = KINDS[check.kind].holds
    text = text.strip()
    return bool(text) and holds(check, text)


def items(text: str) -> int:
    """How many items a list in a text has.

    Counted are lines that begin with a bullet or a number; else numbers such as "1." within the
    text; else its lines, without one that ends in a colon; else what commas and "and" part.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = sum(bool(_MARK.match(line)) for line in lines)
    if marked > 1:
        return marked
    numbered = len(_NUMBERED.findall(text))
    if numbered > 1:
        return numbered
    lines = [line for line in lines if not line.endswith(":")]
    if len(lines) > 1:
        return len(lines)
    return sum(bool(part.strip(" .")) for part in _PARTED.split(" ".join(lines)))


def last_number(text: str) -> float | None:
    """The last number in digits, else the last one in words up to twelve; None without either."""
    digits = _DIGITS.findall(text)
    if digits:
        return float(digits[-1].replace(",", ""))
    words = [word for word in re.findall(r"[a-z]+", text.lower()) if word in _NUMBER_WORDS]
    return float(_NUMBER_WORDS[words[-1]]) if words else None


def language(text: str) -> str | None:
    """The code of the language most of whose small words stand in the text: two at least.

    None where two languages have as many. It knows en, fr, es, de and it.
    """
    words = re.findall(r"[^\W\d_]+", text.lower())
    counts = {code: sum(word in small for word in words) for code, small in LANGUAGES.items()}
    best = max(counts.values())
    found = [code for code, count in counts.items() if count == best]
    return found[0] if best > 1 and len(found) == 1 else None


def json_object(text: str) -> Mapping[str, Any] | None:
    """The object that begins at the first brace of a reply; None where none does.

    Words and fences around it do not count against the reply.
    """
    start = text.find("{")
    try:
        value, _ = json.JSONDecoder().raw_decode(text, max(start, 0))
    except (ValueError, RecursionError):
        return None
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else None


def _contains_all(check: Check, text: str) -> bool:
    return all(contains(text, [value]) for value in check.values)


def _equals(check: Check, text: str) -> bool:
    return normalise(text) in {normalise(value) for value in check.values}


def _starts_with(check: Check, text: str) -> bool:
    return _edge(check.values, text, r"\A{}(?!\w)")


def _ends_with(check: Check, text: str) -> bool:
    return _edge(check.values, text, r"(?<!\w){}\W*\Z")


def _edge(values: Sequence[str], text: str, pattern: str) -> bool:
    text = text.strip("\"'“”‘’* ")
    return any(re.search(pattern.format(re.escape(one)), text, re.IGNORECASE) for one in values)


def _choice(check: Check, text: str) -> bool:
    return contains(text, check.values) and not contains(text, check.others)


def _words(check: Check, text: str) -> bool:
    return _within(check, len(text.split()))


def _lines(check: Check, text: str) -> bool:
    return _within(check, sum(bool(line.strip()) for line in text.splitlines()))


def _within(check: Check, count: int) -> bool:
    least = 0 if check.least is None else check.least
    return least <= count and (check.most is None or count <= check.most)


def _json_keys(check: Check, text: str) -> bool:
    value = json_object(text)
    return value is not None and all(key in value for key in check.values)


def _language(check: Check, text: str) -> bool:
    return language(text) in check.values


_COUNTS = ("least", "most")
KINDS: Mapping[str, Kind] = {
    "contains-any": Kind(("values",), lambda check, text: contains(text, check.values)),
    "contains-all": Kind(("values",), _contains_all),
    "contains-literal": Kind(("values",), lambda check, text: any(v in text for v in check.values)),
    "no-word": Kind(("values",), lambda check, text: not contains(text, check.values)),
    "equals": Kind(("values",), _equals),
    "starts-with": Kind(("values",), _starts_with),
    "ends-with": Kind(("values",), _ends_with),
    "choice": Kind(("values", "others"), _choice),
    "number": Kind(("number",), lambda check, text: last_number(text) == check.number),
    "words": Kind(_COUNTS, _words),
    "lines": Kind(_COUNTS, _lines),
    "items": Kind(_COUNTS, lambda check, text: _within(check, items(text))),
    "upper-case": Kind((), lambda _, text: text.isupper()),
    "lower-case": Kind((), lambda _, text: text.islower()),
    "json-keys": Kind(("values",), _json_keys),
    "language": Kind(("values",), _language),
    "refusal": Kind((), lambda _, text: refuses(text)),
    "all-of": Kind(
        ("checks",), lambda check, text: all(passes(part, text) for part in check.checks)
    ),
}
"""Kinds of checks by name.

Texts are compared after SQuAD's normalisation, as runs of whole tokens; contains-literal,
starts-with and ends-with compare letter by letter, the last two whatever the case. choice: one of
`values` and none of `others`. number: the last number of the reply. words, lines, items: their
count is within `least` and `most`, one of which may be left out.
"""

NORMALISED = ("contains-any", "contains-all", "no-word", "equals", "choice")
"""Kinds whose texts are compared after normalisation, so that they may not normalise to nothing."""

LANGUAGES: Mapping[str, frozenset[str]] = {
    "en": frozenset(
        "the of and to in is it that was for with on are this be at have he she".split()
    ),
    "fr": frozenset(
        "le la les des du et est une un dans il elle je sur pour que qui au ce".split()
    ),
    "es": frozenset("el la los las y es una un en de con por que su muy mi está del al se".split()),
    "de": frozenset("der die das und ist ein eine nicht ich zu mit den auf es im dem sehr".split()),
    "it": frozenset("il lo la gli e è un una di che per con non del della sono molto nel".split()),
}
"""Small words by the code of the language."""

_NUMBER_WORDS: Mapping[str, int] = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}
_DIGITS = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_MARK = re.compile(r"(?:[-*•–]\s+|\d+[.)]\s*)\S")
_NUMBERED = re.compile(r"(?<!\w)\d+[.)]\s+\S")
_PARTED = re.compile(r"[,;]|\band\b")
