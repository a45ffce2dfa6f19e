"""The app over a few wiki pages, on a real port, with a model of the test's own."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from service.answer import Answerer
from service.llm import LLM
from service.loading import Loading
from service.settings import ServiceSettings
from tests.corpora import reader, run, write
from tests.fakes import FakeEmbedder
from tests.serving import serving

QUESTION = "How long is the tow tank at Tullaweir?"
QUOTE = "The tow tank at Tullaweir is 62 metres long."
WIKI = {
    "tank.md": f"# The tow tank\n\n{QUOTE}\n",
    "crane.md": "# The crane\n\nThe crane at Oxmoor lifts nine tonnes.\n",
}


def index(folder: Path) -> Path:
    """The index of `WIKI`, made in a folder."""
    write(folder / "wiki", WIKI)
    run(folder / "index", folder / "wiki")
    return folder / "index"


@contextmanager
def served(index: Path, llm: LLM, *, abstain_below: float = 0.0) -> Generator[str]:
    """The address of the app."""
    answerer = Answerer(reader(index), FakeEmbedder(), llm, abstain_below=abstain_below)
    with serving(Loading(ServiceSettings(), answerer)) as address:
        yield address
