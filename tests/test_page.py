"""The page at /, in a real browser, over the real app and index; only the model is scripted."""

import re
from collections.abc import Generator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from bench.screenshot import browser as running_browser
from bench.screenshot import find_browser
from ingest.embed import SentenceEmbedder
from service.answer import Answerer
from service.loading import Loading
from service.settings import ServiceSettings
from tests.fakes import LateLoading, LLMByQuestion
from tests.pages import (
    BROKEN,
    FERRY,
    HELD,
    MAST,
    PUMP,
    REPLIES,
    VIEWER,
    answerer_over,
    ask,
    box,
    last,
    overflow,
    page_of,
)
from tests.pumphouse import CAPACITY, HULL, TITLE, ingest, write_manual, write_wiki
from tests.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: SentenceEmbedder) -> Path:
    corpus = tmp_path_factory.mktemp("corpus")
    write_wiki(corpus / "ferries.md")
    write_manual(corpus / "manual.pdf")
    return ingest(corpus, tmp_path_factory.mktemp("index"), embedder)


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    expect.set_options(timeout=30_000)
    with running_browser() as started:
        yield started


@pytest.fixture(scope="module")
def answerer(index: Path, embedder: SentenceEmbedder) -> Answerer:
    return answerer_over(index, embedder, LLMByQuestion(REPLIES))


@pytest.fixture(scope="module")
def url(answerer: Answerer, index: Path) -> Generator[str]:
    with serving(Loading(ServiceSettings(index=index), answerer)) as address:
        yield address


@pytest.fixture
def page(chromium: Browser, url: str) -> Generator[Page]:
    with page_of(chromium) as fresh:
        yield fresh


def test_enter_asks_and_the_answer_names_its_source(page: Page, url: str, tmp_path: Path):
    page.goto(url)
    ask(page, PUMP)
    expect(last(page, ".answer-text")).to_have_text(re.compile("430 litres in a minute"))
    expect(page.get_by_role("button", name=re.compile("^Source 1: "))).to_be_visible()
    expect(last(page, ".card").first).to_contain_text(CAPACITY)
    expect(last(page, ".card").first).to_contain_text("page 2")
    expect(last(page, ".grounding")).to_have_text(re.compile("model’s words, checked"))
    expect(last(page, ".facts")).to_contain_text("scripted-model")
    assert page.screenshot(path=tmp_path / "page.png").startswith(b"\x89PNG")


def test_a_citation_opens_its_passage_with_the_quote_marked(page: Page, url: str):
    page.goto(url)
    ask(page, PUMP)
    page.get_by_role("button", name=re.compile("^Source 1: ")).click()
    expect(page.locator("#passage mark")).to_have_text(CAPACITY)
    expect(page.locator("#passage mark")).to_be_in_viewport()
    expect(page.locator("#passage")).to_contain_text("It needs no priming.")


def test_a_pdf_opens_at_the_page_of_the_quote(page: Page, url: str):
    page.goto(url)
    ask(page, PUMP)
    last(page, ".card-title").first.click()
    link = page.get_by_role("link", name="Open PDF at page 2")
    expect(link).to_have_attribute("href", re.compile(r"^v1/documents/\d+/file#page=2$"))
    expect(link).to_have_attribute("target", "_blank")
    file = page.request.get(f"{url}/{link.get_attribute('href')}".split("#")[0])
    assert file.headers["content-type"] == "application/pdf"
    assert file.body().startswith(b"%PDF")


