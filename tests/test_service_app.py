"""The HTTP interface over a small real index: documents, their files, collections, health."""

from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from service.answer import Answerer
from service.app import create_app
from service.llm import LLM, LLMBusy, LLMError, LLMTimeout
from service.loading import Loading
from service.settings import ServiceSettings
from tests.corpora import reader, run, write
from tests.fakes import FakeEmbedder, OneReply

PDF = Path(__file__).parents[1] / "corpus" / "pdf" / "incident-report-2025-031.pdf"
ODD = 'räk "quoted"; 日本\'s %41.md'
SCRIPT = "<script>alert(1)</script>"

WIKI = {
    "tank.md": "# The tow tank\n\nThe tow tank at Tullaweir is 62 metres long.\n",
    "page.html": f"<html><title>Page</title>{SCRIPT}<p>The crane lifts nine tonnes.</p></html>",
    ODD: "# Odd\n\nThe odd file holds an otter.\n",
    "sub/deep.txt": "The deep file holds a diver.\n",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    write(folder / "wiki", WIKI)
    write(folder / "pdf", {})
    (folder / "pdf").mkdir()
    (folder / "pdf" / "report.pdf").write_bytes(PDF.read_bytes())
    run(folder / "index", folder / "wiki", folder / "pdf")
    return folder


def client_over(folder: Path, llm: LLM | None = None) -> TestClient:
    answerer = Answerer(
        reader(folder / "index"), FakeEmbedder(), llm or OneReply("62 metres [1]."), abstain_below=0
    )
    app = create_app(Loading(ServiceSettings(), answerer))
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def client(corpus: Path) -> Generator[TestClient]:
    with client_over(corpus) as client:
        yield client


def number(client: TestClient, path: str) -> int:
    """The id of the document at a path."""
    found: list[Any] = client.get("/v1/documents").json()["documents"]
    return next(one["id"] for one in found if one["path"] == path)


QUESTION = {"question": "How long is the tow tank at Tullaweir?"}


def test_an_answer_cites_its_sentence(client: TestClient) -> None:
    answer = client.post("/v1/answer", json=QUESTION).json()
    assert answer["answer"] == "62 metres. [1]"
    assert answer["grounding"] == "model"
    assert answer["citations"][0]["document"] == "tank.md"
    assert answer["citations"][0]["quote"] == "The tow tank at Tullaweir is 62 metres long."


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LLMError("cannot reach the model server"), 502),
        (LLMBusy("over its limit", 7), 503),
        (LLMTimeout("no answer within 60 s"), 504),
    ],
)
def test_a_model_that_fails_is_a_problem_of_the_gateway(
    corpus: Path, error: LLMError, status: int
) -> None:
    with client_over(corpus, OneReply(error)) as client:
        response = client.post("/v1/answer", json=QUESTION)
    assert response.status_code == status
    assert response.json()["detail"] == str(error)
    assert response.headers.get("Retry-After") == ("7" if status == 503 else None)


def test_searching_needs_no_model(corpus: Path) -> None:
    with client_over(corpus, OneReply(LLMError("down"))) as client:
        response = client.post("/v1/search", json={"query": "otter", "top_k": 1})
    assert [hit["document"] for hit in response.json()["hits"]] == [ODD]


# Collections


def test_documents_are_listed_by_collection(client: TestClient) -> None:
    found = client.get("/v1/documents", params={"collection": "pdf"}).json()["documents"]
    assert [(one["path"], one["kind"], one["collection"]) for one in found] == [
        ("report.pdf", "pdf", "pdf")
    ]


def test_a_collection_keeps_a_search_to_itself(client: TestClient) -> None:
    body = {"query": "the tow tank at Tullaweir", "collection": "pdf", "top_k": 5}
    hits = client.post("/v1/search", json=body).json()["hits"]
    assert {hit["document"] for hit in hits} == {"report.pdf"}


@pytest.mark.parametrize("name", ["wikis", "", "WIKI"])
def test_a_collection_that_there_is_not_is_told_those_there_are(
    client: TestClient, name: str
) -> None:
    responses = [
        client.post("/v1/answer", json={**QUESTION, "collection": name}),
        client.post("/v1/search", json={"query": "tank", "collection": name}),
        client.get("/v1/documents", params={"collection": name}),
    ]
    for response in responses:
        assert response.status_code == 404
        assert response.json()["detail"] == (
            f"no collection {name!r} in the index: it has ['pdf', 'wiki']"
        )


# Documents and their files


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("report.pdf", "application/pdf"),
        ("tank.md", "text/plain; charset=utf-8"),
        ("sub/deep.txt", "text/plain; charset=utf-8"),
        ("page.html", "text/plain; charset=utf-8"),
    ],
)
def test_a_file_comes_as_it_lies_in_the_corpus(
    client: TestClient, corpus: Path, path: str, kind: str
) -> None:
    response = client.get(f"/v1/documents/{number(client, path)}/file")
    folder = "pdf" if path == "report.pdf" else "wiki"
    assert response.content == (corpus / folder / path).read_bytes()
    assert response.headers["content-type"] == kind
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-disposition"] == f'inline; filename="{Path(path).name}"'


