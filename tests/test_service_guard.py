"""The guard: keys in requests, their limits, what stays open, and other sites' pages."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from service.guard import warning
from service.settings import ServiceSettings
from tests.guarded import QUESTION, Guarded, build

ASKED = {"question": QUESTION}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("guard"))


@pytest.fixture
def guarded(made: Path, tmp_path: Path) -> Guarded:
    """A service on all addresses, with keys of the test's own."""
    return Guarded(made, settings={"keys": tmp_path / "keys.db"}, keys_file=tmp_path / "keys.db")


@pytest.fixture
def client(guarded: Guarded) -> TestClient:
    return guarded.client()


def is_problem(response: Response, status: int, words: str) -> bool:
    problem = response.json()
    return (
        response.status_code == problem["status"] == status
        and response.headers["content-type"] == "application/problem+json"
        and words in problem["detail"]
    )


def test_without_a_key_nothing_is_answered(client: TestClient):
    for response in (
        client.post("/v1/answer", json=ASKED),
        client.get("/v1/documents"),
        client.get("/metrics"),
        client.get("/nowhere"),
        client.options("/v1/answer"),
    ):
        assert is_problem(response, 401, "`ragfirst keys create NAME` makes one")
        assert response.headers["www-authenticate"] == 'Bearer realm="ragfirst"'


@pytest.mark.parametrize(
    "path",
    ["/", "/page/app.js", "/health/live", "/health/ready", "/openapi.json", "/docs", "/redoc"],
)
def test_what_tells_of_no_document_stays_open(client: TestClient, path: str):
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/page/../v1/documents", "/health/../v1/documents", "//v1/documents", "/PAGE/app.js"]
)
def test_no_way_round_leads_in(guarded: Guarded, path: str):
    url = guarded.client().base_url.copy_with(raw_path=path.encode())
    assert guarded.client().get(url).status_code in (401, 404)


def test_a_key_lets_in_by_either_header(guarded: Guarded, client: TestClient):
    bearer = guarded.key("app")["Authorization"]
    for headers in (
        {"Authorization": bearer},
        {"authorization": bearer.replace("Bearer ", "bearer  ")},
        {"X-API-Key": bearer.removeprefix("Bearer ")},
        # A proxy's own login beside it.
        {"X-API-Key": bearer.removeprefix("Bearer "), "Authorization": "Basic dTpw"},
    ):
        assert client.post("/v1/answer", json=ASKED, headers=headers).status_code == 200


WRONG = f"rf_00000000_{'A' * 43}"


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {WRONG}"},
        {"X-API-Key": WRONG},
        {"X-API-Key": ""},
        {"X-API-Key": "none"},
        {"Authorization": "Bearer rf_"},
    ],
)
def test_a_wrong_key_is_refused_wherever_it_listens(
    guarded: Guarded, address: str, headers: dict[str, str]
):
    guarded.address = address
    response = guarded.client().get("/v1/documents", headers=headers)
    assert is_problem(response, 401, "the key is wrong or revoked")


def test_a_revoked_key_is_refused_at_its_next_request(guarded: Guarded, client: TestClient):
    key = guarded.key("app")
    assert client.get("/v1/documents", headers=key).status_code == 200
    guarded.keys.revoke("app")
    assert is_problem(client.get("/v1/documents", headers=key), 401, "wrong or revoked")


def test_on_loopback_nobody_needs_a_key(guarded: Guarded):
    guarded.address = "127.0.0.1"
    client = guarded.client()
    assert client.post("/v1/answer", json=ASKED).status_code == 200
    # What OpenAI's clients send where there is no key.
    none = {"Authorization": "Bearer none"}
    assert client.get("/v1/models", headers=none).status_code == 200


def test_what_stands_for_no_key_is_none_elsewhere(client: TestClient):
    response = client.get("/v1/models", headers={"Authorization": "Bearer sk-none"})
    assert is_problem(response, 401, "answers those who have a key")
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_name_that_was_bent_to_loopback_is_refused(guarded: Guarded):
    guarded.address = "127.0.0.1"
    response = guarded.client("evil.example").get("/v1/documents")
    assert is_problem(response, 421, "'evil.example' is not one that this service goes by")


def test_a_key_is_good_for_any_name(guarded: Guarded):
    guarded.address = "127.0.0.1"
    client = guarded.client("rag.example")
    assert client.get("/v1/documents", headers=guarded.key("app")).status_code == 200


def test_a_page_of_another_site_cannot_ask_in_passing(guarded: Guarded):
    guarded.address = "127.0.0.1"
    client, sent = guarded.client(), {"Origin": "http://evil.example", "Content-Type": "text/plain"}
    response = client.post("/v1/answer", json=ASKED, headers=sent)
    assert is_problem(response, 403, "a page of 'http://evil.example' may not send this")
    allowed = client.post("/v1/answer", json=ASKED, headers={**sent, **guarded.key("app")})
    assert allowed.status_code == 200


def test_metrics_can_be_left_open(guarded: Guarded):
    assert guarded.client(metrics_open=True).get("/metrics").status_code == 200


def test_metrics_are_for_those_who_read_all(guarded: Guarded, client: TestClient):
    some, whole = guarded.key("some", "open"), guarded.key("all")
    assert is_problem(client.get("/metrics", headers=some), 403, "'some' may not read all")
    assert client.get("/metrics", headers=whole).status_code == 200


