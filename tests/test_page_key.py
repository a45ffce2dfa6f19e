"""The page before a service that wants a key."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.screenshot import browser as running_browser
from bench.screenshot import find_browser
from service.keys import Keys
from service.loading import Loading
from service.settings import ServiceSettings
from tests.fakes import FakeEmbedder, LLMByQuestion
from tests.pages import PUMP, REPLIES, answerer_over, ask, last, page_of
from tests.pumphouse import ingest, write_manual
from tests.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ServiceSettings:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "corpus").mkdir()
    write_manual(folder / "corpus" / "manual.pdf")
    (folder / "report.html").write_text("<!doctype html><p>warranted")
    index = ingest(folder / "corpus", folder / "index", FakeEmbedder())
    return ServiceSettings(index=index, report=folder / "report.html")


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    expect.set_options(timeout=30_000)
    with running_browser() as started:
        yield started


@pytest.fixture(scope="module")
def url(settings: ServiceSettings) -> Generator[str]:
    """A service that opens to keys alone."""
    answerer = answerer_over(settings.index, FakeEmbedder(), LLMByQuestion(REPLIES))
    with serving(Loading(settings, answerer), "0.0.0.0") as address:
        yield address


@pytest.fixture
def page(chromium: Browser, url: str) -> Generator[Page]:
    with page_of(chromium) as fresh:
        fresh.goto(url)
        yield fresh


def give(page: Page, key: str) -> None:
    page.get_by_label("API key", exact=True).fill(key)
    page.keyboard.press("Enter")


def test_a_key_is_asked_for_until_one_opens_and_is_kept_in_the_tab(
    page: Page, settings: ServiceSettings
):
    _, key = Keys(settings.keys_file).create("reader")
    give(page, "rf_0_wrong")
    expect(page.locator("#key-note")).to_contain_text("wrong or revoked")
    give(page, key)
    expect(page.get_by_role("status")).to_have_text("1 document")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("1 document")
    ask(page, PUMP)
    expect(last(page, ".answer-text")).to_contain_text("430 litres")
    assert key not in page.content()


def test_without_a_key_the_question_waits_and_says_what_is_wanted(page: Page):
    expect(page.get_by_label("API key", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_contain_text("ragfirst keys create")
    expect(page.get_by_label("API key", exact=True)).to_be_hidden()
    ask(page, PUMP)
    expect(page.get_by_label("API key", exact=True)).to_be_focused()
    page.get_by_role("button", name="Cancel").click()
    expect(last(page, ".notice")).to_contain_text("ragfirst keys create")


def test_files_that_a_link_could_not_open_are_fetched_with_the_key(
    page: Page, settings: ServiceSettings
):
    _, key = Keys(settings.keys_file).create("opener")
    give(page, key)
    ask(page, PUMP)
    last(page, ".card-title").first.click()
    frame = page.locator("#sheet iframe")
    expect(frame).to_have_attribute("src", re.compile(r"^blob:.*#page=2&"))
    expect(page.locator("#open")).to_have_attribute("href", re.compile(r"^blob:.*#page=2$"))
    page.keyboard.press("Escape")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Comparison report").click()
    assert saved.value.suggested_filename == "report.html"
    assert saved.value.path().read_text() == "<!doctype html><p>warranted"


def test_a_key_that_may_not_read_all_or_write_sees_neither_report_nor_upload(
    page: Page, settings: ServiceSettings
):
    _, key = Keys(settings.keys_file).create("desk", frozenset({"tests"}))
    give(page, key)
    expect(page.get_by_role("status")).to_have_text("1 document")
    page.get_by_role("button", name="Documents").click()
    expect(page.get_by_role("link", name="Orlo pump manual")).to_be_visible()
    expect(page.get_by_text("Choose files")).to_be_hidden()
    expect(page.get_by_role("link", name="Comparison report")).to_be_hidden()
