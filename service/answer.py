"""Question → cited answer: retrieve, prompt, complete, ground."""

import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ingest.derive import terms
from ingest.embed import Embedder
from ingest.snapshot import Reader, Snapshot
from service import abstain, ground, records
from service.ground import Quote
from service.llm import LLM, Message, Reply, Say
from service.metering import stream
from service.orders import inert
from service.prompt import Passage, chat, says_unknown
from service.queue import Queue
from service.retrieve import Hit, RetrievalSettings, Retrieved, retrieve

Grounding = Literal["model", "quoted", "none"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence that bears the answer, and where it stands.

    `n` is its mark [n] in the answer; `page` is physical, from 1, as a viewer's
    #page= takes it; `start` and `end` are offsets into the document's text; `score` is the hit's.
    """

    n: int
    document: str
    document_id: int
    title: str
    page: int | None
    section: str
    chunk_id: int
    quote: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the model read and wrote."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds by stage."""

    embed: float
    search: float
    rerank: float
    llm: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets.

    `grounding` says whose words the answer is: the model's, borne by the citations; the quotes
    themselves; or none, where the service abstains.
    """

    answer: str
    abstained: bool
    grounding: Grounding
    citations: list[Citation]
    model: str
    usage: Usage
    timings_ms: Timings
    generation: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return asdict(self)


ABSTENTION = "I don't know: the documents do not seem to answer this."


@dataclass(frozen=True, slots=True)
class Looked:
    """Hits, their sentences ranked as quotes, and how well retrieval did, of one generation."""

    found: Retrieved
    quotes: list[Quote]
    signals: abstain.Signals
    generation: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was looked up for it, and the chat for the model; empty: abstain."""

    question: str
    looked: Looked
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Answerer:
    """The whole path from a question to an answer. Safe to call from many threads.

    Where a method takes `readable`, documents of other collections are as if they were not there;
    None: all may be read.

    `examples`: whether the prompt shows two worked examples, which untrained small models need.
    `believed`: whether a model's "I don't know" is the answer, or has the quotes in its place.
    `queue`: where those who ask over HTTP wait for the model; the methods here do not.
    """

    reader: Reader
    embedder: Embedder
    llm: LLM
    retrieval: RetrievalSettings = RetrievalSettings()
    max_tokens: int = 160
    abstain_below: float = abstain.THRESHOLD
    examples: bool = True
    believed: bool = True
    queue: Queue = field(default_factory=Queue)

    def search(
        self,
        question: str,
        top_k: int | None = None,
        collection: str | None = None,
        readable: frozenset[str] | None = None,
    ) -> Retrieved:
        """The hits alone."""
        with self.reader.snapshot(readable) as snapshot:
            return self._retrieve(snapshot, question, top_k, collection)

    def look(
        self,
        question: str,
        top_k: int | None = None,
        collection: str | None = None,
        readable: frozenset[str] | None = None,
    ) -> Looked:
        """What an answer is made from, short of asking the model."""
        with self.reader.snapshot(readable) as snapshot:
            found = self._retrieve(snapshot, question, top_k, collection)
            generation = snapshot.generation
        quotes = ground.rank(question, found.hits, found.term_weights, terms)
        return Looked(found, quotes, abstain.signals(found.hits, quotes), generation)

    def answer(
        self,
        question: str,
        top_k: int | None = None,
        collection: str | None = None,
        readable: frozenset[str] | None = None,
    ) -> Answer:
        """Answer from one generation of the index. Raises `IndexRefused` and `LLMError`."""
        started = time.perf_counter()
        asked = self.prepare(question, top_k, collection, readable)
        prepared = time.perf_counter()
        reply = self.llm.complete(asked.messages, self.max_tokens) if asked.messages else None
        llm_ms = (time.perf_counter() - prepared) * 1000
        return self.finish(asked, reply, llm_ms, (prepared - started) * 1000)

    def stream(
        self, asked: Asked, say: Say, stop: threading.Event, before_ms: float = 0.0
    ) -> Answer:
        """Answer what was prepared, heard while the model writes.

        What is said is the model's own; the answer may hold other words, where the passages do
        not bear those. `before_ms`: milliseconds that preparing took. Raises `Stopped` soon after
        `stop` is set, and `LLMError`.
        """
        started, reply = time.perf_counter(), None
        if asked.messages:
            with records.stage("llm", model=self.llm.name) as notes:
                reply = stream(self.llm, asked.messages, self.max_tokens, say, stop)
                notes.update(asdict(_usage(reply)))
        answer = self.finish(asked, reply, (time.perf_counter() - started) * 1000, before_ms)
        records.answered(answer)
        return answer

    def prepare(
        self,
        question: str,
        top_k: int | None = None,
        collection: str | None = None,
        readable: frozenset[str] | None = None,
    ) -> Asked:
        """All that comes before the model is asked."""
        return self.compose(question, self.look(question, top_k, collection, readable))

    def compose(self, question: str, looked: Looked) -> Asked:
        """The chat that the model is given; none where retrieval itself is too weak. Pure."""
        if abstain.confidence(looked.signals) < self.abstain_below:
            return Asked(question, looked, ())
        passages = [passage(hit) for hit in looked.found.hits]
        return Asked(question, looked, tuple(chat(question, passages, self.examples)))

    def finish(
        self, asked: Asked, reply: Reply | None, llm_ms: float = 0.0, before_ms: float = 0.0
    ) -> Answer:
        """What the model replied (None: it was not asked), grounded. Pure.

        `llm_ms`, `before_ms`: milliseconds spent on the reply, and before it.
        """
        started = time.perf_counter()
        looked, found = asked.looked, asked.looked.found
        if reply is None:
            worded = _Worded(ABSTENTION, "none", ground.best_quotes(looked.quotes))
        else:
            with records.stage("ground") as notes:
                worded = word(reply.text, asked.question, looked.quotes, self.believed)
                notes["grounding"] = worded.grounding
        llm_ms += (time.perf_counter() - started) * 1000
        rerank = max(before_ms - found.embed_ms - found.search_ms, 0.0)
        spent = (found.embed_ms, found.search_ms, rerank, llm_ms, before_ms + llm_ms)
        return Answer(
            answer=worded.text,
            abstained=worded.grounding == "none",
            grounding=worded.grounding,
            citations=citations(worded.quotes),
            model=reply.model if reply else self.llm.name,
            usage=_usage(reply),
            timings_ms=Timings(*(round(ms, 2) for ms in spent)),
            generation=looked.generation,
        )

    def _retrieve(
        self, snapshot: Snapshot, question: str, top_k: int | None, collection: str | None
    ) -> Retrieved:
        settings = replace(self.retrieval, top_k=top_k) if top_k else self.retrieval
        return retrieve(question, snapshot, self.embedder, settings, collection)


@dataclass(frozen=True, slots=True)
class _Worded:
    text: str
    grounding: Grounding
    quotes: list[Quote]


def word(reply: str, question: str, quotes: Sequence[Quote], believed: bool = True) -> _Worded:
    """The model's reply with the quotes that bear it, or the best in its place; see `Answerer`."""
    best, unknown = ground.best_quotes(quotes), says_unknown(reply)
    if not best or (unknown and believed):
        return _Worded(ABSTENTION, "none", best)
    bearing = None if unknown else ground.support(reply, question, best, terms)
    if bearing is None:
        return _Worded(inert(_quoted(best)), "quoted", best)
    others = [quote for quote in best if quote not in bearing]
    marks = "".join(f" [{n}]" for n in range(1, len(bearing) + 1))
    text = inert(ground.without_citations(reply))
    return _Worded(text + marks, "model", [*bearing, *others])


def _quoted(quotes: Sequence[Quote]) -> str:
    return " ".join(
        f"{ground.without_citations(quote.text)} [{n}]" for n, quote in enumerate(quotes, start=1)
    )


def passage(hit: Hit) -> Passage:
    """What a model is shown of a hit."""
    chunk = hit.chunk
    return Passage(" > ".join([chunk.document.title, *chunk.section]), chunk.text)


def _usage(reply: Reply | None) -> Usage:
    return Usage(reply.prompt_tokens, reply.completion_tokens) if reply else Usage()


def citations(quotes: Sequence[Quote]) -> list[Citation]:
    """The quotes, numbered from 1, and where they stand."""
    return [_citation(n, quote) for n, quote in enumerate(quotes, start=1)]


def _citation(n: int, quote: Quote) -> Citation:
    chunk = quote.hit.chunk
    page, section = chunk.document.place(chunk.start + quote.start)
    return Citation(
        n=n,
        document=chunk.document.path,
        document_id=chunk.document.id,
        title=chunk.document.title,
        page=page,
        section=" > ".join(section),
        chunk_id=chunk.id,
        quote=quote.text,
        start=chunk.start + quote.start,
        end=chunk.start + quote.end,
        score=round(quote.hit.score, 4),
    )
