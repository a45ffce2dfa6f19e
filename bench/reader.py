"""Trains the embedded reader: to answer from passages is a skill, learned on passages of others.

    python -m bench.reader [--texts 1500] [--rate 1e-3] [--out runs/reader/adapter]
    python -m bench.quality --sets squad2-dev-test --configs shipped --adapter runs/reader/adapter

Questions on Reddit posts and Amazon reviews (SQuADShifts), on papers (COVID-QA) and on SQuAD's six
`tune` articles are asked of an index of just these texts; never the ten `test` articles, contracts
or reports, which the reader is judged on. Prompts are the service's own, with one to three passages
of real retrieval; replies are the gold answer with its passage's number, or that it is not known
where no passage has it: SQuAD's unanswerable questions, and others whose passage is taken away.
All questions on a text are asked of the same passages where these hold their answers, so that the
trainer reads these once for all of them. The same command goes on where it was stopped.
"""

import argparse
import json
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from bench.squad_wiki import QUESTIONS, SEED, SHARED, articles
from eval.grade import contains
from eval.tune.examples import Example
from eval.tune.lora import train
from eval.tune.recipe import Progress as Step
from eval.tune.recipe import TrainSettings
from eval.tune.record import RECORD, file_digest, write_json
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

PAPERS = 8
CHUNK_TOKENS = 160
"""Shorter than the service's, so that three passages cost little; it is the reading that counts."""

LONGEST = 12
"""Words of an answer that is learned."""

ALIKE = 6
"""Questions asked of the same passages, at most."""

RETRIEVED = 10
"""Hits among which the passage of the answer is looked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a text; no answers: the text has none."""

    question: str
    answers: tuple[str, ...]


def main() -> None:
    """The command."""
    words = __doc__ or ""
    parser = argparse.ArgumentParser(
        description=words, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=1500, help="posts and reviews, half and half")
    parser.add_argument(
        "--unanswerable", type=float, default=0.15, help="share that is kept of SQuAD's without one"
    )
    parser.add_argument(
        "--missing", type=float, default=0.02, help="share of texts whose passages are taken away"
    )
    parser.add_argument(
        "--passages",
        type=float,
        nargs=3,
        default=[0.45, 0.2, 0.35],
        metavar="SHARE",
        help="shares of prompts with one, two and three passages",
    )
    parser.add_argument("--alike", type=int, default=3, help="questions a prompt, at least")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=4, help="texts, with all questions")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--work", type=Path, default=Path("runs/reader"))
    parser.add_argument("--out", type=Path, default=Path("runs/reader/adapter"))
    parser.add_argument("--keep", type=Path, help="write the adapter here too, in bfloat16")
    options = parser.parse_args()
    settings = ServiceSettings()
    embedder = load_embedder(settings)
    texts = write_pages(options.work / "pages", options.texts, options.seed)
    index = open_index(options.work / "pages", options.work / "index", embedder)
    asked = thinned(texts, options.unanswerable, options.seed)
    every = list(made(asked, index, embedder, options.missing, options.passages))
    examples = in_company(every, options.alike)
    unknown = sum(one.completion == UNKNOWN for one in examples)
    alike = len({one.family for one in examples})
    print(f"{len(examples)} examples ({unknown} without an answer), {alike} prompts", flush=True)
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
    shutil.copyfile(adapter / CONFIG, target / CONFIG)
    record = json.loads((adapter / RECORD).read_text(encoding="utf-8"))
    record["files"] = {name: file_digest(target / name) for name in record["files"]}
    write_json(target / RECORD, record)


