"""Markdown: one document a file, its front matter read and its markup taken off."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.documents import Document, Failure, UnreadableFile
from ingest.readers import titles
from ingest.readers.characters import clean, decode, has_words, one_line
from ingest.readers.faults import in_plain_words
from ingest.readers.html import add_html
from ingest.readers.layout import TextBuilder, table_row
from ingest.readers.unseen_html import HiddenTags

_ONLY_FRONT = "it holds no text beside its front matter"
_FRONT = re.compile(r"---[ \t]*\n(.*?)(?:^|\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# Liquid, Jinja and Hugo tags. Inside a link's target their spaces would break the link.
_TAG = re.compile(r"\{%-?.*?-?%\}|\{\{[<%].*?[>%]\}\}", re.DOTALL)
_TAG_IN_TARGET = re.compile(r"(\]\([^()\s{]*)\{[{%][^}]*\}\}?([^()\n]*\))")
_FENCE = re.compile(r"^ *(```|~~~).*?(?:^ *\1|\Z)", re.DOTALL | re.MULTILINE)
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
_HEADING_ID = re.compile(r"\s*\{[#.:][^}]*\}$")
_ARGUMENT = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_CONTROL = re.compile(
    r"\{%-?\s*(?:end\w*|if|elsif|else|unless|for|case|when|assign|capture|include|render|layout"
    r"|raw|comment|highlight|set|import|from|macro|block|extends|css|js)\b"
)
_CODE = str.maketrans("{[", "\ufdd0\ufdd1")  # so that code keeps its tags and brackets
_CODE_BACK = str.maketrans("\ufdd0\ufdd1", "{[")
_DEEPEST_FIELD, _LONGEST_FIELD, _LONGEST_VALUE = 3, 50, 4000  # of front matter
_WIKI_LINK = re.compile(r"(!?)\[\[(?:[^\]|]*\|)?([^\]|]+)\]\]")


def read_markdown(file: Path, name: str) -> Iterator[Document | Failure]:
    """Read a Markdown file.

    The title is the front matter's, else the first heading of level 1, else the file's name.

    Raises:
        UnreadableFile: The file is binary, or holds no text beside its front matter.
    """
    with in_plain_words("the Markdown cannot be read"):
        yield _document(clean(decode(file.read_bytes())), name)


def _document(source: str, name: str) -> Document:
    front, body, unread = _front_matter(source)
    tokens = _parser().parse(_without_tags_in_targets(body))
    first = _first_title(tokens)
    title = one_line(front.get("title", "")) or first or titles.from_name(name)
    page = _Page(title)
    page.builder.add(unread)
    page.add(tokens)
    if front and not has_words(page.builder.text()):
        target = front.get("redirect_to")
        raise UnreadableFile(f"it only redirects to {target}" if target else _ONLY_FRONT)
    text, sections = page.builder.finish()
    metadata = {key: value for key, value in front.items() if key != "title" and value}
    return Document(name, title, "markdown", text, sections, metadata=metadata)


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True, "maxNesting": 100}).enable(
        ["table", "strikethrough"]
    )


def _without_tags_in_targets(body: str) -> str:
    """Give links with a template tag for a target one that Markdown can read; code stays."""
    pieces: list[str] = []
    at = 0
    for fence in _FENCE.finditer(body):
        pieces += (_TAG_IN_TARGET.sub(r"\1page\2", body[at : fence.start()]), fence[0])
        at = fence.end()
    return "".join([*pieces, _TAG_IN_TARGET.sub(r"\1page\2", body[at:])])


def _front_matter(source: str) -> tuple[dict[str, str], str, str]:
    """Split off the front matter: its fields, the body, and the front matter itself if broken."""
    found = _FRONT.match(source)
    if found is None:
        return {}, source, ""
    body = source[found.end() :]
    try:
        fields: object = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, body, found[1]
    if fields is None:
        return {}, body, ""
    if not isinstance(fields, dict):
        return {}, body, found[1]
    named = cast("dict[object, object]", fields)
    return {one_line(str(key)): _flat(value) for key, value in named.items()}, body, ""


def _flat(value: object, depth: int = 0) -> str:
    """A field on one line. YAML's aliases may make a few bytes of it endless: it is cut."""
    if value is None or depth > _DEEPEST_FIELD:
        return ""
    if isinstance(value, list):
        items = islice(cast("list[object]", value), _LONGEST_FIELD)
        parts = filter(None, (_flat(item, depth + 1) for item in items))
    elif isinstance(value, dict):
        named = islice(cast("dict[object, object]", value).items(), _LONGEST_FIELD)
        parts = (f"{one_line(str(key))}: {_flat(item, depth + 1)}" for key, item in named)
    else:
        return one_line(str(value)[:_LONGEST_VALUE])
    return ", ".join(parts)[:_LONGEST_VALUE]


