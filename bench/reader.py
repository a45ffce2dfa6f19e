"""Trains the embedded reader: to answer from passages is a skill, learned on passages of others.

    python -m bench.reader [--examples 3000] [--rate 5e-4] [--out runs/reader/adapter]
    python -m bench.quality --sets squad2-dev-test --configs shipped --reader \
        --adapter runs/reader/adapter

Questions on Reddit posts and Amazon reviews (SQuADShifts), on papers (COVID-QA) and on SQuAD's six
`tune` articles are asked of an index of just these texts; never the ten `test` articles, contracts
or reports, which the reader is judged on. Prompts are the service's own, with one to three passages
of real retrieval; replies are the gold answer with its passage's number, or that it is not known
where no passage has it: SQuAD's unanswerable questions, and others whose passage is taken away.
The same command goes on where it was stopped.
"""

import argparse
import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from bench.squad_wiki import QUESTIONS, SEED, SHARED, articles
from eval.grade import contains
from eval.squad import read_questions
from eval.tune.examples import Example
from eval.tune.lora import train
from eval.tune.recipe import Progress as Step
from eval.tune.recipe import TrainSettings
from eval.tune.record import RECORD
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.progress import Progress
from ingest.snapshot import Reader
from ingest.sync import SyncSettings, sync
from service.answer import passage
from service.loading import load_embedder, retrieval_settings
from service.local_chat import DEFAULT, model_folder
from service.lora import CONFIG, WEIGHTS
from service.prompt import UNKNOWN, Passage, chat
from service.retrieve import retrieve
from service.settings import ServiceSettings

READING = SHARED / "reading"
PAGE = 20
"""Passages of one page; posts have no titles, and are told apart by what they say."""

PASSAGES = {"reddit": 700, "amazon": 600}
PAPERS = 6
CHUNK_TOKENS = 160
"""Shorter than the service's, so that three passages cost little; it is the reading that counts."""

LONGEST = 12
"""Words of an answer that is learned."""

SHARES = {"squad": 0.45, "reddit": 0.26, "amazon": 0.25, "covid": 0.04}
RETRIEVED = 10
"""Hits among which the passage of the answer is looked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a text; no answers: the text has none."""

    kind: str
    question: str
    answers: tuple[str, ...]


def main() -> None:
    """The command."""
    words = __doc__ or ""
    parser = argparse.ArgumentParser(
        description=words, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=3000)
    parser.add_argument(
        "--unanswerable", type=float, default=0.25, help="share of SQuAD's that have no answer"
    )
    parser.add_argument(
        "--missing", type=float, default=0.12, help="share of others whose passage is taken away"
    )
    parser.add_argument(
        "--passages",
        type=float,
        nargs=3,
        default=[0.4, 0.2, 0.4],
        metavar="SHARE",
        help="shares of prompts with one, two and three passages",
    )
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--work", type=Path, default=Path("runs/reader"))
    parser.add_argument("--out", type=Path, default=Path("runs/reader/adapter"))
    parser.add_argument("--keep", type=Path, help="write the adapter here too, in bfloat16")
    options = parser.parse_args()
    settings = ServiceSettings()
    embedder = load_embedder(settings)
    asked = write_pages(options.work / "pages", options.seed)
    index = open_index(options.work / "pages", options.work / "index", embedder)
    chosen = drawn(asked, options.examples, options.unanswerable, options.seed)
    examples = list(made(chosen, index, embedder, options.missing, options.passages))
    unknown = sum(one.completion == UNKNOWN for one in examples)
    print(f"{len(examples)} examples, {unknown} of them without an answer", flush=True)
    done = train(
        model_folder(DEFAULT, Path(settings.cache)),
        examples,
        TrainSettings(options.rank, options.rate, options.epochs, options.batch, options.seed),
        options.out,
        progress=_teller(),
        name=DEFAULT,
    )
    if options.keep:
        keep(options.out, options.keep)
    print(
        f"{options.out}: {done.tokens:,} tokens in {done.seconds:.0f} s, {done.why}; loss of the "
        f"last 20 steps {sum(done.losses[-20:]) / len(done.losses[-20:]):.3f}"
    )


def keep(adapter: Path, target: Path) -> None:
    """The adapter with its weights in bfloat16, which halves them, and its record."""
    import safetensors.torch
    import torch

    files = cast(Any, safetensors.torch)
    target.mkdir(parents=True, exist_ok=True)
    weights: dict[str, Any] = files.load_file(str(adapter / WEIGHTS))
    halved = {name: one.to(torch.bfloat16) for name, one in weights.items()}
    files.save_file(halved, str(target / WEIGHTS), metadata={"format": "pt"})
    for name in (CONFIG, RECORD):
        shutil.copyfile(adapter / name, target / name)


