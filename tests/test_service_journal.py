"""What a worker has begun, as the next one finds it."""

from pathlib import Path

import pytest

from service.journal import Begun, Journal

PLACE = ("uploads", "a.md")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / ".reading.json")


def test_what_has_begun_is_known_to_the_next(journal: Journal, tmp_path: Path) -> None:
    journal.begin(*PLACE, "1")
    assert Journal(tmp_path / ".reading.json").read() == {PLACE: Begun("1", 1, reading=True)}


def test_what_has_ended_is_not(journal: Journal) -> None:
    journal.begin(*PLACE, "1")
    journal.end(*PLACE)
    assert journal.read() == {}


def test_attempts_are_counted_for_as_long_as_the_file_is_the_same(journal: Journal) -> None:
    for _ in range(3):
        journal.begin(*PLACE, "1")
        journal.stop()
    assert journal.read() == {PLACE: Begun("1", 3, reading=False)}
    journal.begin(*PLACE, "2")
    assert journal.read() == {PLACE: Begun("2", 1, reading=True)}


def test_an_end_that_is_no_file_s_fault_counts_for_none(journal: Journal) -> None:
    journal.begin(*PLACE, "1")
    journal.stop()
    before = journal.read()
    journal.begin(*PLACE, "1")
    journal.begin("uploads", "b.md", "1")
    journal.forgive()
    assert journal.read() == before


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"collection": "a"}]', "null"])
def test_one_that_cannot_be_read_is_empty(journal: Journal, tmp_path: Path, content: str) -> None:
    (tmp_path / ".reading.json").write_text(content)
    assert journal.read() == {}
    journal.begin(*PLACE, "1")
    assert len(journal.read()) == 1
