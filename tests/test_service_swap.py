"""The index is exchanged beneath questions: each answer is of one generation, old or new."""

import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from service.answer import Answerer
from service.loading import Loading
from service.settings import ServiceSettings
from tests.corpora import reader, run, write
from tests.fakes import FakeEmbedder, OneReply
from tests.servers import GUARD, within
from tests.serving import serving

SWAPS = 5
QUESTION = "What does the gauge read at the weir of the mill?"
TOPICS = ("weir", "mill", "sluice")


def edition(folder: Path, number: int) -> None:
    """All pages anew, each naming the edition, which is the generation that it comes with."""
    text = "# The {}\n\nEdition {}: the gauge at the {} of the mill reads {} metres.\n"
    write(
        folder / "wiki",
        {f"{topic}.md": text.format(topic, number, topic, number + 40) for topic in TOPICS},
    )
    run(folder / "index", folder / "wiki")


def search(client: httpx.Client) -> Any:
    hits = client.post("/v1/search", json={"query": QUESTION}).raise_for_status().json()["hits"]
    return None, [hit["text"] for hit in hits]


def answer(client: httpx.Client) -> Any:
    body = client.post("/v1/answer", json={"question": QUESTION}).raise_for_status().json()
    return body["generation"], [one["quote"] for one in body["citations"]]


def stream(client: httpx.Client) -> Any:
    asked = {"question": QUESTION, "stream": True}
    text = client.post("/v1/answer", json=asked).raise_for_status().text
    return int(re.findall(r'"generation": (\d+)', text)[-1]), [text]


def editions(texts: list[str]) -> set[int]:
    return {int(number) for text in texts for number in re.findall(r"Edition (\d+)", text)}


def test_no_answer_mixes_generations(tmp_path: Path) -> None:
    edition(tmp_path, 1)
    llm = OneReply("Not said in any passage.")  # so that the answer is made of quotes
    answerer = Answerer(reader(tmp_path / "index"), FakeEmbedder(), llm, abstain_below=0.0)
    seen: set[int] = set()

    def ask(kind: Callable[[httpx.Client], Any], address: str) -> None:
        with httpx.Client(base_url=address, timeout=GUARD) as client:
            last = 0
            while last <= SWAPS:
                generation, texts = kind(client)
                (found,) = editions(texts)
                assert generation in (None, found)
                assert found >= last, "an older generation after a newer one"
                last = found
                seen.add(found)

    with serving(Loading(ServiceSettings(), answerer)) as address:
        with ThreadPoolExecutor(6) as threads:
            asking = [threads.submit(ask, kind, address) for kind in (search, answer, stream) * 2]
            for number in range(1, SWAPS + 1):
                within(lambda number=number: _until(seen, number, asking))
                edition(tmp_path, number + 1)
            for one in asking:
                one.result(GUARD)
    assert seen == set(range(1, SWAPS + 2))


def _until(seen: set[int], number: int, asking: list[Future[None]]) -> None:
    while number not in seen and not any(one.done() for one in asking):
        time.sleep(0.005)
