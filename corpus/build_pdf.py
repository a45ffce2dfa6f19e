"""Builds the demo corpus's PDFs: every corpus/source/pdf/*.md becomes corpus/pdf/*.pdf.

A source holds YAML front matter and Markdown. The same sources always give the same bytes.
"""

# pyright: reportUnknownMemberType=false

import argparse
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, unescape

import yaml
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from reportlab import platypus as pl
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

CORPUS = Path(__file__).parent
COMPANY = "Kelderwyn Hydrometrics Limited"
MARGIN, TOP, BOTTOM, INDENT, PADS = 25 * mm, 27 * mm, 23 * mm, 16, 13
WIDTH: float = A4[0] - 2 * MARGIN
BLUE, GREY, TINT, LINE = (HexColor(c) for c in ("#12496b", "#5c6b75", "#edf3f6", "#b9c4cb"))
SANS, BOLD, ITALIC, MONO = "Roboto-Regular", "Roboto-Bold", "Roboto-Italic", "RobotoMono-Regular"
FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
OWN_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.?\s+(.*)")
NUMBERS_ITSELF = re.compile(r"^# (?:\d|[A-Z]\.|Item )", re.MULTILINE)
IDLE_BREAK = re.compile(r" T\*(?: \S+ 0 Td)? ET")
TAGS = {"strong": "b", "em": "i", "code_inline": f'font name="{MONO}" size="-0.5"'}


def style(size: float, leading: float, font: str = SANS, **more: Any) -> ParagraphStyle:
    """A paragraph style."""
    more |= {"fontName": font, "fontSize": size, "leading": leading, "bulletFontName": SANS}
    return ParagraphStyle("", **more)


BODY = style(10, 15, spaceAfter=7)
SMALL = style(9.5, 13, textColor=GREY)
TITLE = style(22, 27, BOLD, textColor=BLUE, spaceAfter=3)
SUBTITLE = style(12.5, 17, textColor=GREY, spaceAfter=6)
HEADINGS = [
    style(size, 1.3 * size, BOLD, textColor=BLUE, spaceBefore=before, spaceAfter=5)
    for size, before in ((15, 15), (11.5, 10), (10, 8))
]


@dataclass(frozen=True)
class Source:
    """One document to set: its front matter and its Markdown."""

    title: str
    author: str
    date: date
    text: str
    subtitle: str = ""
    number: str = ""
    subject: str = ""
    cover: bool = False


class Heading(pl.Paragraph):
    """A heading that enters itself into the PDF's outline, without its number."""

    def __init__(self, number: str, markup: str, level: int, key: str) -> None:
        self.level, self.key = level, key
        self.name = unescape(re.sub("<[^>]+>", "", markup))
        self.entry = f"{number}&nbsp;&nbsp;{markup}" if number else markup
        super().__init__(self.entry, HEADINGS[level])
        self.keepWithNext = True

    def draw(self) -> None:
        """Draw it and bookmark its place."""
        self.canv.bookmarkHorizontal(self.key, 0, self.height)
        self.canv.addOutlineEntry(self.name, self.key, self.level)
        super().draw()


