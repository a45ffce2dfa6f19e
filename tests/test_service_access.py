"""Callers, and the routes that ask for them."""

import asyncio
from typing import Any

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from service import problems
from service.access import EVERYONE, Asking, Caller, Writing, caller_of


def app_for(caller: object) -> TestClient:
    """An app whose requests come from a caller, as the guard would have it."""
    app = FastAPI()
    problems.install(app)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Any:
        request.state.caller = caller
        return await call_next(request)

    @app.get("/name")
    def name(caller: Asking) -> str:
        return caller.name

    @app.put("/change")
    def change(caller: Writing) -> str:
        return caller.name

    return TestClient(app)


def test_a_caller_reads_the_collections_of_its_own():
    caller = Caller("app", frozenset({"wiki"}), writes=False)
    assert caller.reads("wiki")
    assert not caller.reads("WIKI")


def test_a_caller_without_a_list_of_collections_reads_all():
    assert EVERYONE.reads("anything")


def test_a_caller_with_an_empty_list_reads_none():
    assert not Caller("app", frozenset(), writes=True).reads("wiki")


def test_a_route_is_told_its_caller():
    assert app_for(Caller("app", None, writes=False)).get("/name").json() == "app"


def test_without_a_guard_everyone_asks():
    request = Request({"type": "http", "headers": []})
    assert asyncio.run(caller_of(request)) == EVERYONE


def test_what_may_read_only_changes_nothing():
    response = app_for(Caller("app", None, writes=False)).put("/change")
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == (
        "'app' may not change documents: use a key made with --writes"
    )


def test_who_may_write_changes_documents():
    assert app_for(Caller("app", None, writes=True)).put("/change").json() == "app"
