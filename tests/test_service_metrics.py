"""What Prometheus reads: counted where it happens, by template and kind, for each app its own."""

import asyncio
import shutil
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi.testclient import TestClient

from service.answer import Answerer
from service.app import create_app
from service.llm import LLM, LLMError, LLMTimeout
from service.loading import Loading
from service.queue import Queue, QueueFull
from service.settings import ServiceSettings
from service.uploads import Uploads
from service.worker import Worker
from tests.conversing import QUESTION, index, served
from tests.corpora import hide, reader, run
from tests.fakes import FakeEmbedder, LateLoading, OneReply, Writer
from tests.scrapes import samples, value
from tests.servers import within

ASKED = {"question": QUESTION}
RIGHT = "62 metres [1]."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index(tmp_path)
    return tmp_path


def loading(folder: Path, llm: LLM, queue: Queue | None = None) -> Loading:
    answerer = Answerer(
        reader(folder / "index"), FakeEmbedder(), llm, abstain_below=0, queue=queue or Queue()
    )
    return Loading(ServiceSettings(), answerer)


@contextmanager
def client_over(folder: Path, llm: LLM, queue: Queue | None = None) -> Generator[TestClient]:
    with TestClient(create_app(loading(folder, llm, queue))) as client:
        yield client


@pytest.fixture
def client(folder: Path) -> Generator[TestClient]:
    with client_over(folder, OneReply(RIGHT)) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "template", "status"),
    [
        ("GET", "/v1/documents/4711/text", "/v1/documents/{document_id}/text", 404),
        ("GET", "/v1/documents/secret/text", "/v1/documents/{document_id}/text", 422),
        ("GET", "/v1/models/secret/model", "/v1/models/{model}", 404),
        ("GET", "/page/app.js", "/page/{path}", 200),
        ("GET", "/page/secret", "/page/{path}", 404),
        ("GET", "/secret?q=secret", "unmatched", 404),
        ("PUT", "/v1/answer", "/v1/answer", 405),
        ("SECRET", "/", "/", 405),
    ],
)
def test_a_request_is_counted_by_its_template(
    client: TestClient, method: str, path: str, template: str, status: int
) -> None:
    assert client.request(method, path).status_code == status
    by = {
        "method": "other" if method == "SECRET" else method,
        "route": template,
        "status": str(status),
    }
    found = samples(client)
    assert found["ragfirst_http_requests_total", frozenset(by.items())] == 1
    assert found["ragfirst_http_request_duration_seconds_count", frozenset(by.items())] == 1
    assert "secret" not in str(found).casefold()


def test_the_stages_of_an_answer_are_timed(client: TestClient) -> None:
    spent = client.post("/v1/answer", json=ASKED).json()["timings_ms"]
    for stage in ("retrieval", "embed", "search", "grounding", "answer"):
        assert value(client, f"{stage}_time_seconds_count") == 1
    assert value(client, "llm_generation_time_seconds_count", model="scripted") == 1
    # JSON has them in milliseconds, rounded.
    for stage, name in (("embed", "embed"), ("search", "search"), ("total", "answer")):
        seconds = value(client, f"{name}_time_seconds_sum")
        assert seconds == pytest.approx(spent[stage] / 1000, abs=1e-5)
    assert value(client, "ttft_seconds_count") == 0


def test_a_search_is_timed_and_no_answer(client: TestClient) -> None:
    client.post("/v1/search", json={"query": "tow tank"})
    assert value(client, "search_time_seconds_count") == 1
    assert value(client, "answer_time_seconds_count") == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/answer", ASKED),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": QUESTION}]}),
    ],
)
def test_a_stream_has_a_first_token_and_is_one_answer(
    folder: Path, path: str, body: dict[str, Any]
) -> None:
    with client_over(folder, Writer("62 ", "metres [1].")) as client:
        client.post(path, json={**body, "stream": True})
        assert value(client, "ttft_seconds_count") == 1
        assert value(client, "answers_total", grounding="model") == 1


@pytest.mark.parametrize(
    ("reply", "grounding"),
    [(RIGHT, "model"), ("Green cheese.", "quoted"), ("I don't know.", "none")],
)
def test_answers_are_counted_by_whose_words_they_are(
    folder: Path, reply: str, grounding: str
) -> None:
    with client_over(folder, OneReply(reply)) as client:
        client.post("/v1/answer", json=ASKED)
        counts = {
            one: value(client, "answers_total", grounding=one)
            for one in ("model", "quoted", "none")
        }
        assert counts == {one: float(one == grounding) for one in counts}
        assert value(client, "abstentions_total") == (grounding == "none")


def test_tokens_are_counted_by_model(client: TestClient) -> None:
    usages = [client.post("/v1/answer", json=ASKED).json()["usage"] for _ in range(2)]
    for kind in ("prompt_tokens", "completion_tokens"):
        total = sum(usage[kind] for usage in usages)
        assert total > 0
        assert value(client, f"{kind}_total", model="scripted") == total