def _first_title(tokens: list[Token]) -> str:
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h1":
            return _HEADING_ID.sub("", one_line(_inline(tokens[at + 1])))
    return ""


class _Page:
    """Walks the blocks of a parsed file and adds them to a text."""

    def __init__(self, title: str) -> None:
        self.builder = TextBuilder()
        self._title = title
        self._lists: list[int] = []  # the next number of each open list; 0 for bullets
        self._mark = ""
        self._hidden = HiddenTags()

    def add(self, tokens: list[Token]) -> None:
        """Add all blocks in order."""
        cells: list[str] = []
        for at, token in enumerate(tokens):
            match token.type:
                case "heading_open" | "inline" | "fence" | "code_block" if self._hidden.inside:
                    continue
                case "heading_open":
                    self._heading(int(token.tag[1]), _inline(tokens[at + 1]))
                case "inline" if tokens[at - 1].type == "paragraph_open":
                    self._paragraph(_inline(token))
                case "inline" if tokens[at - 1].type in {"th_open", "td_open"}:
                    cells.append(_inline(token))
                case "tr_close":
                    self.builder.add(table_row(cells), tight=True)
                    cells = []
                case "fence" | "code_block":
                    self.builder.add(self._indented(_RAW.sub("", token.content)))
                case "html_block":
                    self._html(token.content)
                case _:
                    self._list(token)

    def _html(self, content: str) -> None:
        """A block of HTML; Markdown goes on after it, inside of an element that it left open."""
        if not self._hidden.inside:
            add_html(self.builder, _without_tags(content))
        self._hidden.feed(content)

    def _list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(0)
            case "ordered_list_open":
                self._lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._mark = "  "
            case "list_item_open":
                number = self._lists[-1]
                self._mark = f"{number}. " if number else "- "
                self._lists[-1] += 1 if number else 0
            case _:
                pass

    def _heading(self, level: int, text: str) -> None:
        flat = _HEADING_ID.sub("", one_line(text))
        self.builder.heading(flat, level, in_path=not (level == 1 and flat == self._title))

    def _paragraph(self, text: str) -> None:
        if not self._lists:
            self.builder.add(text)
        elif has_words(text):
            self.builder.add(self._indented(text), tight=True)

    def _indented(self, text: str) -> str:
        """Indent a block by the depth of its list, with the item's mark in front of its first."""
        if not self._lists:
            return text
        first = "  " * (len(self._lists) - 1) + self._mark
        rest = " " * len(first)
        self._mark = " " * len(self._mark)
        head, *more = text.rstrip().split("\n")
        return "\n".join([first + head, *(rest + line if line else line for line in more)])


def _inline(token: Token) -> str:
    parts = _pieces(token.children or [])
    text = _WIKI_LINK.sub(lambda link: "" if link[1] else link[2], _without_tags("".join(parts)))
    lines = (" ".join(line.split()) for line in text.translate(_CODE_BACK).split("\n"))
    return "\n".join(lines).strip()


def _pieces(tokens: Sequence[Token]) -> Iterator[str]:
    """What is shown of a paragraph's parts."""
    hidden = HiddenTags()
    for token in tokens:
        if token.type == "html_inline":
            hidden.feed(token.content)
        if not hidden.inside:
            yield _piece(token)


def _piece(token: Token) -> str:
    match token.type:
        case "text":
            return token.content
        case "code_inline":
            return token.content.translate(_CODE)
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline":
            return "\n" if token.content.lower().startswith("<br") else ""
        case "image":
            return token.content
        case _:
            return ""


def _without_tags(text: str) -> str:
    return _TAG.sub(_shown, text) if "{" in text else text


def _shown(tag: re.Match[str]) -> str:
    """What a template tag shows, as far as one can tell: its first argument that is no path."""
    if _CONTROL.match(tag[0]):
        return ""
    arguments = (one or other for one, other in _ARGUMENT.findall(tag[0]))
    return next((words for words in arguments if "/" not in words and "." not in words), "")
