from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest

from eval.generate import Cached, Request
from service.llm import LLMBusy, LLMError, Message, Reply
from tests.generators import FakeGenerator, Rule, by_question

Open = Callable[[FakeGenerator], Cached]
ANSWERS = {"Who?": "Ida", "Where?": "In the shed", "When?": "At eight", "Why?": LLMError("dead")}


def request(question: str, adapter: str | None = None) -> Request:
    return Request((Message("system", "Be brief."), Message("user", question)), 20, adapter)


def texts(replies: list[Reply | LLMError]) -> list[str]:
    return [reply.text if isinstance(reply, Reply) else str(reply) for reply in replies]


@pytest.fixture
def opened(tmp_path: Path) -> Generator[Open]:
    """Opens the cache of one file, once or several times."""
    caches: list[Cached] = []

    def make(inner: FakeGenerator) -> Cached:
        caches.append(Cached(inner, tmp_path / "new" / "calls.db"))
        return caches[-1]

    yield make
    for cache in caches:
        cache.close()


def model(together: bool = False, rule: Rule | None = None) -> FakeGenerator:
    return FakeGenerator(rule or by_question(ANSWERS), together=together)


def test_a_cache_passes_for_the_generator_in_it(opened: Open):
    inner = FakeGenerator(name="tiny", together=True, weights={None: "w0", "a": "w1"})
    cache = opened(inner)
    assert (cache.name, cache.together) == ("tiny", True)
    assert (cache.fingerprint(None), cache.fingerprint("a")) == ("w0", "w1")


@pytest.mark.parametrize("together", [False, True])
def test_an_equal_batch_is_answered_again_without_asking(opened: Open, together: bool):
    batch = [request("Who?"), request("Where?")]
    first = opened(model(together)).complete(batch)
    again = model(together)
    assert opened(again).complete(batch) == first
    assert again.asked == []


def test_replies_come_in_the_order_of_the_requests(opened: Open):
    cache = opened(model())
    cache.complete([request("Where?")])
    replies = cache.complete([request("When?"), request("Where?"), request("Who?")])
    assert texts(replies) == ["At eight", "In the shed", "Ida"]


def test_a_reply_is_remembered_with_its_model_and_tokens(opened: Open):
    said = opened(model()).complete([request("Where?")])
    assert opened(model()).complete([request("Where?")]) == said
    assert said == [Reply("In the shed", "fake-model", 3, 3)]


def test_where_replies_are_independent_only_new_requests_are_asked(opened: Open):
    inner = model()
    cache = opened(inner)
    cache.complete([request("Who?"), request("Where?")])
    cache.complete([request("Where?"), request("When?")])
    assert inner.asked[1] == [request("When?")]


def test_where_replies_depend_on_each_other_another_batch_is_asked_whole(opened: Open):
    inner = model(together=True)
    cache = opened(inner)
    one, two, three = request("Who?"), request("Where?"), request("When?")
    asked = [[one, two], [two, one], [one], [one, two, three], []]
    replies = [cache.complete(batch) for batch in asked]
    assert inner.asked == asked
    assert len({texts(some)[0] for some in replies[:4]}) == 4


def test_equal_requests_of_a_batch_are_asked_once(opened: Open):
    """A server may say now this, now that; a run that goes on would read the last of them."""
    said = iter(["first", "second", "third"])
    inner = model(rule=lambda _: next(said))
    batch = [request("Who?"), request("Where?"), request("Who?")]
    assert texts(opened(inner).complete(batch)) == ["first", "second", "first"]
    assert inner.asked == [batch[:2]]


@pytest.mark.parametrize("together", [False, True])
def test_errors_are_never_remembered(opened: Open, together: bool):
    cache = opened(model(together))
    assert isinstance(cache.complete([request("Why?")])[0], LLMError)
    healed = model(together, by_question({"Why?": "Because"}))
    (reply,) = opened(healed).complete([request("Why?")])
    assert isinstance(reply, Reply)
    assert healed.count == 1


def test_an_error_of_any_kind_comes_through_as_it_is(opened: Open):
    busy = LLMBusy("later", 3.0)
    assert opened(model(rule=lambda _: busy)).complete([request("Who?")]) == [busy]


def test_beside_an_error_independent_replies_are_remembered(opened: Open):
    batch = [request("Who?"), request("Why?"), request("Where?")]
    cache = opened(model())
    assert texts(cache.complete(batch)) == ["Ida", "dead", "In the shed"]
    inner = model()
    opened(inner).complete(batch)
    assert inner.asked == [[request("Why?")]]


def test_beside_an_error_replies_that_depend_on_it_are_not_remembered(opened: Open):
    batch = [request("Who?"), request("Why?")]
    opened(model(together=True)).complete(batch)
    inner = model(together=True)
    opened(inner).complete(batch)
    assert inner.asked == [batch]


@pytest.mark.parametrize(
    "other",
    [
        replace(request("Who?"), max_tokens=21),
        replace(request("Who?"), one_line=False),
        replace(request("Who?"), grammar="start: NAME"),
        replace(request("Who?"), messages=(Message("user", "Who?"),)),
        replace(request("Who?"), messages=(Message("user", "Be brief."), Message("user", "Who?"))),
        request("Who?", "adapter-1"),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_a_request_that_differs_in_anything_is_asked(opened: Open, together: bool, other: Request):
    inner = model(together)
    cache = opened(inner)
    cache.complete([request("Who?")])
    cache.complete([other])
    assert inner.asked == [[request("Who?")], [other]]


@pytest.mark.parametrize("together", [False, True])
def test_other_weights_under_the_same_name_are_asked(opened: Open, together: bool):
    for digest in ("w1", "w2"):
        inner = FakeGenerator("x", together=together, weights={"a": digest})
        opened(inner).complete([request("Who?", "a")])
        assert inner.count == 1


def test_equal_weights_in_another_folder_are_not_asked_again(opened: Open):
    opened(FakeGenerator("x", weights={"here/a": "w1"})).complete([request("Who?", "here/a")])
    moved = FakeGenerator("x", weights={"there/b": "w1"})
    opened(moved).complete([request("Who?", "there/b")])
    assert moved.asked == []


def test_a_generator_that_loses_a_reply_is_found_out(opened: Open):
    class Short(FakeGenerator):
        def complete(self, requests: object) -> list[Reply | LLMError]:
            return [Reply("one", "m", 1, 1)]

    with pytest.raises(ValueError, match="zip"):
        opened(Short()).complete([request("Who?"), request("Where?")])
