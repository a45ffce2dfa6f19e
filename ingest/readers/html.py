"""HTML: one document a file; what a visitor reads, without navigation and scripts."""

import codecs
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.documents import Document, Failure
from ingest.readers import titles
from ingest.readers.characters import clean, decode_marked, decode_windows, has_words, one_line
from ingest.readers.faults import in_plain_words
from ingest.readers.html_tree import (
    BLOCKS,
    DEEPEST,
    Element,
    parse_document,
    parse_fragment,
    visible_children,
    visible_text,
)
from ingest.readers.layout import TextBuilder, table_row

_CHARSET = re.compile(
    rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_MAIN = "//main | //*[@role='main'] | //*[@id='mw-content-text' or @id='content']"
_SITE_NAME = re.compile(r"\s+[|–—·•»-]\s+")


def read_html(file: Path, name: str) -> Iterator[Document | Failure]:
    """Read an HTML or XHTML file.

    Raises:
        UnreadableFile: The file holds no text.
    """
    with in_plain_words("the HTML cannot be read"):
        yield _document(_decode(file.read_bytes()), name)


def add_html(builder: TextBuilder, fragment: str) -> None:
    """Add the blocks of a piece of HTML to a text."""
    if "<" in fragment:
        _Walk(builder, "").block(parse_fragment(fragment))
    else:
        builder.add(one_line(fragment))


def _document(source: str, name: str) -> Document:
    root = parse_document(source)
    title = _title(root, name)
    builder = TextBuilder()
    _Walk(builder, title).block(_main(root))
    if not has_words(builder.text()):
        _Walk(builder, title).block(root)
    text, sections = builder.finish()
    metadata = {key: value for key, value in _metadata(root).items() if value}
    return Document(name, title, "html", text, sections, metadata=metadata)


def _decode(content: bytes) -> str:
    """By the byte-order mark, else as declared, else as UTF-8, else as Windows-1252."""
    marked = decode_marked(content)
    if marked is not None:
        return marked
    declared = _CHARSET.search(content[:4096])
    for encoding in (declared[1].decode("ascii") if declared else "utf-8", "utf-8"):
        try:
            known = codecs.lookup(encoding).name
            # What calls itself Latin-1 on the web is Windows-1252.
            return content.decode("cp1252" if known in {"iso8859-1", "ascii"} else known)
        except (LookupError, UnicodeError):
            continue
    return decode_windows(content)


def _title(root: Element, name: str) -> str:
    """The page's own title: the first heading where <title> only adds the site's name to it."""
    written = next((one_line(title.text_content()) for title in root.iter("title")), "")
    parts = [part for part in _SITE_NAME.split(written) if has_words(part)]
    heads = (_heading_text(head) for part in (_main(root), root) for head in part.iter("h1"))
    heading = next((head for head in heads if has_words(head)), "")
    if heading and (not written or heading in parts or heading == written):
        return heading
    if titles.is_sensible(written, name):
        return written
    return heading or titles.from_name(name)


def _main(root: Element) -> Element:
    """The element that holds the main text, where the page says so."""
    found = [element for element in root.xpath(_MAIN) if has_words(visible_text(element))]
    if found:
        return max(found, key=lambda element: len(element.text_content()))
    articles = list(root.iter("article"))
    return articles[0] if len(articles) == 1 else next(root.iter("body"), root)


def _metadata(root: Element) -> dict[str, str]:
    found = {"language": one_line(root.get("lang") or "")}
    for meta in root.iter("meta"):
        key = (meta.get("name") or "").casefold()
        if key in {"description", "author", "date", "keywords"}:
            found[key] = one_line(meta.get("content") or "")
    return found


def _heading_text(element: Element) -> str:
    return one_line(visible_text(element)).rstrip("¶#").rstrip()


class _Walk:
    """Walks elements in order and adds their blocks to a text."""

    def __init__(self, builder: TextBuilder, title: str) -> None:
        self._builder = builder
        self._title = title
        self._line: list[str] = []
        self._mark = ""
        self._lists: list[int] = []  # the next number of each open list; 0 for bullets
        self._depth = 0

    def block(self, element: Element) -> None:
        """Add an element that stands on lines of its own."""
        self._flush()
        self._children(element)
        self._flush()

    def _children(self, element: Element) -> None:
        if self._depth > DEEPEST:
            self._line.append(element.text_content())
            return
        self._depth += 1
        self._line.append(element.text or "")
        for child, tail in visible_children(element):
            if child is not None:
                self._child(child, str(child.tag))
            self._line.append(tail)
        self._depth -= 1

    def _child(self, child: Element, tag: str) -> None:
        if tag in _HEADINGS:
            self._heading(child, int(tag[1]))
        elif tag == "table":
            self._flush()
            self._table(child)
        elif tag == "pre":
            self._flush()
            self._builder.add(clean(child.text_content()))
        elif tag in {"ul", "ol"}:
            self._list(child, 1 if tag == "ol" else 0)
        elif tag == "li":
            self._item(child)
        elif tag in {"br", "img"}:
            self._line.append(f" {child.get('alt') or ''} ")
        elif tag in BLOCKS:
            self.block(child)
        else:
            self._children(child)

    def _heading(self, element: Element, level: int) -> None:
        self._flush()
        text = _heading_text(element)
        self._builder.heading(text, level, in_path=not (level == 1 and text == self._title))

    def _list(self, element: Element, number: int) -> None:
        self._flush()
        self._lists.append(number)
        self._children(element)
        self._flush()
        self._lists.pop()

    def _item(self, element: Element) -> None:
        self._flush()
        number = self._lists[-1] if self._lists else 0
        self._mark = f"{number}. " if number else "- "
        if number:
            self._lists[-1] += 1
        self._children(element)
        self._flush()
        self._mark = ""

    def _table(self, table: Element) -> None:
        if next(table.iter("tr"), None) is None:
            self.block(table)
            return
        for row in table.iter("tr", "caption"):
            if next(row.iterancestors("table"), None) is not table:
                continue  # a row of a table inside this one stands in its cell
            cells = [row] if row.tag == "caption" else [c for c in row if c.tag in {"td", "th"}]
            texts = [one_line(visible_text(cell)) for cell in cells]
            if _is_layout(cells, texts):
                for cell in cells:
                    self.block(cell)
            else:
                self._builder.add(table_row(texts), tight=True)

    def _flush(self) -> None:
        flat = one_line("".join(self._line))
        self._line = []
        if not has_words(flat):
            return
        indent = "  " * max(0, len(self._lists) - 1)
        self._builder.add(f"{indent}{self._mark}{flat}" if self._lists else flat, bool(self._lists))
        self._mark = " " * len(self._mark)


def _is_layout(cells: Sequence[Element], texts: Sequence[str]) -> bool:
    """Whether a table's row only places blocks side by side: headings, tables, long passages."""
    if any(next(cell.iter("table", "h1", "h2", "h3", "h4"), None) is not None for cell in cells):
        return True
    return any(len(text) > 400 for text in texts)
