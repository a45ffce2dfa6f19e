"""What each arm did: accuracy, seeds, abstention, retrieval, latency, cost. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from eval.questions import Question
from eval.report.decomposition import decompose
from eval.report.folder import Json, Run
from eval.report.money import cost_per_1000
from eval.report.weights import Weighed, share, weigh
from eval.rows import Row, Timing
from eval.statistics import wilson
from eval.task import AGAIN, Costs

MIN_CALLS = 30
"""Fewer timed calls than this say nothing about the slow end."""


def describe_arms(run: Run) -> list[Json]:
    """One entry an arm, in the order of reports."""
    questions = {question.id: question for question in run.questions}
    rows: dict[str, list[Row]] = defaultdict(list)
    timings: dict[str, list[Timing]] = defaultdict(list)
    for row in run.rows:
        rows[row.arm].append(row)
    for timing in run.timings:
        timings[timing.arm].append(timing)
    return [
        {
            "name": arm,
            "trained": arm.startswith("adapter"),
            "role": _role(arm, run),
            **_describe(rows[arm], timings[arm], questions, run.costs),
            "training": _training(arm, run),
        }
        for arm in run.arms
    ]


def _describe(
    rows: Sequence[Row],
    timings: Sequence[Timing],
    questions: Mapping[str, Question],
    costs: Costs,
) -> Json:
    scored = weigh(rows)
    answerable = scored.where(lambda row: questions[row.id].answerable)
    accuracy = scored.mean(_right)
    latency = _latency([timing.ms for timing in timings])
    tokens = {
        "prompt_tokens": _mean([row.prompt_tokens for row in rows if row.error is None]),
        "completion_tokens": _mean([row.completion_tokens for row in rows if row.error is None]),
    }
    unscored = sum(row.right is None for row in rows)
    return {
        "accuracy": accuracy,
        "interval": None if accuracy is None else _wilson(accuracy, scored.questions),
        "questions": scored.questions,
        "rows": len(rows),
        "missing": len(questions) * len({row.seed for row in rows}) - len(rows),
        "unscored": unscored,
        "unscored_share": unscored / len(rows),
        "errors": sorted({row.error for row in rows if row.error is not None}),
        "by_seed": _by_seed(rows),
        "spread": _spread(rows),
        "exact_match": scored.score("exact_match"),
        "f1": scored.score("f1"),
        "words": scored.score("words"),
        "parsed": scored.score("parsed"),
        "recall_at_3": answerable.score("retrieved"),
        "ndcg": answerable.score("ndcg"),
        "citation_precision": answerable.score("citation_precision"),
        "citation_recall": answerable.score("citation_recall"),
        "abstention": _abstention(scored, questions),
        "decomposition": decompose(answerable),
        **latency,
        **tokens,
        **cost_per_1000(tokens, latency["latency_mean_ms"], costs),
    }


def _role(arm: str, run: Run) -> str | None:
    if arm == run.baseline:
        return "baseline"
    return "trained" if arm.startswith("adapter") else None


def _wilson(accuracy: float, questions: int) -> list[float]:
    return list(wilson(min(accuracy * questions, questions), questions))


def _by_seed(rows: Sequence[Row]) -> list[Json]:
    seeds = sorted({row.seed for row in rows})
    return [
        {"seed": seed, **_one_seed([row for row in rows if row.seed == seed])} for seed in seeds
    ]


def _one_seed(rows: Sequence[Row]) -> Json:
    scored = weigh(rows)
    return {"accuracy": scored.mean(_right), "questions": scored.questions}


def _spread(rows: Sequence[Row]) -> Json | None:
    """How far the seeds lie apart; None with one seed, which tells nothing of it."""
    found = [one["accuracy"] for one in _by_seed(rows) if one["accuracy"] is not None]
    if len(found) < 2:
        return None
    return {"lowest": min(found), "highest": max(found), "deviation": stdev(found)}


def _abstention(scored: Weighed, questions: Mapping[str, Question]) -> Json:
    """Answering or not, apart from being right. Shares are None where there is no such question.

    `coverage`: questions that got an answer. `selective_accuracy`: right ones among them.
    `false_answers`: unanswerable questions that got one. `false_abstentions`: answerable ones
    that got none.
    """
    answered = scored.where(lambda row: not row.abstained)
    answerable = scored.where(lambda row: questions[row.id].answerable)
    unanswerable = scored.where(lambda row: not questions[row.id].answerable)
    return {
        "answerable": answerable.questions,
        "unanswerable": unanswerable.questions,
        "accuracy_answerable": answerable.mean(_right),
        "accuracy_unanswerable": unanswerable.mean(_right),
        "coverage": share(answered, scored),
        "selective_accuracy": answered.mean(_right),
        "false_answers": share(unanswerable.where(lambda row: not row.abstained), unanswerable),
        "false_abstentions": share(answerable.where(lambda row: row.abstained), answerable),
    }


def _latency(ms: Sequence[float]) -> Json:
    """Milliseconds an answer; None below `MIN_CALLS` calls. `latency_ms` is the median."""
    enough = len(ms) >= MIN_CALLS
    ordered = sorted(ms)
    return {
        "latency_ms": _quantile(ordered, 0.5) if enough else None,
        "latency_p95_ms": _quantile(ordered, 0.95) if enough else None,
        "latency_mean_ms": fmean(ms) if enough else None,
        "timed_calls": len(ms),
    }


def _quantile(ordered: Sequence[float], part: float) -> float:
    """Between the two nearest values, by distance (numpy's default)."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _training(arm: str, run: Run) -> Json | None:
    """All trainings of the arm's seeds, and the sweep of rates that came before."""
    seeds = {row.seed for row in run.rows if row.arm == arm} | {None}
    recipe = "adapter" if arm == AGAIN else arm
    seconds = [one.seconds for one in run.trainings if one.arm == recipe and one.seed in seeds]
    if not seconds:
        return None
    return {
        "runs": len(seconds),
        "seconds": sum(seconds),
        "cost": sum(seconds) / 3600 * run.costs.machine_hour,
    }


def _right(row: Row) -> float:
    return float(row.right or 0)


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