def test_a_part_of_a_file_can_be_asked_for(client: TestClient) -> None:
    address = f"/v1/documents/{number(client, 'report.pdf')}/file"
    response = client.get(address, headers={"Range": "bytes=0-3"})
    assert (response.status_code, response.content) == (206, b"%PDF")


def test_an_odd_file_name_survives(client: TestClient) -> None:
    response = client.get(f"/v1/documents/{number(client, ODD)}/file")
    assert response.content.decode() == WIKI[ODD]
    assert response.headers["content-disposition"] == f"inline; filename*=utf-8''{quote(ODD)}"


def test_a_document_s_text_is_what_offsets_count_in(client: TestClient) -> None:
    cited = client.post("/v1/answer", json=QUESTION).json()["citations"][0]
    text = client.get(f"/v1/documents/{cited['document_id']}/text").text
    assert text[cited["start"] : cited["end"]] == cited["quote"]


def test_a_chunk_is_had_by_the_id_of_its_hit(client: TestClient) -> None:
    hit = client.post("/v1/search", json={"query": "otter", "top_k": 1}).json()["hits"][0]
    chunk = client.get(f"/v1/chunks/{hit['chunk_id']}").json()
    assert (chunk["document"], chunk["text"]) == (ODD, hit["text"])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/v1/documents/9999/file", "no document 9999 in the index"),
        ("/v1/documents/9999/text", "no document 9999 in the index"),
        ("/v1/chunks/9999", "no chunk 9999 in the index"),
        ("/v1/documents/1/tank.md", "nothing is at"),
        ("/v1/documents/..%2f..%2ftank.md/file", "nothing is at"),
        ("/page/..%2fapp.py", "nothing is at"),
        ("/page/%2e%2e/app.py", "nothing is at"),
    ],
)
def test_what_there_is_not_is_named(client: TestClient, address: str, words: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert words in response.json()["detail"]


@pytest.mark.parametrize("name", ["tank.md", "0", "-1", "1.5", "9" * 30])
def test_a_document_is_reachable_by_its_number_alone(client: TestClient, name: str) -> None:
    response = client.get(f"/v1/documents/{name}/file")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "document_id"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A corpus of one's own, to be changed after it was read."""
    write(tmp_path / "wiki", {"tank.md": WIKI["tank.md"], "sub/deep.txt": WIKI["sub/deep.txt"]})
    run(tmp_path / "index", tmp_path / "wiki")
    write(tmp_path, {"secret/deep.txt": "The secret.\n"})
    return tmp_path


def test_a_file_that_left_the_corpus_says_to_ingest_again(own: Path) -> None:
    (own / "wiki" / "tank.md").unlink()
    with client_over(own) as client:
        response = client.get(f"/v1/documents/{number(client, 'tank.md')}/file")
    assert response.status_code == 404
    assert response.json()["detail"] == (
        "the file 'tank.md' is no longer in the corpus: ingest again"
    )


@pytest.mark.parametrize("linked", ["sub/deep.txt", "sub"])
def test_a_link_does_not_lead_out_of_the_corpus(own: Path, linked: str) -> None:
    place = own / "wiki" / linked
    place.rename(own / "moved")
    place.symlink_to(own / "secret" if linked == "sub" else own / "secret" / "deep.txt")
    with client_over(own) as client:
        response = client.get(f"/v1/documents/{number(client, 'sub/deep.txt')}/file")
    assert response.status_code == 404
    assert "leads out of the corpus" in response.json()["detail"]


def test_a_link_within_the_corpus_is_followed(own: Path) -> None:
    (own / "wiki" / "tank.md").rename(own / "wiki" / "moved.md")
    (own / "wiki" / "tank.md").symlink_to(own / "wiki" / "moved.md")
    with client_over(own) as client:
        response = client.get(f"/v1/documents/{number(client, 'tank.md')}/file")
    assert response.text == WIKI["tank.md"]


@pytest.mark.parametrize(
    "address", ["/", "/page/app.js", "/v1/documents", "/nothing", "/health/live", "/openapi.json"]
)
def test_no_browser_guesses_what_a_response_is(client: TestClient, address: str) -> None:
    assert client.get(address).headers["x-content-type-options"] == "nosniff"


def test_a_ready_service_names_its_generation(client: TestClient) -> None:
    response = client.get("/health/ready")
    assert response.json() == {"ready": True, "waiting_for": [], "generation": 1}


def test_an_index_that_is_taken_away_is_not_ready(own: Path) -> None:
    with client_over(own) as client:
        (own / "index").rename(own / "gone")
        ready, answer = client.get("/health/ready"), client.post("/v1/answer", json=QUESTION)
    assert (ready.status_code, answer.status_code) == (503, 503)
    assert "no index in" in answer.json()["detail"]
