from collections.abc import Mapping

import pytest

from eval.agreement import Agreement, agreement
from eval.questions import Question


def labelled(*labels: Mapping[str, str]) -> list[Question]:
    return [
        Question(f"q-{at}", "How deep is it?", ("4 m",), labels=given)
        for at, given in enumerate(labels)
    ]


def test_alpha_is_that_of_the_published_example():
    # Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), part C.
    coders = {"a": "123321412...", "b": "1233224125.3", "c": ".3332342251.", "d": "12332441251."}
    labels = [
        {name: f"kind {row[at]}" for name, row in coders.items() if row[at] != "."}
        for at in range(12)
    ]
    found = agreement(labelled(*labels))
    assert found is not None
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert (found.annotators, found.questions) == (4, 11)


def test_full_agreement_is_one():
    found = agreement(labelled({"a": "4 m", "b": "4 m."}, {"a": "the quay", "b": "Quay"}))
    assert found is not None and found.alpha == pytest.approx(1.0)


def test_one_annotator_tells_nothing_of_agreement():
    assert agreement(labelled({"a": "4 m"}, {}, {"b": "5 m"})) is None


def test_only_questions_with_two_labels_count():
    found = agreement(labelled({"a": "x", "b": "x"}, {"a": "y", "b": "y"}, {"c": "z"}))
    assert found is not None and (found.annotators, found.questions) == (2, 2)


def test_of_labels_that_are_all_the_same_alpha_is_not_defined():
    assert agreement(labelled({"a": "x", "b": "x"}, {"a": "x", "b": "x"})) == Agreement(None, 2, 2)
