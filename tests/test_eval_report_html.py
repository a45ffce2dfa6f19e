"""The report as a page: its words, its policy, and how it behaves in a real browser."""

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.screenshot import browser as running_browser
from bench.screenshot import find_browser
from eval.report import side
from eval.report.build import build
from eval.report.folder import read_run
from eval.report.html import CONTENTS, as_html
from eval.report.write import write_report
from tests.reports import HOSTILE, change, write_run

browser_test = pytest.mark.browser
needs_browser = pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("runs") / "harbour")
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    with running_browser() as started:
        yield started


@pytest.fixture
def page(chromium: Browser) -> Generator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def test_the_page_needs_no_other_file(text: str):
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text) == []
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []


def test_the_policy_lets_nothing_run_but_the_page_itself(text: str):
    found = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert found is not None
    policy = found[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_markup_in_an_answer_stands_nowhere_as_markup(text: str):
    assert HOSTILE not in text
    assert HOSTILE in json.dumps(_block(text), ensure_ascii=False)


@pytest.mark.parametrize("place", ["question", "gold", "guard", "warrant", "task", "manifest"])
def test_markup_from_any_file_is_escaped(tmp_path: Path, place: str):
    folder = write_run(tmp_path / "run")
    evil = "<img src=x onerror=alert(1)>"
    if place in ("question", "gold"):
        file = folder / "questions.jsonl"
        old = "basin 1 &" if place == "question" else "1 metres"
        file.write_text(file.read_text().replace(old, evil))
    elif place == "guard":
        guard = {"name": evil, "passed": False, "waived": True, "records": [evil], "note": evil}
        (folder / "guards.json").write_text(json.dumps([guard]))
    elif place == "warrant":
        test = {"name": evil, "outcome": "pass", "evidence": evil}
        (folder / "warrant.json").write_text(json.dumps([test]))
    else:
        change(folder / f"{place}.json", **{"name" if place == "task" else "commit": evil})
    assert "<img" not in _page(folder)


def test_the_verdict_is_told_in_words(text: str):
    words = _words(text)
    assert "Should we fine-tune for “harbour”? Not on this evidence." in words
    assert "Instead of retrieval C1 ✕ Not warranted" in words
    assert "On top of retrieval C2 ? Inconclusive" in words


def test_a_waived_guard_is_told_before_the_verdict(text: str):
    words = _words(text)
    assert words.index("Check waived: source-documents.") < words.index("Instead of retrieval")


def test_a_broken_guard_takes_the_headline(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    broken = {"name": "leaks", "passed": False, "waived": False, "records": ["q-1"], "note": ""}
    (folder / "guards.json").write_text(json.dumps([broken]))
    words = _words(_page(folder))
    assert "? No verdict." in words
    assert "Check broken: leaks." in words
    assert "Not warranted" not in words.split("Right answers, by arm")[0]


def test_one_seed_is_no_verdict(tmp_path: Path):
    words = _words(_page(write_run(tmp_path / "run", seeds=(1,))))
    assert "? No verdict yet." in words
    assert "One seed is no verdict." in words


def test_a_gain_that_costs_more_than_it_brings_is_told_so(tmp_path: Path):
    skill = {"few-shot": 0.2, "rag": 0.1, "adapter": 0.9}
    words = _words(_page(write_run(tmp_path / "run", skill=skill, questions=120)))
    assert "? Better, but not worth its cost yet. Fine-tuning is warranted here instead" in words


def test_a_control_asks_whether_a_recipe_beats_itself(tmp_path: Path):
    skill = {"rag": 0.7, "adapter": 0.3, "adapter-again": 0.3}
    words = _words(_page(write_run(tmp_path / "run", skill=skill, twice=True)))
    assert "Is one recipe for “harbour” better than itself? No, as it must be." in words


def test_arms_with_fewer_tries_are_told_of(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    assert "Every arm got the same number of tries" in _words(_page(folder))
    selection = json.loads((folder / "selection.json").read_text())
    selection["adapter"] = {
        "configurations": selection["adapter"]["configurations"][:1],
        "chosen": 0,
    }
    (folder / "selection.json").write_text(json.dumps(selection))
    assert "The arms got tries, not all of them the same number," in _words(_page(folder))


def test_what_was_not_measured_is_told_so(tmp_path: Path):
    folder = write_run(tmp_path / "run")
    for name in ("guards", "warrant", "collateral", "manifest", "selection"):
        (folder / f"{name}.json").unlink()
    words = _words(_page(folder))
    for name in ("guards", "warrant", "collateral", "manifest", "selection"):
        assert f"Not measured: the run folder has no {name}.json." in words


def test_every_link_of_the_contents_leads_somewhere(text: str):
    assert [name for name, _ in CONTENTS if f'<section id="{name}"' not in text] == []


def test_the_block_holds_every_answer(folder: Path, text: str):
    block, run = _block(text), read_run(folder)
    cells = [cell for question in block["questions"] for arm in question[6] for cell in arm]
    assert sum(len(cell[0]) for cell in cells) == len(run.rows)
    assert {block["texts"][cell[3]] for cell in cells} == {row.answer for row in run.rows}
    assert block["cut"] is None


def test_a_large_run_cuts_long_answers_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_run(tmp_path / "run", words=200)
    monkeypatch.setattr(side, "MAX_BYTES", 100_000)
    text = _page(folder)
    block = _block(text)
    assert len(side.as_json(block).encode()) <= 100_000
    assert max(map(len, block["texts"])) <= block["cut"] + 2
    assert f"longer than {block['cut']} characters are cut here, not in questions.csv" in text


def test_passages_stand_in_the_block_where_they_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = write_run(tmp_path / "run")
    passage = {"id": "basin-1.md@0", "text": "It is deep. " * 2000}
    other = {"id": "basin-99.md@0", "text": "No row names it."}
    (folder / "passages.jsonl").write_text(f"{json.dumps(passage)}\n{json.dumps(other)}\n")
    assert _block(_page(folder))["passages"] == {passage["id"]: passage["text"]}
    monkeypatch.setattr(side, "MAX_BYTES", 30_000)
    assert _block(_page(folder))["passages"] == {}


@browser_test
@needs_browser
def test_the_first_screen_holds_the_verdict_and_asks_nothing_of_anyone(page: Page, folder: Path):
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto((folder / "report.html").as_uri())
    expect(page.get_by_text("Not warranted", exact=False).first).to_be_in_viewport(ratio=1)
    for title in ("Instead of retrieval", "On top of retrieval"):
        card = page.locator("article", has_text=title)
        expect(card).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("heading", name="Right answers, by arm")).to_be_in_viewport()
    _open_table(page)
    assert [one for one in asked if not one.startswith(("file:", "data:"))] == []
    assert troubles == []


@browser_test
@needs_browser
def test_filters_search_and_choice_of_arms_narrow_the_table(page: Page, folder: Path):
    page.goto((folder / "report.html").as_uri())
    _open_table(page)
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(40)
    lost = page.get_by_role("button", name=re.compile("^Lost"))
    lost.press("Enter")
    expect(lost).to_have_attribute("aria-pressed", "true")
    shown = int(lost.inner_text().split()[1])
    assert 0 < shown < 40
    expect(rows).to_have_count(shown)
    page.get_by_label("First arm").select_option(label="rag (baseline)")
    page.get_by_label("Second arm").select_option(label="adapter")
    page.get_by_role("button", name=re.compile("^Won")).click()
    expect(rows).to_have_count(shown)
    page.get_by_role("button", name=re.compile("^All")).click()
    page.get_by_label("Search").fill("basin 17 ")
    expect(rows).to_have_count(1)


@browser_test
@needs_browser
def test_a_row_opens_and_shows_markup_as_text(page: Page, folder: Path):
    page.goto((folder / "report.html").as_uri())
    _open_table(page)
    opener = page.get_by_role("button", name=re.compile("How deep is basin 2 "))
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".detail")).to_contain_text(HOSTILE)
    expect(page.locator(".detail")).to_contain_text("Stands in basin-2.md, page 1")
    expect(page).not_to_have_title("taken over")
    page.keyboard.press("Enter")
    expect(page.locator(".detail")).to_have_count(0)


