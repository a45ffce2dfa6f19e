"""Layout: collects blocks of text and headings, and keeps the offset of each."""

from ingest.documents import Section, UnreadableFile
from ingest.readers.characters import has_words


class TextBuilder:
    """Builds a document's text block by block.

    Paragraphs stand apart by a blank line; neighbouring tight blocks (list items, table rows) by a
    line break. Every heading opens a section at its own line's offset.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._tight = False
        self._open: list[tuple[int, str]] = []
        self._sections: list[Section] = []

    def add(self, block: str, tight: bool = False) -> int:
        """Append a block and return its offset; a block without text changes nothing."""
        block = block.strip("\n").rstrip()
        if not block:
            return self._length
        if self._parts:
            self._append("\n" if tight and self._tight else "\n\n")
        start = self._length
        self._append(block)
        self._tight = tight
        return start

    def heading(self, text: str, level: int, in_path: bool = True) -> None:
        """Append a heading's line and open its section.

        Args:
            text: The heading, on one line.
            level: 1 for the outermost.
            in_path: False for the document's title, which stays out of heading paths.
        """
        if not text.strip():
            return
        start = self.add(text)
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        if in_path:
            self._open.append((level, text.strip()))
        if in_path or self._sections:
            self._sections.append(Section(start, tuple(name for _, name in self._open)))

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """Return the text and its sections.

        Raises:
            UnreadableFile: There is no word in it.
        """
        text = self.text()
        if not has_words(text):
            raise UnreadableFile("it holds no text")
        return text, tuple(self._sections)

    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def table_row(cells: list[str]) -> str:
    """One line for a row: its cells between " | ", empty ones at the end left out."""
    flat = [" ".join(cell.split()) for cell in cells]
    while flat and not flat[-1]:
        flat.pop()
    return " | ".join(flat) if any(flat) else ""
