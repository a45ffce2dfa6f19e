"""Who pays for a reply, whole or broken off."""

import threading
from collections.abc import Generator

import pytest

from service.limits import Bucket, Budget
from service.llm import LLM, LLMError, Message, Reply, Stopped
from service.metering import PAYER, stream
from tests.fakes import OneReply, Writer

ASKED = [Message("user", "twelve chars" * 10)]


@pytest.fixture
def tokens() -> Generator[Bucket]:
    """The tokens of whoever pays."""
    bucket = Bucket(1000, lambda: 0.0)
    token = PAYER.set(Budget(None, bucket))
    yield bucket
    PAYER.reset(token)


def listen(llm: LLM, stop: threading.Event | None = None) -> tuple[Reply, list[str]]:
    heard: list[str] = []
    return stream(llm, ASKED, 50, heard.append, stop or threading.Event()), heard


def test_a_reply_costs_what_was_read_and_written(tokens: Bucket):
    reply, heard = listen(Writer("six ", "litres"))
    assert (reply.text, heard) == ("six litres", ["six ", "litres"])
    assert tokens.level() == 1000 - 10 - 2


def test_a_reply_that_is_broken_off_costs_what_there_was_of_it(tokens: Bucket):
    stop, heard = threading.Event(), list[str]()

    def leave(piece: str) -> None:
        heard.append(piece)
        stop.set()

    with pytest.raises(Stopped):
        stream(Writer("six ", goes_on=True), ASKED, 50, leave, stop)
    assert heard == ["six "]
    assert tokens.level() == 1000 - 120 / 4 - 1


def test_who_left_before_the_model_began_pays_nothing(tokens: Bucket):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        listen(Writer("six"), stop)
    assert tokens.level() == 1000


def test_a_model_that_does_not_count_is_counted_by_its_letters(tokens: Bucket):
    class Uncounted(OneReply):
        def complete(self, messages: object, max_tokens: int) -> Reply:
            return Reply("six litres", self.name, 0, 0)

    listen(Uncounted(""))
    assert tokens.level() == 1000 - 120 / 4 - 1


def test_a_model_that_fails_costs_nothing(tokens: Bucket):
    with pytest.raises(LLMError):
        listen(OneReply(LLMError("it broke")))
    assert tokens.level() == 1000


def test_outside_a_request_a_reply_is_free():
    assert listen(Writer("six"))[0].text == "six"
