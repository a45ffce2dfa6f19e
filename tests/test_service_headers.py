import pytest
from starlette.testclient import TestClient

from service.app import create_app
from tests.fakes import LateLoading


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(LateLoading()))


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/page/style.css"])
def test_the_page_and_its_files_load_from_their_own_origin_only(client: TestClient, path: str):
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/v1/documents", "/health/live", "/nowhere"])
def test_every_answer_forbids_guessing_its_type_and_names_no_referrer(
    client: TestClient, path: str
):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_documents_are_left_to_the_viewer(client: TestClient):
    assert "content-security-policy" not in client.get("/v1/documents/1/file").headers


def test_the_page_asks_for_nothing_by_an_address_of_another_host(client: TestClient):
    page = client.get("/").text
    assert 'src="page/app.js"' in page
    assert "https://" not in page
