"""Damage that dumps and pages take: markup without an end, lies about encodings, packed bombs."""

import bz2
import gzip
import random
import re
from collections.abc import Callable

from tests.mutate_bytes import flipped, spliced, truncated

Way = Callable[[random.Random, bytes], bytes]

_TAG = re.compile(rb"<[^<>]{1,80}>")
_DEPTHS = (100, 3_000, 50_000)
_WIKITEXT = (b"{{", b"[[", b"{|\n|", b"{{{", b"<ref>", b"'''''", b"<nowiki>", b"[[File:a|", b"<b>",
             b"{{#if:x|", b"*:#;", b"-{", b"&amp;", b"== a ==\n")  # fmt: skip
_MARKDOWN = (b"> ", b"- ", b"[", b"![](", b"*a **b ", b"`", b"<div>", b"|a", b"[a](b", b"\\", b"_",
             b"[^1]: ", b"~~~\n", b"&lt;")  # fmt: skip
_HTML = (b"<div>", b"<table><tr><td>", b"<ul><li>", b"<b><i>", b"<select><option>", b"<svg><g>",
         b"<p style='color:#fff'>", b"<a href='x'>", b"<h1>", b"<!--", b"<![CDATA[")  # fmt: skip
_ALIASES = b"---\ntitle: A\na0: &a0 [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)
)
_ENTITIES = b'<!DOCTYPE mediawiki [<!ENTITY a "word ">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12)
)


def deep(openings: tuple[bytes, ...]) -> Way:
    """Markup that opens again and again and never closes, somewhere in the page."""

    def way(dice: random.Random, content: bytes) -> bytes:
        opened = dice.choice(openings) * dice.choice(_DEPTHS)
        at = dice.randrange(len(content) + 1)
        return content[:at] + opened + content[at:]

    return way


def deep_dump(dice: random.Random, content: bytes) -> bytes:
    """As `deep`, within the text of one page of a dump."""
    starts = [found.end() for found in re.finditer(rb"<text[^>]*>", content)]
    opened = dice.choice(_WIKITEXT).replace(b"<", b"&lt;") * dice.choice(_DEPTHS)
    at = dice.choice(starts)
    return content[:at] + opened + content[at:]


def untagged(dice: random.Random, content: bytes) -> bytes:
    """Tags are left out, doubled or exchanged."""
    for _ in range(dice.randint(1, 40)):
        found, other = (dice.choice(list(_TAG.finditer(content))) for _ in range(2))
        new = dice.choice((b"", found[0] * 2, other[0], b"<page>", b"</text>"))
        content = content[: found.start()] + new + content[found.end() :]
    return content


def entities(dice: random.Random, content: bytes) -> bytes:
    """Entities of entities: a billion words, before the dump or within a page."""
    if dice.random() < 0.5:
        return _ENTITIES + b"]>" + content.replace(b"</title>", b"&l;</title>")
    return content.replace(b"<page>", b"<page>" + _ENTITIES + b"]>&l;", dice.randint(1, 3))


def endless(dice: random.Random, content: bytes) -> bytes:
    """A page without an end, packed: some megabytes that unpack to hundreds."""
    start = content.index(b"<page>") + 6
    filling = dice.choice((b" ", b"<revision>", b"word ", b"<page>"))
    return gzip.compress(content[:start] + filling * (dice.choice((2, 40, 200)) << 20), 1)


def comments(dice: random.Random, content: bytes) -> bytes:
    """What might be the head of a dump goes on and on."""
    head = dice.choice((b"<!---->", b"<??>", b" ", b"<!-- ", b"<!DOCTYPE a>", b"<! "))
    return head * dice.choice((60, 5_000)) + content


def aliases(dice: random.Random, content: bytes) -> bytes:
    """Front matter whose values hold each other: a billion when written out."""
    return _ALIASES + dice.choice((b"tags: *a11\n", b"title: *a11\n")) + b"---\n" + content


def misnamed(dice: random.Random, content: bytes) -> bytes:
    """Another encoding than it says, or none at all."""
    text = content.decode(errors="replace")
    kind = dice.randrange(5)
    if kind == 0:
        return dice.choice((b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\xef\xbb\xbf")) + content
    if kind == 1:
        return text.encode(dice.choice(("utf-16", "utf-32-be", "utf-7", "cp500")), "replace")
    if kind == 2:
        return (
            b'<meta charset="%s">' % dice.choice((b"utf-16", b"base64", b"idna", b"\xff")) + content
        )
    return bytes(dice.randrange(256) for _ in range(dice.choice((0, 1, 5_000)))) + content * (
        kind == 3
    )


def long(dice: random.Random, content: bytes) -> bytes:
    """A line of megabytes, or hundreds of thousands of the shortest lines."""
    block = dice.choice(
        (b"a", b"a ", b"a. ", b"\n", b"=\n", b"#\n", b"a\n-\n", b"|\n", b"\xcc\x81")
    )
    return content + block * dice.choice((10_000, 300_000))


def packed(pack: Callable[[bytes], bytes], inner: Way, outer: Way) -> Way:
    """A compressed dump that is damaged within or without."""

    def way(dice: random.Random, content: bytes) -> bytes:
        if dice.random() < 0.3:
            return pack(inner(dice, content))
        return outer(dice, pack(content))

    return way


PAGE_WAYS: tuple[tuple[str, str, Way], ...] = (
    ("truncated", ".xml", truncated),
    ("flipped", ".xml", flipped),
    ("spliced", ".xml", spliced),
    ("untagged", ".xml", untagged),
    ("deep", ".xml", deep_dump),
    ("entities", ".xml", entities),
    ("comments", ".xml", comments),
    ("endless", ".xml.gz", endless),
    ("packed", ".xml.gz", packed(gzip.compress, deep_dump, flipped)),
    ("packed", ".xml.bz2", packed(bz2.compress, spliced, truncated)),
    ("truncated", ".html", truncated),
    ("flipped", ".html", flipped),
    ("untagged", ".html", untagged),
    ("deep", ".html", deep(_HTML)),
    ("misnamed", ".html", misnamed),
    ("aliases", ".md", aliases),
    ("deep", ".md", deep(_MARKDOWN)),
    ("spliced", ".md", spliced),
    ("misnamed", ".md", misnamed),
    ("flipped", ".txt", flipped),
    ("misnamed", ".txt", misnamed),
    ("long", ".txt", long),
    ("long", ".md", long),
    ("long", ".html", long),
    ("deep", ".md", deep(_HTML)),
)