def write_pages(folder: Path, seed: int) -> list[Asked]:
    """The texts as pages below `folder`; all questions on them, in a fixed order."""
    folder.mkdir(parents=True, exist_ok=True)
    asked: list[Asked] = []
    for name, count in PASSAGES.items():
        paragraphs = [one for part in _data(READING / f"{name}.json") for one in part["paragraphs"]]
        chosen = random.Random(f"{seed} {name}").sample(paragraphs, count)
        for start in range(0, count, PAGE):
            texts = [" ".join(one["context"].split()) for one in chosen[start : start + PAGE]]
            number = start // PAGE + 1
            _write(folder / f"{name}-{number}.md", f"{name.title()} {number}", texts)
        asked += [one for part in chosen for one in _asked(name, part)]
    papers = _data(READING / "covid.json")
    for number, paper in enumerate(random.Random(seed).sample(papers, PAPERS), start=1):
        texts = [part["context"] for part in paper["paragraphs"]]
        _write(folder / f"covid-{number}.md", f"Paper {number}", texts)
        asked += [one for part in paper["paragraphs"] for one in _asked("covid", part)]
    tune = set(articles("tune"))
    for article in _data(QUESTIONS):
        if article["title"].replace(" ", "_") in tune:
            texts = [part["context"] for part in article["paragraphs"]]
            title = article["title"].replace("_", " ")
            _write(folder / f"squad-{title.replace('/', '_')}.md", title, texts)
    on_tune = (one for one in read_questions(QUESTIONS) if one.article.replace(" ", "_") in tune)
    return asked + [Asked("squad", one.question, one.answers) for one in on_tune]


def drawn(asked: Sequence[Asked], count: int, unanswerable: float, seed: int) -> list[Asked]:
    """`count` questions, by `SHARES`; of SQuAD's the share `unanswerable` has no answer."""
    chance, found = random.Random(seed), list[Asked]()
    for kind, share in SHARES.items():
        own = [one for one in asked if one.kind == kind and _is_short(one)]
        wanted = round(share * count)
        some = [one for one in own if one.answers]
        others = [one for one in own if not one.answers]
        chance.shuffle(some)
        chance.shuffle(others)
        few = min(int(unanswerable * wanted), len(others))
        found += some[: wanted - few] + others[:few]
    chance.shuffle(found)
    return found


def made(
    asked: Sequence[Asked],
    index: Reader,
    embedder: Embedder,
    missing: float,
    shares: Sequence[float],
) -> Iterator[Example]:
    """Prompts and replies, in the order of the questions; those whose passage is not found go.

    A passage that holds the answer may stand anywhere among those of the prompt; where none that
    was retrieved does, the question is left out.

    Args:
        asked: The questions.
        index: Of the texts that they are on.
        embedder: The index's.
        missing: Share of the answerable questions whose passage is taken away.
        shares: Of prompts with one, two and three passages.
    """
    settings = replace(retrieval_settings(ServiceSettings()), top_k=RETRIEVED)
    with index.snapshot() as snapshot:
        for number, one in enumerate(asked):
            chance = random.Random(f"{SEED} {number}")
            (wanted,) = chance.choices((1, 2, 3), shares)
            found = retrieve(one.question, snapshot, embedder, settings).hits
            shown = [passage(hit) for hit in found]
            holding = [text for text in shown if _holds(text, one)]
            rest = [text for text in shown if text not in holding]
            if not one.answers or chance.random() < missing:
                yield Example(tuple(chat(one.question, rest[:wanted], examples=False)), UNKNOWN)
                continue
            if not holding:
                continue
            passages = shown[:wanted]
            if not any(text in holding for text in passages):
                passages[chance.randrange(wanted)] = holding[0]
            place = next(at for at, text in enumerate(passages, 1) if text in holding)
            answer = min(one.answers, key=len)
            yield Example(
                tuple(chat(one.question, passages, examples=False)), f"{answer} [{place}]"
            )


def open_index(pages: Path, index: Path, embedder: Embedder) -> Reader:
    """The pages in an index of short chunks; what is there is used again."""
    sync([(pages, "pages")], index, embedder, SyncSettings(ChunkSettings(CHUNK_TOKENS)), Progress())
    return Reader(index, embedder)


def _holds(shown: Passage, asked: Asked) -> bool:
    return bool(asked.answers) and contains(shown.text, asked.answers)


def _is_short(asked: Asked) -> bool:
    return not asked.answers or len(min(asked.answers, key=len).split()) <= LONGEST


def _asked(kind: str, paragraph: dict[str, Any]) -> Iterator[Asked]:
    for one in paragraph["qas"]:
        texts = [answer["text"].strip() for answer in one["answers"]]
        if any(texts):
            yield Asked(kind, one["question"].strip(), tuple(filter(None, dict.fromkeys(texts))))


def _data(file: Path) -> list[dict[str, Any]]:
    return list(json.loads(file.read_text(encoding="utf-8"))["data"])


def _write(file: Path, title: str, texts: Sequence[str]) -> None:
    content = "\n\n".join([f"# {title}", *texts]) + "\n"
    if not file.is_file() or file.read_text(encoding="utf-8") != content:
        file.write_text(content, encoding="utf-8")


def _teller() -> Callable[[Step], None]:
    last = [0.0]

    def tell(step: Step) -> None:
        if step.note or time.monotonic() - last[0] > 15:
            last[0] = time.monotonic()
            loss = f" loss {step.loss:.3f}" if step.loss is not None else ""
            speed = f" {step.tokens_per_second:.0f} tokens/s" if step.tokens_per_second else ""
            print(f"{step.step}/{step.steps}{loss}{speed} {step.note}", file=sys.stderr, flush=True)

    return tell


if __name__ == "__main__":
    main()
