"""Answer spans: what in a sentence or a cell can be asked for, found by rule. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "money",
    "percent",
    "date",
    "time",
    "day",
    "number",
    "label",
    "code",
    "person",
    "name",
    "quoted",
    "noun",
]

WORDS = 2
"""The rank of mere words, which are no figure, date or name."""

_RANK: dict[Kind, int] = {
    "money": 0,
    "percent": 0,
    "number": 0,
    "date": 0,
    "time": 0,
    "day": 0,
    "quoted": 1,
    "label": 1,
    "person": 1,
    "name": 1,
    "code": 1,
    "noun": WORDS,
}

UNITS = {
    "ms": "milliseconds",
    "s": "seconds",
    "km": "kilometres",
    "m": "metres",
    "cm": "centimetres",
    "mm": "millimetres",
    "m³": "cubic metres",
    "km/h": "kilometres an hour",
    "kg": "kilograms",
    "g": "grams",
    "W": "watts",
    "V": "volts",
    "V DC": "volts DC",
    "mA": "milliamperes",
    "A": "amperes",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "MB": "megabytes",
    "GB": "gigabytes",
    "TB": "terabytes",
    "m/s": "metres per second",
    "m²": "square metres",
    "°C": "degrees Celsius",
    "°": "degrees",
    "bar": "bar",
    "dB(A)": "decibels",
    "baud": "baud",
}

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_WEEKDAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?"
_COUNT = "(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|Two|Three|Four|Five|Nine)"
_WHOLE = r"[±−+]?\d+(?:,\d{3})*"
_FIGURE = rf"{_WHOLE}(?:\.\d+)?"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_NOUNS = r"(?:(?:working|lithium|full|spare|alarm|charging|field|missed) )?[a-z]{3,}s|people"
_PERIOD = "(?:day|week|month|year|hour|minute|quarter)"
_LABELLED = (
    r"(?:build|port|[Bb]us|days?|week|month|[Cc]ells?|Sev|version|firmware|Keel|chapter|address|"
    r"item|internal|type|employee no\.|IP|Port|Decision|speed|rev\.)"
)
_PLAIN = (
    r"(?!(?:[a-z-]+ )?(?:ones?|lot|little|few|same|last|first|others?|most|words?)\b)(?!few)"
    r"[a-z-]+(?: [a-z-]+)?"
)
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("date", r"\b\d{4}-\d\d-\d\d(?: \d\d:\d\d)?\b"),
    ("date", rf"\b\d{{1,2}} {_MONTH}(?: \d{{4}})?\b"),
    ("date", rf"\b{_MONTH} \d{{4}}\b|(?<=since )\d{{4}}\b"),
    ("day", r"\b[Ff]irst [A-Z]\w+day of each \w+"),
    ("day", rf"\b{_WEEKDAY} (?:at \d\d:\d\d(?: Irish time| UTC)?|and {_WEEKDAY})|\b{_WEEKDAY}\b"),
    ("time", r"\b\d\d:\d\d(?:–\d\d:\d\d)?(?: UTC| Irish time)?\b"),
    ("money", r"€\d+(?:,\d{3})*(?:\.\d+)?(?: million)?"),
    ("percent", rf"{_FIGURE} ?%"),
    ("number", r"\b\d+ hours? \d+ minutes?|\b\d+ of (?:the|its|our) \d+\b|\b\d+ votes to \d+"),
    ("number", rf"(?<![\w.]){_FIGURE}(?:(?:–| to ){_FIGURE})? ?(?:{_UNIT})(?![\w/])"),
    ("number", rf"(?<![\w.-]){_WHOLE}(?:\.\d+)? million (?:{_NOUNS})(?!\w)"),
    ("number", rf"(?<![\w.-]){_WHOLE}(?:–\d+)? (?:{_NOUNS})(?!\w)|(?<![\w.-])1 {_PERIOD}\b"),
    ("number", rf"\b{_COUNT} (?:{_NOUNS})(?!\w)|\b\d+-{_PERIOD}\b [a-z]+"),
    (
        "number",
        r"\b(?:once|twice) (?:a|an|each|every) [a-z]+|\b(?:each|every) (?:quarter|month|year)\b",
    ),
    ("number", r"\b\d+(?:st|nd|rd|th)\b"),
    ("label", rf"\b{_LABELLED} \d+(?:\.\d+)*(?![\w-]|[.,]\d)(?:(?:, \d+)* and \d+)?"),
    ("code", r"(?<![\w-])[A-Z]{1,5}(?:-[A-Z]{1,3})?-[A-Z]?\d[\w-]*\b|\b\d+(?:\.\d+)+-\d+\b"),
    ("code", r"#\w+|\b[a-z]+(?:[_-][a-z]+)*_[a-z]+\b|\bkw-[a-z]+\b|\b[a-z]+ctl [a-z]+\b"),
    ("code", r"\bIP\d\d\b|\b[A-Z]\d\b|\bRS-485\b|\b\d+L [a-z]+ steel\b"),
    ("quoted", r"(?<=[Cc]alled )[A-Z]\w+|(?<=called it )[A-Z]\w+"),
    ("quoted", r"(?<=then as )[A-Z]\w+|(?<=codename )[A-Z]\w+"),
    ("quoted", r"[“\"]([^“”\"]{3,60})[”\"]"),
    ("date", r"(?<![\w.,:/-])(?:19|20)\d\d(?![\w:/-]|[.,]\d)"),
    ("number", rf"(?<![\w.,:/-]){_FIGURE}(?![\w:/-]|[.,]\d)"),
    ("noun", rf"(?<=\ban ){_PLAIN}(?=[.,;:)])|(?<=\ba ){_PLAIN}(?=[.,;:)])"),
    ("noun", rf"(?<=\bthe ){_PLAIN}(?=[.;:)])|(?<= with )[a-z-]+ [a-z]+(?=[.;:)])"),
)
_FOUND: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern)) for kind, pattern in _PATTERNS
)
_IDENTITY = re.compile(
    r"\b(?:Eddy|Tarn|Keel|Heron|Bus|[Tt]ank|[Tt]ram|[Cc]hapters?|[Cc]ells|[Cc]ells \d+ and|"
    r"mooring|Penstock|Unit|Room) $"
)
"""A number behind these is a name, not a count."""
_ORGANISATION = re.compile(
    r"\b(?!The )(?:[A-Z][^\W\d_]+ )+(?:Trust|Council|Board|Authority|Cooperative|Irrigators|Kraft|"
    r"Meersloot|Circuits|Semicon|Seals|Batteries|Civil|Castings|Stone)\b"
)
_PAIR = re.compile(r"\b([A-Z][^\W\d_]+) (?:van )?([A-Z][^\W\d_]+)\b")
_PLACES = frozenset(
    "Port Sankt New North Lough Netloft Sallow Millpond Coaling Mill Kelderwyn Spate Tarn Keel "
    "Eddy Heron Lockhouse Project Incident Corrabrin Drumsallow Tullaweir Haarnvik Velsmond "
    "Arrosal Pellworth Achenbund Corvane Nordfallen Ballintarn Waterschap Sereno Rivière Aumond "
    "Lindqar Velmira Otterholt Strandvoe Gortnamar Brannock St Mr Ms The Test Use Models From Name "
    "Who Policy Subject Tell Ask What Write Call See Site Runbook Restore LTE In On At If When "
    "For".split()
)
_INSTITUTIONS = frozenset(
    "Trust Council Board Authority Limited Office Depot Works Hub Quay Tank Station Lane Road "
    "Street Pier County Cooperative Harbour Basin Flood Seals Circuits Batteries Semicon Castings "
    "Civil Chief Director Head Non Drumsallow Tullaweir Sankt".split()
)


@dataclass(frozen=True, slots=True)
class Span:
    """An answer: `text[start:end]` and what kind of thing it is."""

    start: int
    end: int
    kind: Kind


def spans(text: str) -> list[Span]:
    """What the text can be asked for, in its order; where two overlap, the surer kind stays."""
    found: list[Span] = []
    for one in (*_by_pattern(text, "quoted"), *_names(text), *_by_pattern(text)):
        if one.kind == "number" and _IDENTITY.search(text, 0, one.start):
            continue
        if not any(one.start < other.end and other.start < one.end for other in found):
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def rank(answer: str, kind: Kind) -> int:
    """What is asked for first, where a document has more to ask than it may: the lower ranks."""
    return 1 if kind == "number" and answer[0].isalpha() else _RANK[kind]


def kind_of(cell: str) -> Kind:
    """The kind of a whole cell: that of the first span in it."""
    found = spans(cell)
    return found[0].kind if found else "noun"


def unit(answer: str) -> str | None:
    """What an answer of kind number counts, in words: "26 days" → "days"; None for a bare one."""
    if match := re.search(rf"({_UNIT})$", answer):
        before = answer[: match.start()].rstrip()
        if before and (before[-1].isdigit() or match[1] in ("°C", "°")):
            return UNITS[match[1]]
    if match := re.fullmatch(rf"(?:{_FIGURE}(?:–\d+)?(?: million)?|{_COUNT}) (.+)", answer):
        rest = match[1]
        return None if rest[0].isdigit() or rest.startswith("of ") else rest
    return None


def _by_pattern(text: str, only: Kind | None = None) -> Iterator[Span]:
    for kind, pattern in _FOUND:
        if only in (None, kind):
            for match in pattern.finditer(text):
                yield Span(*match.span(pattern.groups), kind)


def _names(text: str) -> Iterator[Span]:
    for match in _ORGANISATION.finditer(text):
        yield Span(*match.span(), "name")
    for match in _PAIR.finditer(text):
        if match[1] not in _PLACES and match[2] not in _INSTITUTIONS:
            yield Span(*match.span(), "person")