def write_pages(folder: Path, texts: int, seed: int) -> list[list[Asked]]:
    """The texts as pages below `folder`; the questions on each, in a fixed order.

    `texts`: posts and reviews; SQuAD's articles are there as a whole.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    asked: list[list[Asked]] = []
    for name in ("reddit", "amazon"):
        paragraphs = [one for part in _data(READING / f"{name}.json") for one in part["paragraphs"]]
        count = min(texts // 2, len(paragraphs))
        chosen = random.Random(f"{seed} {name}").sample(paragraphs, count)
        for start in range(0, count, PAGE):
            posts = [" ".join(one["context"].split()) for one in chosen[start : start + PAGE]]
            number = start // PAGE + 1
            _write(folder / f"{name}-{number}.md", f"{name.title()} {number}", posts)
        asked += [_asked(one) for one in chosen]
    papers = _data(READING / "covid.json")
    for number, paper in enumerate(random.Random(seed).sample(papers, PAPERS), start=1):
        parts = [part["context"] for part in paper["paragraphs"]]
        _write(folder / f"covid-{number}.md", f"Paper {number}", parts)
        asked += [_asked(part) for part in paper["paragraphs"]]
    tune = set(articles("tune"))
    for article in _data(QUESTIONS):
        if article["title"].replace(" ", "_") in tune:
            title = article["title"].replace("_", " ")
            parts = [part["context"] for part in article["paragraphs"]]
            _write(folder / f"squad-{title.replace('/', '_')}.md", title, parts)
            asked += [_asked(part) for part in article["paragraphs"]]
    return asked


def thinned(texts: Sequence[Sequence[Asked]], unanswerable: float, seed: int) -> list[list[Asked]]:
    """The questions with short answers, and the share `unanswerable` of those without one."""
    chance = random.Random(seed)
    found = [
        [one for one in text if (_is_short(one) if one.answers else chance.random() < unanswerable)]
        for text in texts
    ]
    chance.shuffle(found)
    return found


def made(
    texts: Sequence[Sequence[Asked]],
    index: Reader,
    embedder: Embedder,
    missing: float,
    shares: Sequence[float],
) -> Iterator[Example]:
    """Prompts and replies; those whose passage is not found go.

    Passages are what is retrieved for one of the text's questions, and all others that they answer
    are asked of them too; for the rest it is done again. The passage that holds the answer may
    stand anywhere among those of the prompt.

    Args:
        texts: The questions on each.
        index: Of the texts that they are on.
        embedder: The index's.
        missing: Share of the texts whose passages are taken away.
        shares: Of prompts with one, two and three passages.
    """
    settings = replace(retrieval_settings(ServiceSettings()), top_k=RETRIEVED)
    with index.snapshot() as snapshot:
        for number, text in enumerate(texts):
            chance = random.Random(f"{SEED} {number}")
            takes = chance.random() < missing
            # Those with an answer first: they bring the passages.
            left: list[Asked] = sorted(text, key=lambda one: not one.answers)
            while left:
                (wanted,) = chance.choices((1, 2, 3), shares)
                found = retrieve(left[0].question, snapshot, embedder, settings).hits
                shown = [passage(hit) for hit in found]
                holding = [one for one in shown if _holds(one, left[0])]
                if takes or not left[0].answers:
                    shown = [one for one in shown if one not in holding]
                elif not holding:
                    left = left[1:]
                    continue
                passages = shown[:wanted]
                if holding and not takes and holding[0] not in passages:
                    passages[chance.randrange(wanted)] = holding[0]
                fit = [one for one in left if takes or not one.answers or _place(passages, one)]
                for one in fit[:ALIKE]:
                    place = _place(passages, one)
                    reply = f"{min(one.answers, key=len)} [{place}]" if place else UNKNOWN
                    turns = tuple(chat(one.question, passages, examples=False))
                    yield Example(turns, reply, f"{number} {len(left)}")
                left = [one for one in left if one not in fit[:ALIKE]]


def in_company(examples: Sequence[Example], least: int) -> list[Example]:
    """Those that share their passages with others, `least` of them together; reading pays there."""
    count = Counter(one.family for one in examples)
    return [one for one in examples if count[one.family] >= least]


def open_index(pages: Path, index: Path, embedder: Embedder) -> Reader:
    """The pages in an index of short chunks; what is there is used again."""
    sync([(pages, "pages")], index, embedder, SyncSettings(ChunkSettings(CHUNK_TOKENS)), Progress())
    return Reader(index, embedder)


def _place(passages: Sequence[Passage], asked: Asked) -> int:
    """The number of the first passage that holds an answer, from 1; 0 where none does."""
    return next((at for at, one in enumerate(passages, 1) if _holds(one, asked)), 0)


def _holds(shown: Passage, asked: Asked) -> bool:
    return bool(asked.answers) and contains(shown.text, asked.answers)


def _is_short(asked: Asked) -> bool:
    return len(min(asked.answers, key=len).split()) <= LONGEST


def _asked(paragraph: dict[str, Any]) -> list[Asked]:
    found: list[Asked] = []
    for one in paragraph["qas"]:
        answers = [answer["text"].strip() for answer in one["answers"]]
        if any(answers) or one.get("is_impossible"):
            found.append(
                Asked(one["question"].strip(), tuple(filter(None, dict.fromkeys(answers))))
            )
    return found


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
