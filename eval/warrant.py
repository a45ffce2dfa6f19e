"""The five tests that a fine-tuning project should pass, each with its evidence. Pure.

An outcome is "unknown" wherever something that it rests on was not measured. The tests describe;
the verdict is given by the contrasts alone.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from eval.agreement import ACCEPTED, TENTATIVE, Agreement
from eval.causes import Errors
from eval.duplicates import near, words
from eval.grade import normalise
from eval.questions import Question
from eval.returns import MONTHS, Returns, money
from eval.task import Costs, Kind

PROMPTING_SHARE = 0.8
"""An arm without training has to reach so much of the target."""

FEWEST, MOST = 1_000, 5_000
"""Training examples that a LoRA adapter wants; more do no harm."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A test's outcome and, in one sentence with its figures, why."""

    name: str
    outcome: Literal["pass", "fail", "unknown"]
    evidence: str

    def as_dict(self) -> dict[str, Any]:
        """An item of warrant.json."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Examples:
    """Training examples, counted. `duplicates`: near ones too, beyond the first of each.

    `inconsistent`: pairs of the same question with different gold answers. `leaks`: those that
    are also test questions, None where nobody looked.
    """

    count: int
    duplicates: int
    inconsistent: int
    leaks: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the tests rest on; None is not measured. Accuracies are shares, on the test questions.

    `grader`: its name, None where there is none. `instruction`: the best one found on dev.
    `untrained`: the arm without training that was best on dev. `errors`: of the best arm (for
    knowledge: the best retrieval arm) without training. `with_evidence`: test questions whose
    answer stands in a document. `difference`, `interval`: of the adapter to `untrained` (C1).
    `training_hours`: machine hours of all trainings. Costs are of 1,000 answers, in currency.
    """

    kind: Kind
    target: float
    costs: Costs
    grader: str | None = None
    instruction: str | None = None
    agreement: Agreement | None = None
    untrained: str | None = None
    untrained_accuracy: float | None = None
    examples: Examples | None = None
    closed_book: float | None = None
    oracle: float | None = None
    errors: Errors | None = None
    with_evidence: int = 0
    difference: float | None = None
    interval: tuple[float, float] | None = None
    training_hours: float | None = None
    adapter_cost_1000: float | None = None
    untrained_cost_1000: float | None = None


def five_tests(measured: Measured) -> list[Outcome]:
    """Problem, Prompting, Data, Specificity and ROI, in this order."""
    return [
        _problem(measured),
        _prompting(measured),
        _data(measured.examples),
        _specificity(measured),
        _roi(measured),
    ]


def count_examples(kind: Kind, train: Sequence[Question], leaks: int | None) -> Examples:
    """Count a training split. Gold answers differ where no form of the one is one of the other."""
    texts = {question.id: question.question for question in train}
    place = {name: at for at, name in enumerate(texts)}
    pairs = [one for one in near(texts, texts) if place[one.left] > place[one.right]]
    asked: dict[tuple[str, ...], list[Question]] = defaultdict(list)
    for question in train:
        asked[tuple(words(question.question))].append(question)
    inconsistent = sum(
        _differ(kind, one, other)
        for alike in asked.values()
        for at, one in enumerate(alike)
        for other in alike[:at]
    )
    return Examples(len(train), len({one.left for one in pairs}), inconsistent, leaks)


def _differ(kind: Kind, one: Question, other: Question) -> bool:
    if not one.answers and not other.answers:
        return False

    def forms(question: Question) -> set[str]:
        if kind == "knowledge":
            return {normalise(answer) or answer for answer in question.answers}
        return {" ".join(answer.split()) for answer in question.answers}

    return not forms(one) & forms(other)


def _problem(measured: Measured) -> Outcome:
    if not measured.grader:
        return Outcome("Problem", "fail", "No grader tells a right answer from a wrong one.")
    start = f"Answers are graded by {measured.grader!r}"
    if not measured.instruction:
        return Outcome("Problem", "unknown", f"{start}, but no best instruction was sought.")
    start += " and the best instruction was found on dev"
    agreement = measured.agreement
    if agreement is None:
        said = "no question was labelled by two annotators, so their agreement is not known"
        return Outcome("Problem", "unknown", f"{start}; {said}.")
    who = f"{agreement.annotators} annotators on {agreement.questions} questions"
    if agreement.alpha is None:
        said = f"{who} gave one and the same label, from which no agreement can be reckoned"
        return Outcome("Problem", "unknown", f"{start}; {said}.")
    said = f"{who} agree with Krippendorff's alpha {agreement.alpha:.2f}"
    if agreement.alpha >= ACCEPTED:
        return Outcome("Problem", "pass", f"{start}; {said} ({ACCEPTED} is wanted).")
    if agreement.alpha >= TENTATIVE:
        return Outcome("Problem", "unknown", f"{start}; {said}, which is tentative ({ACCEPTED}).")
    return Outcome("Problem", "fail", f"{start}; {said}, below {TENTATIVE}.")


