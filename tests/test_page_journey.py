"""The page from end to end: upload, ask, read, judge, delete. Only the model is scripted."""

import json
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from bench.screenshot import browser as running_browser
from bench.screenshot import find_browser
from ingest.embed import SentenceEmbedder
from ingest.snapshot import Reader
from service.answer import Answerer
from service.loading import Loading
from service.settings import ServiceSettings
from tests.pages import PUMP, HalfWay, ask, last, page_of
from tests.pumphouse import CAPACITY, ingest, write_manual, write_wiki
from tests.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH"),
]


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    # What is uploaded is read by a process of least priority, which loads the embedder first.
    expect.set_options(timeout=600_000)
    with running_browser() as started:
        yield started


@pytest.fixture
def index(tmp_path: Path, embedder: SentenceEmbedder) -> Path:
    (tmp_path / "wiki").mkdir()
    write_wiki(tmp_path / "wiki" / "ferries.md")
    return ingest(tmp_path / "wiki", tmp_path / "index", embedder)


def test_upload_ask_read_judge_delete(
    chromium: Browser, index: Path, embedder: SentenceEmbedder, tmp_path: Path
):
    write_manual(tmp_path / "manual.pdf")
    model = HalfWay("The Orlo pump ", "moves 430 litres in a minute [1].")
    answerer = Answerer(Reader(index, embedder), embedder, model)
    settings = ServiceSettings(index=index, threads=1)
    loading = Loading(settings, answerer)
    with (
        serving(loading, "127.0.0.1", lifespan="on") as url,
        page_of(chromium) as page,
    ):
        page.goto(url)
        expect(page.get_by_role("status")).to_have_text("1 document")

        page.get_by_role("button", name="Documents").click()
        page.get_by_label("Choose files").set_input_files(tmp_path / "manual.pdf")
        expect(page.locator("#uploads")).to_contain_text("Ready to be asked about")
        expect(page.get_by_role("link", name="Orlo pump manual")).to_be_visible()
        page.get_by_role("button", name="Close the documents").click()
        expect(page.get_by_role("status")).to_have_text("2 documents")

        ask(page, PUMP)
        expect(last(page, ".draft")).to_have_text("The Orlo pump ")
        expect(last(page, ".card").first).to_contain_text(CAPACITY)
        model.release.set()
        expect(last(page, ".answer-text")).to_contain_text("430 litres in a minute")

        last(page, ".mark").first.click()
        expect(page.locator("#passage mark")).to_have_text(CAPACITY)
        viewer = page.locator("#sheet iframe")
        expect(viewer).to_have_attribute("src", re.compile(r"^v1/documents/\d+/file#page=2&"))
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Open PDF at page 2").click()
        assert opened.value.url.endswith("/file#page=2")
        assert page.request.get(opened.value.url.split("#")[0]).body().startswith(b"%PDF")
        opened.value.close()

        last(page).get_by_role("button", name="Right").click()
        expect(last(page, ".feedback")).to_contain_text("Noted as right")
        (line,) = (index / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(line)["golden_answers"] == ["The Orlo pump moves 430 litres in a minute."]

        page.keyboard.press("Escape")
        page.get_by_role("button", name="Documents").click()
        page.get_by_role("button", name="Delete Orlo pump manual", exact=True).click()
        page.get_by_role("button", name="Keep").click()
        page.get_by_role("button", name="Delete Orlo pump manual", exact=True).click()
        page.get_by_role("button", name="Delete Orlo pump manual for good").click()
        expect(page.get_by_role("link", name="Orlo pump manual")).to_have_count(0)
        page.keyboard.press("Escape")

        ask(page, PUMP)
        expect(last(page, ".grounding")).to_have_text(re.compile("^No answer found"))
        expect(last(page)).not_to_contain_text("430")
