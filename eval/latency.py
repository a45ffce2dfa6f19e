"""How long an answer takes: single calls, unbatched and uncached, as a user would wait for them."""

import time
from collections.abc import Sequence
from pathlib import Path

from eval.answering import Progress
from eval.arm import Arm
from eval.generate import Generator
from eval.questions import Question
from eval.retrieval_arms import Oracle, Rag
from eval.rows import Timing, append_timings, read_timings
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

    The questions are spread evenly over the list. One answer goes before, to warm up. Raises
    `LLMError` where the model gives no reply.
    """
    timed = {(timing.arm, timing.id) for timing in read_timings(file)}
    count = min(calls, len(questions))
    sample = [questions[i * len(questions) // count] for i in range(count)]
    for name, seed, arm in arms:
        missing = [question for question in sample if (name, question.id) not in timed]
        # The last one warms up: a server may still have the prompt of the call just before.
        for number, question in enumerate(missing[-1:] + missing):
            milliseconds = _once(arm, question, generator)
            if number:
                append_timings(file, [Timing(name, seed, question.id, round(milliseconds, 2))])
            progress(f"latency of {name}", number, len(missing))


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
