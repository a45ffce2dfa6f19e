import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from pypdf.constants import PageLabelStyle
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from ingest.documents import Document, UnreadableFile
from ingest.readers.paragraphs import join, parse_lines, set_widths
from ingest.readers.pdf import read_pdf

PROSE = "The warehouse in Bergen opens at seven and closes at nineteen on every working day of the"


def pages(*texts: list[str]) -> bytes:
    """A PDF with the given lines on each page."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    for lines in texts:
        for number, line in enumerate(lines):
            canvas.drawString(40, 800 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def writer(content: bytes) -> PdfWriter:
    return PdfWriter(clone_from=PdfReader(io.BytesIO(content)))


def save(tmp_path: Path, content: bytes | PdfWriter, name: str = "manual.pdf") -> Path:
    file = tmp_path / name
    if isinstance(content, PdfWriter):
        content.write(file)
    else:
        file.write_bytes(content)
    return file


def read_one(file: Path) -> Document:
    (document,) = read_pdf(file, f"docs/{file.name}")
    assert isinstance(document, Document)
    return document


def test_every_page_has_its_offset_and_label(tmp_path: Path) -> None:
    made = writer(pages(["Preface of it"], ["First chapter"], ["Second chapter"]))
    made.set_page_label(0, 0, style=PageLabelStyle.LOWERCASE_ROMAN)
    made.set_page_label(1, 2, style=PageLabelStyle.DECIMAL)
    document = read_one(save(tmp_path, made))
    assert [page.label for page in document.pages] == ["i", "1", "2"]
    assert document.text[document.pages[1].start :].startswith("First chapter")


def test_broken_labels_fall_back_to_numbers(tmp_path: Path) -> None:
    made = writer(pages(["One page"], ["Other page"]))
    made.set_page_label(0, 1, style=PageLabelStyle.DECIMAL)
    content = io.BytesIO()
    made.write(content)
    file = save(tmp_path, content.getvalue().replace(b"/Nums", b"/Numx"))
    assert [page.label for page in read_one(file).pages] == ["1", "2"]


def test_outline_gives_sections_at_their_headings(tmp_path: Path) -> None:
    made = writer(pages(["Some words first.", "1 Safety", "Wear a helmet."], ["Tools", "A drill."]))
    top = made.add_outline_item(title="Safety", page_number=0)
    made.add_outline_item(title="Tools", page_number=1, parent=top)
    document = read_one(save(tmp_path, made))
    assert [section.path for section in document.sections] == [("Safety",), ("Safety", "Tools")]
    lines = [document.text[section.start :].split("\n")[0] for section in document.sections]
    assert lines == ["1 Safety", "Tools"]


def test_heading_wrapped_onto_two_lines_is_found(tmp_path: Path) -> None:
    made = writer(pages(["Words.", "Rules for the use of", "the crane", "Nobody stands below."]))
    made.add_outline_item(title="Rules for the use of the crane", page_number=0)
    document = read_one(save(tmp_path, made))
    at = document.sections[0].start
    assert document.text[at:].startswith("Rules for the use of the crane\n")


def test_outline_title_missing_from_its_page_starts_with_the_page(tmp_path: Path) -> None:
    made = writer(pages(["Alpha."], ["Beta."]))
    made.add_outline_item(title="Something else", page_number=1)
    document = read_one(save(tmp_path, made))
    assert document.sections[0].start == document.pages[1].start


def test_outline_entry_that_jumps_back_never_precedes_the_one_before(tmp_path: Path) -> None:
    made = writer(pages(["Alpha"], ["Beta"]))
    made.add_outline_item(title="Beta", page_number=1)
    made.add_outline_item(title="Alpha", page_number=0)
    starts = [section.start for section in read_one(save(tmp_path, made)).sections]
    assert starts == sorted(starts)


def test_page_without_text_is_named(tmp_path: Path) -> None:
    document = read_one(save(tmp_path, pages(["Words here."], [], ["More words."])))
    assert document.empty_pages == (2,)
    assert len(document.pages) == 3


def test_pdf_without_any_text_asks_for_ocr(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="none of its 2 pages holds text; a scan needs OCR"):
        read_one(save(tmp_path, pages([], [])))


def test_password_is_named_as_the_trouble(tmp_path: Path) -> None:
    made = writer(pages(["Secret words."]))
    made.encrypt("sesame", algorithm="AES-256")
    with pytest.raises(UnreadableFile, match="encrypted: it needs a password"):
        read_one(save(tmp_path, made))


def test_empty_user_password_opens(tmp_path: Path) -> None:
    made = writer(pages(["Open words."]))
    made.encrypt("", owner_password="owner", algorithm="AES-256")
    assert "Open words." in read_one(save(tmp_path, made)).text


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_truncated_pdf_is_damaged_or_still_read(tmp_path: Path, share: float) -> None:
    content = pages(*([f"Page {number} has words."] for number in range(6)))
    with pytest.raises(UnreadableFile):
        read_one(save(tmp_path, content[: int(len(content) * share)]))


def test_page_that_fails_on_its_own_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pypdf import PageObject

    real = PageObject.extract_text

    def failing(page: PageObject) -> str:
        text = real(page)
        if "bad" in text:
            raise KeyError("/Font")
        return text

    monkeypatch.setattr(PageObject, "extract_text", failing)
    document = read_one(save(tmp_path, pages(["A good page."], ["A bad page."])))
    assert document.empty_pages == (2,)
    assert document.text == "A good page."


def test_running_header_and_page_numbers_go(tmp_path: Path) -> None:
    made = pages(
        *(
            ["Acme Handbook 2024", f"Fact {w} stands here.", f"Page {n} of 5"]
            for n, w in enumerate("abcde", start=1)
        )
    )
    text = read_one(save(tmp_path, made)).text
    assert text.count("Acme Handbook") == 1
    assert "Page 3" not in text
    assert "Fact e stands here." in text


def test_same_line_on_every_page_is_kept_when_it_is_all_there_is(tmp_path: Path) -> None:
    document = read_one(save(tmp_path, pages(*([["Same words."]] * 5))))
    assert document.text.count("Same words.") == 5


def test_paragraph_across_two_pages_is_one(tmp_path: Path) -> None:
    made = pages([PROSE] * 7, ["year, except in the week of Christmas."])
    document = read_one(save(tmp_path, made))
    assert "day of the year, except" in document.text
    assert document.text[document.pages[1].start :].startswith("year, except")


def test_metadata_title_is_taken_when_sensible(tmp_path: Path) -> None:
    made = writer(pages(["Words."]))
    made.add_metadata({"/Title": "Crane manual", "/Author": "A. Berg"})
    document = read_one(save(tmp_path, made))
    assert (document.title, document.metadata["author"]) == ("Crane manual", "A. Berg")


@pytest.mark.parametrize(
    ("written", "name", "title"),
    [
        ("Form 10-Q of Acme", "2022 Q3 ACM.pdf", "Form 10-Q of Acme · 2022 Q3 ACM"),
        ("Minutes, May 2025", "board-minutes-2025-05.pdf", "Minutes, May 2025"),
        ("Crane manual", "scan0012.pdf", "Crane manual"),
        ("Crane manual", "a8f3e9dcbbaf4412.pdf", "Crane manual"),
    ],
)
def test_file_name_stands_beside_a_title_that_says_something_else(
    tmp_path: Path, written: str, name: str, title: str
) -> None:
    made = writer(pages(["Words."]))
    made.add_metadata({"/Title": written})
    assert read_one(save(tmp_path, made, name)).title == title


@pytest.mark.parametrize("written", ["Microsoft Word - x.doc", "untitled", "scan.pdf", "0001-23-4"])
def test_title_of_a_program_is_not(tmp_path: Path, written: str) -> None:
    made = writer(pages(["Leave policy", "Staff have thirty days."]))
    made.add_metadata({"/Title": written})
    assert read_one(save(tmp_path, made, "scan0012.pdf")).title == "Leave policy"


def test_telling_file_name_wins_over_a_form_heading(tmp_path: Path) -> None:
    file = save(tmp_path, pages(["UNITED STATES", "Words."]), "2023 Q1 AAPL.pdf")
    assert read_one(file).title == "2023 Q1 AAPL"


def unwrap(text: str) -> str:
    lines = parse_lines(text)
    set_widths(lines)
    return join(lines)[0]


def test_wrapped_lines_become_a_paragraph() -> None:
    assert unwrap(f"{PROSE}\nyear. It has\ntwo gates.") == f"{PROSE} year. It has two gates."


def test_table_rows_and_list_items_stay_on_their_lines() -> None:
    text = (
        "Net sales:\nProducts $ 96,388 $ 104,429\nServices 20,766 19,516\n(a) first;\n(b) second."
    )
    assert unwrap(text) == text


def test_date_split_over_two_lines_is_joined() -> None:
    assert (
        unwrap("Three Months Ended\nDecember 31,\n2022") == "Three Months Ended\nDecember 31, 2022"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a clear exam-\nple of it", "a clear example of it"),
        ("the credit-\nfinancing plan, credit and financing", "the credit-financing plan"),
        ("on-site work is on-\nsite work", "on-site work is on-site work"),
    ],
)
def test_hyphens_at_line_ends(text: str, expected: str) -> None:
    assert unwrap(text).startswith(expected)


def test_pages_that_are_all_broken_are_said_to_be_so(tmp_path: Path) -> None:
    content = pages(["A"], ["B"]).replace(b"/FlateDecode", b"/OtherDecode")
    with pytest.raises(UnreadableFile, match="no page holds text, 2 of 2 cannot be read: the PDF"):
        read_one(save(tmp_path, content))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60)))
def test_joined_lines_start_where_they_say(texts: list[str]) -> None:
    lines = parse_lines("\n".join(texts))
    text, starts = join(lines)
    assert starts == sorted(starts)
    for line, start in zip(lines, starts, strict=True):
        assert text.startswith(line.text[:-1], start)
