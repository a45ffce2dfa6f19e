"""Damage that PDFs take: to tables, counts and references, and streams that unpack to much."""

import random
import re
import zlib
from collections.abc import Callable
from functools import cache

from tests.mutate_bytes import flipped, spliced, truncated

_ENTRY = re.compile(rb"^\d{10} \d{5} [nf]", re.MULTILINE)
_REFERENCE = re.compile(rb"\b\d+ 0 R\b")
_NUMBER = re.compile(rb"(?<=[ /\[])-?\d+(?=[\s/\]>])")
_COUNT = re.compile(rb"/Count \d+")
_KIDS = re.compile(rb"/Kids \[[^\]]*\]")
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_WORDS = (b"/Length", b"/Filter", b"/FlateDecode", b"/Type", b"/Font", b"/Parent", b"/Kids",
          b"/Contents", b"/Root", b"/Size", b"endobj", b"endstream", b"stream", b"obj", b"xref",
          b"trailer", b"startxref")  # fmt: skip
_HUGE = (b"-1", b"0", b"99999999999", b"2147483648", b"1e400", b"null", b"(x)")


def xref(dice: random.Random, content: bytes) -> bytes:
    """Entries of the table point to each other's objects, or the table lies elsewhere."""
    entries = [found.span() for found in _ENTRY.finditer(content)]
    damaged = bytearray(content)
    for _ in range(dice.randint(1, len(entries))):
        (a, end_a), (b, end_b) = dice.choice(entries), dice.choice(entries)
        damaged[a:end_a], damaged[b:end_b] = damaged[b:end_b], damaged[a:end_a]
    if dice.random() < 0.4:
        at = damaged.rindex(b"startxref") + 10
        damaged[at:] = b"%d\n%%%%EOF\n" % dice.choice((0, 7, 10**12, dice.randrange(len(content))))
    return bytes(damaged)


def counts(dice: random.Random, content: bytes) -> bytes:
    """As many pages as one likes: by their number, or by one page named again and again."""
    kids = _KIDS.search(content)
    assert kids is not None
    number = dice.choice((b"2000000000", b"-5", b"0", b"99999999999999999999"))
    content = _COUNT.sub(b"/Count " + number, content)
    if dice.random() < 0.7:
        page = _REFERENCE.search(kids[0])
        assert page is not None
        many = b" ".join([page[0]] * dice.choice((300, 10_000, 300_000)))
        content = content.replace(kids[0], b"/Kids [ " + many + b" ]")
    return content


def recursive(dice: random.Random, content: bytes) -> bytes:
    """Objects that hold themselves, and structures nested deeper than any stack."""
    kind = dice.randrange(4)
    if kind == 0:  # references between whatever objects there are
        names = [found[0] for found in _REFERENCE.finditer(content)]
        share = dice.uniform(0.02, 1)
        return _REFERENCE.sub(
            lambda found: dice.choice(names) if dice.random() < share else found[0], content
        )
    if kind == 1:
        return made(*dice.choice(_LOOPS))
    depth = dice.choice((900, 5_000, 200_000))
    nested = dice.choice((b"[" * depth + b"]" * depth, b"<</A " * depth + b"1" + b">>" * depth))
    if kind == 2:
        return made(b"<</Type/Catalog/Pages 2 0 R/Names " + nested + b">>")
    text = b"BT /F1 9 Tf (word) Tj ET " + dice.choice((b"q ", b"[", b"BT ", b"<<")) * depth
    return made(contents=stream(text))


def bombs(dice: random.Random, content: bytes) -> bytes:
    """Streams that unpack to ten thousand times their size: zeros, text, layer upon layer."""
    unpacked = dice.choice((b"\0", b"BT /F1 9 Tf (words and words) Tj ET\n", b"q 1 0 0 1 0 0 cm "))
    megabytes, layers = dice.choice((2, 60, 200)), dice.choice((1, 1, 2))
    bomb = _bomb(unpacked, megabytes, layers)
    if dice.random() < 0.5:
        return made(contents=bomb)
    found = dice.choice(list(_STREAM.finditer(content)))
    return content[: found.start()] + bomb[bomb.index(b"stream") :] + content[found.end() :]


