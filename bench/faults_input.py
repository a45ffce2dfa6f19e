"""Does one bad file ever end a batch? 700 hostile ones through the real ingest.

    python -m bench.faults_input [--pdfs 500] [--pages 200] [--seed 0] [--list]

Mutated PDFs, dumps and pages (tests/mutate.py) lie in one folder beside sound ones and are read by
one sync in a process of its own. Prints what became of them by how they were made, why those failed
that did, and what the batch took. Exit status 1 where the batch died, a file is neither read nor
named, a sound one is lost, or a process is left behind.
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from bench.hashed import HashedWords
from ingest.chunk import ChunkSettings
from ingest.parsing_messages import ParseLimits
from ingest.readers import kind_of
from ingest.schema import connect
from ingest.sync import SyncSettings, sync
from tests.mutate import CORPUS, PAGES, PDFS, mutated_pages, mutated_pdfs

MARK = "RAGFIRST_BENCH_BATCH"
"""In the environment of the batch and of all processes that it starts."""

CLASSES = (
    ("took too long", r"^reading it took more than .* (s|s of processor time):"),
    ("took too much memory", r"MB of memory"),
    ("crashed the parser", r"^it crashes its parser|^its parser ended|^the process that read it"),
    ("is cut off", r"cut off|ends in the middle|the rest is missing|without the end of a page"),
    ("holds no text", r"holds? no text|none of its \d+ pages"),
    ("is encrypted", r"^encrypted"),
    ("is nested too deeply", r"nested too deeply"),
    ("is damaged", r"damaged|cannot be read|is binary|has no (title|revision)"),
)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pdfs", type=int, default=PDFS, help=f"mutated PDFs ({PDFS})")
    parser.add_argument("--pages", type=int, default=PAGES, help=f"dumps and pages ({PAGES})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="limit of parsing (5)")
    parser.add_argument("--megabytes", type=int, default=512, help="limit of parsing (512)")
    parser.add_argument("--list", action="store_true", help="print every failure")
    parser.add_argument("--batch", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    limits = ParseLimits(options.seconds, options.megabytes)
    if options.batch:
        print(json.dumps(batch(options.batch, limits)))
        return
    with tempfile.TemporaryDirectory() as folder:
        made = write(Path(folder) / "corpus", options.pdfs, options.pages, options.seed)
        mark = uuid.uuid4().hex
        ended = subprocess.run(
            [sys.executable, "-m", "bench.faults_input", "--batch", folder]
            + ["--seconds", str(limits.seconds), "--megabytes", str(limits.megabytes)],
            env={**os.environ, MARK: mark},
            stdout=subprocess.PIPE,
            check=False,
        )
        time.sleep(1)
        left = list(processes(mark))
    outcome = json.loads(ended.stdout) if ended.returncode == 0 else {"crash": ended.returncode}
    sys.exit(report(made, outcome, left, options.list))


def write(corpus: Path, pdfs: int, pages: int, seed: int) -> dict[str, str]:
    """Fill a folder. Returns how each file was made, by its name; sound ones are `sound`."""
    corpus.mkdir(parents=True)
    made: dict[str, str] = {}
    for mutants in (mutated_pdfs(range(pdfs), seed), mutated_pages(range(pages), seed)):
        for one in mutants:
            (corpus / one.name).write_bytes(one.content)
            made[one.name] = f"{Path(one.name).suffix.lstrip('.')} {one.how}"
    for file in [*(CORPUS / "pdf").glob("*.pdf"), *(CORPUS / "wiki" / "handbook").rglob("*.md")]:
        name = f"sound-{file.name}"
        shutil.copy(file, corpus / name)
        made[name] = "sound"
    return made


def batch(folder: Path, limits: ParseLimits) -> dict[str, Any]:
    """Sync the folder's corpus. What happened, with peaks of memory in bytes."""
    corpus, index = folder / "corpus", folder / "index"
    settings = SyncSettings(ChunkSettings(256), limits=limits)
    began, failures, crash = time.perf_counter(), list[list[str]](), None
    try:
        done = sync([(corpus, "hostile")], index, HashedWords(32), settings)
        failures = [[one.path, one.reason] for one in done.failures]
    except Exception:  # that nothing ends the batch is what is measured here
        crash = traceback.format_exc()
    seconds = time.perf_counter() - began
    read: list[str] = []
    chunks = 0
    if crash is None:
        with closing(connect(index)) as connection:
            read = [row[0] for row in connection.execute("SELECT DISTINCT file FROM documents")]
            chunks = connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
    return {
        "crash": crash,
        "failures": failures,
        "read": read,
        "unknown": [file.name for file in corpus.iterdir() if kind_of(file) is None],
        "chunks": chunks,
        "seconds": seconds,
        "peaks": [peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024],
    }


def peak() -> int:
    """The most bytes of memory that this process had; `getrusage` adds what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def processes(mark: str) -> Iterator[str]:
    """The command lines of the processes that carry the mark."""
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes():
                yield (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def report(made: dict[str, str], outcome: dict[str, Any], left: list[str], every: bool) -> int:
    """Print it all. Returns the exit status."""
    if outcome["crash"]:
        print(f"the batch died: {outcome['crash']}")
        return 1
    named: dict[str, list[str]] = defaultdict(list)
    for path, reason in outcome["failures"]:
        named[path.partition("#")[0]].append(reason)
    read, unknown = set(outcome["read"]), set(outcome["unknown"])
    print(f"{'made by':24} {'files':>6} {'read':>6} {'named':>6} {'both':>6} {'no kind':>8}")
    for way in sorted(set(made.values())):
        files = {name for name, how in made.items() if how == way}
        both = len(files & read & named.keys())
        counts = (len(files), len(files & read), len(files & named.keys()), both)
        print(f"{way:24} " + " ".join(f"{n:6}" for n in counts) + f" {len(files & unknown):8}")
    lost = sorted(made.keys() - read - named.keys() - unknown)
    missing = sorted(name for name, how in made.items() if how == "sound" and name not in read)
    print("\nwhy files and pages of dumps failed")
    for reason, count in Counter(classify(why) for whys in named.values() for why in whys).items():
        print(f"  {count:6} {reason}")
    if every:
        for path, reason in outcome["failures"]:
            print(f"  {path}: {reason}")
    own, workers = (peak >> 20 for peak in outcome["peaks"])
    print(
        f"\n{len(made)} files in {outcome['seconds']:.0f} s, {outcome['chunks']} chunks; peak "
        f"memory {own} MB in the sync, {workers} MB in a parser\ndeaths of the batch: 0; neither "
        f"read nor named: {len(lost)} {lost or ''}; sound files lost: {len(missing)} "
        f"{missing or ''}; processes left behind: {len(left)} {left or ''}"
    )
    return 1 if lost or missing or left else 0


def classify(reason: str) -> str:
    """The class of a reason, by its words."""
    return next((name for name, words in CLASSES if re.search(words, reason)), f"other: {reason}")


if __name__ == "__main__":
    main()
