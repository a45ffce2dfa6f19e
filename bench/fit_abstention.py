"""Fits when to abstain, on development data: SQuAD's `tune` articles and the demo company.

    python -m bench.fit_abstention [--questions 400] [--work runs/bench-abstention]

Answerable: questions on the six `tune` articles, asked of all sixteen articles, and the demo
company's development questions, asked of corpus/. Not answerable: the former where half of the
`tune` articles are left out of the index, and each set's questions asked of the other's index. A
logistic regression on the signals of service/abstain.py, each set weighing the same, gives WEIGHTS
and BIAS; THRESHOLD is where 5 % of the answerable would be turned away. Prints them, the digest of
the data, and what they do to each set; the company's 24 near-miss questions are shown, not fitted.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from sklearn import linear_model

from bench.answers import Unasked
from bench.squad_wiki import SEED, articles, open_wiki, sample
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.snapshot import Reader
from ingest.sync import SyncSettings, sync
from service import abstain
from service.loading import load_embedder, make_answerer
from service.settings import ServiceSettings

FALSE_ABSTENTIONS = 0.05
CORPUS = Path(__file__).resolve().parents[1] / "corpus"
COMPANY = CORPUS / "tasks" / "dev-questions.jsonl"


class Group(NamedTuple):
    """Questions of one kind: whether they have an answer, and the signals of each."""

    name: str
    answerable: bool
    signals: list[abstain.Signals]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--work", type=Path, default=Path("runs/bench-abstention"))
    options = parser.parse_args()
    settings = ServiceSettings()
    embedder = load_embedder(settings)
    tune = articles("tune")
    left_out = set(tune[::2])

    def ask(reader: Reader, questions: Sequence[str]) -> list[abstain.Signals]:
        answerer = make_answerer(settings, reader, embedder, Unasked())
        return [answerer.look(question).signals for question in questions]

    squad = sample(options.questions, SEED, tune)
    company = [json.loads(line) for line in COMPANY.read_text().splitlines()]
    held = [one["question"] for one in company if one["answerable"]]
    missing = [one["question"] for one in company if not one["answerable"]]
    whole = open_wiki(options.work / "whole", embedder)
    half = open_wiki(options.work / "half", embedder, sorted(left_out))
    demo = _open_company(options.work / "company", embedder)
    inside = [one.question for one in squad if one.article not in left_out]
    outside = [one.question for one in squad if one.article in left_out]
    _fit(
        [
            Group("tune articles", True, ask(whole, [one.question for one in squad])),
            Group("tune articles, others left out", True, ask(half, inside)),
            Group("tune articles, theirs left out", False, ask(half, outside)),
            Group("company", True, ask(demo, held)),
            Group("company, asked of the articles", False, ask(whole, held)),
            Group("articles, asked of the company", False, ask(demo, outside)),
        ],
        Group("company, near misses (not fitted)", False, ask(demo, missing)),
    )


def _open_company(index: Path, embedder: Embedder) -> Reader:
    chunking = ChunkSettings(embedder.token_limit, ServiceSettings().chunk_overlap)
    roots = [(CORPUS / name, name) for name in ("wiki", "pdf")]
    sync(roots, index, embedder, SyncSettings(chunking))
    return Reader(index, embedder)


def _fit(groups: list[Group], shown: Group) -> None:
    features = np.concatenate([np.array(group.signals) for group in groups])
    answerable = np.concatenate([[group.answerable] * len(group.signals) for group in groups])
    weights = np.concatenate([[1 / len(group.signals)] * len(group.signals) for group in groups])
    # scikit-learn is typed in part only.
    model = cast(Any, linear_model).LogisticRegression(
        C=100.0, class_weight="balanced", max_iter=5000
    )
    model.fit(features, answerable, sample_weight=weights * len(weights))
    scores = [model.predict_proba(np.array(group.signals))[:, 1] for group in [*groups, shown]]
    # Each answerable set weighs the same in the threshold too.
    threshold = float(
        np.quantile(
            np.concatenate(
                [
                    np.quantile(score, np.linspace(0, 1, 1001))
                    for score, group in zip(scores, groups, strict=False)
                    if group.answerable
                ]
            ),
            FALSE_ABSTENTIONS,
        )
    )
    digest = hashlib.sha256(json.dumps([list(group) for group in groups]).encode()).hexdigest()
    rounded = ", ".join(f"{weight:.3f}" for weight in model.coef_[0])
    print(f"{len(features)} questions; data {digest[:16]}")
    print(f"WEIGHTS = Signals({rounded})\nBIAS = {model.intercept_[0]:.3f}")
    print(f"THRESHOLD = {threshold:.3f}")
    for group, score in zip([*groups, shown], scores, strict=True):
        error = "false abstentions" if group.answerable else "false answers"
        wrong = sum((one < threshold) == group.answerable for one in score) / len(score)
        print(f"  {group.name:36} {len(score):4} questions, {error:17} {wrong:.3f}")


if __name__ == "__main__":
    main()
