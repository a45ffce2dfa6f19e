"""Kills `ragfirst ingest` at random instants, and looks at what is left each time.

    python -m bench.faults_kill --rounds 200 --seed 1
    python -m bench.faults_kill --rounds 0 --real 10

Each round changes a small corpus (files added, changed, renamed, deleted), starts `ragfirst ingest`
as a process, and kills it by SIGKILL: with all its processes, or alone, and then none of those may
be left. After that the index has to open, `ragfirst status --verify` to find nothing, the old
generation or the new one to be there as a whole, and searches to find what they ask for. Every few
rounds the ingest goes on to its end, which has to be an index equal to that of a run that nothing
disturbed. A run that ends before its kill is looked at, too, and is no round. An embedder of hashed
words saves the seconds that torch takes to start; `--real` rounds have the real one. Ends with
status 1 where anything failed.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from bench.faults_check import Held, check
from bench.faults_corpus import Corpus
from bench.faults_ingest import NAME, READY, embedder
from ingest.embed import Embedder, SentenceEmbedder
from ingest.same import same
from ingest.schema import read_only
from ingest.store import failures

ROOT = Path(__file__).parents[1]

MISSED = "more runs that ended before their kill"

_MARKER = "RAGFIRST_BENCH_ROUND"
_LONGEST = 600.0
"""Seconds for a run that nothing disturbs."""
_GRACE = 15.0
"""Seconds for processes to be gone after their parent was killed."""


@dataclass(frozen=True, slots=True)
class Way:
    """How ingest is run: by which command, and with which embedder for reading what it made."""

    name: str
    module: str
    embedder: Embedder
    environment: dict[str, str]
    says_ready: bool = False

    def start(self, corpus: Corpus, index: Path, marker: str) -> "subprocess.Popen[str]":
        """Start it as the head of a group of processes, all of which have the marker."""
        ingest, folders = ("ingest", "--json"), map(str, corpus.folders)
        return subprocess.Popen(
            [sys.executable, "-m", self.module, *ingest, *folders, "--index", str(index)],
            cwd=ROOT,
            env={**self.environment, _MARKER: marker},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )


@dataclass(slots=True)
class Tally:
    """What came of the rounds of one way."""

    rounds: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])
    unclean: set[int] = field(default_factory=set[int])

    def note(self, wrong: Sequence[str]) -> None:
        """What was wrong in the round under way."""
        self.failures += [f"round {self.rounds}: {one}" for one in wrong]
        if wrong:
            self.unclean.add(self.rounds)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=200, help="with the embedder of hashed words")
    parser.add_argument("--real", type=int, default=0, help="further rounds, with the real one")
    parser.add_argument("--every", type=int, default=5, help="rounds from one end to the next")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tallies: list[tuple[Way, Tally]] = []
    for make, rounds in ((words, options.rounds), (real, options.real)):
        if rounds:
            with tempfile.TemporaryDirectory() as folder:
                way = make()
                tallies.append((way, run(way, Path(folder), rounds, options.every, options.seed)))
    for way, tally in tallies:
        report(way, tally)
    sys.exit(any(tally.failures for _, tally in tallies))


def words() -> Way:
    """With the embedder of hashed words."""
    environment = _environment() | {"RAGFIRST_EMBEDDER": NAME, "RAGFIRST_CHUNK_OVERLAP": "8"}
    return Way("hashed words", "bench.faults_ingest", embedder(pause=0), environment, True)


def real() -> Way:
    """With the default embedder."""
    return Way(
        "MiniLM", "ragfirst", SentenceEmbedder("all-MiniLM-L6-v2", threads=1), _environment()
    )


def _environment() -> dict[str, str]:
    """That of this process, without the settings of a user."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RAGFIRST_") or name == "RAGFIRST_THREADS"
    }


