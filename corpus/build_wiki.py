"""Assemble the engineering wiki's page sources into one MediaWiki export.

Each source opens with the lines `title:`, `author:` and `timestamp:`, then a blank line, then the
wikitext. The same sources always give the same bytes.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

SOURCES = Path(__file__).parent / "source" / "engineering-wiki"
TARGET = Path(__file__).parent / "wiki" / "engineering-wiki.xml"
SCHEMA = "http://www.mediawiki.org/xml/export-0.11/"
FIELDS = ("title", "author", "timestamp")
SUBJECTS = ("User", "Project", "File", "MediaWiki", "Template", "Help", "Category")
NAMESPACES = {-2: "Media", -1: "Special", 0: "", 1: "Talk"} | {
    key + talk: name + " talk" * talk
    for key, name in zip(range(2, 16, 2), SUBJECTS, strict=True)
    for talk in (0, 1)
}
_REDIRECT = re.compile(r"#REDIRECT \[\[([^\]|]+)\]\]")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Page:
    """One wiki page with its only revision."""

    title: str
    author: str
    timestamp: str
    text: str


def read_page(path: Path) -> Page:
    """The page in a source file, refusing one whose opening lines are not as they should be."""
    head, _, text = path.read_text(encoding="utf-8").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    if tuple(fields) != FIELDS or not text.strip():
        raise ValueError(f"{path.name}: wants the lines {', '.join(FIELDS)}, a blank line and text")
    return Page(fields["title"], fields["author"], fields["timestamp"], text.strip())


def sha1_base36(data: bytes) -> str:
    """The SHA-1 of the bytes as MediaWiki writes it: 31 digits in base 36."""
    number = int.from_bytes(hashlib.sha1(data, usedforsecurity=False).digest(), "big")
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rjust(31, "0")


def page_xml(page: Page, page_id: int, revision_id: int, author_id: int) -> str:
    """One `<page>` element."""
    data = page.text.encode("utf-8")
    digest = sha1_base36(data)
    target = _REDIRECT.match(page.text)
    redirect = f"    <redirect title={quoteattr(target[1])} />\n" if target else ""
    return f"""  <page>
    <title>{escape(page.title)}</title>
    <ns>0</ns>
    <id>{page_id}</id>
{redirect}    <revision>
      <id>{revision_id}</id>
      <timestamp>{page.timestamp}</timestamp>
      <contributor>
        <username>{escape(page.author)}</username>
        <id>{author_id}</id>
      </contributor>
      <origin>{revision_id}</origin>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{len(data)}" sha1="{digest}" xml:space="preserve">{escape(page.text)}</text>
      <sha1>{digest}</sha1>
    </revision>
  </page>
"""


def export(pages: list[Page]) -> str:
    """The whole export: page ids in source order, revision ids in the order of the edits."""
    authors = sorted({page.author for page in pages})
    edits = sorted(pages, key=lambda page: (page.timestamp, page.title))
    names = "".join(
        f'      <namespace key="{key}" case="case-sensitive"'
        + (f">{name}</namespace>\n" if name else " />\n")
        for key, name in NAMESPACES.items()
    )
    bodies = "".join(
        page_xml(page, number, edits.index(page) + 1, authors.index(page.author) + 1)
        for number, page in enumerate(pages, start=1)
    )
    return f"""<mediawiki xmlns="{SCHEMA}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="{SCHEMA} {SCHEMA.rstrip("/")}.xsd" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Kelderwyn Engineering Wiki</sitename>
    <dbname>engwiki</dbname>
    <base>https://wiki.kelderwyn.example/wiki/Main_Page</base>
    <generator>MediaWiki 1.43.0</generator>
    <case>case-sensitive</case>
    <namespaces>
{names}    </namespaces>
  </siteinfo>
{bodies}</mediawiki>
"""


def main() -> None:
    """Write the export from the sources."""
    pages = [read_page(path) for path in sorted(SOURCES.glob("*.wiki"))]
    TARGET.write_text(export(pages), encoding="utf-8", newline="\n")
    print(f"{TARGET.name}: {len(pages)} pages")


if __name__ == "__main__":
    main()
