"""The verdict in plain English, for somebody who has never seen such a report. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.decide import MINIMUM_CLUSTERS, MINIMUM_SEEDS, MOST_UNSCORED
from eval.report.figures import money, number, percent, points, span_points
from eval.report.folder import Json
from eval.report.words import (
    CONTRASTS,
    GUARDS,
    INCONCLUSIVE,
    KINDS,
    MARKS,
    NOT_WARRANTED,
    WARRANTED,
    title,
)


@dataclass(frozen=True, slots=True)
class Card:
    """A contrast on the first screen. `difference` is None where nothing was compared."""

    id: str
    title: str
    asked: str
    decision: str
    mark: str
    kind: str
    difference: str | None
    interval: str
    reason: str
    money: str


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that must be known before the verdict is used. `loud`: it may overturn it."""

    title: str
    text: str
    loud: bool = True


def question(report: Mapping[str, Any]) -> str:
    """What a report answers."""
    if report["twice"]:
        return f"Is one recipe for “{report['task']}” better than itself?"
    return f"Should we fine-tune for “{report['task']}”?"


def headline(report: Mapping[str, Any]) -> tuple[str, str]:
    """The short answer to "should we fine-tune?", and the same as a sentence."""
    broken = [guard["name"] for guard in report["guards"] if _is_broken(guard)]
    if broken:
        return "No verdict", "A check that must hold before any verdict is broken, see below."
    found = {name: one["decision"] for name, one in report["contrasts"].items()}
    warranted = [name for name, decision in found.items() if decision == WARRANTED]
    if report["twice"]:
        return _control(found)
    if len(report["seeds"]) < MINIMUM_SEEDS and found:
        return "No verdict yet", "This is a rehearsal: too few trainings for a verdict."
    titles = {name: title(name, report).lower() for name in found}
    if warranted:
        where = " and ".join(titles[name] for name in warranted)
        unpaid = _unpaid(report, warranted)
        short = "Better, but not worth its cost yet" if unpaid else "Yes"
        return short, f"Fine-tuning is warranted here {where}{unpaid}."
    if not found:
        return "Not known", "Nothing was compared: the run has no fine-tuned arm, or no baseline."
    if all(decision == NOT_WARRANTED for decision in found.values()):
        return "No", "Fine-tuning is not warranted here: it brings less than the task asks for."
    still_open = [titles[name] for name, decision in found.items() if decision == INCONCLUSIVE]
    settled = [titles[name] for name, decision in found.items() if decision != INCONCLUSIVE]
    if settled:
        return "Not on this evidence", f"Not warranted {settled[0]}; {still_open[0]} is still open."
    return "Not on this evidence", "This run does not settle it; below is what would."


def _unpaid(report: Mapping[str, Any], warranted: Sequence[str]) -> str:
    """A gain that is real may still cost more than it brings."""
    nets = [report["returns"][name]["net"] for name in warranted]
    if any(net is None or net > 0 for net in nets):
        return ""
    return ", but at the task’s figures it costs more than it brings in three months"


def _control(found: Mapping[str, str]) -> tuple[str, str]:
    """The same adapter under two names: a verdict for either would be an error of the rule."""
    if WARRANTED in found.values():
        return "It seems so", "A control, and it failed: trust no verdict of this rule."
    return (
        "No, as it must be",
        "A control: one recipe under two names, and neither is declared better.",
    )


def cautions(report: Mapping[str, Any]) -> list[Caution]:
    """All that a reader has to know beside the verdict, the worst first."""
    found = [*_guards(report["guards"])]
    seeds = report["seeds"]
    missing = [arm["name"] for arm in report["arms"] if arm["missing"]]
    if missing:
        found.append(
            Caution(
                "The run is not complete",
                f"Some questions have no answer yet: {', '.join(missing)}. Run it again, it goes "
                "on where it was stopped.",
            )
        )
    if len(seeds) < MINIMUM_SEEDS:
        text = (
            "Training comes out a little different each time. "
            f"This {'quick run' if report['quick'] else 'run'} trained "
            f"{'once' if len(seeds) == 1 else f'{len(seeds)} times'}; a verdict needs "
            f"{MINIMUM_SEEDS} trainings (seeds) or more. Read the figures as a rehearsal."
        )
        title = "One seed is no verdict" if len(seeds) == 1 else "Too few seeds for a verdict"
        found.append(Caution(title, text))
    found += [
        Caution(
            "Answers are missing",
            f"{share_of(arm['unscored'], arm['rows'])} of the answers of {arm['name']} could not "
            "be graded because something broke, not because the model was wrong.",
        )
        for arm in report["arms"]
        if arm["unscored_share"] > MOST_UNSCORED
    ]
    if report["counts"]["clusters"] < MINIMUM_CLUSTERS:
        found.append(
            Caution(
                "Too few sources",
                f"The questions come from {report['counts']['clusters']} sources; a verdict needs "
                f"{MINIMUM_CLUSTERS} or more.",
            )
        )
    if report["guards_missing"]:
        found.append(
            Caution("Checks not measured", "This run has no record of the checks before a verdict.")
        )
    return found


