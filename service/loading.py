"""Loading index and models behind a server that already listens, and saying what is missing."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from ingest.embed import Embedder
from ingest.schema import IndexRefused
from ingest.snapshot import Reader
from service.answer import Answerer
from service.fuse import Weights
from service.llm import LLM, LLMError
from service.models import load_others, other_answerers
from service.problems import NotReady
from service.queue import Queue
from service.retrieve import RetrievalSettings
from service.settings import LOCAL_TOKENS, SERVER_TOKENS, ServiceSettings

READER = Path(__file__).parent / "reader"
"""The packaged adapter, made by `python -m bench.reader --keep service/reader`.

Why it does not read by default: docs/decisions/2026-11-24-embedded-reader.md."""

PACKAGED = "packaged"
"""What the setting `reader` calls it."""

LONGEST_PAUSE = 30.0
"""Seconds between two tries to reach the model's server; they begin short and double."""

_Part = TypeVar("_Part")


def load_embedder(settings: ServiceSettings) -> Embedder:
    """The embedder of the settings. Raises `UnknownEmbedder`."""
    from ingest.embed import SentenceEmbedder

    return SentenceEmbedder(settings.embedder, threads=settings.threads)


def load_llm(settings: ServiceSettings) -> LLM:
    """The model of the settings: a server's where one is named, else the packaged one.

    A model in this process reads as it comes, or by the adapter of the setting `reader`.

    Raises `LLMError`.
    """
    if settings.remote:
        from service.openai_chat import OpenAIChat

        return OpenAIChat(
            base_url=settings.openai_base_url,
            api_key=key.get_secret_value() if (key := settings.openai_api_key) else None,
            model=settings.model,
            timeout=settings.llm_timeout,
        )
    from service.local_chat import DEFAULT, LocalChat

    llm = LocalChat(settings.model or DEFAULT, cache=Path(settings.cache), threads=settings.threads)
    if settings.reader == "none":
        return llm
    folder = READER if settings.reader == PACKAGED else Path(settings.reader)
    return llm.beside(f"{llm.name}-reader", folder)


def load_answerer(settings: ServiceSettings) -> Answerer:
    """Index, embedder and model, one after the other. Raises what each of them raises."""
    embedder = load_embedder(settings)
    reader = Reader(settings.index, embedder)
    return make_answerer(settings, reader, embedder, load_llm(settings))


def make_answerer(
    settings: ServiceSettings, reader: Reader, embedder: Embedder, llm: LLM
) -> Answerer:
    """The answerer of the settings over parts that are loaded."""
    adapted = bool(getattr(llm, "adapted", False))
    return Answerer(
        reader,
        embedder,
        llm,
        retrieval_settings(settings),
        settings.max_tokens or (SERVER_TOKENS if settings.remote else LOCAL_TOKENS),
        settings.abstain_below,
        # Who has learnt to answer from passages needs no worked examples, and says too readily that
        # it does not know: the scores of the passages say that better.
        examples=not adapted,
        believed=not adapted,
        queue=Queue(settings.llm_concurrency if settings.remote else 1, settings.queue),
    )


def retrieval_settings(settings: ServiceSettings) -> RetrievalSettings:
    """The part of the settings that retrieval takes."""
    weights = Weights(settings.dense_weight, settings.sentence_share, settings.title_weight)
    return RetrievalSettings(settings.top_k, settings.candidates, weights)


class Loading:
    """Loads in a thread of its own.

    An index that is not there yet is looked for again, and so is a model's server that is not up.
    """

    def __init__(
        self, settings: ServiceSettings, answerer: Answerer | None = None, *, pause: float = 1.0
    ) -> None:
        """With an `answerer` there is nothing left to load.

        `pause`: seconds before the model's server is tried for the second time.
        """
        self._settings = settings
        self._answerer = answerer
        self._embedder: Embedder | None = None
        self._llm: LLM | None = None
        self._others: dict[str, LLM] | None = None if settings.models else {}
        self._by_name: dict[str, Answerer] = {}
        self._problems: dict[str, str] = {}
        self._pause = pause
        self._closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def settings(self) -> ServiceSettings:
        """What it loads by."""
        return self._settings

    def start(self) -> threading.Thread:
        """Begin, and return the thread at once."""
        thread = threading.Thread(target=self._load, name="loading", daemon=True)
        thread.start()
        return thread

    def waiting_for(self) -> list[str]:
        """What is not loaded, each with the reason where loading it failed; empty when ready."""
        if self._try_index():
            return []
        parts = {
            "embedder": self._embedder,
            "model": self._llm,
            "models": self._others,
            "index": None,
        }
        return [
            f"{name}: {self._problems.get(name, 'loading')}"
            for name, part in parts.items()
            if part is None
        ]

    def answerer(self) -> Answerer:
        """The loaded answerer. Raises `NotReady`, naming what is missing."""
        found = self._try_index()
        if found is None:
            raise NotReady("not ready; waiting for " + "; ".join(self.waiting_for()))
        return found

    async def ready(self) -> Answerer:
        """As `answerer`, from an event loop, which loading an index would hold up."""
        return self._answerer or await run_in_threadpool(self.answerer)

    def others(self) -> Mapping[str, Answerer]:
        """Answerers with the models beside the first, by name; none until all is loaded."""
        return self._by_name

    def close(self) -> None:
        """Stop loading, and end what waits for a model's server."""
        self._closing.set()
        self._close_llm()

    def _load(self) -> None:
        self._embedder = self._part("embedder", load_embedder)
        self._llm = self._part("model", load_llm)
        if (first := self._llm) and self._others is None:
            self._others = self._part("models", lambda settings: load_others(settings, first))
        if self._closing.is_set():
            self._close_llm()
        self._try_index()

    def _part(self, name: str, load: Callable[[ServiceSettings], _Part]) -> _Part | None:
        """Load it; None where that fails for good."""
        pause = self._pause
        while not self._closing.is_set():
            try:
                return load(self._settings)
            except Exception as error:  # whatever it is, /health/ready has to name it
                self._problems[name] = _words(error)
                if not (isinstance(error, LLMError) and self._settings.remote):
                    return None
            self._closing.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        return None

    def _close_llm(self) -> None:
        for llm in (self._llm, *(self._others or {}).values()):
            if close := getattr(llm, "close", None):
                close()

    def _try_index(self) -> Answerer | None:
        with self._lock:
            others = self._others
            if self._answerer is None and self._embedder and self._llm and others is not None:
                try:
                    reader = Reader(self._settings.index, self._embedder)
                except Exception as error:
                    self._problems["index"] = _words(error)
                else:
                    found = make_answerer(self._settings, reader, self._embedder, self._llm)
                    self._by_name = other_answerers(self._settings, found, others)
                    self._answerer = found
            return self._answerer


def _words(error: Exception) -> str:
    """The message of an error that is meant for people; others with their kind before it."""
    if isinstance(error, IndexRefused | LLMError | ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"
