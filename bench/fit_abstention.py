"""Fits when to abstain, on development data of three collections.

    python -m bench.fit_abstention [--questions 300] [--work runs/bench-quality]

Answerable: questions on SQuAD's `tune` articles, asked of all sixteen articles; the demo company's
development questions, asked of corpus/; questions about contracts, asked of the contracts. Not
answerable: the first asked where the `tune` articles may not be read, and questions asked of a
collection that is not theirs. A logistic regression on the signals of service/abstain.py, each set
weighing the same, gives WEIGHTS and BIAS; THRESHOLD is the lowest at which of no unanswerable set
more than an eighth is answered. Prints them, the digest of the data, what they do to each set, and
what they would be without each collection; near misses are shown, not fitted. The indexes are those
of bench.quality.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from sklearn import linear_model

from bench import quality_sets
from bench.answers import Unasked
from bench.quality_index import open_index
from bench.squad_wiki import SEED
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.snapshot import Reader
from ingest.sync import SyncSettings, sync
from service import abstain
from service.loading import load_embedder, make_answerer
from service.settings import ServiceSettings

FALSE_ANSWERS = 0.125
CORPUS = Path(__file__).resolve().parents[1] / "corpus"
COMPANY = CORPUS / "tasks" / "dev-questions.jsonl"
FOREIGN = frozenset({"kept", quality_sets.LEFT_OUT})
"""The articles that are not `tune`."""


class Group(NamedTuple):
    """Questions of one kind: of what collections, whether they have an answer, their signals."""

    name: str
    of: frozenset[str]
    answerable: bool
    signals: list[abstain.Signals]


class Fit(NamedTuple):
    """What a fit gives."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def scores(self, group: Group) -> NDArray[np.float64]:
        """The probabilities that a group's questions are answerable."""
        total = np.array(group.signals) @ np.array(self.weights) + self.bias
        return 1 / (1 + np.exp(-total))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--questions", type=int, default=300, help="of SQuAD, and about contracts")
    parser.add_argument("--contracts", type=int, default=60, help="contracts to index, of 178")
    parser.add_argument("--work", type=Path, default=Path("runs/bench-quality"))
    options = parser.parse_args()
    settings = ServiceSettings()
    embedder = load_embedder(settings)

    def ask(
        reader: Reader, questions: Sequence[str], readable: frozenset[str] | None = None
    ) -> list[abstain.Signals]:
        answerer = make_answerer(settings, reader, embedder, Unasked())
        return [answerer.look(question, readable=readable).signals for question in questions]

    sources, indexes, count = options.work / "sources", options.work / "index", options.questions
    squad = quality_sets.squad2_dev("tune", sources / "squad2-dev", count, 0, SEED)
    legal = quality_sets.contracts(count, SEED, options.contracts, sources)
    company = [json.loads(line) for line in COMPANY.read_text().splitlines()]
    held = [one["question"] for one in company if one["answerable"]]
    missing = [one["question"] for one in company if not one["answerable"]]
    tune = [one.question for one in squad.questions]
    wiki, _ = open_index(squad, indexes, embedder, settings)
    papers, _ = open_index(legal, indexes, embedder, settings)
    demo = _open_company(options.work / "company", embedder)
    s, d, c = "squad", "company", "contracts"
    _report(
        [
            Group("tune articles", frozenset({s}), True, ask(wiki, tune)),
            Group("the same, not to be read", frozenset({s}), False, ask(wiki, tune, FOREIGN)),
            Group("company", frozenset({d}), True, ask(demo, held)),
            Group("articles asked of company", frozenset({s, d}), False, ask(demo, tune)),
            Group("company asked of articles", frozenset({s, d}), False, ask(wiki, held)),
            Group(
                "contracts",
                frozenset({c}),
                True,
                ask(papers, [one.question for one in legal.questions]),
            ),
            Group("company asked of contracts", frozenset({c, d}), False, ask(papers, held)),
        ],
        Group("company, near misses (not fitted)", frozenset({d}), False, ask(demo, missing)),
    )


def _open_company(index: Path, embedder: Embedder) -> Reader:
    chunking = ChunkSettings(embedder.token_limit, ServiceSettings().chunk_overlap)
    roots = [(CORPUS / name, name) for name in ("wiki", "pdf")]
    sync(roots, index, embedder, SyncSettings(chunking))
    return Reader(index, embedder)


def fit(groups: Sequence[Group]) -> Fit:
    """Weights, bias and threshold; each group weighs the same."""
    features = np.concatenate([np.array(group.signals) for group in groups])
    answerable = np.concatenate([[group.answerable] * len(group.signals) for group in groups])
    weights = np.concatenate([[1 / len(group.signals)] * len(group.signals) for group in groups])
    # scikit-learn is typed in part only.
    model = cast(Any, linear_model).LogisticRegression(
        C=100.0, class_weight="balanced", max_iter=5000
    )
    model.fit(features, answerable, sample_weight=weights * len(weights))
    found = Fit(tuple(float(one) for one in model.coef_[0]), float(model.intercept_[0]), 0.0)
    highest = [
        float(np.quantile(found.scores(group), 1 - FALSE_ANSWERS))
        for group in groups
        if not group.answerable
    ]
    return found._replace(threshold=max(highest))


def _report(groups: Sequence[Group], shown: Group) -> None:
    whole = fit(groups)
    digest = hashlib.sha256(json.dumps([list(group[2:]) for group in groups]).encode()).hexdigest()
    print(f"{sum(len(group.signals) for group in groups)} questions; data {digest[:16]}")
    print(f"WEIGHTS = Signals({', '.join(f'{one:.3f}' for one in whole.weights)})")
    print(f"BIAS = {whole.bias:.3f}\nTHRESHOLD = {whole.threshold:.3f}")
    names = sorted(frozenset[str]().union(*(group.of for group in groups)))
    without = [fit([group for group in groups if name not in group.of]) for name in names]
    print(f"{'':62}all  without " + ", ".join(names))
    for group in [*groups, shown]:
        error = "false abstentions" if group.answerable else "false answers"
        wrong = [_wrong(one, group) for one in (whole, *without)]
        shares = "  ".join(f"{share:.3f}" for share in wrong)
        print(f"  {group.name:34} {len(group.signals):4} {error:17} {shares}")


def _wrong(by: Fit, group: Group) -> float:
    """The share of a group's questions that are turned away or answered where they should not."""
    scores = by.scores(group).tolist()
    return sum((score < by.threshold) == group.answerable for score in scores) / len(scores)


if __name__ == "__main__":
    main()
