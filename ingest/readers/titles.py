"""Titles: what to call a document whose format does not say, or says it badly."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from ingest.readers.characters import one_line

BESIDE = " · "
"""Between a document's own title and its file's name."""

_LONGEST = 120
_PLACEHOLDER = re.compile(
    r"(untitled|no title|unnamed|document|title|slide|powerpoint|presentation)"
    r"( document| presentation)?\s*\d*|microsoft (word|excel|powerpoint)\b.*|print(ing)? .*",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(
    r".*\.(docx?|dot|pdf|indd|tex|dvi|rtf|odt|xlsx?|pptx?|pmd|qxd|html?|txt|ps|fm|p65|wpd)",
    re.IGNORECASE,
)
_HOLLOW = frozenset(
    "scan scanned document doc file copy final draft page export download print form index readme "
    "text output image img new version pdf untitled the and".split()
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_WHOLE_WORD = re.compile(r"\b[^\W\d_]{3,}\b")
"""None in a name that a program made up: "a8f3e9dcbbaf4412"."""
_LABEL = re.compile(r"(exhibit|ex|annex|appendix|page)[\s.-]*[\dA-Z.()-]*", re.IGNORECASE)


def from_name(name: str) -> str:
    """A readable title from a file's name: "Queen_%28band%29.txt" gives "Queen (band)"."""
    stem = PurePosixPath(name).stem or name
    if "%" in stem:
        stem = unquote(stem)
    words = stem.replace("_", " ")
    if " " not in words.strip():
        words = words.replace("-", " ")
    return one_line(words) or one_line(name) or "untitled"


def is_sensible(title: str, name: str) -> bool:
    """Whether a title that a program wrote into a file is one a person would use."""
    title = one_line(title)
    if not 3 <= len(title) <= _LONGEST or not _WORD.search(title):
        return False
    if _PLACEHOLDER.fullmatch(title) or _FILE_NAME.fullmatch(title):
        return False
    return title.casefold() != PurePosixPath(name).stem.casefold()


def looks_like_title(line: str) -> bool:
    """Whether a line of running text reads as a heading: short, a few words, no full stop."""
    line = line.strip()
    if not 4 <= len(line) <= 100 or len(_WORD.findall(line)) < 1 or _LABEL.fullmatch(line):
        return False
    if line[-1] in ".,;:!|=" or line[0].islower() or not (line[0].isalnum() or line[0] in "\"'“¿¡"):
        return False
    return len(line.split()) <= 14 and sum(map(str.isdigit, line)) * 3 <= len(line)


def choose(name: str, text: str) -> str:
    """The title of a document from its file's name and the head of its text.

    A telling name wins, since the first line of a form is the same in every copy of it; a heading
    that says all that the name says, and a heading over a hollow name ("scan0012"), win over it.
    """
    named = from_name(name)
    lines = text[:2000].split("\n")[:16]
    prose = next((number for number, line in enumerate(lines) if len(line) > 150), len(lines))
    heading = next((line.strip() for line in lines[:prose] if looks_like_title(line)), "")
    told = _words(named) - _HOLLOW
    if heading and (not _is_telling(told, named) or told <= _words(heading)):
        return heading
    return named


def with_name(title: str, name: str) -> str:
    """A document's own title, with its file's name behind it where that tells something else.

    People call a file by its name as well: "Form 10-Q filed 10/24/2022 · 2022 Q3 MSFT".
    """
    named = from_name(name)
    told = {word.casefold() for word in _WHOLE_WORD.findall(named)} - _HOLLOW
    lacking = told - _words(title)
    adds = _is_telling(told, named) and 2 * len(lacking) > len(told)
    return f"{title}{BESIDE}{named}" if adds else title


def _is_telling(told: set[str], named: str) -> bool:
    """Whether a file's name, of which these are the words, is more than a number or a word."""
    return len(told) >= 2 or (len(told) == 1 and re.search(r"\d", named) is not None)


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}