def test_escape_closes_the_passage_and_gives_the_focus_back(page: Page, url: str):
    page.goto(url)
    ask(page, PUMP)
    opener = last(page, ".card-title").first
    opener.press("Enter")
    expect(page.locator("#panel-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_slash_goes_back_to_the_question_and_up_to_the_last_one(page: Page, url: str):
    page.goto(url)
    ask(page, PUMP)
    last(page, ".card-title").first.click()
    expect(page.locator("#panel-title")).to_be_focused()
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(box(page)).to_have_value(PUMP)


def test_a_quote_behind_characters_of_two_units_is_marked_whole(page: Page, url: str):
    page.goto(url)
    ask(page, FERRY)
    page.locator(".card", has_text=HULL).locator(".card-title").click()
    expect(page.locator("#passage mark")).to_have_text(HULL)
    link = page.get_by_role("link", name="Open the page’s text")
    text = page.request.get(f"{url}/{link.get_attribute('href')}")
    assert HULL in text.text()


def test_markup_in_a_document_is_shown_and_never_run(page: Page, url: str):
    page.goto(url)
    ask(page, FERRY)
    card = page.locator(".card", has_text=HULL)
    expect(card.locator(".card-title")).to_have_text(TITLE)
    card.locator(".card-title").click()
    expect(page.locator("#panel-title")).to_have_text(TITLE)
    expect(page.locator("img")).to_have_count(0)
    expect(page).to_have_title("ragfirst: ask the documents")


def test_an_abstention_shows_what_was_looked_at(page: Page, url: str):
    page.goto(url)
    ask(page, MAST)
    expect(last(page, ".grounding")).to_have_text(re.compile("^No answer found"))
    expect(last(page, "summary")).to_contain_text("What was looked at")
    expect(last(page, ".card").first).to_be_visible()
    expect(page.locator(".mark")).to_have_count(0)


def test_an_error_of_the_model_is_shown_in_its_own_words(page: Page, url: str):
    page.goto(url)
    ask(page, BROKEN)
    expect(last(page, ".notice")).to_contain_text(str(REPLIES[BROKEN]))
    expect(last(page, ".answer-text")).to_have_count(0)
    ask(page, PUMP)
    expect(last(page, ".answer-text")).to_contain_text("430 litres")
    expect(last(page, ".notice")).to_have_count(0)


def test_a_new_question_ends_the_wait_for_one_still_unanswered(
    chromium: Browser, index: Path, embedder: SentenceEmbedder
):
    model = LLMByQuestion(REPLIES, held=[HELD])
    loading = Loading(ServiceSettings(index=index), answerer_over(index, embedder, model))
    with serving(loading) as url, page_of(chromium) as page:
        page.goto(url)
        try:
            with page.expect_event("requestfailed") as cancelled:
                ask(page, HELD)
                assert model.entered.wait(30)
                ask(page, PUMP)
            expect(page.locator(".turn").first).to_contain_text("Stopped before")
        finally:
            model.release.set()
        expect(last(page, ".answer-text")).to_contain_text("430 litres")
    assert HELD in (cancelled.value.post_data or "")


def test_asking_is_barred_by_emptiness_only(page: Page, url: str):
    page.goto(url)
    send = page.get_by_role("button", name="Ask", exact=True)
    expect(send).to_be_disabled()
    box(page).fill("  \n ")
    expect(send).to_be_disabled()
    page.keyboard.press("Enter")
    expect(page.locator("#welcome")).to_be_visible()
    box(page).fill(PUMP)
    expect(send).to_be_enabled()
    send.click()
    expect(last(page, ".answer-text")).to_be_visible()


def test_a_question_asked_while_loading_is_answered_once_loaded(
    chromium: Browser, answerer: Answerer
):
    loading = LateLoading()
    with serving(loading) as url, page_of(chromium) as page:
        page.goto(url)
        expect(page.get_by_role("status")).to_have_text("Loading the model…")
        ask(page, PUMP)
        expect(last(page, ".progress")).to_contain_text("as soon as the model is loaded")
        loading.arrived = answerer
        expect(last(page, ".answer-text")).to_contain_text("430 litres")
        expect(page.get_by_role("status")).to_have_text("2 documents")


def test_other_documents_than_the_demo_get_no_demo_questions(page: Page, url: str):
    page.goto(url)
    expect(page.locator("#hint")).to_contain_text("It has read 2 documents.")
    expect(page.locator("#examples button")).to_have_count(0)


def test_the_demo_offers_three_questions(
    chromium: Browser, embedder: SentenceEmbedder, tmp_path: Path
):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write_manual(corpus / "lockhouse-manual.pdf")
    index = ingest(corpus, tmp_path / "index", embedder)
    offered = "After I apply a new configuration"
    answerer = answerer_over(index, embedder, LLMByQuestion({offered: "I don't know."}))
    loading = Loading(ServiceSettings(index=index), answerer)
    with serving(loading) as url, page_of(chromium) as page:
        page.goto(url)
        expect(page.locator("#examples button")).to_have_count(3)
        page.get_by_role("button", name=offered).click()
        expect(last(page, ".question")).to_have_text(re.compile(offered))
        expect(last(page, ".grounding")).to_be_visible()


def test_nothing_is_asked_of_another_origin_and_nothing_breaks_the_policy(page: Page, url: str):
    asked: list[str] = []
    troubles: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    answer = page.goto(url)
    ask(page, FERRY)
    last(page, ".card-title").first.click()
    expect(page.locator("#open")).to_be_visible()
    assert f"{url}/v1/answer" in asked
    assert [one for one in asked if not one.startswith((f"{url}/", "data:", VIEWER))] == []
    assert troubles == []
    assert isinstance(answer, Response)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 360)])
def test_a_phone_shows_all_without_scrolling_sideways(
    page: Page, url: str, scheme: Literal["light", "dark"], width: int
):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(url)
    expect(page.locator("#hint")).to_contain_text("It has read")
    assert overflow(page) == 0
    ask(page, FERRY)
    last(page, ".card-title").first.click()
    expect(page.locator("#open")).to_be_in_viewport()
    assert overflow(page) == 0
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
