"""The page at / in a real browser: a pump house's documents, a scripted model, and ways to ask."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page

from ingest.embed import Embedder
from ingest.snapshot import Reader
from service.answer import Answerer
from service.llm import LLM, LLMError, Message, Reply, Say, Stopped
from tests.pumphouse import CAPACITY

PUMP = "How many litres does the Orlo pump move in a minute?"
FERRY = "Which colour is the hull of the Sable ferry?"
MAST = "What is the height of the mast?"
HELD = "Who built the Orlo pump?"
BROKEN = "How heavy is the Orlo pump?"
REPLIES: dict[str, str | LLMError] = {
    PUMP: "The Orlo pump moves 430 litres in a minute [1].",
    FERRY: "The hull of the Sable ferry is vermilion.",
    MAST: "I don't know.",
    HELD: "The Orlo pump was built by Teodora Vance.",
    BROKEN: LLMError("the model's server refused the connection: start it and ask again"),
}

VIEWER = "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/"
"""Chromium's own viewer of PDFs, which asks itself for its parts."""


class HalfWay:
    """A `StreamingLLM` that says the first piece, and the others once `release` is set.

    `stopped` is set where it was stopped in between.
    """

    name = "half-way"

    def __init__(self, *pieces: str) -> None:
        self.release = threading.Event()
        self.stopped = threading.Event()
        self._pieces = pieces

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        return self.stream(messages, max_tokens, lambda _: None, threading.Event())

    def stream(
        self, messages: Sequence[Message], max_tokens: int, say: Say, stop: threading.Event
    ) -> Reply:
        first, *others = self._pieces
        say(first)
        while not self.release.wait(0.05):
            if stop.is_set():
                self.stopped.set()
                raise Stopped
        for piece in others:
            say(piece)
        return Reply("".join(self._pieces), self.name, 10, len(self._pieces))


class Capacity:
    """An `LLM` that says the pump's capacity where it stands in the passages, else knows not."""

    name = "capacity"

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        found = CAPACITY in messages[-1].content
        text = f"{CAPACITY} [1]" if found else "I don't know."
        return Reply(text, self.name, 10, len(text.split()))


def answerer_over(index: Path, embedder: Embedder, model: LLM) -> Answerer:
    """One that leaves abstaining to the model."""
    return Answerer(Reader(index, embedder), embedder, model, abstain_below=0.0)


@contextmanager
def page_of(chromium: Browser) -> Generator[Page]:
    """A page that nothing is kept of; closed before the servers are, which it would hold up."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def box(page: Page) -> Locator:
    return page.get_by_label("Ask the documents")


def ask(page: Page, question: str) -> None:
    box(page).fill(question)
    page.keyboard.press("Enter")


def last(page: Page, within: str = "", has_text: str | None = None) -> Locator:
    """The newest turn, or what is in it."""
    return page.locator(f".turn:last-child {within}", has_text=has_text)


def overflow(page: Page) -> int:
    return page.evaluate("(root => root.scrollWidth - root.clientWidth)(document.documentElement)")
