"""A crowd asks while the index is exchanged beneath it.

Half of the questions are about pages that each edition writes anew, and that all name their edition
and are published together: an answer that names two, or another than its generation's, mixes
generations. The rest are about the documents that stay. A 429 is waited out as its Retry-After
says. It ends when the time is over and the last edition published. `python -m bench.service` runs
it.
"""

import asyncio
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import ROOT, Connection, Response, percentile, started

TOPICS = ("weir", "mill", "sluice", "ford")
EDITION = "What does the gauge at the {} of Ebbenholt read in this edition?"
TEXT = (
    "# The {topic} of Ebbenholt\n\n"
    "Edition {number} of this page: the gauge at the {topic} of Ebbenholt reads {number}0 metres.\n"
)
COLLECTION = "editions"


@dataclass(slots=True)
class Tally:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    unexplained: int = 0
    broken: Counter[str] = field(default_factory=Counter[str])
    mixed: list[str] = field(default_factory=list[str])
    seconds: list[float] = field(default_factory=list[float])
    editions: dict[int, set[int]] = field(default_factory=dict[int, set[int]])
    lasted: float = 0.0


def load(
    model: str,
    index: Path,
    pages: Path,
    questions: Sequence[str],
    *,
    seconds: float,
    clients: int,
    swaps: int,
    concurrency: int,
    queue: int,
) -> None:
    """Run it on an index that may be changed, and print what came back."""
    settings = {
        "OPENAI_BASE_URL": model,
        "RAGFIRST_INDEX": str(index),
        "RAGFIRST_ABSTAIN_BELOW": "0",
        "RAGFIRST_LLM_CONCURRENCY": str(concurrency),
        "RAGFIRST_QUEUE": str(queue),
        "RAGFIRST_LOG_LEVEL": "error",
    }
    pages.mkdir()
    asyncio.run(_publish(index, pages, 1))
    with started("ragfirst.py", "serve", "--port", "0", **settings) as address:
        tally = asyncio.run(_run(address, index, pages, questions, seconds, clients, swaps))
    _print(tally, clients, swaps)


async def _publish(index: Path, pages: Path, number: int) -> None:
    """Write an edition and have the batch command ingest it, as an operator would."""
    for topic in TOPICS:
        (pages / f"{topic}.md").write_text(TEXT.format(topic=topic, number=number))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("ragfirst.py", "ingest", str(pages), "--index", str(index), "--collection", COLLECTION),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the index could not be exchanged: {said.decode()}")


async def _run(
    address: str,
    index: Path,
    pages: Path,
    questions: Sequence[str],
    seconds: float,
    clients: int,
    swaps: int,
) -> Tally:
    waiting = Connection(address)
    while (await waiting.post("/v1/search", {"query": "ready?"})).status == 503:
        await asyncio.sleep(0.2)
    waiting.close()
    tally, begun, published = Tally(), time.monotonic(), asyncio.Event()

    async def swap() -> None:
        for number in range(swaps):
            await asyncio.sleep(max(begun + seconds * number / swaps - time.monotonic(), 0))
            await _publish(index, pages, number + 2)
        await asyncio.sleep(max(begun + seconds - time.monotonic(), seconds / 10))
        published.set()

    asking = [
        _ask(address, questions, random.Random(at), published, tally) for at in range(clients)
    ]
    await asyncio.gather(swap(), *asking)
    tally.lasted = time.monotonic() - begun
    return tally


async def _ask(
    address: str,
    questions: Sequence[str],
    dice: random.Random,
    over: asyncio.Event,
    tally: Tally,
) -> None:
    connection = Connection(address)
    while not over.is_set():
        about = dice.random() < 0.5
        question = EDITION.format(dice.choice(TOPICS)) if about else dice.choice(questions)
        try:
            found = await connection.post("/v1/answer", {"question": question})
        except (OSError, EOFError) as error:
            tally.broken[type(error).__name__] += 1
            continue
        tally.statuses[found.status] += 1
        if found.status == 200:
            tally.seconds.append(found.seconds)
            compare(found, tally)
        elif found.status == 429:
            wait = found.headers.get("retry-after", "")
            tally.unexplained += not wait.isdecimal()
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), float(wait or 1))
    connection.close()


def compare(found: Response, tally: Tally) -> None:
    """Note the editions that an answer names, and whether they are its generation's."""
    body = found.json()
    named = {
        int(number)
        for citation in body["citations"]
        for number in re.findall(r"Edition (\d+) of this page", citation["quote"])
    }
    known = tally.editions.setdefault(body["generation"], set())
    known |= named
    others = [found for one, found in tally.editions.items() if one != body["generation"]]
    if len(known) > 1 or any(known & other for other in others):
        tally.mixed.append(f"generation {body['generation']}: editions {sorted(known)}")


def _print(tally: Tally, clients: int, swaps: int) -> None:
    answered, refused = tally.statuses[200], tally.statuses[429]
    failed = sum(count for status, count in tally.statuses.items() if status >= 500)
    other = sum(tally.statuses.values()) - answered - refused - failed
    rate = answered / tally.lasted
    print(f"\n{clients} clients, {tally.lasted:.0f} s, {swaps} exchanges of the index")
    print(f"  answered                     {answered:7}  {rate:.1f} a second")
    print(f"  told to come back (429)      {refused:7}  without Retry-After: {tally.unexplained}")
    print(f"  failed (5xx)                 {failed:7}  {_failures(tally)}")
    print(f"  other statuses               {other:7}")
    print(f"  connections broken           {tally.broken.total():7}  {dict(tally.broken)}")
    print(f"  generations answered from    {len(tally.editions):7}  {sorted(tally.editions)}")
    print(f"  answers that mix generations {len(tally.mixed):7}  {tally.mixed[:3]}")
    p50, p99 = (percentile(tally.seconds, share) * 1000 for share in (0.5, 0.99))
    print(f"  milliseconds                 p50 {p50:.0f}, p99 {p99:.0f}", flush=True)


def _failures(tally: Tally) -> str:
    found = {status: count for status, count in tally.statuses.items() if status >= 500}
    return ", ".join(f"{status}: {count}" for status, count in sorted(found.items()))
