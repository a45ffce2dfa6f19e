"""How far annotators agree: Krippendorff's alpha over the labels of questions.

Krippendorff, "Content Analysis" (2004), chapter 11: from 0.8 on labels are reliable, from 0.667 on
they allow tentative conclusions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from eval.grade import normalise
from eval.questions import Question

ACCEPTED = 0.8
TENTATIVE = 0.667


@dataclass(frozen=True, slots=True)
class Agreement:
    """`alpha`: 1 is full agreement, 0 what chance gives; None where all labels are the same.

    `questions`: those with two labels or more, the only ones that count.
    """

    alpha: float | None
    annotators: int
    questions: int


def agreement(questions: Sequence[Question]) -> Agreement | None:
    """Alpha (nominal) over all questions with labels of several annotators; None without any.

    Two labels are the same where they are after SQuAD's normalisation.
    """
    import numpy as np

    labelled = [question.labels for question in questions if len(question.labels) > 1]
    if not labelled:
        return None
    annotators = sorted({name for labels in labelled for name in labels})
    codes: dict[str, int] = {}
    rates = np.full((len(annotators), len(labelled)), np.nan)
    for column, labels in enumerate(labelled):
        for name, label in labels.items():
            form = normalise(label) or label.strip()
            rates[annotators.index(name), column] = codes.setdefault(form, len(codes))
    return Agreement(
        alpha=_alpha(rates) if len(codes) > 1 else None,
        annotators=len(annotators),
        questions=len(labelled),
    )


def _alpha(rates: Any) -> float:
    import krippendorff

    library = cast(Any, krippendorff)
    return float(library.alpha(reliability_data=rates, level_of_measurement="nominal"))
