"""How fast documents become an index, beside peers: LlamaIndex, Haystack, txtai, a plain script.

    python -m bench.ingest --corpora contracts --limit 8
    python -m bench.ingest --profile --corpora contracts

All get the same files and the same MiniLM, cut into chunks of 256 tokens, and save a FAISS index;
each is a process of its own within a virtual environment of its own, which is made on the first
run, with all cores to itself. They run in turns and the fastest turn of each counts. A peer embeds
chunks; ragfirst embeds their sentences as well. Words are counted once, in the text that ragfirst
reads, and are the same for all: rates are source words a second. The start (loading libraries and
model, measured on one sentence) is taken off seconds and processor time, and printed. Memory is
the most that a process held and, for ragfirst, what its parsing process held with it.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bench import ingest_profile, ingest_venvs
from bench.client import ROOT
from bench.ingest_corpora import CACHE, MANUAL, MANUAL_HELP, Sample, draw, places, smallest
from bench.ingest_measure import Spent, measure, versions
from ingest.embed import packaged_folder

OURS = "ragfirst"
FLOOR = "plain"


@dataclass(frozen=True, slots=True)
class Row:
    """One arm on one sample, its start taken off; `words` and `chunks` are those it indexed."""

    arm: str
    spent: Spent
    start: Spent
    words: int | None
    chunks: int


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to ingest, and the Python that has it."""

    name: str
    python: Path

    def run(self, sample: Sample, target: Path) -> Spent:
        """Ingest a sample into a new index at `target`, in a process of its own."""
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False"}
        if self.name == OURS:
            places = [str(sample.folder), "--index", str(target), "--json"]
            command = [str(self.python), str(ROOT / "ragfirst.py"), "ingest", *places]
            return measure(command, environment, allowed=(0, 1))
        script = str(ROOT / "bench" / "ingest_peers.py")
        model = str(packaged_folder("all-MiniLM-L6-v2"))
        command = [str(self.python), script, self.name, model, str(sample.folder), str(target)]
        return measure(command, environment)


def own_arm() -> Arm:
    """ragfirst, by the Python that runs this."""
    return Arm(OURS, Path(sys.executable))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    asked = parser().parse_args(arguments)
    known = places(asked.manual)
    with tempfile.TemporaryDirectory() as work:
        samples = list[Sample]()
        for name in asked.corpora:
            try:
                samples.append(draw(name, known[name], Path(work) / name, asked.limit))
            except ValueError as error:
                print(f"{error}. {MANUAL_HELP if name == 'manual' else ''}")
        if asked.profile:
            for sample in samples:
                ingest_profile.show(sample.name, sample.folder, Path(work) / "index")
            return
        arms = [own_arm()]
        arms += [Arm(name, ingest_venvs.python(name, asked.cache)) for name in asked.peers]
        start = smallest(Path(work) / "start")
        for arm in arms:
            found = versions(
                arm.python, ["torch", *map(_bare, ingest_venvs.PACKAGES.get(arm.name, ()))]
            )
            print(f"{arm.name}: " + ", ".join(f"{name} {one}" for name, one in found.items()))
        starts = {arm.name: _fastest(arm, start, Path(work), asked.rounds) for arm in arms}
        for sample in samples:
            show(sample, compare(arms, sample, starts, Path(work), asked.rounds))


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    words = (__doc__ or "").split("\n\n", 1)
    parser = argparse.ArgumentParser(
        description=words[0],
        epilog=f"{words[1]}\n{MANUAL_HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    corpora, peers = list(places()), list(ingest_venvs.PACKAGES)
    parser.add_argument("--corpora", nargs="+", choices=corpora, default=corpora)
    parser.add_argument("--peers", nargs="*", choices=peers, default=peers)
    parser.add_argument("--limit", type=int, help="files of each corpus, instead of its own number")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each arm")
    parser.add_argument("--cache", type=Path, default=CACHE, help="virtual environments, 6 GB")
    parser.add_argument("--manual", type=Path, default=MANUAL, help="folder of the HTML manual")
    parser.add_argument(
        "--profile", action="store_true", help="instead: where ragfirst's time goes, on one thread"
    )
    return parser


def compare(
    arms: Sequence[Arm], sample: Sample, starts: dict[str, Spent], work: Path, rounds: int
) -> list[Row]:
    """Every arm on a sample, in turns; the fastest turn of each counts."""
    best = dict[str, Spent]()
    for at in range(rounds):
        for arm in arms:
            spent = arm.run(sample, work / f"{sample.name}-{arm.name}-{at}")
            if arm.name not in best or spent.seconds < best[arm.name].seconds:
                best[arm.name] = spent
    return [row(arm.name, best[arm.name], starts[arm.name]) for arm in arms]


def _fastest(arm: Arm, sample: Sample, work: Path, rounds: int) -> Spent:
    runs = [arm.run(sample, work / f"start-{arm.name}-{at}") for at in range(rounds)]
    return min(runs, key=lambda spent: spent.seconds)


def row(arm: str, spent: Spent, start: Spent) -> Row:
    """What an arm printed last is a line of JSON: chunks, and words where it counts them."""
    lines = [line for line in spent.output.splitlines() if line.startswith("{")]
    printed = cast("dict[str, int]", json.loads(lines[-1]))
    return Row(arm, spent.less(start), start, printed.get("words"), printed["chunks"])


def show(sample: Sample, rows: Sequence[Row]) -> None:
    """A table in Markdown: rates, what they cost, and ratios to the fastest peer and the floor."""
    print(f"\n{sample.name}: {sample.files} files, {sample.pages} pages, {sample.words} words\n")
    print(
        "| arm | words/s | × best peer | × plain | documents/s | pages/s | chunks | chunks/s "
        "| CPU s | CPU × best | peak MB | start s | words indexed |"
    )
    print("|" + "---|" * 13)
    peers = [row for row in rows if row.arm != OURS]
    fastest = min((row.spent.seconds for row in peers), default=None)
    cheapest = min((row.spent.cpu for row in peers), default=None)
    floor = next((row.spent.seconds for row in peers if row.arm == FLOOR), None)
    for row in rows:
        seconds = row.spent.seconds
        cells = [
            row.arm,
            f"{sample.words / seconds:.0f}",
            _ratio(fastest, seconds),
            _ratio(floor, seconds),
            f"{sample.files / seconds:.2f}",
            f"{sample.pages / seconds:.1f}" if sample.pages else "–",
            str(row.chunks),
            f"{row.chunks / seconds:.1f}",
            f"{row.spent.cpu:.1f}",
            _ratio(cheapest, row.spent.cpu),
            f"{row.spent.peak / 1e6:.0f}",
            f"{row.start.seconds:.1f}",
            str(row.words or "–"),
        ]
        print("| " + " | ".join(cells) + " |", flush=True)


def _ratio(one: float | None, other: float) -> str:
    return "–" if one is None else f"{one / other:.2f}"


def _bare(requirement: str) -> str:
    return requirement.partition("==")[0]


if __name__ == "__main__":
    main()