@browser_test
@needs_browser
def test_more_rows_come_on_demand(page: Page, tmp_path: Path):
    folder = write_run(tmp_path / "run", questions=120)
    write_report(folder)
    page.goto((folder / "report.html").as_uri())
    _open_table(page)
    expect(page.locator("#rows tr")).to_have_count(50)
    page.get_by_role("button", name="Show 50 more").click()
    expect(page.locator("#rows tr")).to_have_count(100)
    expect(page.get_by_role("button", name="Show 20 more")).to_be_visible()


@browser_test
@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(page: Page, folder: Path, scheme: str):
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((folder / "report.html").as_uri())
    expect(page.get_by_text("Not warranted", exact=False).first).to_be_in_viewport()
    _open_table(page)
    page.locator(".opener").first.click()
    root = "(root => root.scrollWidth - root.clientWidth)(document.documentElement)"
    assert page.evaluate(root) == 0


def _open_table(page: Page) -> None:
    """The table is drawn when it comes near the screen."""
    page.locator("#questions").scroll_into_view_if_needed()
    expect(page.locator("#rows")).to_be_visible()


def _page(folder: Path) -> str:
    run = read_run(folder)
    return as_html(build(run), run)


def _block(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="block">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def _words(text: str) -> str:
    """What a reader without JavaScript sees, in one line."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split()).replace(" .", ".")
