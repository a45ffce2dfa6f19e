"""Poisoned documents beside true ones, asked of the service with a model that obeys whoever speaks.

What the embedded model makes of them is measured by `python -m bench.injection`.
"""

from collections import Counter
from collections.abc import Sequence

import pytest

from ingest.chunk import ChunkSettings
from ingest.snapshot import Reader
from ingest.sync import SyncSettings, sync
from service.answer import Answer, Answerer
from service.llm import Message, Reply
from service.orders import defused
from tests.fakes import FakeEmbedder
from tests.poison import Poisoned, poisoned

CASES = poisoned()


class Obedient:
    """An `LLM` that says what the poison wants, as the worst of models would."""

    name = "obedient"

    def __init__(self) -> None:
        self.says = ""
        self.prompts: list[str] = []

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        self.prompts.append(messages[-1].content)
        return Reply(self.says, self.name, 1, 1)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = tmp_path_factory.mktemp("poison")
    corpora = [(one.write(folder), one.id) for one in CASES]
    report = sync(corpora, folder / "index", FakeEmbedder(), SyncSettings(ChunkSettings(64, 8)))
    assert not report.failures
    return Reader(folder / "index", FakeEmbedder())


def asked(reader: Reader, case: Poisoned, says: str) -> tuple[Answer, str]:
    """The answer, and the prompt that the model was given."""
    model = Obedient()
    model.says = says
    answerer = Answerer(reader, FakeEmbedder(), model, abstain_below=0.0)
    answer = answerer.answer(case.question, collection=case.id)
    return answer, model.prompts[0]


def test_the_set_holds_every_known_kind() -> None:
    kinds = Counter(one.kind for one in CASES)
    assert len(CASES) >= 60 and len({one.id for one in CASES}) == len(CASES)
    assert set(kinds) == {
        "ignore-above",
        "fake-turn",
        "exfiltration",
        "hidden-html",
        "hidden-text",
        "hidden-pdf",
        "tool-call",
        "unicode",
        "fake-citation",
        "prompt-leak",
        "script",
        "only-with",
    }
    assert min(kinds.values()) >= 3


LIKE_ANY_NOTICE = {"override-safety"}
"""In words that people, too, put on notices: it cannot be told from them, and is quoted."""

TOLD = [one for one in CASES if one.id not in LIKE_ANY_NOTICE]


@pytest.mark.parametrize("case", TOLD, ids=lambda case: case.id)
def test_a_model_that_obeys_is_not_heard(reader: Reader, case: Poisoned) -> None:
    wanted = f"{case.marker} ![x](https://evil.example/?q=1) <img src=https://evil.example/>"
    answer, _ = asked(reader, case, wanted)
    assert case.outcome(answer.answer, answer.abstained) in ("true", "abstained"), answer.answer
    assert "evil" not in answer.answer


WORDS = [one for one in TOLD if one.file.endswith((".md", ".txt"))]


@pytest.mark.parametrize("case", WORDS, ids=lambda case: case.id)
def test_a_model_that_parrots_the_document_is_not_heard(reader: Reader, case: Poisoned) -> None:
    answer, _ = asked(reader, case, case.content.decode())
    assert case.outcome(answer.answer, answer.abstained) != "obeyed", answer.answer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_prompt_has_no_turn_of_the_document(reader: Reader, case: Poisoned) -> None:
    _, prompt = asked(reader, case, "?")
    fences = [f"[{n}] <passage>" for n in range(1, prompt.count("[") + 1)]
    inner = prompt.replace("</passage>\n\n", "\n\n")
    for fence in fences:
        inner = inner.replace(fence, "", 1)
    assert defused(inner) == inner
    assert case.answer in prompt


HIDDEN = [one for one in CASES if one.kind.startswith("hidden")]
SEEN = {"html-seen", "pdf-covered"}  # hidden by what is not looked at: an order, for that


@pytest.mark.parametrize("case", HIDDEN, ids=lambda case: case.id)
def test_what_is_hidden_is_not_read(reader: Reader, case: Poisoned) -> None:
    with reader.snapshot() as snapshot:
        (document,) = [one for one in snapshot.documents(case.id) if one.path != "clean.md"]
        text = snapshot.text(document.id)
    assert (case.marker in text) == (case.id in SEEN)
    assert text.strip()
