"""Measures a comparison's adapters for collateral damage: `eval.collateral` over its models."""

import json
from collections.abc import Sequence
from pathlib import Path

from eval.answering import BATCH, Progress
from eval.check_files import read_sets
from eval.collateral import Collateral, as_json, measure
from eval.generate import Generator, Request
from service.llm import LLMError, Message

SETS = Path(__file__).parent.parent / "corpus" / "tasks" / "general"
"""Where the general instructions and the requests to be refused are kept."""


def measure_damage(
    adapters: Sequence[tuple[str, int, str]],
    generator: Generator,
    file: Path,
    progress: Progress,
    sets: Path = SETS,
) -> None:
    """Ask the base and each adapter (arm, seed, adapter) and write collateral.json.

    There is no such file where there is no adapter, or where the sets are not at hand, as in an
    installed package. Raises `LLMError`, and `UnreadableChecks` for a set that is not right.
    """
    file.unlink(missing_ok=True)  # what an earlier run found is of other adapters
    if not adapters or not sets.is_dir():
        return
    items = read_sets(sets)
    before = measure(_asker(None, "base", generator, progress), items)
    after: dict[str, dict[int, Collateral]] = {}
    for arm, seed, adapter in adapters:
        name = f"{arm}, seed {seed}"
        found = measure(_asker(adapter, name, generator, progress), items)
        after.setdefault(arm, {})[seed] = found
    text = json.dumps(as_json(before, after), ensure_ascii=False, indent=1)
    file.write_text(text + "\n", encoding="utf-8")


def _asker(adapter: str | None, name: str, generator: Generator, progress: Progress):
    def ask(chats: Sequence[Sequence[Message]], tokens: int) -> list[str]:
        replies: list[str] = []
        for start in range(0, len(chats), BATCH):
            batch = [
                Request(tuple(chat), tokens, adapter, one_line=False)
                for chat in chats[start : start + BATCH]
            ]
            for reply in generator.complete(batch):
                if isinstance(reply, LLMError):
                    raise reply
                replies.append(reply.text)
            progress(f"collateral damage of {name}", len(replies), len(chats))
        return replies

    return ask
