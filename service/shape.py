"""Whether a sentence has the shape of an answer to a question: a date to "when". Pure.

The kinds of answer follow the coarse classes of Li and Roth, "Learning Question Classifiers"
(COLING 2002), as far as a sentence's surface shows them.
"""

import re
from collections.abc import Callable
from functools import lru_cache


def _pattern(words: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(words, re.IGNORECASE | re.VERBOSE).search


_NUMERAL = r"""(\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|
    thirty|forty|fifty|sixty|ninety|hundred|thousand|million|billion|half|third|once|twice)\b)"""
# With a capital: "may" and "march" are verbs.
_MONTH = r"""\b(?-i:January|February|March|April|May|June|July|August|September|October|November|
    December)\b"""
_UNIT_OF_TIME = r"\b(second|minute|hour|day|week|month|year|decade|centur(y|ie))s?\b"
_UNIT_OF_LENGTH = (
    r"\b((kilo|centi|milli)?met(re|er)s?|km|cm|mm|m|miles?|feet|ft|inch(es)?|yards?)\b"
)

_KINDS = (
    # (what the question says, what the answer has)
    (
        _pattern(
            r"""\bhow \s (long|soon|quickly|fast|often|old)\b | \bwithin \s what\b |
            \b(what|which) \s (period|time \s limit|deadline|interval)\b"""
        ),
        # "How long" asks for either.
        _pattern(
            rf"""{_NUMERAL} [^.]{{0,25}} ({_UNIT_OF_TIME} | {_UNIT_OF_LENGTH}) |
            \b(daily|weekly|monthly|yearly)\b"""
        ),
    ),
    (
        _pattern(
            r"""\b(price|cost|costs|fee|fees|charge|charges|salary|budget|revenue|turnover)\b |
            \bhow \s much \s .{0,20} \b(pay|paid|spend|spent|earn)\b"""
        ),
        _pattern(r"[€$£] | \b(euros?|dollars?|pounds?|cents?|free \s of \s charge)\b"),
    ),
    (
        _pattern(
            r"""(?<!happens[ ])\b(when|since \s when)\b |
            \b(what|which) \s (year|date|day|time|month|week|century|decade)\b"""
        ),
        _pattern(
            rf"""\b\d{{3,4}}s?\b | \b\d{{1,2}}:\d\d\b | centur | {_MONTH} |
            \b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b"""
        ),
    ),
    (
        _pattern(
            r"""\bhow \s (many|much|far|large|big|tall|high|deep|wide|heavy|hot|cold|late|early)\b |
            \b(what|which) \b .{0,45} \b(number|amount|percent|percentage|share|rate|limit|maximum|
            minimum|temperature|range|length|weight|voltage|port|size|speed|height|depth)\b"""
        ),
        _pattern(_NUMERAL),
    ),
    (
        _pattern(
            r"""\b(who|whom|whose)\b |
            \b(what|which) \s (city|country|state|place|region|town|site|building|company)\b"""
        ),
        re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+").search,
    ),
)


_ASKS_CAUSE = _pattern(
    r"""\bwhy\b | \b(what|which) \b .{0,20} \b(made|caused?|causes|reasons?|culprit|led \s to)\b |
    \b(cause|reason|culprit) \s (of|for|behind)\b"""
)
_CAUSE = _pattern(
    r"""\b(because|since|due \s to|owing \s to|caused?|causes|reasons?|led \s to|so \s that|
    therefore|as \s a \s result|why)\b"""
)


def fits(question: str, sentence: str, heading: str = "") -> float:
    """1 where it has what the question's words ask for, 0 where not, 0.5 where they don't tell.

    `heading` is what the sentence stands under: "Cause" answers "why".
    """
    if _asks_cause(question):
        return 1.0 if _CAUSE(f"{heading}: {sentence}") else 0.0
    has = _asked(question)
    return 0.5 if has is None else float(bool(has(sentence)))


@lru_cache(maxsize=256)  # every sentence of a question's hits is held against it
def _asks_cause(question: str) -> bool:
    return bool(_ASKS_CAUSE(question))


@lru_cache(maxsize=256)
def _asked(question: str) -> Callable[[str], re.Match[str] | None] | None:
    """The pattern of what a question asks for; None where its words don't tell."""
    return next((has for asks, has in _KINDS if asks(question)), None)
