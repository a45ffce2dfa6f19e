from collections.abc import Sequence
from dataclasses import replace

from ingest.stored import StoredChunk
from service.alike import alike, distinct
from tests.hits import hit

RULE = " ".join(f"word{letter}" for letter in "abcdefghijklmnopqrstuvwxyzäöüßéèêëïîñåø")


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def chosen(count: int, *texts: str) -> tuple[list[str], list[int]]:
    """The texts that are kept, and the ids that were read."""
    chunks = {at: replace(hit(text).chunk, id=at) for at, text in enumerate(texts)}
    asked: list[int] = []

    def read(ids: Sequence[int]) -> list[StoredChunk]:
        asked.extend(ids)
        return [chunks[one] for one in ids]

    return [chunk.text for chunk in distinct(list(chunks), read, count)], asked


def test_the_same_words_are_alike_in_any_order():
    assert alike(words("the pump leaks"), words("leaks the pump"))


def test_a_long_passage_with_another_word_is_alike():
    assert alike(words(RULE + " left"), words(RULE + " right"))


def test_another_figure_is_another_rule():
    assert not alike(words(RULE + " 24"), words(RULE + " 1"))


def test_a_part_of_a_passage_is_not_alike():
    assert not alike(words(RULE), words(RULE + " and much else besides it"))


def test_of_copies_the_first_is_kept_and_the_next_passage_takes_the_place():
    kept, _ = chosen(2, "The pump leaks.", "the PUMP leaks", "It rusts.", "It stands.")
    assert kept == ["The pump leaks.", "It rusts."]


def test_no_more_is_read_than_is_needed():
    assert chosen(2, "The pump leaks.", "It rusts.", "It stands.")[1] == [0, 1]


def test_all_may_be_copies():
    assert chosen(2, "It rusts.", "It rusts.")[0] == ["It rusts."]
