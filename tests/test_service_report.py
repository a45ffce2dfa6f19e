import os
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from service.access import Caller, caller_of
from service.app import create_app
from service.loading import Loading
from service.settings import ServiceSettings


def client(report: Path | None, caller: Caller | None = None) -> TestClient:
    app = create_app(Loading(ServiceSettings(report=report)))
    if caller:

        def known(request: Request) -> Caller:
            return caller

        app.dependency_overrides[caller_of] = known
    return TestClient(app)


def written(folder: Path, text: str = "<!doctype html><p>warranted", at: float = 1e9) -> Path:
    folder.mkdir(parents=True)
    file = folder / "report.html"
    file.write_text(text, encoding="utf-8")
    os.utime(file, (at, at))
    return file


@pytest.mark.parametrize("place", ["runs/facts/report.html", "runs/facts", "runs"])
def test_the_setting_may_be_the_file_its_folder_or_the_folder_of_runs(tmp_path: Path, place: str):
    written(tmp_path / "runs" / "facts")
    response = client(tmp_path / place).get("/v1/report")
    assert response.text == "<!doctype html><p>warranted"
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_the_newest_of_the_usual_folders_is_handed_out_where_nothing_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    written(Path("runs/format"), "old", at=1e9)
    written(Path("docs/reports/facts"), "new", at=1.5e9)
    written(Path("runs/task"), "older", at=0.9e9)
    assert client(None).get("/v1/report").text == "new"
    assert client(None).get("/v1/report/status").json() == {
        "name": "facts",
        "made": "2017-07-14T02:40:00Z",
    }


def test_where_there_is_none_a_problem_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    response = client(None).get("/v1/report")
    assert response.status_code == 404
    assert "ragfirst eval run" in response.json()["detail"]
    assert client(None).get("/v1/report/status").json() == {"name": None, "made": None}


def test_a_setting_that_names_nothing_hands_out_no_other_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    written(Path("runs/facts"))
    (tmp_path / "notes.txt").write_text("not a report")
    assert client(tmp_path / "missing").get("/v1/report").status_code == 404
    assert client(tmp_path / "notes.txt").get("/v1/report").status_code == 404


def test_a_report_is_kept_in_a_sandbox_of_its_own_origin(tmp_path: Path):
    written(tmp_path / "facts")
    policy = client(tmp_path / "facts").get("/v1/report").headers["content-security-policy"]
    rules = [rule.strip() for rule in policy.split(";")]
    assert "sandbox allow-scripts" in rules
    assert "default-src 'none'" in rules
    assert not policy.count("connect-src")


def test_who_may_not_read_every_collection_sees_no_report(tmp_path: Path):
    written(tmp_path / "facts")
    narrow = client(tmp_path / "facts", Caller("desk", frozenset({"wiki"}), writes=False))
    wide = client(tmp_path / "facts", Caller("audit", None, writes=False))
    assert narrow.get("/v1/report").status_code == 404
    assert narrow.get("/v1/report/status").json()["name"] is None
    assert wide.get("/v1/report").status_code == 200
