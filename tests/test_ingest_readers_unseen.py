"""What a document's own style or drawing hides is not read; whatever may be seen is."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.textobject import PDFTextObject

from ingest.documents import Document
from ingest.readers import read
from tests.corpora import dump

HIDDEN = [
    "display:none",
    "DISPLAY : NONE !important",
    "visibility: hidden",
    "visibility:collapse",
    "font-size:0",
    "font-size: 1px",
    "color:white",
    "color: #FFFFFF; font-weight: bold",
    "color:rgb(250, 252, 255)",
    "color:#222; background:#222222",
    "color: transparent",
    "position:absolute;left:-9999px",
    "text-indent: -999em",
    "clip: rect(0 0 0 0)",
    "clip-path: inset(50%)",
    "width:1px;height:1px;overflow:hidden",
]
SHOWN = [
    "color:black",
    "color:white;background:navy",
    "color:#fff; background-color: rgb(0,0,80)",
    "color:#fff; background-image:url(sea.png)",
    "font-size:0.9em",
    "font-size:9px",
    "opacity:0",  # until a script shows it
    "left:-50%",
    "height:0;overflow:hidden",
    "color:transparent;background-clip:text",
    "max-height:0",
]


def text_of(folder: Path, name: str, source: str | bytes) -> str:
    file = folder / name
    file.write_bytes(source if isinstance(source, bytes) else source.encode())
    (document,) = read(file, name)
    assert isinstance(document, Document)
    return document.text


@pytest.mark.parametrize("style", HIDDEN)
def test_a_style_that_hides_in_html(tmp_path: Path, style: str) -> None:
    source = f'<p>Before <span style="{style}">never <b>seen</b></span> after.</p>'
    assert text_of(tmp_path, "a.html", source) == "Before after."


@pytest.mark.parametrize("style", SHOWN)
def test_a_style_that_may_be_seen_in_html(tmp_path: Path, style: str) -> None:
    source = f'<p>Before <span style="{style}">the words</span> after.</p>'
    assert text_of(tmp_path, "a.html", source) == "Before the words after."


SURROUNDED = [
    '<div style="background:#111">{}</div>',
    '<table bgcolor="#000080"><tr><td>{}</td></tr></table>',
    "<style>body {{ background: black }}</style><div>{}</div>",
    '<link rel="stylesheet" href="dark.css"><p>{}</p>',
    '<div style="background: linear-gradient(red, blue)">{}</div>',
]


@pytest.mark.parametrize("around", SURROUNDED)
def test_white_words_are_read_where_what_is_behind_may_be_dark(tmp_path: Path, around: str) -> None:
    source = around.format('<span style="color:white">the words</span>')
    assert text_of(tmp_path, "a.html", source) == "the words"


def test_words_of_their_own_colour_or_size_within_hidden_ones_are_read(tmp_path: Path) -> None:
    source = '<div style="font-size:0"><span style="font-size:14px">the words</span></div>'
    assert text_of(tmp_path, "a.html", source) == "the words"


def test_the_old_colour_attribute_hides_too(tmp_path: Path) -> None:
    source = 'Seen. <font color="white">never seen</font>'
    assert text_of(tmp_path, "a.html", source) == "Seen."


@pytest.mark.parametrize("style", HIDDEN)
def test_a_style_that_hides_in_markdown(tmp_path: Path, style: str) -> None:
    source = f'Before <span style="{style}">never *seen* <b>at</b> all</span>after.\n'
    assert text_of(tmp_path, "a.md", source) == "Before after."


@pytest.mark.parametrize("style", SHOWN)
def test_a_style_that_may_be_seen_in_markdown(tmp_path: Path, style: str) -> None:
    source = f'Before <span style="{style}">the words</span> after.\n'
    assert text_of(tmp_path, "a.md", source) == "Before the words after."


def test_markdown_within_a_hidden_element_is_not_read(tmp_path: Path) -> None:
    source = (
        "One.\n\n<div hidden>\n\n# Never\n\n- seen\n\n<div>\n\n```\nnor this\n```\n\n</div>\n\n"
        "| a | b |\n|---|---|\n| c | d |\n\n</div>\n\nTwo.\n"
    )
    assert text_of(tmp_path, "a.md", source) == "One.\n\nTwo."


def test_an_element_without_an_end_hides_nothing_after_it(tmp_path: Path) -> None:
    source = 'One.\n\n<p style="display:none">Never seen.\n\nTwo. <br hidden> Three.\n'
    assert text_of(tmp_path, "a.md", source) == "One.\n\nTwo.\nThree."


@pytest.mark.parametrize("style", ["display:none", "visibility: hidden", "font-size:0"])
def test_a_style_that_hides_in_wiki_text(tmp_path: Path, style: str) -> None:
    page = f'Before <span style="{style}">never seen</span> after.'
    assert text_of(tmp_path, "a.xml", dump(("Page", page))) == "Before after."


def test_pale_wiki_text_is_read(tmp_path: Path) -> None:
    page = '{| \n| style="background:navy" | <span style="color:white">the words</span>\n|}'
    assert "the words" in text_of(tmp_path, "a.xml", dump(("Page", page)))


# PDF

SEEN = "The pump house stands by the river."
UNSEEN = "Nobody is meant to read this line."


def page(draw: Callable[[Canvas], None]) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    canvas.drawString(60, 780, SEEN)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def words(
    canvas: Canvas, change: Callable[[PDFTextObject], object], line: str = UNSEEN, up: float = 600
) -> None:
    text = canvas.beginText(60, up)
    text.setFont("Helvetica", 12)
    change(text)
    text.textOut(line)
    canvas.drawText(text)


def white(text: PDFTextObject) -> None:
    text.setFillGray(1)


def invisible(text: PDFTextObject) -> None:
    text.setTextRenderMode(3)


def picture(canvas: Any) -> None:
    """A scan of the page."""
    from PIL import Image

    canvas.drawImage(ImageReader(Image.new("RGB", (8, 8), "grey")), 0, 0, *A4)


def shrunk(canvas: Canvas) -> None:
    canvas.scale(0.1, 0.1)
    words(canvas, lambda text: None, up=6000)


def lines(canvas: Canvas) -> None:
    """Several lines, shown by the operator that moves to the next one first."""
    text = canvas.beginText(60, 600)
    text.setFont("Helvetica", 12)
    text.setFillColorRGB(1, 1, 1)
    text.textLine(UNSEEN)
    text.textLine(UNSEEN)
    text.setFillColorRGB(0, 0, 0)
    text.textLine("The gate is shut.")
    canvas.drawText(text)


UNSEEN_PAGES: dict[str, Callable[[Canvas], None]] = {
    "white": lambda canvas: words(canvas, white),
    "white in CMYK": lambda canvas: words(canvas, lambda text: text.setFillColorCMYK(0, 0, 0, 0)),
    "almost white": lambda canvas: words(canvas, lambda text: text.setFillGray(0.97)),
    "tiny": lambda canvas: words(canvas, lambda text: text.setFont("Helvetica", 1)),
    "shrunk": shrunk,
    "invisible": lambda canvas: words(canvas, invisible),
}


@pytest.mark.parametrize("draw", UNSEEN_PAGES.values(), ids=UNSEEN_PAGES)
def test_what_nobody_sees_in_a_pdf(tmp_path: Path, draw: Callable[[Canvas], None]) -> None:
    assert text_of(tmp_path, "a.pdf", page(draw)) == SEEN


def test_lines_after_unseen_ones_keep_their_place(tmp_path: Path) -> None:
    assert text_of(tmp_path, "a.pdf", page(lines)) == f"{SEEN}\n\nThe gate is shut."


def on_a_bar(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0, 0, 0.4)
    canvas.rect(50, 590, 400, 24, stroke=0, fill=1)
    words(canvas, white)


def on_a_thick_line(canvas: Canvas) -> None:
    canvas.setLineWidth(20)
    canvas.line(50, 604, 450, 604)
    words(canvas, white)


def on_a_form(canvas: Any) -> None:
    canvas.beginForm("panel")
    canvas.rect(0, 0, 400, 700, stroke=0, fill=1)
    canvas.endForm()
    canvas.doForm("panel")
    words(canvas, white)


def on_a_picture(canvas: Canvas) -> None:
    picture(canvas)
    words(canvas, white)


def outlined(canvas: Canvas) -> None:
    words(canvas, lambda text: (white(text), text.setTextRenderMode(2)))


def scanned(canvas: Canvas) -> None:
    """A scan, its own text behind it, and a stamp."""
    picture(canvas)
    for at in range(3):
        words(canvas, invisible, up=600 - 16 * at)


SEEN_PAGES: dict[str, Callable[[Canvas], None]] = {
    "on a bar": on_a_bar,
    "on a thick line": on_a_thick_line,
    "on a form": on_a_form,
    "on a picture": on_a_picture,
    "outlined": outlined,
    "scanned": scanned,
    "small": lambda canvas: words(canvas, lambda text: text.setFont("Helvetica", 4)),
}


@pytest.mark.parametrize("draw", SEEN_PAGES.values(), ids=SEEN_PAGES)
def test_what_may_be_seen_in_a_pdf(tmp_path: Path, draw: Callable[[Canvas], None]) -> None:
    assert UNSEEN in text_of(tmp_path, "a.pdf", page(draw))


def test_a_bar_that_is_drawn_afterwards_carries_no_words(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        words(canvas, white)
        canvas.setFillColorRGB(0, 0, 0.4)
        canvas.rect(50, 590, 400, 24, stroke=0, fill=1)

    assert text_of(tmp_path, "a.pdf", page(draw)) == SEEN


def test_fillers_in_white_change_nothing(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        words(canvas, white, line="— — 12 —")

    assert "12" in text_of(tmp_path, "a.pdf", page(draw))
