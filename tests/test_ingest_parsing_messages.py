import io
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.documents import Document, Failure, Page, Section
from ingest.parsing_messages import READY, Broken, End, Order, receive, send

DOCUMENT = Document(
    "a.pdf", "A", "pdf", "One.", (Section(0, ("B", "C")),), (Page(0, "i"),), (2,), {"author": "Ada"}
)


@pytest.mark.parametrize(
    "message", [DOCUMENT, Failure("a", "damaged"), End(), End("why"), None, READY]
)
def test_a_message_arrives_as_it_was_sent(message: object) -> None:
    pipe = io.BytesIO()
    send(message, pipe)
    send(End(), pipe)
    pipe.seek(0)
    assert receive(pipe) == message
    assert receive(pipe) == End()


class Opens:
    """What a process that was taken over might say."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._file),)


def test_what_is_no_message_is_never_built(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        receive(io.BytesIO(pickle.dumps(Opens(tmp_path / "made"))))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("message", [Order("/a", "a"), ["a"], 3])
def test_only_messages_of_a_parsing_process_are_taken(message: object) -> None:
    with pytest.raises(Broken):
        receive(io.BytesIO(pickle.dumps(message)))


@pytest.mark.parametrize("length", [0, 1, 30])
def test_a_message_that_breaks_off_is_broken(length: int) -> None:
    with pytest.raises(Broken):
        receive(io.BytesIO(pickle.dumps(DOCUMENT)[:length]))


@given(st.binary(max_size=60).map(lambda tail: b"\x80\x05" + tail))
@example(b"\x80\x05cingest.documents\nFailure\n)R.")  # without its fields
@example(b"\x80\x05(l.")
def test_bytes_that_are_no_message_are_broken(said: bytes) -> None:
    try:
        receive(io.BytesIO(said))
    except Broken:
        pass
