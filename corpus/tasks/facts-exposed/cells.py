"""A row of a table → questions for its cells. Pure."""

import re
from collections.abc import Iterator, Sequence

from passages import Passage, Row
from phrasing import lowered
from spans import kind_of, spans

MOST_WORDS = 12
"""A longer cell is no answer that one would give."""

_FIELDS = {
    "build": "Which build is {name}?",
    "dashboard": "What is the dashboard of {name} called?",
    "date": "What is the date of {name}?",
    "duration": "How long does it take: {name}?",
    "end": "When did {name} end?",
    "from": "What is the lowest version that one can upgrade from, by {name}?",
    "language": "Which language is {name} written in?",
    "maintainer": "Who maintains {name}?",
    "owner": "Who is the owner of {name}?",
    "port": "On which port does {name} listen?",
    "severity": "How severe was {name}?",
    "since": "Since when has there been {name}?",
    "start": "When did {name} start?",
    "target": "What is the target for {name}?",
    "tests": "How many tests does {name} have?",
}
_TELL_NOTHING = frozenset({"id", "name", "product", "version", "Handle"})
_PEOPLE = (
    "Who is named as {key} of {name}?",
    "{name}: who stands beside “{key}”?",
    "Whom does the table of {name} give for “{key}”?",
)
_PLAIN = (
    "What is the {key} of {name}?",
    "{name}: what does the table give for “{key}”?",
    "What does the page on {name} give as {key}?",
    "What stands beside “{key}” in the table of {name}?",
)
_QUOTED = (_PLAIN[1], _PLAIN[3], "What follows “{key}” in the table of {name}?")
_COLUMNS = (
    "What is given as “{heading}” for {label} in the table of {name}?",
    "{name}: what does the column “{heading}” say for {label}?",
    "In the table of {name}, {label}: what is given as “{heading}”?",
)
_THINGS = (
    "What is the {key} of the {heading}? ({name})",
    "{name}: what does the table give as {key} for the {heading}?",
    "The {heading}, by {name}: what is its {key}?",
)
_NO_NOUN = re.compile(
    r"(?:Shipped|Opened|Open|Does|Built|Launched|Returned|What|When|In|Do|Use|Cell|Up|After|More|"
    r"Staff|Working|Headcount)\b|.*\b(?:in|on|at|for|contains|holds|to)\b|.*[,\d(]|.*[^s]s$|.* an? "
)
_COLUMN_HEADS = re.compile(r"(?:(?:Tarn|Eddy|Heron|Lockhouse|Tank) ?[\w-]+ ?){2,}")
_COLUMN = re.compile(r"(?:Tarn|Eddy|Heron|Lockhouse|Tank) ?[\w-]+")
_VALUE = (
    r"(?:[±−+]?\d[\d,.]*(?:–\d[\d.]*)? ?(?:% of full scale|%|°C|V DC|[a-zµ°/]+|[A-Z]{1,2}|mA)?"
    r"|IP\d\d(?:, \d+ m)?)"
)
_CODES = re.compile(r"([A-Z]\d+) ([a-z ]+?) (?:[A-Z]\w+(?:, [A-Z]\w+)*|all)")


def asked(
    row: Row, names: Sequence[str], turn: int, proper: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """(question, answer) for each cell that can be asked for, worded by turns."""
    for at, (heading, cell) in enumerate(row.cells):
        answer = re.sub(r" \(@?\w+\)(?:, .*)?$", "", cell).strip(' "“”')
        if not answer or len(answer.split()) > MOST_WORDS or _TELL_NOTHING & {row.label, heading}:
            continue
        form = _form(row.label, heading, answer, turn + at)
        yield (
            form.format(
                heading=heading,
                key=lowered(row.label, proper),
                label=row.label if row.label[:1].islower() else f"“{row.label}”",
                name=names[(turn + at) % len(names)],
            ),
            answer,
        )


def loose_rows(found: Sequence[Passage]) -> Iterator[Row]:
    """Rows of tables without borders, as PDFs have them: known by their column heads or shape."""
    columns: list[str] = []
    for one in found:
        if one.whole:
            columns = []
        elif _COLUMN_HEADS.fullmatch(one.text):
            columns = _COLUMN.findall(one.text)
        elif columns and (cells := _values(one.text, len(columns))):
            pairs = tuple(zip(columns, cells[1:], strict=True))
            yield Row(one.place, one.text, cells[0], pairs)
        elif match := _CODES.fullmatch(one.text):
            yield Row(one.place, one.text, f"code {match[1]}", (("Meaning", match[2]),))
            yield Row(one.place, one.text, match[2], (("Code", match[1]),))
        elif cells := _last(one.text):
            yield Row(one.place, one.text, cells[0], (("", cells[1]),))


def _form(label: str, heading: str, answer: str, turn: int) -> str:
    if heading:
        return (_THINGS if _COLUMN.fullmatch(heading) else _COLUMNS)[turn % len(_COLUMNS)]
    if label in _FIELDS:
        return _FIELDS[label]
    if kind_of(answer) == "person":
        forms = _PEOPLE if label[1:].islower() and not _NO_NOUN.match(label) else _PEOPLE[1:]
        return forms[turn % len(forms)]
    forms = _QUOTED if _NO_NOUN.match(label) else _PLAIN
    return forms[turn % len(forms)]


def _values(text: str, count: int) -> list[str]:
    """Label and `count` values, where the line ends in so many."""
    match = re.fullmatch(rf"([A-Z][A-Za-z0-9 -]*?) {' '.join([f'({_VALUE})'] * count)}", text)
    return list(match.groups()) if match else []


def _last(text: str) -> list[str]:
    """Label and value, where one answer ends the line."""
    found = spans(text)
    if not found or found[-1].end != len(text) or found[-1].kind in ("noun", "quoted"):
        return []
    label = text[: found[-1].start].strip()
    if not 1 <= len(label.split()) <= 9 or label[-1] in "–-/,·" or len(found) > 2:
        return []
    return [label, text[found[-1].start :]]
