"""Texts that are the same, nearly the same, or held by a longer one. Pure.

Near duplicates: candidates by MinHash (Broder, "On the resemblance and containment of documents",
1997), each verified by the exact Jaccard similarity of the two sets of shingles.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

THRESHOLD = 0.8
"""From this similarity on, two texts count as near duplicates."""

SHORTEST = 4
"""Words that a text needs to be looked for in longer ones: fewer stand there by chance."""

RUN = 8
"""Words of a run by which a short text is found again in a longer one."""

_CHARACTERS = 3
_WORDS = 3
_SHORT_BELOW = 40  # words; at most so many are compared by characters
_LONG_FROM = 20  # words; texts between the two are compared in both ways, so none falls between
_PERMUTATIONS = 128
_CANDIDATE = 0.5  # similarity that MinHash looks for; below THRESHOLD, so that it misses none
_SOME_WORD = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})

Shingles = frozenset[str]


@dataclass(frozen=True, slots=True)
class Match:
    """Two texts by their ids, and how alike they are: 1 where they are the same."""

    left: str
    right: str
    similarity: float


def words(text: str) -> list[str]:
    """The text's words: lower case, one form of each character (NFKC), no articles.

    A text without any letter or digit is one word, itself, so that no text but a blank one is
    without words.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    found = _SOME_WORD.findall(text)
    return [word for word in found if word not in _ARTICLES] or found or text.split()


def jaccard(left: Shingles, right: Shingles) -> float:
    """Common shingles by all shingles; 0 where there are none."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def same(left: Mapping[str, str], right: Mapping[str, str]) -> list[Match]:
    """Texts by id whose words are the same, in the order of `left`."""
    known: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, text in right.items():
        known[tuple(words(text))].append(name)
    return [
        Match(name, other, 1.0)
        for name, text in left.items()
        if text.strip()
        for other in known.get(tuple(words(text)), ())
    ]


def near(left: Mapping[str, str], right: Mapping[str, str]) -> list[Match]:
    """Texts by id that are alike by `THRESHOLD` or more, the same ones too; `left`'s order.

    Short texts are compared by runs of characters, long ones by runs of words. Two texts of which
    each has a number or code that the other has not ask for two different things, however alike
    their words are ("the price in 2025", "the price in 2026"): they are no duplicates.
    """
    best: dict[tuple[str, str], float] = {(one.left, one.right): 1.0 for one in same(left, right)}
    for shingles in (_of_short, _of_long):
        for one in _alike(left, right, shingles):
            mine, theirs = _numbers(left[one.left]), _numbers(right[one.right])
            if mine <= theirs or theirs <= mine:
                pair = (one.left, one.right)
                best[pair] = max(best.get(pair, 0.0), one.similarity)
    place = {name: at for at, name in enumerate(left)}
    order = {name: at for at, name in enumerate(right)}
    pairs = sorted(best.items(), key=lambda item: (place[item[0][0]], order[item[0][1]]))
    return [Match(*pair, similarity) for pair, similarity in pairs]


def held(
    phrases: Mapping[str, str], texts: Iterable[tuple[str, str]], share: float = THRESHOLD
) -> list[Match]:
    """Phrases (`left`) that stand in longer texts (`right`), in the order of the texts.

    A phrase stands in a text where the `share` of its runs of `RUN` words do (of fewer words, where
    it has fewer); with 1, where all do. Phrases of fewer than `SHORTEST` words are not looked for.
    """
    starts: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    runs: dict[str, int] = {}
    for name, phrase in phrases.items():
        found = _runs(words(phrase))
        runs[name] = len(found)
        for run in found:
            starts[run[:SHORTEST]].append((run, name))
    place = {name: at for at, name in enumerate(phrases)}
    matches: list[Match] = []
    for title, text in texts:
        hits: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        tokens = words(text)
        for at in range(len(tokens) - SHORTEST + 1):
            for run, name in starts.get(tuple(tokens[at : at + SHORTEST]), ()):
                if tuple(tokens[at : at + len(run)]) == run:
                    hits[name].add(run)
        for name in sorted(hits, key=place.__getitem__):
            part = len(hits[name]) / runs[name]
            if part >= share:
                matches.append(Match(name, title, part))
    return matches


def too_short(phrases: Mapping[str, str]) -> int:
    """How many phrases `held` does not look for."""
    return sum(len(words(phrase)) < SHORTEST for phrase in phrases.values())


def _runs(tokens: Sequence[str]) -> set[tuple[str, ...]]:
    if len(tokens) < SHORTEST:
        return set()
    length = min(RUN, len(tokens))
    return {tuple(tokens[at : at + length]) for at in range(len(tokens) - length + 1)}


def _numbers(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text) if any(map(str.isdigit, word)))


def _of_short(text: str) -> Shingles:
    tokens = words(text)
    if len(tokens) >= _SHORT_BELOW:
        return frozenset()
    line = " ".join(tokens)
    starts = range(max(1, len(line) - _CHARACTERS + 1))
    return frozenset(line[at : at + _CHARACTERS] for at in starts) if line else frozenset()


def _of_long(text: str) -> Shingles:
    tokens = words(text)
    if len(tokens) < _LONG_FROM:
        return frozenset()
    starts = range(len(tokens) - _WORDS + 1)
    return frozenset(" ".join(tokens[at : at + _WORDS]) for at in starts)


def _alike(
    left: Mapping[str, str], right: Mapping[str, str], shingles: Callable[[str], Shingles]
) -> list[Match]:
    """All pairs whose shingles are alike.

    A text without shingles is left out: its signature would be that of all other such texts.
    """
    from datasketch import MinHash, MinHashLSH

    mine = {name: cut for name, text in left.items() if (cut := shingles(text))}
    theirs = {name: cut for name, text in right.items() if (cut := shingles(text))}
    if not mine or not theirs:
        return []
    make = cast(Any, partial(MinHash, num_perm=_PERMUTATIONS))
    lookup = cast(Any, MinHashLSH(threshold=_CANDIDATE, num_perm=_PERMUTATIONS, weights=(0.1, 0.9)))
    for name, cut in theirs.items():
        lookup.insert(name, _signature(make(), cut))
    found: list[Match] = []
    for name, cut in mine.items():
        for other in cast(list[str], lookup.query(_signature(make(), cut))):
            similarity = jaccard(cut, theirs[other])
            if similarity >= THRESHOLD:
                found.append(Match(name, other, similarity))
    return found


def _signature(empty: Any, cut: Shingles) -> Any:
    empty.update_batch([shingle.encode() for shingle in cut])
    return empty
