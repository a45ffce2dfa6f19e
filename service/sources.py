"""Which documents a question is about, by the names and periods in it. Pure.

"Amazon's gross margin in Q2 2023": many reports have a passage on gross margin, all read alike, and
none says whose it is, or of when. That stands in the document's title and opening.
Callan, "Passage-level evidence in document retrieval" (SIGIR 1994), adds up what passages and their
documents say; here a document says only whether it has the question's names. Measured in
docs/decisions/2026-11-29-sources.md.
"""

import math
import re
from collections.abc import Collection, Mapping

LATEST = 0.3
"""Of a source's share, added for the last period where a question asks for the latest."""

ENOUGH = 3.0
"""The weight of names together for a whole share; less is a hint. A name's weight is about the
logarithm of all documents to those that have it."""

Period = tuple[int, int]
"""A year and a month of it, 0 where only the year is known."""

_ASKING = frozenset(
    "a an and any are as at by can compare could describe did do does explain find for from give "
    "had has have how if in into is it list me name of on or please show so tell than that the "
    "their there these this those to was were what when where whether which who whom whose why "
    "will with would you your".split()
)
_WORD = re.compile(r"\w+")
_QUARTER = re.compile(r"\b(first|second|third|fourth) (?:fiscal )?quarter\b", re.IGNORECASE)
_QUARTERS = {"first": "Q1", "second": "Q2", "third": "Q3", "fourth": "Q4"}
_LATEST = re.compile(r"\b(latest|newest|most recent)\b", re.IGNORECASE)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_SHORT = {month[:3]: number for number, month in enumerate(_MONTHS, start=1)}
_MONTH = rf"(?P<name>{'|'.join((*_MONTHS, 'sept', *_SHORT))})\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_PERIODS = (
    re.compile(rf"\b{_YEAR}\W?q(?P<quarter>[1-4])\b"),
    re.compile(rf"\bq(?P<quarter>[1-4])\W{{0,2}}{_YEAR}\b"),
    re.compile(rf"\b{_YEAR}-(?P<month>0[1-9]|1[0-2])\b"),
    re.compile(rf"\b{_MONTH} (?:\d\d?,? )?{_YEAR}\b"),
    re.compile(rf"\b{_YEAR}\b"),
)


def names_of(question: str) -> frozenset[str]:
    """The question's names and numbers in lower case, without the words that ask.

    A name is capitalised, as the first word of a question is too; a question without a capital
    may have been typed without, and each word of it may be a name.
    """
    text = _QUARTER.sub(lambda found: _QUARTERS[found[1].lower()], question)
    typed = any(map(str.isupper, question))
    return frozenset(
        word.lower()
        for word in _WORD.findall(text)
        if len(word) > 1
        and (not typed or word[0].isupper() or any(map(str.isdigit, word)))
        and word.lower() not in _ASKING
    )


def shares(names: Collection[str], texts: Mapping[int, str]) -> dict[int, float]:
    """Of each document which share of the names its text holds, 0…1.

    Args:
        names: In lower case. One weighs the more the fewer of the documents have it, and nothing
            where all have it or none; together they weigh `ENOUGH` or more for a whole share.
        texts: Title and opening of each document, by its id.
    """
    lower = {document: text.lower() for document, text in texts.items()}
    # In one order: sums of the same numbers in another may differ in their last digit.
    held = {name: _holding(name, lower) for name in sorted(names)}
    weights = {
        name: math.log((len(texts) + 1) / (len(having) + 0.5))
        for name, having in held.items()
        if 0 < len(having) < len(texts)
    }
    total = max(sum(weights.values()), ENOUGH)
    return {
        document: sum(weight for name, weight in weights.items() if document in held[name]) / total
        for document in texts
    }


def _holding(name: str, texts: Mapping[int, str]) -> frozenset[int]:
    whole = re.compile(rf"\b{re.escape(name)}\b")
    return frozenset(one for one, text in texts.items() if name in text and whole.search(text))


def preferring_latest(found: Mapping[int, float], titles: Mapping[int, str]) -> dict[int, float]:
    """The shares with `LATEST` added to the last period among the documents that have most.

    Nothing is added where no title of them has a period, or all have the same.
    """
    most = max(found.values(), default=0.0)
    periods = {one: period(titles[one]) for one, share in found.items() if share == most}
    known = [one for one in periods.values() if one]
    if len(set(periods.values())) < 2 or not known:
        return dict(found)
    last = max(known)
    return {one: share + LATEST * (periods.get(one) == last) for one, share in found.items()}


def asks_for_latest(question: str) -> bool:
    """Whether a question is about the latest of something."""
    return bool(_LATEST.search(question))


def period(title: str) -> Period | None:
    """The last period in a title, such as that of "10-Q 2023 Q1" or "Minutes of May 2024"."""
    found = [_period(one) for form in _PERIODS for one in form.finditer(title.lower())]
    return max(found, default=None)


def _period(found: re.Match[str]) -> Period:
    parts = found.groupdict()
    if quarter := parts.get("quarter"):
        return int(parts["year"]), 3 * int(quarter)
    if name := parts.get("name"):
        return int(parts["year"]), _SHORT[name[:3]]
    return int(parts["year"]), int(parts.get("month") or 0)
