"""Splits into train, dev and test that no source crosses."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

from eval.questions import Question


@dataclass(frozen=True, slots=True)
class Split:
    """The three sides, each in the order of the questions that were split."""

    train: list[Question]
    dev: list[Question]
    test: list[Question]


def split_by_source(
    questions: Iterable[Question],
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
    seed: int = 0,
) -> Split:
    """Split so that all questions of a source go to one side.

    Sources are drawn in an order that the seed sets, each to the side that is furthest below its
    share of the questions. Sizes are therefore near the shares only as far as sources are small.
    A question without a source is a source of its own.

    Args:
        questions: What to split.
        shares: Of train, dev and test, from 0 to 1, together 1. A side with the share 0 is empty;
            any other gets one source at least.
        seed: Sets the order; the same questions and seed give the same split.

    Raises:
        ValueError: The shares are none, or there are fewer sources than sides.
    """
    if any(not 0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"shares of train, dev and test add up to 1, found {shares}")
    asked = list(questions)
    groups: dict[tuple[str, int], list[int]] = {}
    for place, question in enumerate(asked):
        key = (question.source, -1) if question.source else ("", place)
        groups.setdefault(key, []).append(place)
    wanted = [side for side, share in enumerate(shares) if share > 0]
    if len(groups) < len(wanted):
        raise ValueError(
            f"{len(groups)} sources cannot be split to {len(wanted)} sides without a source on "
            "both; import more sources or give fewer shares"
        )
    order = sorted(groups)
    random.Random(seed).shuffle(order)
    sides: list[list[int]] = [[], [], []]
    for number, key in enumerate(order):
        empty = [side for side in wanted if not sides[side]]
        open_sides = empty if len(order) - number <= len(empty) else wanted
        lacking = {side: shares[side] * len(asked) - len(sides[side]) for side in open_sides}
        sides[max(lacking, key=lambda side: lacking[side])].extend(groups[key])
    train, dev, test = ([asked[place] for place in sorted(side)] for side in sides)
    return Split(train, dev, test)
