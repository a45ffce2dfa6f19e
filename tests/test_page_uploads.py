"""The page's window of documents: files come in, are watched, replaced and deleted."""

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from bench.screenshot import browser as running_browser
from bench.screenshot import find_browser
from service.loading import Loading
from service.uploads import Uploads
from service.worker import Worker
from tests.fakes import FakeEmbedder, OneReply
from tests.pages import answerer_over, page_of
from tests.serving import serving
from tests.uploading import IDLE, read, settings_of, with_corpus

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH"),
]


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    expect.set_options(timeout=30_000)
    with running_browser() as started:
        yield started


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Uploads:
    return with_corpus(tmp_path_factory.mktemp("uploads"))


@pytest.fixture(scope="module")
def url(uploads: Uploads) -> Generator[str]:
    """A service whose uploads are read by the tests themselves."""
    answerer = answerer_over(uploads.index, FakeEmbedder(), OneReply("I don't know."))
    settings = settings_of(uploads.index)
    worker = Worker(uploads, settings, command=IDLE)
    with serving(Loading(settings, answerer), worker=worker) as address:
        yield address


@pytest.fixture
def page(chromium: Browser, url: str) -> Generator[Page]:
    with page_of(chromium) as fresh:
        fresh.goto(url)
        fresh.get_by_role("button", name="Documents").click()
        expect(fresh.get_by_label("Choose files")).to_be_attached()
        yield fresh


def choose(page: Page, name: str, text: str) -> None:
    file: FilePayload = {"name": name, "mimeType": "text/markdown", "buffer": text.encode()}
    page.get_by_label("Choose files").set_input_files(file)


def test_a_file_is_watched_until_it_is_read_replaced_and_deleted(page: Page, uploads: Uploads):
    status = page.locator("#uploads")
    choose(page, "otter.md", "# The otter\n\nThe otter sleeps in the boat house.\n")
    expect(status).to_contain_text("Waiting to be read")
    read(uploads)
    expect(status).to_contain_text("Ready to be asked about")
    expect(page.get_by_role("link", name="The otter")).to_be_visible()

    choose(page, "otter.md", "# The heron\n\nThe heron sleeps on the weir.\n")
    expect(status).to_contain_text("Not taken: another 'otter.md'")
    page.get_by_role("button", name="Replace it").click()
    expect(status).to_contain_text("Waiting to be read")
    read(uploads)
    expect(page.get_by_role("link", name="The heron")).to_be_visible()
    expect(page.get_by_role("link", name="The otter")).to_have_count(0)

    status.get_by_role("button", name="Delete otter.md", exact=True).click()
    expect(status.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Enter")
    status.get_by_role("button", name="Delete otter.md for good").click()
    expect(status).to_be_hidden()
    expect(page.get_by_role("link", name="The heron")).to_have_count(0)
    assert uploads.all() == []


def test_documents_that_were_not_uploaded_have_no_delete(page: Page):
    expect(page.locator("#documents a")).to_have_count(2)
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)


def test_a_file_that_is_refused_is_named_with_the_reason(page: Page):
    choose(page, "run.exe", "MZ")
    refused = page.locator("#uploads", has_text="run.exe")
    expect(refused).to_contain_text("Not taken: file: ")
    page.get_by_role("button", name="Dismiss").click()
    expect(refused).to_be_hidden()


def test_a_dropped_file_is_sent_to_the_collection_that_is_named(page: Page, uploads: Uploads):
    page.get_by_label("Collection", exact=True).fill("notes")
    dropped = page.evaluate_handle(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["The weir opens at noon."], "weir.txt"));
            return carried;
        }"""
    )
    page.dispatch_event("#documents", "drop", {"dataTransfer": dropped})
    expect(page.locator("#uploads")).to_contain_text("Waiting to be read")
    assert [(one.name, one.collection) for one in uploads.all()] == [("weir.txt", "notes")]
