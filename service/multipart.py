"""A form with a file in it, written to the disk as it comes: never more of it in memory than a bit.

Knows nothing of what the file is.
"""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from service.upload_names import UploadRefused

FIELD_BYTES = 1000
"""Of a field that is not the file."""

OVERHEAD = 1 << 16
"""Bytes that boundaries, headers and fields may take beside the file."""

TOGETHER = 1 << 20
"""Bytes that are gathered before they are written."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that has come to its end; `filename` is as it was sent."""

    file: Path
    filename: str
    bytes: int
    fields: dict[str, str]


@asynccontextmanager
async def received(
    request: Request, place: Callable[[str], Path], fields: tuple[str, ...], most: int
) -> AsyncGenerator[Form]:
    """The form of a request, its file on the disk for as long as the block runs; move it away.

    Args:
        request: Its body is a multipart form with a field `file`.
        place: Where to write to, given the name that the file was sent with; it may refuse.
        fields: Those that may be there beside `file`.
        most: Bytes of the file.

    Raises:
        UploadRefused: The body is no such form, or the file is too large. What `place` raises.
    """
    parser, parts = _parser(request, fields, most)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:18]) > most + OVERHEAD:
        raise _too_large(most)
    target = _Target(place)
    try:
        await _receive(request, parser, parts, target, most)
        yield Form(target.end(), parts.filename, parts.bytes, parts.texts())
    finally:
        await run_in_threadpool(target.remove)


async def _receive(
    request: Request, parser: MultipartParser, parts: "_Parts", target: "_Target", most: int
) -> None:
    come = 0
    async for piece in request.stream():
        come += len(piece)
        if come > most + OVERHEAD:
            raise _too_large(most)
        try:
            parser.write(piece)
        except FormParserError as error:
            raise UploadRefused(422, "body", f"is no multipart form: {error}") from error
        if "file" in parts.seen and not target.begun:
            await run_in_threadpool(target.begin, parts.filename)
        if len(parts.waiting) >= TOGETHER:
            await run_in_threadpool(target.write, parts.take())
    if not parts.ended:
        raise UploadRefused(422, "body", "is a form that ends early: send it again")
    if "file" not in parts.seen:
        raise UploadRefused(422, "file", "is missing: send the form's field 'file' with a file")
    await run_in_threadpool(target.write, parts.take())
    await run_in_threadpool(target.end)


class _Target:
    """The file on the disk."""

    def __init__(self, place: Callable[[str], Path]) -> None:
        self._place = place
        self._file: Path | None = None
        self._out: BinaryIO | None = None

    @property
    def begun(self) -> bool:
        return self._file is not None

    def begin(self, filename: str) -> None:
        self._file = self._place(filename)
        self._out = self._file.open("xb")

    def write(self, data: bytes) -> None:
        assert self._out is not None
        self._out.write(data)

    def end(self) -> Path:
        """All of it is on the disk once this returns."""
        assert self._file is not None and self._out is not None
        if not self._out.closed:
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()
        return self._file

    def remove(self) -> None:
        if self._out is not None:
            with suppress(OSError):  # a full disk, of which the request has told already
                self._out.close()
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def _parser(
    request: Request, fields: tuple[str, ...], most: int
) -> tuple[MultipartParser, "_Parts"]:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        shown = kind.decode("latin-1") or "nothing"
        raise UploadRefused(
            415, "body", f"is {shown!r}: send multipart/form-data with the field 'file'"
        )
    parts = _Parts(("file", *fields), most)
    try:
        parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_headers_finished": parts.headers_finished,
                "on_part_data": parts.data,
                "on_end": parts.end,
            },
        )
    except (KeyError, FormParserError) as error:
        raise UploadRefused(
            422, "body", "is no multipart form: its content type names no usable boundary"
        ) from error
    return parser, parts


def _too_large(most: int) -> UploadRefused:
    return UploadRefused(
        413, "file", f"is larger than {most} bytes: send less, or raise RAGFIRST_UPLOAD_BYTES"
    )


class _Parts:
    """What the parser comes upon. `waiting` are bytes of the file that are not written yet."""

    def __init__(self, known: tuple[str, ...], most: int) -> None:
        self.waiting = bytearray()
        self.seen: dict[str, bytearray] = {}
        self.filename = ""
        self.bytes = 0
        self.ended = False
        self._known = known
        self._most = most
        self._name = ""
        self._header = (bytearray(), bytearray())
        self._disposition = b""

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken

    def texts(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self.seen.items():
            if name != "file":
                try:
                    found[name] = value.decode()
                except UnicodeDecodeError as error:
                    raise UploadRefused(422, name, "is not text in UTF-8") from error
        return found

    def begin(self) -> None:
        self._disposition = b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def header_end(self) -> None:
        if bytes(self._header[0]).lower() == b"content-disposition":
            self._disposition = bytes(self._header[1])
        self._header = (bytearray(), bytearray())

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode(errors="replace")
        if name not in self._known:
            known = ", ".join(map(repr, self._known))
            raise UploadRefused(422, name[:80] or "body", f"is not known: the form takes {known}")
        if name in self.seen:
            raise UploadRefused(422, name, "is there twice: send one form for each file")
        if name == "file":
            if b"filename" not in options:
                raise UploadRefused(422, "file", "has no file name: send it as a file")
            self.filename = _text(options[b"filename"])
        self._name = name
        self.seen[name] = bytearray()

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self.bytes += end - start
            if self.bytes > self._most:
                raise _too_large(self._most)
            self.waiting += data[start:end]
            return
        self.seen[self._name] += data[start:end]
        if len(self.seen[self._name]) > FIELD_BYTES:
            raise UploadRefused(422, self._name, f"has more than {FIELD_BYTES} bytes")

    def end(self) -> None:
        self.ended = True


def _text(raw: bytes) -> str:
    """A file name: in UTF-8, as browsers send it, else as old programs do."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