def run(way: Way, folder: Path, rounds: int, every: int, seed: int) -> Tally:
    """Kill it so many times, in a folder of its own."""
    chance, tally = random.Random(seed), Tally()
    corpus, index = Corpus(folder / "corpus", seed), folder / "index"
    held, span = Held(), finish(way, corpus, folder / "first", tally)
    shutil.rmtree(folder / "first", ignore_errors=True)
    while tally.rounds < rounds and tally.counts[MISSED] < 2 * rounds + 10:
        alone = chance.random() < 0.3
        early = chance.random() < 0.05  # while Python is still starting
        after = chance.uniform(0, 0.3 if early else span)
        tally.rounds += 1
        hit = _kill(way, corpus, index, after, alone, early, tally)
        # So that the instants keep to the whole of a run, however fast the machine is just now.
        span *= 1.05 if hit else 0.85
        before = held.generation
        wrong, held = check(index, way.embedder, held, corpus.documents(), chance)
        tally.note(wrong)
        tally.counts["published before the kill"] += hit and held.generation > before
        if not hit:
            tally.rounds -= 1
        elif tally.rounds % every == 0 or tally.rounds == rounds:
            span = max(span, finish(way, corpus, index, tally))
            wrong, held = check(index, way.embedder, held, corpus.documents(), chance)
            tally.note([*wrong, *_compare(way, corpus, index, folder / "undisturbed", tally)])
        if hit and tally.rounds % 10 == 0:
            said = f"{tally.rounds} of {rounds} kills, {len(tally.unclean)} not clean"
            print(said, file=sys.stderr, flush=True)
        corpus.change()
    if tally.rounds < rounds:
        tally.note([f"only {tally.rounds} of {rounds} kills came before the end of their run"])
    return tally


def _kill(
    way: Way, corpus: Corpus, index: Path, after: float, alone: bool, early: bool, tally: Tally
) -> bool:
    """Run and kill it; and whether it was alive until then."""
    marker = uuid4().hex
    process = way.start(corpus, index, marker)
    with process:
        assert process.stdout is not None
        first = process.stdout.readline() if way.says_ready and not early else ""
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            if alone:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        else:
            tally.counts[MISSED] += 1
            tally.note(_ending(process.returncode, first + process.stdout.read()))
            return False
    tally.counts["killed alone" if alone else "killed with all its processes"] += 1
    left = _left(marker)
    tally.note([f"process {one.pid} is left: {' '.join(one.cmdline())[:80]}" for one in left])
    for one in left:
        one.kill()
    return True


def _left(marker: str) -> list[psutil.Process]:
    """The processes of a run that are there still, though they were given some time."""
    deadline = time.monotonic() + _GRACE
    while True:
        found = [one for one in psutil.process_iter() if _is_of(one, marker)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _is_of(process: psutil.Process, marker: str) -> bool:
    try:
        dead = process.status() == psutil.STATUS_ZOMBIE
        return not dead and process.environ().get(_MARKER) == marker
    except psutil.Error:  # gone meanwhile, or somebody else's
        return False


def finish(way: Way, corpus: Corpus, index: Path, tally: Tally) -> float:
    """Run it to its end. Returns the seconds that it took."""
    marker = uuid4().hex
    process = way.start(corpus, index, marker)
    with process:
        assert process.stdout is not None
        first = process.stdout.readline() if way.says_ready else ""
        began = time.monotonic()
        try:
            said, _ = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            tally.note([f"a run that nothing disturbed took more than {_LONGEST:g} s"])
            return _LONGEST
    took = time.monotonic() - began
    tally.note(_ending(process.returncode, first + said))
    tally.note([f"process {one.pid} outlives its parent" for one in _left(marker)])
    return took


def _ending(status: int, said: str) -> list[str]:
    """What is wrong with how a run ended that was not killed."""
    said = said.removeprefix(READY)
    try:
        failed = bool(json.loads(said)["failures"])
    except (ValueError, LookupError, TypeError):
        return [f"it ended with status {status}: {said[-500:]}"]
    return [] if status == failed else [f"it ended with status {status}, though it said {said}"]


def _compare(way: Way, corpus: Corpus, index: Path, undisturbed: Path, tally: Tally) -> list[str]:
    """How the index differs from that of one run over the corpus as it is now."""
    finish(way, corpus, undisturbed, tally)
    try:
        wrong = [f"unlike an undisturbed one: {one}" for one in same(index, undisturbed)]
        with read_only(index) as first, read_only(undisturbed) as second:
            named, expected = failures(first), failures(second)
        tally.counts["ends compared with an undisturbed run"] += 1
        return wrong + [f"names the failures {named}, not {expected}"] * (named != expected)
    finally:
        shutil.rmtree(undisturbed, ignore_errors=True)


def report(way: Way, tally: Tally) -> None:
    """Print what came of it."""
    clean = tally.rounds - len(tally.unclean)
    print(f"{clean} of {tally.rounds} kills clean, with {way.name}")
    for name, count in sorted(tally.counts.items()):
        print(f"  {count:5} {name}")
    print(f"  {len(tally.failures):5} failures")
    for failure in tally.failures[:50]:
        print(f"        {failure}")


if __name__ == "__main__":
    main()