def test_keys_that_cannot_be_read_let_nobody_in(
    guarded: Guarded, client: TestClient, caplog: pytest.LogCaptureFixture
):
    key = guarded.key("app")
    guarded.keys.path.write_bytes(b"no database " * 400)
    response = client.get("/v1/documents", headers=key)
    assert is_problem(response, 503, "the service cannot read its keys; its log says why")
    assert response.headers["retry-after"] == "5"
    assert "keys.db" in caplog.text
    assert "keys.db" not in response.text


def test_nothing_that_a_key_reads_is_kept_for_others(guarded: Guarded, client: TestClient):
    for headers in (guarded.key("app"), {}):
        response = client.get("/v1/documents", headers=headers)
        assert response.headers["cache-control"] == "private, no-cache"


# Limits


def test_requests_are_limited_by_key(guarded: Guarded, client: TestClient):
    key, other = guarded.key("app", requests_per_minute=2), guarded.key("other")
    first, second, third = (client.get("/v1/models", headers=key) for _ in range(3))
    assert [first.headers["ratelimit-remaining"], second.headers["ratelimit-remaining"]] == [
        "1",
        "0",
    ]
    assert first.headers["ratelimit-limit"] == first.headers["x-ratelimit-limit-requests"] == "2"
    assert is_problem(third, 429, "this key may use 2 requests a minute and has")
    assert third.json()["error"]["type"] == "rate_limit_error"
    assert 0 < int(third.headers["retry-after"]) <= 30
    assert third.headers["ratelimit-remaining"] == "0"
    free = client.get("/v1/models", headers=other)
    assert free.status_code == 200
    assert "ratelimit-limit" not in free.headers


def asking(stream: bool) -> list[tuple[str, dict[str, Any]]]:
    messages = [{"role": "user", "content": QUESTION}]
    return [
        ("/v1/answer", {**ASKED, "stream": stream}),
        ("/v1/chat/completions", {"messages": messages, "stream": stream}),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_are_limited_by_key(guarded: Guarded, client: TestClient, stream: bool):
    for path, body in asking(stream):
        key = guarded.key(path[1:], tokens_per_minute=40)
        first = client.post(path, json=body, headers=key)
        assert first.status_code == 200
        if not stream:  # an answer of 30 and 12 tokens
            assert first.headers["x-ratelimit-remaining-tokens"] == "0"
        second = client.post(path, json=body, headers=key)
        assert is_problem(second, 429, "this key may use 40 tokens a minute and has")
        assert 0 < int(second.headers["retry-after"]) <= 5


def test_a_search_costs_no_tokens(guarded: Guarded, client: TestClient):
    key = guarded.key("app", tokens_per_minute=40)
    response = client.post("/v1/search", json={"query": QUESTION}, headers=key)
    assert response.headers["x-ratelimit-remaining-tokens"] == "40"


def test_what_is_open_costs_nothing(guarded: Guarded, client: TestClient):
    key = guarded.key("app", requests_per_minute=1)
    assert {client.get("/health/live", headers=key).status_code for _ in range(3)} == {200}
    assert client.get("/v1/models", headers=key).status_code == 200


# Pages of other sites that are let in


SITE = "https://app.example"


def preflight(client: TestClient, origin: str) -> Response:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-API-Key"}
    return client.options("/v1/answer", headers={"Origin": origin, **asked})


def test_no_other_site_is_let_in_unless_told(guarded: Guarded):
    response = preflight(guarded.client(), SITE)
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_site_that_is_let_in_may_send_keys_and_read_limits(guarded: Guarded):
    client = guarded.client(cors_origins=frozenset({SITE}))
    allowed, refused = preflight(client, SITE), preflight(client, "https://evil.example")
    assert (allowed.status_code, refused.status_code) == (200, 400)
    assert allowed.headers["access-control-allow-origin"] == SITE
    assert "access-control-allow-origin" not in refused.headers
    response = client.get("/v1/documents", headers={"Origin": SITE, **guarded.key("app")})
    assert response.headers["access-control-allow-origin"] == SITE
    assert "Retry-After" in response.headers["access-control-expose-headers"]
    assert client.get("/v1/documents", headers={"Origin": SITE}).headers[
        "access-control-allow-origin"
    ]


# What is said at the start, and in the description


def told(guarded: Guarded, address: str, **settings: Any) -> str | None:
    return warning(ServiceSettings(**{**guarded.settings, **settings}), address)


def test_a_service_that_nobody_can_ask_says_so(guarded: Guarded):
    assert "nobody can ask yet" in (told(guarded, "0.0.0.0") or "")
    guarded.key("app")
    assert told(guarded, "0.0.0.0") is None
    guarded.keys.revoke("app")
    assert "nobody can ask yet" in (told(guarded, "0.0.0.0") or "")


def test_a_service_that_is_open_to_all_says_so(guarded: Guarded):
    assert told(guarded, "0.0.0.0", anonymous=True) == (
        "whoever reaches it can read everything, without a key"
    )
    part = {"anonymous_collections": frozenset({"open"}), "anonymous_writes": True}
    assert told(guarded, "0.0.0.0", anonymous=True, **part) == (
        "whoever reaches it can read ['open'] and change documents, without a key"
    )
    assert told(guarded, "127.0.0.1") is None


def test_the_description_tells_of_keys(client: TestClient):
    schema = client.get("/openapi.json").json()
    schemes = schema["components"]["securitySchemes"]
    assert (schemes["bearer"]["scheme"], schemes["api_key"]["name"]) == ("bearer", "X-API-Key")
    answer = schema["paths"]["/v1/answer"]["post"]
    assert {"bearer": []} in answer["security"]
    assert {"401", "403", "413", "421", "429"} <= answer["responses"].keys()
    assert "security" not in schema["paths"]["/health/live"]["get"]