class Template(pl.BaseDocTemplate):
    """The pages: running header and footer, page labels, contents entries."""

    def __init__(self, file: Path, source: Source) -> None:
        self.source, self.front = source, 2 if source.cover else 0
        self.chapters: list[list[pl.Paragraph]] = []
        about = {"title": source.title, "author": source.author, "subject": source.subject}
        super().__init__(str(file), pagesize=A4, creator=COMPANY, invariant=1, **about)
        frame = pl.Frame(MARGIN, BOTTOM, WIDTH, A4[1] - TOP - BOTTOM, 0, 0, 0, 0)
        for name, start in (("first", self.begin), ("later", self.header)):
            page = pl.PageTemplate(name, [frame], start, self.footer, None, "later")
            self.addPageTemplates(page)

    def begin(self, canvas: Any, _: object) -> None:
        """Write what concerns the whole file, and draw the cover's ground."""
        canvas.setDateFormatter(f"{self.source.date:D:%Y%m%d090000Z}".format)
        if self.front:
            canvas.addPageLabel(0, "ROMAN_LOWER", 1)
            canvas.addPageLabel(self.front, "ARABIC", 1)
            canvas.setFillColor(BLUE)
            canvas.rect(0, A4[1] - 80 * mm, A4[0], 80 * mm, stroke=0, fill=1)

    def header(self, canvas: Any, _: object) -> None:
        """Draw the running header: the company and the document."""
        self.edge(canvas, A4[1] - 17 * mm, COMPANY, self.source.title)
        canvas.line(MARGIN, A4[1] - 19.5 * mm, A4[0] - MARGIN, A4[1] - 19.5 * mm)

    def footer(self, canvas: Any, _: object) -> None:
        """Draw the footer; drop idle line breaks, which would tear table rows apart as text."""
        self.edge(canvas, 13 * mm, self.source.number, f"Page {self.label(self.page)}")
        canvas._code = [IDLE_BREAK.sub(" ET", code) for code in canvas._code]

    def edge(self, canvas: Any, y: float, left: str, right: str) -> None:
        """Draw a line of small text at both margins."""
        canvas.setFont(SANS, 8.5)
        canvas.setFillColor(GREY)
        canvas.setStrokeColor(LINE)
        canvas.drawString(MARGIN, y, left)
        canvas.drawRightString(A4[0] - MARGIN, y, right)

    def label(self, page: int) -> str:
        """The label of a page, counted from 1."""
        return str(page - self.front) if page > self.front else "i" * page

    def afterFlowable(self, flowable: object) -> None:
        """Note a chapter for the contents."""
        if isinstance(flowable, Heading) and flowable.level == 0:
            entry = f'<a href="#{flowable.key}">{flowable.entry}</a>'
            self.chapters.append([pl.Paragraph(e, BODY) for e in (entry, self.label(self.page))])


def inline(node: SyntaxTreeNode) -> str:
    """The markup of an inline node."""
    inner = "".join(map(inline, node.children)) or escape(node.content or " ")
    tag = TAGS.get(node.type)
    return f"<{tag}>{inner}</{tag.split()[0]}>" if tag else inner


def boxed(content: Sequence[pl.Flowable], line: Color) -> pl.Table:
    """Flowables on a tinted ground with a line at their left."""
    look = [("BACKGROUND", (0, 0), (0, 0), TINT), ("LINEBEFORE", (0, 0), (0, 0), 2.5, line)]
    return pl.Table([[list(content)]], [WIDTH], style=look, spaceBefore=3, spaceAfter=10)


