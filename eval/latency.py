"""How long an answer takes: single calls, unbatched and uncached, as a user would wait for them."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.answering import Origins, Progress
from eval.arm import Arm
from eval.generate import Generator
from eval.questions import Question
from eval.retrieval_arms import Oracle, Rag
from eval.rows import Timing, append_timings, read_timings, write_timings
from service.llm import LLMError

CALLS = 30
"""Single calls timed for each arm."""


def measure(
    file: Path,
    arms: Sequence[tuple[str, int, Arm]],
    questions: Sequence[Question],
    generator: Generator,
    progress: Progress,
    calls: int = CALLS,
) -> None:
    """Time what is not timed yet. `arms`: the rows' name and seed with each arm.

    The questions are spread evenly over the list. One answer goes before, to warm up. Timings of
    another model or configuration under an arm's name are dropped. Raises `LLMError` where the
    model gives no reply.
    """
    origins = Origins(file.with_name(f"{file.stem}.origins.json"))
    count = min(calls, len(questions))
    sample = [questions[i * len(questions) // count] for i in range(count)]
    for name, seed, arm in arms if sample else ():
        timings, origin = read_timings(file), _origin(arm, sample[0], generator)
        if origins.known.get(name) != origin:
            timings = [timing for timing in timings if timing.arm != name]
            write_timings(file, timings)
            origins.note(name, origin)
        timed = {(timing.arm, timing.id) for timing in timings}
        missing = [question for question in sample if (name, question.id) not in timed]
        # The last one warms up: a server may still have the prompt of the call just before.
        for number, question in enumerate(missing[-1:] + missing):
            milliseconds = _once(arm, question, generator)
            if number:
                append_timings(file, [Timing(name, seed, question.id, round(milliseconds, 2))])
            progress(f"latency of {name}", number, len(missing))


def _origin(arm: Arm, question: Question, generator: Generator) -> str:
    """A digest of what is timed, by one of its calls."""
    request = arm.prepare(question).request
    model = generator.fingerprint(request.adapter) if request else ""
    told: list[Any] = [dict(arm.settings), request and asdict(request), model]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _once(arm: Arm, question: Question, generator: Generator) -> float:
    rag = arm.rag if isinstance(arm, Oracle) else arm
    if isinstance(rag, Rag):
        rag.retrieval.forget(question.question)
    started = time.perf_counter()
    prepared = arm.prepare(question)
    reply = generator.complete([prepared.request])[0] if prepared.request else None
    if isinstance(reply, LLMError):
        raise reply
    arm.finish(question, prepared, reply)
    return (time.perf_counter() - started) * 1000
