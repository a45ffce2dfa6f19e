"""Characters: bytes to text, and text to text that is safe to store and to search."""

import codecs
import re
import unicodedata

from ingest.documents import UnreadableFile

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACE = re.compile("[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Controls, soft hyphens, zero-width space and word joiner, byte-order marks. The zero-width joiners
# stay: Persian and emoji need them.
_DROPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\ufffe\uffff]")
# Latin ligatures and Arabic presentation forms: the same letters in print shapes. NFKC on the rest
# would do harm (x² becomes x2, ½ becomes 1⁄2).
_PRINT_SHAPES = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]")
_HYPHEN = re.compile("[\u2010\u2011]")
_BULLET = re.compile("[\uf0b7\uf0a7\uf0d8\uf076]")


def decode(content: bytes) -> str:
    """Decode a text file: by its byte-order mark, else as UTF-8, else as Windows-1252.

    Raises:
        UnreadableFile: The content is binary (it holds NUL bytes).
    """
    marked = decode_marked(content)
    if marked is not None:
        return marked
    if b"\0" in content:
        raise UnreadableFile("it is binary, not text: it holds NUL bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return decode_windows(content)


def decode_marked(content: bytes) -> str | None:
    """Decode content that starts with a byte-order mark; None where there is none."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    return None


def decode_windows(content: bytes) -> str:
    """Decode as Windows-1252, the five bytes it leaves undefined as Latin-1."""
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def clean(text: str) -> str:
    """Drop what cannot be stored or searched; composed letters, plain spaces and line ends.

    The result encodes to UTF-8 and holds no control character but the line feed.
    """
    if _SURROGATE.search(text):
        # Pairs that a broken character map split are put together again; lone halves are dropped.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    text = _LINE_END.sub("\n", text)
    text = _SPACE.sub(" ", text)
    text = _DROPPED.sub("", text)
    text = _HYPHEN.sub("-", text)
    text = _BULLET.sub("•", text)
    text = _PRINT_SHAPES.sub(lambda shape: unicodedata.normalize("NFKC", shape[0]), text)
    return unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """Clean text with every run of white space as one space."""
    return " ".join(clean(text).split())


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(character.isalnum() for character in text)
