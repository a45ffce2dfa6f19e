"""MediaWiki dumps: one document a page, streamed.

A dump is cut at its `<page>` tags and every page is parsed on its own. mwxml, which parses a dump
as one XML document, gives up for good at the first bad page, at an unknown element and at a dump
without `<siteinfo>`; here such a page is one failure, and memory holds one page at a time.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

from ingest.documents import Document, Failure, UnreadableFile
from ingest.readers.characters import one_line
from ingest.readers.dumps import BROKEN, encoding_of, open_dump
from ingest.readers.faults import in_plain_words
from ingest.readers.wikitext import Wiki, read_wikitext

# The main, project and help namespaces of every MediaWiki; talk, user and template pages are not
# what a reader of the wiki reads.
NAMESPACES = frozenset({0, 4, 12})
_CHUNK = 1 << 20
# A page with its whole history may be of any size; beyond this its older revisions are let go. The
# latest one cannot be that long: MediaWiki takes 2 MB unless told otherwise.
_LARGEST_PAGE = 1 << 25
_PAGE = re.compile(r"<page\b[^>]*>")
_PAGE_END = "</page>"
_NAMESPACE = re.compile(r'<namespace key="(-?\d+)"[^>]*>([^<]+)</namespace>')
_SITE = re.compile(r"<sitename>([^<]*)</sitename>")
_TITLE = re.compile(r"<title>([^<]*)</title>")


@dataclass(slots=True)
class _Progress:
    """How far a dump has been read, to name where it stopped."""

    pages: int = 0
    title: str = ""
    broken: str = ""  # why the rest could not be read
    head: str = ""  # what stands before the first page


def read_mediawiki(file: Path, name: str) -> Iterator[Document | Failure]:
    """Read a MediaWiki XML dump, plain or compressed by bzip2 or gzip.

    Redirects, talk pages and the like are left out. A page that cannot be read gives a `Failure`
    of its own, and so does a dump that ends too early.

    Raises:
        UnreadableFile: No page at all could be found.
    """
    return (one for one in read_pages(file, name) if one is not None)


def read_pages(
    file: Path, name: str, done: int = 0, reason: str | None = None
) -> Iterator[Document | Failure | None]:
    """As `read_mediawiki`, with one outcome for each page: None for one that nobody reads.

    Args:
        file: The dump.
        name: Its path below the corpus folder.
        done: Pages at its beginning that are passed over.
        reason: Why the page after those is not to be parsed, where that is so.
    """
    progress = _Progress()
    with open_dump(file) as stream:
        wiki: Wiki | None = None
        for xml in _split(_decoded(stream, progress), progress):
            wiki = wiki or _wiki(progress.head)
            progress.pages += 1
            progress.title = _title_of(xml) or progress.title
            if progress.pages == done + 1 and reason is not None:
                yield Failure(_path_of(xml, name), reason)
            elif progress.pages > done:
                yield _read_page(xml, name, wiki)
    if progress.broken:
        if not progress.pages:
            raise UnreadableFile(progress.broken)
        after = f"after {progress.pages} pages, the last of them {progress.title!r}"
        yield Failure(name, f"{progress.broken} {after}; the rest is missing")


def _decoded(stream: BinaryIO, progress: _Progress) -> Iterator[str]:
    decoder: codecs.IncrementalDecoder | None = None
    while True:
        try:
            chunk = stream.read(_CHUNK)
        except BROKEN:
            progress.broken = "the compressed file is cut off or damaged"
            return
        if decoder is None:
            decoder = codecs.getincrementaldecoder(encoding_of(chunk))(errors="replace")
        yield decoder.decode(chunk, final=not chunk)
        if not chunk:
            return


def _split(chunks: Iterable[str], progress: _Progress) -> Iterator[str]:
    """Cut the dump into the XML of its pages. Markup inside a page is escaped, so tags are tags."""
    buffer = ""
    for chunk in chunks:
        searched = max(0, len(buffer) - len(_PAGE_END))
        buffer += chunk
        start = 0
        while (end := buffer.find(_PAGE_END, max(start, searched))) >= 0:
            end += len(_PAGE_END)
            opening = _PAGE.search(buffer, start, end)
            if not progress.pages and opening is not None:
                progress.head = buffer[start : opening.start()]
            yield buffer[opening.start() if opening else start : end]
            start = end
        buffer = _without_history(buffer[start:])
        if len(buffer) > _LARGEST_PAGE:
            progress.broken = f"more than {_LARGEST_PAGE >> 20} MB go by without the end of a page"
            return
    if not progress.broken and "</mediawiki" not in buffer:
        progress.broken = "the dump ends in the middle"


def _without_history(buffer: str) -> str:
    """Revisions stand oldest first and only the latest counts."""
    if len(buffer) <= _LARGEST_PAGE:
        return buffer
    first, last = buffer.find("<revision"), buffer.rfind("<revision")
    return buffer[:first] + buffer[last:]


def _wiki(head: str) -> Wiki:
    names = {int(key): one_line(name) for key, name in _NAMESPACE.findall(head)}
    site = _SITE.search(head)
    return Wiki(site=one_line(site[1]) if site else "", namespaces=names)


def _title_of(xml: str) -> str:
    found = _TITLE.search(xml)
    return one_line(found[1]) if found else ""


def _read_page(xml: str, name: str, wiki: Wiki) -> Document | Failure | None:
    try:
        with in_plain_words("the page is damaged"):
            return _document(ElementTree.fromstring(xml), name, wiki)
    except UnreadableFile as error:
        return Failure(_path_of(xml, name), str(error))


def _path_of(xml: str, name: str) -> str:
    return f"{name}#{_title_of(xml) or '(a page without a title)'}"


def _document(page: ElementTree.Element, name: str, wiki: Wiki) -> Document | None:
    namespace = int(page.findtext("ns") or 0)
    if namespace not in NAMESPACES or page.find("redirect") is not None:
        return None
    revision = _latest(page)
    if revision.findtext("model") not in {None, "wikitext"}:
        return None
    wikitext = revision.findtext("text") or ""
    if wiki.is_redirect(wikitext):
        return None
    title = one_line((page.findtext("title") or "").replace("_", " "))
    if not title:
        raise UnreadableFile("the page has no title")
    text, sections = read_wikitext(wikitext, title, wiki)
    if not text:
        if namespace:
            return None
        raise UnreadableFile("the page holds no text")
    metadata = {
        "site": wiki.site,
        "page_id": page.findtext("id") or "",
        "revision": revision.findtext("id") or "",
        "timestamp": revision.findtext("timestamp") or "",
    }
    return Document(
        path=f"{name}#{title}",
        title=title,
        kind="mediawiki",
        text=text,
        sections=sections,
        metadata={key: value.strip() for key, value in metadata.items() if value.strip()},
    )


def _latest(page: ElementTree.Element) -> ElementTree.Element:
    revisions = page.findall("revision")
    if not revisions:
        raise UnreadableFile("the page has no revision")
    return max(revisions, key=lambda revision: revision.findtext("timestamp") or "")
