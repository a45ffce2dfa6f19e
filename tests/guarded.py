"""The app behind its guard, over a small real index in which each collection has a word."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from service.answer import Answerer
from service.app import create_app
from service.keys import Keys
from service.llm import LLM, Message, Reply
from service.loading import Loading
from service.settings import ServiceSettings
from tests.corpora import reader, run, write
from tests.fakes import FakeEmbedder

QUESTION = "How long is the tow tank at Tullaweir?"

COLLECTIONS = {
    "open-osprey": {
        "osprey/tank.md": "# Osprey tank\n\nThe tank that the osprey watches is at Tullaweir.\n",
        "osprey/crane.md": "# Osprey crane\n\nThe crane at Oxmoor, an osprey on it, lifts nine.\n",
    },
    "staff-stoat": {
        "stoat/pay.md": "# Stoat pay\n\nThe stoat that cleans the tow tank is paid monthly.\n",
    },
    "board-basilisk": {
        "basilisk/plan.md": "# Basilisk: how long is the tow tank at Tullaweir?\n\n"
        "How long is the tow tank at Tullaweir? The tow tank at Tullaweir is long: a basilisk.\n",
    },
}
"""The one of the last is the best match for `QUESTION`."""

MARKS = {"open-osprey": "osprey", "staff-stoat": "stoat", "board-basilisk": "basilisk"}
"""Stands in a collection's name and in each title, text and path of it, and nowhere else."""


class Parrot:
    """An `LLM` that replies with all that it was shown."""

    name = "parrot"

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        shown = "\n".join(message.content for message in messages)
        return Reply(shown, self.name, 30, 12)


def build(folder: Path, *names: str) -> Path:
    """The index of these collections, of all unless some are named."""
    for name, files in COLLECTIONS.items():
        write(folder / name, files)
    run(folder / "index", *(folder / name for name in names or COLLECTIONS))
    return folder / "index"


@dataclass
class Guarded:
    """A service over an index folder; `keys` are those that it looks at."""

    index: Path
    address: str = "0.0.0.0"
    llm: LLM = field(default_factory=Parrot)
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    keys_file: Path | None = None

    @property
    def keys(self) -> Keys:
        return Keys(self.keys_file or self.index / "keys.db")

    def key(self, name: str, *collections: str, **rights: Any) -> dict[str, str]:
        """The headers of a new key; it reads all collections unless some are named."""
        _, text = self.keys.create(name, frozenset(collections) or None, **rights)
        return {"Authorization": f"Bearer {text}"}

    def client(self, host: str = "localhost", **settings: Any) -> TestClient:
        """A client of a new app, whose requests name this host."""
        given = ServiceSettings(index=self.index, **{**self.settings, **settings})
        answerer = Answerer(reader(self.index), FakeEmbedder(), self.llm, abstain_below=0)
        app = create_app(Loading(given, answerer), self.address)
        return TestClient(app, f"http://{host}", raise_server_exceptions=False)
