"""What an upload may be called and what may be in it. Knows nothing of where it is kept."""

import hashlib
import re
import unicodedata
from pathlib import Path, PurePosixPath

from ingest.readers import KINDS, kind_of
from ingest.readers.characters import decode_marked

COLLECTION = "uploads"
"""Where an upload goes that names no collection."""

LONGEST_COLLECTION = 64
"""Characters."""

LONGEST_NAME = 200
"""Bytes of a file's name: file systems take 255, and temporary names are longer."""

ALLOWED = ", ".join(sorted(KINDS)) + " and MediaWiki exports (.xml, .xml.gz, .xml.bz2)"

_DUMPS = (".xml", ".gz", ".bz2")
_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PDF = b"%PDF-"
_HEAD = 1024  # bytes; readers of PDF look for the mark so far
_PIECE = 1 << 20


class UploadRefused(ValueError):
    """An upload that is not taken; the message names the value and the remedy.

    Attributes:
        status: Of the problem that it becomes: 413, 415 or 422.
        field: Of the form.
    """

    def __init__(self, status: int, field: str, reason: str) -> None:
        """Refuse for a reason."""
        super().__init__(reason)
        self.status = status
        self.field = field


def upload_id(collection: str, name: str) -> str:
    """The id of whatever has this name in this collection; the same in every process."""
    return hashlib.sha256(f"{collection}/{name}".encode()).hexdigest()[:20]


def safe_name(sent: str) -> str:
    """The name under which a file is kept: one that stays in its folder and shows.

    Raises `UploadRefused` where nothing of the name is left, and for a kind that no reader knows.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", sent))[-1]
    shown = "".join(one for one in last if unicodedata.category(one) not in _CONTROLS)
    name = " ".join(shown.split()).lstrip(". ").rstrip(". ")
    if not name:
        raise UploadRefused(
            422, "file", f"{_short(sent)!r} is no name for a file: send one such as 'manual.pdf'"
        )
    whole = PurePosixPath(name)
    if whole.suffix.casefold() not in (*KINDS, *_DUMPS):
        raise UploadRefused(415, "file", f"{_short(name)!r} is not of a known kind: send {ALLOWED}")
    inner = PurePosixPath(whole.stem).suffix
    kept = inner + whole.suffix if inner.casefold() == ".xml" else whole.suffix
    stem = name.removesuffix(kept).encode()[: LONGEST_NAME - len(kept)]
    return stem.decode(errors="ignore").rstrip(". ") + kept


def check_collection(name: str) -> str:
    """The name of a collection, which is that of a folder too. Raises `UploadRefused`."""
    normal = unicodedata.normalize("NFC", name).strip()
    kinds = [unicodedata.category(one)[0] for one in normal]
    known = all(kind in "LMN" or one in " _.-" for kind, one in zip(kinds, normal, strict=True))
    fits = len(normal) <= LONGEST_COLLECTION and len(normal.encode()) <= LONGEST_NAME
    if not (normal and known and fits and kinds[0] in "LN" and normal[-1] != "."):
        raise UploadRefused(
            422,
            "collection",
            f"{_short(name)!r} is no name for a collection: use up to {LONGEST_COLLECTION} "
            "letters, digits, spaces and _ . - with a letter or digit first",
        )
    return normal


def check_content(file: Path, name: str) -> None:
    """Whether a file holds what its name says. Raises `UploadRefused`.

    `file` has the extensions of `name`, since dumps are told by both.
    """
    if file.stat().st_size == 0:
        raise UploadRefused(422, "file", f"{name!r} is empty: send a file with text in it")
    kind = kind_of(file)
    if kind is None:
        raise UploadRefused(
            415, "file", f"{name!r} holds no MediaWiki export, as its name says: send {ALLOWED}"
        )
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
        if kind == "pdf" and _PDF not in head:
            raise UploadRefused(415, "file", f"{name!r} is no PDF: it lacks the mark %PDF")
        if kind in ("pdf", "mediawiki"):
            return
        if head.startswith(_PDF):
            raise UploadRefused(
                415, "file", f"{name!r} is a PDF by what it holds: give it a name that ends in .pdf"
            )
        if decode_marked(head) is not None:
            return
        while head:
            if b"\0" in head:
                raise UploadRefused(
                    415,
                    "file",
                    f"{name!r} is not the text that its name says, since it holds NUL bytes: send "
                    f"{ALLOWED}",
                )
            head = stream.read(_PIECE)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:80] + "…"