def _prompting(measured: Measured) -> Outcome:
    accuracy = measured.untrained_accuracy
    if accuracy is None or measured.untrained is None:
        return Outcome("Prompting", "unknown", "No arm without training was measured.")
    wanted = PROMPTING_SHARE * measured.target
    enough = accuracy >= wanted - 1e-9
    evidence = (
        f"Best without training, {measured.untrained} is right in {accuracy:.2f}; "
        f"{wanted:.2f} is wanted, {PROMPTING_SHARE * 100:.0f} % of the target of "
        f"{measured.target:.2f}"
    )
    if accuracy >= measured.target - 1e-9:
        evidence += ", and the target itself is met without training"
    return Outcome("Prompting", "pass" if enough else "fail", f"{evidence}.")


def _data(examples: Examples | None) -> Outcome:
    if examples is None:
        return Outcome("Data", "unknown", "The training examples were not counted.")
    usable = examples.count - examples.duplicates
    said = (
        f"{usable:,} of {examples.count:,} training examples are left without duplicates "
        f"({FEWEST:,} to {MOST:,} are wanted), {examples.inconsistent:,} pairs contradict each "
        "other"
    )
    if usable < FEWEST or examples.inconsistent or examples.leaks:
        leaks = "" if examples.leaks is None else f", {examples.leaks:,} are test questions"
        return Outcome("Data", "fail", f"{said}{leaks}.")
    if examples.leaks is None:
        return Outcome("Data", "unknown", f"{said}; leaks were not looked for.")
    more = "; more than are wanted do no harm" if usable > MOST else ""
    return Outcome("Data", "pass", f"{said}, none is a test question{more}.")


def _specificity(measured: Measured) -> Outcome:
    errors = measured.errors
    in_documents = measured.kind == "knowledge" or measured.with_evidence > 0
    lacking = {
        "the causes of wrong answers": errors is None or not errors.questions,
        "the closed book": in_documents and measured.closed_book is None,
        "the oracle arm": in_documents and measured.oracle is None,
    }
    if errors is None or any(lacking.values()):
        names = " and ".join(name for name, is_lacking in lacking.items() if is_lacking)
        return Outcome("Specificity", "unknown", f"Not measured: {names}.")
    if not errors.wrong:
        return Outcome(
            "Specificity",
            "fail",
            f"{errors.arm} got all {errors.questions} right: there is no gap to close.",
        )
    causes = f"of {errors.wrong} wrong answers of {errors.arm} to {errors.questions} questions, "
    if measured.closed_book is None or measured.oracle is None or not in_documents:
        causes += f"{errors.malformed} do not parse and {errors.unequal} parse to another value"
        said = f"No question's answer stands in a document; {causes}: the gap is one of form."
        return Outcome("Specificity", "pass", said)
    causes += (
        f"{errors.missing} lacked the gold passage, {errors.misread} misread it and "
        f"{errors.form} were of the wrong form"
    )
    cured = measured.oracle - measured.closed_book
    knowledge = max(cured, errors.missing / errors.questions)
    reading, form = errors.misread / errors.questions, errors.form / errors.questions
    said = (
        f"Gold evidence in the prompt takes accuracy from {measured.closed_book:.2f} to "
        f"{measured.oracle:.2f}; {causes}"
    )
    if form > max(knowledge, reading):
        return Outcome("Specificity", "pass", f"{said}: the gap is one of form.")
    gap = "knowledge" if knowledge >= reading else "reading"
    return Outcome("Specificity", "fail", f"{said}: the gap is one of {gap}, not of form.")


def _roi(measured: Measured) -> Outcome:
    lacking = {
        "the gain": measured.difference is None,
        "its interval": measured.interval is None,
        "hours of training": measured.training_hours is None,
        "cost of the adapter's answers": measured.adapter_cost_1000 is None,
        "cost of answers without training": measured.untrained_cost_1000 is None,
    }
    names = ", ".join(name for name, is_lacking in lacking.items() if is_lacking)
    hours, interval, difference = measured.training_hours, measured.interval, measured.difference
    mine, theirs = measured.adapter_cost_1000, measured.untrained_cost_1000
    if difference is None or interval is None or hours is None or mine is None or theirs is None:
        return Outcome("ROI", "unknown", f"Not measured: {names}.")
    returns = Returns(measured.costs, hours, mine - theirs)
    low, high = (returns.brings(end) for end in interval)
    total = returns.total
    outcome = "pass" if low > total else "fail" if high < total else "unknown"
    costs = measured.costs
    evidence = (
        f"Over {MONTHS} months of {costs.answers_month:,} answers, at "
        f"{money(costs.gain_answer, costs)} for one more right answer, a gain of {difference:.2f} "
        f"({interval[0]:.2f} to {interval[1]:.2f}) brings "
        f"{money(returns.brings(difference), costs)} ({money(low, costs)} to "
        f"{money(high, costs)}) and costs {returns.told}"
    )
    return Outcome("ROI", outcome, f"{evidence}.")
