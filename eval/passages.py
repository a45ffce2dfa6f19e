"""passages.jsonl: the text of every passage that a run's rows name."""

import json
from collections.abc import Sequence
from pathlib import Path

from eval.evidence import chunk_name
from eval.rows import UnreadableRows, append_lines, read_lines
from ingest.stored import StoredChunk


class Passages:
    """The passages of a run folder, each written once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.texts = read_passages(file)

    def keep(self, chunks: Sequence[StoredChunk]) -> None:
        """Write those that are not there yet."""
        fresh = {chunk_name(one): one.text for one in chunks if chunk_name(one) not in self.texts}
        if fresh:
            self.texts |= fresh
            lines = [
                json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n"
                for name, text in fresh.items()
            ]
            append_lines(self._file, lines)


def read_passages(file: Path) -> dict[str, str]:
    """The texts by name; a line that a kill cut off is left out.

    Raises `UnreadableRows` for any other line that is wrong.
    """
    texts: dict[str, str] = {}
    for value, place in read_lines(file):
        name, text = value.get("id"), value.get("text")
        if not isinstance(name, str) or not isinstance(text, str):
            raise UnreadableRows(f"{place}: not a passage: the texts 'id' and 'text' are wanted")
        texts[name] = text
    return texts