def table(node: SyntaxTreeNode) -> pl.Table:
    """A table whose header row repeats on every page."""
    lines = [(part.type == "thead", row) for part in node.children for row in part.children]
    rows = [[cell(child, head) for child in row.children] for head, row in lines]
    look = [("BACKGROUND", (0, 0), (-1, 0), TINT), ("LINEBELOW", (0, 0), (-1, 0), 0.9, BLUE)]
    look += [("LINEBELOW", (0, 1), (-1, -1), 0.35, LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    long, widths = int(len(rows) > 12), column_widths(rows)
    return pl.Table(rows, widths, None, look, 1, 0, long, spaceBefore=3, spaceAfter=11)


def cell(node: SyntaxTreeNode, head: bool) -> pl.Paragraph:
    """A cell, set to the side that the Markdown asks for."""
    side = 2 if node.attrs.get("style") == "text-align:right" else 0
    return pl.Paragraph(inline(node), style(9, 12.5, BOLD if head else SANS, alignment=side))


def column_widths(rows: Sequence[Sequence[pl.Paragraph]]) -> list[float]:
    """Widths that fill the line; where the text is too long, the widest columns give way."""
    columns = list(zip(*rows, strict=True))
    least = [max(c.minWidth() for c in column) + PADS for column in columns]
    texts = [[c.getPlainText() for c in column] for column in columns]
    wish = [max(pdfmetrics.stringWidth(t, BOLD, 9) for t in column) + PADS for column in texts]
    if sum(wish) <= WIDTH:
        return [width * WIDTH / sum(wish) for width in wish]
    most = WIDTH
    while most > 0 and sum(max(n, min(w, most)) for n, w in zip(least, wish, strict=True)) > WIDTH:
        most -= 1
    return [max(need, min(want, most)) for need, want in zip(least, wish, strict=True)]


def bullets(node: SyntaxTreeNode, depth: int) -> Iterable[pl.Flowable]:
    """A list, with the lists inside its items."""
    look = style(10, 15, leftIndent=depth * INDENT, bulletIndent=depth * INDENT - INDENT)
    for number, item in enumerate(node.children, int(node.attrs.get("start", 1))):
        mark = f"{number}." if node.type == "ordered_list" else "•"
        for child in item.children:
            if child.type == "paragraph":
                yield pl.Paragraph(inline(child), look, mark)
                mark = ""
            else:
                yield from blocks(child, depth + 1)
    yield pl.Spacer(1, 5)


def blocks(node: SyntaxTreeNode, depth: int = 1) -> Iterable[pl.Flowable]:
    """The flowables of a block that is no heading."""
    match node.type:
        case "paragraph":
            yield pl.Paragraph(inline(node), BODY)
        case "bullet_list" | "ordered_list":
            yield from bullets(node, depth)
        case "table":
            yield table(node)
        case "fence":
            yield boxed([pl.Preformatted(node.content.rstrip(), style(8.5, 12, MONO))], LINE)
        case "blockquote":
            yield boxed([part for child in node.children for part in blocks(child)], BLUE)
        case "html_block" if node.content.strip() == "<!-- pagebreak -->":
            yield pl.PageBreak()
        case _:
            raise ValueError(f"cannot set {node.type}: {node.content[:40]}")


def body(source: Source) -> Iterable[pl.Flowable]:
    """The document's flowables. Its headings are numbered where the source did not do so."""
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(source.text))
    counted, counts = NUMBERS_ITSELF.search(source.text), [0, 0]
    for key, node in enumerate(tree.children):
        if node.type != "heading":
            yield from blocks(node)
            continue
        level, number, markup = min(int(node.tag[1:]), 3) - 1, "", inline(node)
        if own := OWN_NUMBER.fullmatch(markup):
            number, markup = own.groups()
        elif not counted and level < 2:
            counts = [counts[0] + 1, 0] if level == 0 else [counts[0], counts[1] + 1]
            number = ".".join(map(str, counts[: level + 1]))
        yield Heading(number, markup, level, f"heading-{key}")


def opening(source: Source, chapters: list[list[pl.Paragraph]]) -> Iterable[pl.Flowable]:
    """The cover block; for a document with a cover its page, then the contents."""
    day = f"{source.date.day} {source.date:%B %Y}"
    facts = " · ".join(part for part in (source.number, source.author, day) if part)
    lines = ((COMPANY, SMALL), (source.title, TITLE), (source.subtitle, SUBTITLE), (facts, SMALL))
    yield pl.Spacer(1, 75 * mm if source.cover else 1)
    yield from (pl.Paragraph(escape(text), look) for text, look in lines if text)
    yield pl.Spacer(1, 12)
    if source.cover:
        yield pl.PageBreak()
        yield pl.Paragraph("Contents", HEADINGS[0])
        yield pl.Table(chapters or [[""] * 2], [WIDTH - 30, 30])
        yield pl.PageBreak()


def read(file: Path, letters: Container[int]) -> Source:
    """Read a source file; raise a ValueError where it cannot be set."""
    text = file.read_text(encoding="utf-8")
    parts = FRONT_MATTER.fullmatch(text)
    missing = {c for c in text if c != "\n" and ord(c) not in letters}
    if not parts or missing:
        raise ValueError(f"{file}: no front matter, or letters the font lacks: {sorted(missing)}")
    front: dict[str, Any] = yaml.safe_load(parts[1])
    known = {key: value for key, value in front.items() if key in Source.__dataclass_fields__}
    return Source(text=parts[2], **known)


def main() -> None:
    """Set all sources."""
    parser = argparse.ArgumentParser(description="Build the demo corpus's PDFs.")
    parser.add_argument("--into", type=Path, default=CORPUS / "pdf", help="where they go")
    into: Path = parser.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    fonts = [TTFont(n, CORPUS / f"source/fonts/{n}.ttf") for n in (SANS, BOLD, ITALIC, MONO)]
    for font in fonts:
        pdfmetrics.registerFont(font)
    pdfmetrics.registerFontFamily(SANS, SANS, BOLD, ITALIC, BOLD)
    for file in sorted((CORPUS / "source" / "pdf").glob("*.md")):
        source = read(file, fonts[0].face.charToGlyph)
        chapters: list[list[pl.Paragraph]] = []
        for _ in range(2):  # the second time the contents know their pages
            template = Template(into / f"{file.stem}.pdf", source)
            template.build([*opening(source, chapters), *body(source)])
            chapters = template.chapters


if __name__ == "__main__":
    main()
