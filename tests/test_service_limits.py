"""Buckets of requests and tokens, by a clock of the test's own."""

import pytest

from service.limits import Bucket, Budget, RateLimited, duration


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_bucket_gives_a_minute_s_worth_at_once_and_no_more(clock: Clock):
    bucket = Bucket(3, clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_a_bucket_fills_evenly(clock: Clock):
    bucket = Bucket(3, clock)
    for _ in range(3):
        bucket.take()
    clock.now += 19.9
    assert not bucket.take()
    clock.now += 0.2
    assert bucket.take()
    assert not bucket.take()


def test_a_bucket_holds_no_more_than_a_minute_s_worth(clock: Clock):
    bucket = Bucket(3, clock)
    clock.now += 3600
    assert bucket.level() == 3


def test_what_is_refused_costs_nothing(clock: Clock):
    bucket = Bucket(1, clock)
    bucket.take()
    for _ in range(50):
        bucket.take()
    clock.now += 60
    assert bucket.take()


def test_tokens_that_are_overspent_are_made_up_for_first(clock: Clock):
    budget = Budget(None, Bucket(60, clock))
    budget.admit()
    budget.spend(90)
    with pytest.raises(RateLimited) as caught:
        budget.admit()
    assert caught.value.headers["Retry-After"] == "31"
    clock.now += 31
    budget.admit()


def test_the_seconds_to_wait_are_enough(clock: Clock):
    budget = Budget(Bucket(7, clock), None)
    for _ in range(7):
        budget.admit()
    with pytest.raises(RateLimited, match="may use 7 requests a minute and has") as caught:
        budget.admit()
    clock.now += float(caught.value.headers["Retry-After"])
    budget.admit()


def test_a_request_is_not_taken_where_the_tokens_are_used_up(clock: Clock):
    budget = Budget(Bucket(5, clock), Bucket(5, clock))
    budget.spend(6)
    with pytest.raises(RateLimited, match="5 tokens"):
        budget.admit()
    assert budget.headers()["x-ratelimit-remaining-requests"] == "5"


def test_the_headers_tell_of_the_nearer_limit(clock: Clock):
    budget = Budget(Bucket(10, clock), Bucket(1000, clock))
    budget.admit()
    budget.spend(400)
    assert budget.headers() == {
        "RateLimit-Limit": "1000",
        "RateLimit-Remaining": "600",
        "RateLimit-Reset": "24",
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "9",
        "x-ratelimit-reset-requests": "6s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "600",
        "x-ratelimit-reset-tokens": "24s",
    }


def test_less_than_nothing_is_told_as_nothing(clock: Clock):
    budget = Budget(None, Bucket(10, clock))
    budget.spend(25)
    assert budget.headers()["RateLimit-Remaining"] == "0"


def test_without_limits_nothing_is_told_or_refused():
    budget = Budget(None, None)
    budget.admit()
    budget.spend(10**9)
    assert budget.headers() == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.02, "20ms"), (1, "1s"), (1.5, "1.5s"), (60, "1m0s"), (361.25, "6m1.25s")],
)
def test_durations_read_as_openai_s(seconds: float, text: str):
    assert duration(seconds) == text
