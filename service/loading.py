"""Loading index and models behind a server that already listens, and saying what is missing."""

import threading
from pathlib import Path

from ingest.embed import Embedder
from ingest.schema import IndexRefused
from ingest.snapshot import Reader
from service.answer import Answerer
from service.llm import LLM
from service.problems import NotReady
from service.retrieve import RetrievalSettings
from service.settings import ServiceSettings


def load_embedder(settings: ServiceSettings) -> Embedder:
    """The embedder of the settings. Raises `UnknownEmbedder`."""
    from ingest.embed import SentenceEmbedder

    return SentenceEmbedder(settings.embedder, threads=settings.threads)


def load_llm(settings: ServiceSettings) -> LLM:
    """The model of the settings: a server's where one is named, else the packaged one.

    Raises `LLMError`.
    """
    key, url = settings.openai_api_key, settings.openai_base_url
    remote = settings.llm == "openai" or (settings.llm == "auto" and bool(key or url))
    if remote:
        from service.openai_chat import OpenAIChat

        return OpenAIChat(
            base_url=url,
            api_key=key.get_secret_value() if key else None,
            model=settings.model,
            timeout=settings.llm_timeout,
        )
    from service.local_chat import DEFAULT, LocalChat

    return LocalChat(
        settings.model or DEFAULT, cache=Path(settings.cache), threads=settings.threads
    )


def load_answerer(settings: ServiceSettings) -> Answerer:
    """Index, embedder and model, one after the other. Raises what each of them raises."""
    embedder = load_embedder(settings)
    reader = Reader(settings.index, embedder)
    return make_answerer(settings, reader, embedder, load_llm(settings))


def make_answerer(
    settings: ServiceSettings, reader: Reader, embedder: Embedder, llm: LLM
) -> Answerer:
    """The answerer of the settings over parts that are loaded."""
    return Answerer(
        reader,
        embedder,
        llm,
        RetrievalSettings(settings.top_k, settings.candidates, settings.dense_weight),
        settings.max_tokens,
        settings.abstain_below,
    )


class Loading:
    """Loads in a thread of its own. An index that is not there yet is looked for again."""

    def __init__(self, settings: ServiceSettings, answerer: Answerer | None = None) -> None:
        """With an `answerer` there is nothing left to load."""
        self._settings = settings
        self._answerer = answerer
        self._embedder: Embedder | None = None
        self._llm: LLM | None = None
        self._problems: dict[str, str] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin, and return at once."""
        threading.Thread(target=self._load, name="loading", daemon=True).start()

    def waiting_for(self) -> list[str]:
        """What is not loaded, each with the reason where loading it failed; empty when ready."""
        if self._try_index():
            return []
        parts = {"embedder": self._embedder, "model": self._llm, "index": None}
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

    def _load(self) -> None:
        for name, load in (("embedder", load_embedder), ("model", load_llm)):
            try:
                part = load(self._settings)
            except (RuntimeError, ValueError, OSError) as error:
                self._problems[name] = str(error)
                continue
            if name == "embedder":
                self._embedder = part  # pyright: ignore
            else:
                self._llm = part  # pyright: ignore
        self._try_index()

    def _try_index(self) -> Answerer | None:
        with self._lock:
            if self._answerer is None and self._embedder and self._llm:
                try:
                    reader = Reader(self._settings.index, self._embedder)
                except IndexRefused as error:
                    self._problems["index"] = str(error)
                else:
                    self._answerer = make_answerer(
                        self._settings, reader, self._embedder, self._llm
                    )
            return self._answerer