def card(name: str, report: Mapping[str, Any]) -> Card:
    """What the first screen says of a contrast."""
    arm, asked = CONTRASTS[name]
    contrast = report["contrasts"].get(name)
    if contrast is None:
        return Card(
            name, title(name, report), asked, "not compared", "–", "none", None, "",
            f"The run has no {arm} arm, or no baseline to compare it with.", "",
        )  # fmt: skip
    decision = contrast["decision"]
    return Card(
        id=name,
        title=title(name, report),
        asked=f"{asked}, against {contrast['baseline']}",
        decision=decision,
        mark=MARKS[decision],
        kind=KINDS[decision],
        difference=_difference(contrast),
        interval=f"{percent(contrast['level'])} interval {span_points(contrast['interval'])}",
        reason=reason(contrast),
        money=money_sentence(report["returns"].get(name), report["costs"]),
    )


def reason(contrast: Mapping[str, Any]) -> str:
    """One sentence: why the rule says what it says."""
    margin = f"{points(contrast['margin'])} that the task asks for"
    ends = contrast["interval"]
    if contrast["decision"] == WARRANTED:
        return f"Even the cautious end, {points(ends[0])}, is above the {margin}."
    if contrast["decision"] == NOT_WARRANTED:
        return f"Even the hopeful end, {points(ends[1])}, is below the {margin}."
    why: str = contrast["reason"]
    needed = contrast["questions_needed"]
    more = "" if needed is None else f" About {number(needed)} questions would settle it."
    return f"{why[0].upper()}{why[1:]}.{more}"


def _difference(contrast: Mapping[str, Any]) -> str | None:
    """With "±" only where the interval lies evenly about it, which rare differences prevent."""
    difference, ends = contrast["difference"], contrast["interval"]
    if difference is None:
        return None
    below, above = difference - ends[0], ends[1] - difference
    even = abs(above - below) < 0.0005
    return points(difference, unit=False) + (f" ± {above * 100:.1f}" if even else "")


def money_sentence(figures: Json | None, costs: Mapping[str, Any]) -> str:
    """What the difference would bring and cost, at the task's own figures."""
    if figures is None or figures["gain"] is None:
        return ""
    currency = costs["currency"]
    start = (
        f"In {figures['months']} months, at {number(costs['answers_month'])} answers a month and "
        f"{money(costs['gain_answer'], currency)} for one more right answer, it brings "
        f"{money(figures['gain'], currency)}"
    )
    if figures["total"] is None:
        return f"{start}; what it costs was not measured."
    pays = figures["break_even"]
    net, end = figures["net"], f"{start} and costs {money(figures['total'], currency)}"
    if net > 0:
        return f"{end}, so it pays."
    if pays is None or pays > 1:
        return f"{end}. At these figures it cannot pay in that time, however good it is."
    return f"{end}, so it does not pay in that time; it would from {points(pays)} on."


def share_of(part: int, whole: int) -> str:
    """A part with its share, as "12 of 600 (2.0 %)"."""
    return f"{part:,} of {whole:,} ({percent(part / whole)})"


def _guards(guards: Sequence[Json]) -> list[Caution]:
    broken = [guard for guard in guards if _is_broken(guard)]
    waived = [guard for guard in guards if guard["waived"]]
    return [
        *(
            Caution(
                f"Check broken: {guard['name']}",
                f"It must hold that {GUARDS.get(guard['name'], guard['name'])}. It does not, so "
                "no verdict of this run counts.",
            )
            for guard in broken
        ),
        *(
            Caution(
                f"Check waived: {guard['name']}",
                f"The task sets aside that {GUARDS.get(guard['name'], guard['name'])}"
                + (", and it does not hold." if not guard["passed"] else ". It held all the same."),
                loud=not guard["passed"],
            )
            for guard in waived
        ),
    ]


def _is_broken(guard: Mapping[str, Any]) -> bool:
    return not guard["passed"] and not guard["waived"]
