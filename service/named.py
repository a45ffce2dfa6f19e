"""Documents that a question names, and what it asks of them besides. Pure.

Every chunk has its document's title in front when it is embedded and indexed. A title in the
question draws all of that document's chunks near, and which of them bears the answer is told by the
question's other words. Who made a document, when, and with whom, most often stands at its opening.
Measured in docs/decisions/2026-11-29-baseline.md.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from ingest.derive import terms
from ingest.readers.titles import BESIDE
from ingest.stored import Closeness

LEAST_TERMS = 3
"""Terms of a title; one of fewer ("Oxygen") says what a document is about, not which it is."""

_WORD = re.compile(r"\w+")
_ORIGIN = re.compile(r"\b(who|whom|whose|when|dates?|dated)\b", re.IGNORECASE)


def named(question: Collection[str], titles: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The titles whose terms all stand in the question; titles come with their terms.

    Of a title with a file's name beside it, either is enough.
    """
    asked = frozenset(question)
    return frozenset(
        title
        for title, own in titles.items()
        for name in (map(terms, title.split(BESIDE)) if BESIDE in title else [own])
        if len(set(name)) >= LEAST_TERMS and asked.issuperset(name)
    )


def beyond(question: str, gone: Collection[str]) -> str:
    """The question's words without those of `gone`, the terms of titles; "" where none are left."""
    words = ((word, terms(word)) for word in _WORD.findall(question))
    return " ".join(word for word, own in words if not own or not frozenset(gone).issuperset(own))


def levelled(
    former: Mapping[int, Closeness], close: Mapping[int, Closeness]
) -> dict[int, Closeness]:
    """The cosines of `close`, all raised or lowered alike, so that their best is what it was.

    Without its name in the question a document would fall behind those that are not named, and the
    question would look like one that nothing answers. `former` has all that `close` has.
    """
    lift = max(former[chunk].best for chunk in close) - max(near.best for near in close.values())
    return {
        chunk: replace(
            near,
            cosine=near.cosine + lift,
            sentences=tuple(cosine + lift for cosine in near.sentences),
        )
        for chunk, near in close.items()
    }


def asks_of_origin(question: str) -> bool:
    """Whether a question about a document is one about who, or when."""
    return bool(_ORIGIN.search(question))
