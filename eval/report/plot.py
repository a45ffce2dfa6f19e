"""Where things stand in the report's drawings, in percent of their width. Pure.

The drawings are SVG with positions in percent, so that they fit any screen and their text keeps
its size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.report.figures import percent
from eval.report.folder import Json

PARTS = (
    ("right_with_gold", "right, with the right passage in front of it", "good"),
    ("right_without_gold", "right, without the right passage", "lucky"),
    ("wrong_with_gold", "wrong, though the right passage was in front of it", "misread"),
    ("wrong_not_in_prompt", "wrong: passage found, but cut from the prompt", "cut"),
    ("wrong_not_retrieved", "wrong: passage not found", "unfound"),
)
"""Parts of a retrieval arm's answers: name in report.json, words, class in the style sheet."""


@dataclass(frozen=True, slots=True)
class Line:
    """A contrast on a number line; `ticks` are (position, label)."""

    zero: float
    margin: float
    low: float
    high: float
    dot: float
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """An arm in the plot of accuracies; `seeds` are the positions of single seeds."""

    name: str
    role: str | None
    low: float
    high: float
    at: float
    seeds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a stacked bar; `label` is empty where the segment is too narrow for one."""

    start: float
    width: float
    kind: str
    words: str
    label: str


def number_line(contrast: Mapping[str, Any]) -> Line | None:
    """The line of a contrast, None where no interval could be made."""
    ends = contrast.get("interval")
    difference = contrast.get("difference")
    if not ends or difference is None or None in ends:
        return None
    low, high = ends
    margin = contrast["margin"]
    least, most = min(low, 0.0, -margin), max(high, 0.0, 2 * margin)
    room = (most - least) * 0.08
    least, most = least - room, most + room

    def place(value: float) -> float:
        return round((value - least) / (most - least) * 100, 3)

    return Line(
        zero=place(0),
        margin=place(margin),
        low=place(low),
        high=place(high),
        dot=place(difference),
        ticks=tuple((place(tick), _tick(tick)) for tick in _round_ticks(least, most)),
    )


def dots(arms: Sequence[Json]) -> list[Dot]:
    """The arms that have an accuracy, the best first, for the plot from 0 to 100 percent."""
    return [
        Dot(
            name=arm["name"],
            role=arm["role"],
            low=_percent(arm["interval"][0]),
            high=_percent(arm["interval"][1]),
            at=_percent(arm["accuracy"]),
            seeds=tuple(
                _percent(one["accuracy"])
                for one in arm["by_seed"]
                if one["accuracy"] is not None and len(arm["by_seed"]) > 1
            ),
        )
        for arm in sorted(arms, key=lambda arm: -(arm["accuracy"] or 0))
        if arm["accuracy"] is not None
    ]


def segments(decomposition: Json) -> list[Segment]:
    """The stacked bar of a retrieval arm, its parts from left to right."""
    found: list[Segment] = []
    start = 0.0
    for name, words, kind in PARTS:
        part = decomposition["parts"][name]
        if part:
            width = round(part * 100, 3)
            label = percent(part, 0) if part >= 0.08 else ""
            found.append(Segment(round(start, 3), width, kind, words, label))
            start += width
    return found


def _percent(value: float) -> float:
    return round(value * 100, 3)


def _round_ticks(least: float, most: float) -> list[float]:
    """Two to seven round values between the ends, zero among them."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5):
        first, last = int(least / step), int(most / step)
        if last - first <= 5:
            return [index * step for index in range(first, last + 1)]
    return [0.0]


def _tick(value: float) -> str:
    points = round(value * 100)
    return f"\N{MINUS SIGN}{-points}" if points < 0 else f"+{points}" if points else "0"