def words(dice: random.Random, content: bytes) -> bytes:
    """Keys, keywords and numbers that are others, or are not there."""
    for _ in range(dice.randint(1, 12)):
        if dice.random() < 0.5:
            old, new = dice.choice(_WORDS), dice.choice((*_WORDS, b"", b"/X"))
            places = [found.start() for found in re.finditer(re.escape(old), content)]
            if places:
                at = dice.choice(places)
                content = content[:at] + new + content[at + len(old) :]
        else:
            found = dice.choice(list(_NUMBER.finditer(content)))
            content = content[: found.start()] + dice.choice(_HUGE) + content[found.end() :]
    return content


def made(
    catalog: bytes = b"<</Type/Catalog/Pages 2 0 R>>",
    pages: bytes = b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    page: bytes = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
    b"/Resources<</Font<</F1 5 0 R>>/XObject<</X 6 0 R>>>>>>",
    contents: bytes = b"<</Length 33>>stream\nBT /F1 9 Tf (a word) Tj ET /X Do \nendstream",
    font: bytes = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    form: bytes = b"<</Subtype/Form/BBox[0 0 1 1]/Length 0>>stream\n\nendstream",
) -> bytes:
    """A PDF of these objects, numbered from 1, with the table that belongs to it."""
    file, places = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate((catalog, pages, page, contents, font, form), start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return file + (
        b"xref\n0 7\n0000000000 65535 f \n%strailer\n<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (table, len(file))
    )


def stream(unpacked: bytes) -> bytes:
    """A packed stream."""
    packed = zlib.compress(unpacked)
    return b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed)


@cache
def _bomb(unpacked: bytes, megabytes: int, layers: int) -> bytes:
    packer, packed = zlib.compressobj(), b""
    block = unpacked * ((1 << 20) // len(unpacked))
    for _ in range(megabytes):
        packed += packer.compress(block)
    packed += packer.flush()
    for _ in range(layers - 1):
        packed = zlib.compress(packed)
    filters = b"/FlateDecode" * layers
    return b"<</Length %d/Filter[%s]>>stream\n%s\nendstream" % (len(packed), filters, packed)


_SELF = (
    b"<</Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</X 6 0 R>>>>/Length 9"
    b">>stream\n/X Do /X Do \nendstream"
)
_CATALOG = b"<</Type/Catalog/Pages 2 0 R"
_LOOPS: tuple[tuple[bytes, ...], ...] = (
    (_CATALOG + b">>", b"<</Type/Pages/Kids[2 0 R 2 0 R 3 0 R]/Count 9>>"),
    (_CATALOG + b">>", b"<</Type/Pages/Kids 2 0 R/Count 2 0 R/Parent 2 0 R>>"),
    (_CATALOG + b"/Outlines 5 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Page/Parent"
     b" 3 0 R/Contents 4 0 R>>", b"4 0 R", b"<</First 5 0 R/Next 5 0 R/Title(x)/Dest[3 0 R]>>"),
    (_CATALOG + b"/PageLabels<</Kids[1 0 R]/Nums 1 0 R>>/Outlines<</First 6 0 R>>>>",
     b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Page/Parent 2 0 R/Contents[3 0 R 4 0 R]>>",
     b"<</Length 4 0 R/Filter 4 0 R>>stream\nBT (x) Tj ET\nendstream", b"5 0 R",
     b"<</Title 6 0 R/First 6 0 R/Parent 6 0 R/Next 6 0 R>>"),
    (_CATALOG + b">>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Page/Parent 2 0 R/Contents"
     b" 4 0 R/Resources<</Font<</F1 5 0 R>>/XObject<</X 6 0 R>>>>>>", b"<</Length 30>>stream\n"
     b"BT /F1 9 Tf (a) Tj ET /X Do /X Do\nendstream", b"<</Type/Font/Subtype/Type0/DescendantFonts"
     b"[5 0 R]/Encoding 5 0 R/ToUnicode 5 0 R>>", _SELF),
)  # fmt: skip

PDF_WAYS: tuple[tuple[str, Callable[[random.Random, bytes], bytes]], ...] = (
    ("truncated", truncated),
    ("flipped", flipped),
    ("xref", xref),
    ("counts", counts),
    ("recursive", recursive),
    ("bomb", bombs),
    ("spliced", spliced),
    ("words", words),
)
