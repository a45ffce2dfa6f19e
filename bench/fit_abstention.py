"""Fits when to abstain, on the six `tune` articles of the SQuAD 2.0 development file.

    python -m bench.fit_abstention [--questions 400] [--work runs/bench-abstention]

Their questions are asked of two indexes: one of all sixteen articles, and one without half of the
`tune` articles, where the questions of the missing ones have no answer. A logistic regression on
the signals of service/abstain.py gives WEIGHTS and BIAS; THRESHOLD is where 5 % of the questions
that have an answer would be turned away. Prints all of them, with the figures of five-fold
cross-validation by article, and the digest of the data.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn import linear_model, metrics, model_selection

from bench.squad_wiki import SEED, articles, open_wiki, sample
from eval.squad import SquadQuestion
from service import abstain
from service.answer import Answerer
from service.loading import load_embedder, make_answerer
from service.settings import ServiceSettings

FALSE_ABSTENTIONS = 0.05


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--work", type=Path, default=Path("runs/bench-abstention"))
    options = parser.parse_args()
    tune = articles("tune")
    questions = sample(options.questions, SEED, tune)
    settings = ServiceSettings()
    embedder = load_embedder(settings)
    rows: list[tuple[abstain.Signals, bool, str]] = []
    for name, without in (("whole", []), ("half", tune[::2])):
        reader = open_wiki(options.work / name, embedder, without)
        answerer = make_answerer(settings, reader, embedder, None)  # pyright: ignore
        for number, question in enumerate(questions, start=1):
            answerable = question.article not in without
            rows.append((_signals(answerer, question), answerable, question.article))
            if number % 100 == 0:
                print(f"{name}: {number}/{len(questions)}", file=sys.stderr)
    _fit(rows)


def _signals(answerer: Answerer, question: SquadQuestion) -> abstain.Signals:
    return answerer.look(question.question).signals


def _fit(rows: list[tuple[abstain.Signals, bool, str]]) -> None:
    features = np.array([row[0] for row in rows])
    answerable = np.array([row[1] for row in rows])
    groups = np.array([row[2] for row in rows])
    # scikit-learn is typed in part only.
    cross_val_predict = cast(Any, model_selection).cross_val_predict
    roc_auc_score = cast(Any, metrics).roc_auc_score
    model = cast(Any, linear_model).LogisticRegression(C=10.0, class_weight="balanced")
    folds = cast(Any, model_selection).GroupKFold(n_splits=5)
    scores: NDArray[np.float64] = cross_val_predict(
        model, features, answerable, groups=groups, cv=folds, method="predict_proba"
    )[:, 1]
    threshold = float(np.quantile(scores[answerable], FALSE_ABSTENTIONS))
    digest = hashlib.sha256(
        json.dumps([[list(s), bool(a), g] for s, a, g in rows]).encode()
    ).hexdigest()[:16]
    auroc = float(roc_auc_score(answerable, scores))
    model.fit(features, answerable)
    weights = ", ".join(f"{weight:.3f}" for weight in model.coef_[0])
    print(f"{len(rows)} questions, {int(answerable.sum())} with an answer; data {digest}")
    print(f"WEIGHTS = Signals({weights})\nBIAS = {model.intercept_[0]:.3f}")
    print(f"THRESHOLD = {threshold:.3f}")
    print(f"held out by article: AUROC {auroc:.3f}")
    print(f"  false abstentions {np.mean(scores[answerable] < threshold):.3f}")
    print(f"  false answers {np.mean(scores[~answerable] >= threshold):.3f}")
    for name, column in zip(abstain.Signals._fields, features.T, strict=True):
        print(f"  {name} alone: AUROC {roc_auc_score(answerable, column):.3f}")


if __name__ == "__main__":
    main()
