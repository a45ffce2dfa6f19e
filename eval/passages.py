"""passages.jsonl: the text of every passage that a run's rows name."""

import json
from collections.abc import Sequence
from pathlib import Path

from eval.evidence import chunk_name
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
            with self._file.open("a", encoding="utf-8") as out:
                out.write("".join(lines))


def read_passages(file: Path) -> dict[str, str]:
    """The texts by name; a line that a kill cut off is left out."""
    if not file.is_file():
        return {}
    texts: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        texts[value["id"]] = value["text"]
    return texts
