"""Collateral damage: what an adapter breaks beside its task.

Base and adapter answer the same general instructions and the same requests to be refused. Counted
is how many of the items that the base passed the adapter still passes. What it lost is only half
of the picture, as decoding turns some items over by chance: what it gained stands beside it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.check_files import Item
from eval.checks import passes
from eval.statistics import wilson
from service.llm import Message

MAX_TOKENS = 64
"""How long a reply may be: enough for every committed check."""

Complete = Callable[[Sequence[Sequence[Message]], int], list[str]]
"""Chats and the most tokens of a reply → a reply for each chat; errors are raised."""


class Incomparable(ValueError):
    """Replies or outcomes that do not belong to the same items; the message says which."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model replied to an item, and whether that passes."""

    id: str
    reply: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Collateral:
    """The outcomes of one model, by the name of the set, in the order of its file."""

    sets: Mapping[str, tuple[Outcome, ...]]


def measure(
    complete: Complete, sets: Mapping[str, Sequence[Item]], max_tokens: int = MAX_TOKENS
) -> Collateral:
    """Ask a model for every instruction, in one call and without a system message, and check.

    Raises `Incomparable` where `complete` gives another number of replies than it was asked for.
    """
    asked = [item for items in sets.values() for item in items]
    replies = complete([[Message("user", item.instruction)] for item in asked], max_tokens)
    if len(replies) != len(asked):
        raise Incomparable(f"{len(replies)} replies came for {len(asked)} instructions")
    left: Iterator[str] = iter(replies)
    return Collateral(
        {
            name: tuple(
                Outcome(item.id, reply, passes(item.check, reply))
                for item, reply in zip(items, left, strict=False)
            )
            for name, items in sets.items()
        }
    )


def compare(before: Collateral, after: Collateral) -> dict[str, dict[str, Any]]:
    """What is left, by set, of that which passed before.

    passed, of: how many pass after, of all. kept: how many of those that passed before still do;
    share, interval: that as a share, with the 95 % Wilson interval, null where none passed
    before. lost, gained: the ids of the items that turned over, sorted.

    Raises `Incomparable` where the two did not answer the same items.
    """
    if set(before.sets) != set(after.sets):
        raise Incomparable(
            f"sets {sorted(before.sets)} before and {sorted(after.sets)} after; measure both on "
            "the same files"
        )
    return {name: _compare(name, before.sets[name], after.sets[name]) for name in before.sets}


def as_json(
    before: Collateral, after: Mapping[str, Mapping[int, Collateral]]
) -> dict[str, dict[str, Any]]:
    """The content of collateral.json; `after` is by arm and seed.

    sets: items of each set. before: passed, of, interval (95 %, Wilson) and the ids that failed.
    after: by arm and seed, what `compare` gives.
    """
    return {
        "sets": {name: len(outcomes) for name, outcomes in before.sets.items()},
        "before": {name: _alone(outcomes) for name, outcomes in before.sets.items()},
        "after": {
            arm: {str(seed): compare(before, seeds[seed]) for seed in sorted(seeds)}
            for arm, seeds in after.items()
        },
    }


def _compare(name: str, before: Sequence[Outcome], after: Sequence[Outcome]) -> dict[str, Any]:
    old = {outcome.id for outcome in before if outcome.passed}
    new = {outcome.id for outcome in after if outcome.passed}
    different = {outcome.id for outcome in before} ^ {outcome.id for outcome in after}
    if different:
        raise Incomparable(
            f"{name}: {sorted(different)[0]!r} was answered either before or after only "
            f"({len(different)} such items); measure both on the same files"
        )
    kept = len(old & new)
    return {
        "passed": len(new),
        "of": len(after),
        "kept": kept,
        "share": kept / len(old) if old else None,
        "interval": _interval(kept, len(old)),
        "lost": sorted(old - new),
        "gained": sorted(new - old),
    }


def _alone(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    passed = sum(outcome.passed for outcome in outcomes)
    return {
        "passed": passed,
        "of": len(outcomes),
        "interval": _interval(passed, len(outcomes)),
        "failed": sorted(outcome.id for outcome in outcomes if not outcome.passed),
    }


def _interval(count: int, of: int) -> list[float] | None:
    return list(wilson(count, of)) if of else None
