"""What does the service cost beyond its work, and does it stand a crowd?

    python -m bench.service [--seconds 10] [--load-seconds 60] [--skip-load | --skip-cost]

Costs: a stub stands in for the model's server and takes a known time; the service asks it by its
real client, and so does a FastAPI app that does nothing else, the floor. Prints latencies at one
client, what of them is beyond embedding, search and model, and the throughput at 1, 8 and 64
clients, with the ratios to the floor. Load: see `bench.service_load`. All of it runs on a copy of
the index, in processes of their own beside this one, which needs a core, too.
"""

import argparse
import asyncio
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.client import ROOT, Connection, Response, percentile, started
from bench.service_load import load

QUESTIONS = ROOT / "corpus" / "tasks" / "dev-questions.jsonl"

WARM = 5
"""Questions before any is counted: caches fill, connections open."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds of questions to one server, one after the other."""

    total: list[float]
    beyond: list[float]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--delay", type=float, default=0.2, help="seconds that the model takes")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each figure of cost")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--load-seconds", type=float, default=60.0)
    parser.add_argument("--load-clients", type=int, default=64)
    parser.add_argument("--swaps", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=16, help="questions at the model (load)")
    parser.add_argument("--queue", type=int, default=16, help="questions in line behind it (load)")
    parser.add_argument("--skip-load", action="store_true")
    parser.add_argument("--skip-cost", action="store_true")
    options = parser.parse_args()
    if not (options.index / "ragfirst.db").is_file():
        parser.error(f"no index in {str(options.index)!r}: make one by `ragfirst ingest`")
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        shutil.copytree(options.index, index)
        with started("-m", "bench.stub", "stub", "--delay", str(options.delay)) as model:
            if not options.skip_cost:
                costs(model, index, options.seconds, options.clients)
            if not options.skip_load:
                load(
                    model,
                    index,
                    Path(folder) / "editions",
                    questions(),
                    seconds=options.load_seconds,
                    clients=options.load_clients,
                    swaps=options.swaps,
                    concurrency=options.concurrency,
                    queue=options.queue,
                )


def questions() -> list[str]:
    """Those on the demo company that it was tuned with."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines]


def costs(model: str, index: Path, seconds: float, clients: Sequence[int]) -> None:
    """Print what the service costs beside the floor."""
    settings = {
        "OPENAI_BASE_URL": model,
        "RAGFIRST_INDEX": str(index),
        "RAGFIRST_ABSTAIN_BELOW": "0",  # every question is put to the model
        "RAGFIRST_LLM_CONCURRENCY": str(max(clients)),
        "RAGFIRST_LOG_LEVEL": "error",
    }
    with (
        started("-m", "bench.stub", "floor", "--model", model) as floor,
        started("ragfirst.py", "serve", "--port", "0", **settings) as service,
    ):
        asyncio.run(ready(service))
        _print_latencies(*asyncio.run(_one_client(model, floor, service, seconds)))
        rates = {
            name: [asyncio.run(_rate(address, seconds, count)) for count in clients]
            for name, address in (("floor", floor), ("service", service))
        }
    print("\nanswers a second" + "".join(f"{count:>9}" for count in clients) + "  clients")
    for name, values in rates.items():
        print(f"  {name:14}" + "".join(f"{value:9.1f}" for value in values))
    pairs = zip(rates["service"], rates["floor"], strict=True)
    print(f"  {'ratio':14}" + "".join(f"{ours / bare:9.2f}" for ours, bare in pairs), flush=True)


async def ready(address: str) -> None:
    """Wait until questions are answered."""
    connection = Connection(address)
    while (await connection.post("/v1/search", {"query": "ready?"})).status == 503:
        await asyncio.sleep(0.2)
    connection.close()


async def _one_client(
    model: str, floor: str, service: str, seconds: float
) -> tuple[float, Costs, Costs]:
    """Milliseconds in the middle that the stub takes by itself, and what floor and service take.

    In turns, so that what else the machine does falls on all of them.
    """
    alone, below, above = Connection(model), Connection(floor), Connection(service)
    own, floors, services = list[float](), list[Response](), list[Response]()
    end = time.monotonic() + 3 * seconds
    for question in itertools.cycle(questions()):
        if time.monotonic() >= end and len(own) > WARM:
            break
        own.append((await alone.post("/v1/chat/completions", {"messages": []})).seconds * 1000)
        floors.append(await below.post("/v1/answer", {"question": question}))
        services.append(await above.post("/v1/answer", {"question": question}))
    for one in (alone, below, above):
        one.close()
    middle = percentile(own[WARM:], 0.5)
    return middle, _costs(floors[WARM:], middle), _costs(services[WARM:], middle)


def _costs(found: Sequence[Response], alone: float) -> Costs:
    costs = Costs([], [])
    for one in found:
        _check(one)
        total = one.seconds * 1000
        spent = one.json().get("timings_ms", {"embed": 0.0, "search": 0.0})
        costs.total.append(total)
        costs.beyond.append(total - alone - spent["embed"] - spent["search"])
    return costs


async def _rate(address: str, seconds: float, clients: int) -> float:
    """Answers a second."""
    order, done = itertools.cycle(questions()), 0
    end = time.monotonic() + seconds

    async def ask() -> int:
        connection, count = Connection(address), 0
        while time.monotonic() < end:
            _check(await connection.post("/v1/answer", {"question": next(order)}))
            count += 1
        connection.close()
        return count

    begun = time.monotonic()
    done = sum(await asyncio.gather(*(ask() for _ in range(clients))))
    return done / (time.monotonic() - begun)


def _check(found: Response) -> None:
    if found.status != 200:
        raise RuntimeError(f"answered with {found.status}: {found.body.decode()[:300]}")


def _print_latencies(alone: float, below: Costs, above: Costs) -> None:
    print(f"one client, {len(above.total)} questions, milliseconds      p50      p99")
    print(f"  {'model alone':38}{alone:9.2f}")
    for name, values in (
        ("floor", below.total),
        ("service", above.total),
        ("floor, beyond the model", below.beyond),
        ("service, beyond embed, search, model", above.beyond),
    ):
        print(f"  {name:38}{percentile(values, 0.5):9.2f}{percentile(values, 0.99):9.2f}")
    ours, bare = percentile(above.beyond, 0.5), percentile(below.beyond, 0.5)
    print(f"  {'service over floor':38}{ours - bare:9.2f}   ratio {ours / bare:.2f}", flush=True)


if __name__ == "__main__":
    main()
