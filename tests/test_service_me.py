from pathlib import Path

from fastapi.testclient import TestClient

from service.app import create_app
from service.keys import Keys
from service.loading import Loading
from service.settings import ServiceSettings


def test_a_key_is_told_its_name_and_what_it_opens(tmp_path: Path):
    settings = ServiceSettings(index=tmp_path)
    keys = Keys(settings.keys_file)
    _, desk = keys.create("desk", frozenset({"wiki", "pdf"}))
    _, editor = keys.create("editor", writes=True)
    client = TestClient(create_app(Loading(settings), "0.0.0.0"))

    def told(key: str) -> object:
        return client.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).json()

    assert told(desk) == {"name": "desk", "collections": ["pdf", "wiki"], "writes": False}
    assert told(editor) == {"name": "editor", "collections": None, "writes": True}
    assert client.get("/v1/me").status_code == 401


def test_on_this_machine_one_needs_no_key(tmp_path: Path):
    app = create_app(Loading(ServiceSettings(index=tmp_path)), "127.0.0.1")
    told = TestClient(app, base_url="http://localhost").get("/v1/me").json()
    assert told == {"name": "anonymous", "collections": None, "writes": True}