@pytest.mark.parametrize("stream", [False, True])
def test_a_problem_is_counted_by_its_kind_in_a_stream_too(folder: Path, stream: bool) -> None:
    llm = Writer(error=LLMTimeout("no answer within 60 s"))
    with client_over(folder, llm) as client:
        status = client.post("/v1/answer", json={**ASKED, "stream": stream}).status_code
        assert status == (200 if stream else 504)
        assert value(client, "problems_total", problem="llm_timeout", status="504") == 1
        assert value(client, "answers_total", grounding="model") == 0


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/nothing", "not_found", "404"),
        ("/v1/documents/x/text", "request_validation_error", "422"),
        ("/v1/documents?collection=x", "unknown_collection", "404"),
    ],
)
def test_what_is_refused_is_counted_by_its_kind(
    client: TestClient, path: str, kind: str, status: str
) -> None:
    client.get(path)
    assert value(client, "problems_total", problem=kind, status=status) == 1


def test_a_client_that_leaves_is_counted(folder: Path) -> None:
    llm = Writer("62 ", goes_on=True)
    with served(folder / "index", llm) as address, httpx.Client(base_url=address) as client:
        with client.stream("POST", "/v1/answer", json={**ASKED, "stream": True}) as response:
            assert next(response.iter_text())

        def counted() -> bool:
            while not value(client, "http_disconnects_total", route="/v1/answer"):
                time.sleep(0.01)  # the request ends in the server's own time
            return True

        assert within(counted)
        assert value(client, "http_requests_in_progress") == 1  # the scrape itself


def test_two_apps_of_a_process_do_not_share_counts(folder: Path, client: TestClient) -> None:
    client.post("/v1/answer", json=ASKED)
    with client_over(folder, OneReply(LLMError("down"))) as other:
        assert value(other, "answers_total", grounding="model") == 0
        assert value(client, "answers_total", grounding="model") == 1


def test_the_index_is_told_as_it_is_now(folder: Path, client: TestClient) -> None:
    def told() -> list[float | None]:
        names = ("generation", "documents", "chunks", "failures")
        return [value(client, f"index_{name}") for name in names]

    assert told() == [1, 2, 2, 0]
    (folder / "wiki" / "new.md").write_text("# New\n\nA new page.\n")
    (folder / "wiki" / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    run(folder / "index", folder / "wiki")
    assert told() == [2, 3, 3, 1]
    hide(folder / "index", "crane.md")
    assert told() == [2, 2, 2, 1]


def test_a_service_without_its_index_is_not_ready_and_says_so(
    folder: Path, client: TestClient
) -> None:
    assert value(client, "ready") == 1
    shutil.move(folder / "index", folder / "gone")
    assert value(client, "ready") == 0
    assert value(client, "index_documents") is None


def test_a_service_that_loads_answers_scrapes() -> None:
    with TestClient(create_app(LateLoading())) as client:
        assert value(client, "ready") == 0
        assert value(client, "queue_waiting") is None


def test_the_queue_is_told(folder: Path) -> None:
    queue, go_on, begun = Queue(running=1, waiting=1), threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert go_on.wait(60)

    with client_over(folder, OneReply(RIGHT), queue) as client:
        held = [queue.submit(hold), queue.submit(hold)]
        assert begun.wait(60)
        with pytest.raises(QueueFull):
            queue.check()
        told = [value(client, f"queue_{name}") for name in ("running", "waiting", "refusals_total")]
        assert told == [1, 1, 1]
        go_on.set()
        for one in held:
            one.result(60)


@pytest.mark.parametrize(("program", "fails"), [(("sleep", "60"), 0), (("false",), 1)])
def test_uploads_are_told_by_state(folder: Path, program: tuple[str, ...], fails: int) -> None:
    settings = ServiceSettings().model_copy(update={"index": folder / "index"})
    worker = Worker(Uploads(settings.index), settings, command=program)
    app = create_app(loading(folder, OneReply(RIGHT)), worker=worker)
    with TestClient(app) as client:
        client.post("/v1/documents", files={"file": ("new.md", b"# New\n\nA new page.\n")})
        states = ("queued", "reading", "ready", "failed")
        told = {state: value(client, "uploads", status=state) for state in states}
        assert told == {"queued": 1, "reading": 0, "ready": 0, "failed": 0}

        def told_of() -> bool:
            while value(client, "upload_worker_failing") != fails:
                time.sleep(0.01)  # the process is another
            return True

        assert within(told_of)


def test_whoever_asks_for_openmetrics_gets_it(client: TestClient) -> None:
    plain = client.get("/metrics")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    asked = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert asked.headers["content-type"].startswith("application/openmetrics-text")
    assert asked.text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/metrics", "/health/ready"])
def test_it_answers_while_every_worker_thread_waits(folder: Path, path: str) -> None:
    app = create_app(loading(folder, OneReply(RIGHT)))

    async def ask() -> int:
        limiter = anyio.to_thread.current_default_thread_limiter()
        for at in range(int(limiter.total_tokens)):
            await limiter.acquire_on_behalf_of(at)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await asyncio.wait_for(client.get(path), 30)).status_code

    assert asyncio.run(ask()) == 200
