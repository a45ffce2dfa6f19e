"""A picture of the page after a question, with its first citation open.

    python -m bench.screenshot http://localhost:8000 "Who signs?" docs/page.png

needs Playwright for Python and a Chromium; see `find_browser`.
"""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Browser, Page, expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""A browser that asks nothing of anyone but the page it is sent to."""

ANSWER_MS = 180_000
"""The longest that a model may take, loading included."""


def find_browser() -> str | None:
    """The installed Chromium or Chrome; None where there is none on PATH."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def browser() -> Generator[Browser]:
    """A running browser. Raises `RuntimeError` where none is installed."""
    path = find_browser()
    if path is None:
        raise RuntimeError(f"no browser: install one of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield started
        finally:
            started.close()


def ask_and_open(page: Page, url: str, question: str) -> None:
    """Ask on the page at `url`, wait for the answer, open its first citation and its passage."""
    page.goto(url)
    page.get_by_label("Ask the documents").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".grounding")).to_be_visible(timeout=ANSWER_MS)
    page.locator(".card-title").first.click()
    expect(page.locator("#open")).to_be_visible()


def screenshot(
    url: Annotated[str, typer.Argument(help="Where the service answers.")],
    question: Annotated[str, typer.Argument(help="The question to ask, in quotes.")],
    out: Annotated[Path, typer.Argument(help="The PNG to write.")],
    width: Annotated[int, typer.Option(min=320)] = 1280,
    height: Annotated[int, typer.Option(min=320)] = 800,
    dark: Annotated[bool, typer.Option("--dark", help="In dark colours.")] = False,
) -> None:
    """Ask, open the first citation, and write a picture of what a reader sees."""
    with browser() as chromium:
        page = chromium.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        ask_and_open(page, url, question)
        page.screenshot(path=out)


if __name__ == "__main__":
    typer.run(screenshot)
