"""API keys in their file."""

import logging
import os
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from service.access import KeysUnusable
from service.keys import Keys, WrongKey

FORM = re.compile(r"rf_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index" / "keys.db"


@pytest.fixture
def keys(file: Path) -> Keys:
    return Keys(file)


def test_a_key_proves_whose_it_is(keys: Keys):
    made, text = keys.create(
        "app", frozenset({"wiki", "pdf"}), writes=True, requests_per_minute=9, tokens_per_minute=99
    )
    assert FORM.fullmatch(text)
    assert keys.matching(text) == made
    assert (made.caller.name, made.caller.collections) == ("app", {"wiki", "pdf"})
    assert made.caller.writes


def test_a_key_reads_all_and_writes_nothing_unless_told_otherwise(keys: Keys):
    made, _ = keys.create("app")
    assert (made.caller.collections, made.caller.writes) == (None, False)
    assert (made.requests_per_minute, made.tokens_per_minute) == (None, None)


def test_no_two_keys_are_alike(keys: Keys):
    texts = {keys.create(f"app {n}")[1] for n in range(20)}
    assert len(texts) == 20


def changed(text: str) -> list[str]:
    """What is nearly a key."""
    other = "A" if text[-1] != "A" else "B"
    return ["", text[:-1], text + "A", text[:-1] + other, text.upper(), f" {text}", f"{text}\n"]


def test_what_is_nearly_a_key_proves_nothing(keys: Keys):
    _, text = keys.create("app")
    _, other = keys.create("other")
    mixed = text[:12] + other[12:]
    assert [keys.matching(one) for one in [*changed(text), mixed, "ключ"]] == [None] * 9


def test_the_secret_is_not_in_the_file(keys: Keys, file: Path):
    _, text = keys.create("app")
    assert text[12:].encode() not in file.read_bytes()
    assert text.encode() not in file.read_bytes()


def test_the_file_is_for_its_owner_only(keys: Keys, file: Path):
    keys.create("app")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_made_elsewhere_is_known_at_once(keys: Keys, file: Path):
    assert keys.matching(Keys(file).create("first")[1])
    assert keys.matching(Keys(file).create("second")[1])


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_key_revoked_elsewhere_is_refused_at_its_next_use(keys: Keys, file: Path, by: str):
    made, text = keys.create("app")
    assert keys.matching(text)
    Keys(file).revoke(getattr(made, by))
    assert keys.matching(text) is None


def test_a_change_shows_though_the_file_s_time_does_not(keys: Keys, file: Path):
    """File systems count time in steps in which two changes may fall."""
    _, text = keys.create("app")
    before = file.stat()
    assert keys.matching(text)
    Keys(file).revoke("app")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert keys.matching(text) is None


def test_other_keys_outlive_a_revoked_one(keys: Keys):
    _, kept = keys.create("kept")
    keys.create("gone")
    keys.revoke("gone")
    assert keys.matching(kept)


def test_a_name_is_free_again_once_its_key_is_revoked(keys: Keys):
    _, old = keys.create("app")
    with pytest.raises(WrongKey, match="there is a key named 'app': revoke it first"):
        keys.create("app")
    keys.revoke("app")
    _, new = keys.create("app")
    assert keys.matching(new)
    assert keys.matching(old) is None


@pytest.mark.parametrize("name", ["", " ", "-app", "a\nb", "a" * 65, "anonymous", "<b>"])
def test_a_name_is_short_and_plain(keys: Keys, file: Path, name: str):
    with pytest.raises(WrongKey, match="take up to 64 letters"):
        keys.create(name)
    assert not file.exists()


def test_a_key_that_there_is_not_cannot_be_revoked(keys: Keys):
    with pytest.raises(WrongKey, match="no key 'app' that is not revoked"):
        keys.revoke("app")


def test_a_key_is_revoked_once(keys: Keys):
    keys.create("app")
    first = keys.revoke("app")
    assert first.revoked
    with pytest.raises(WrongKey, match="no key"):
        keys.revoke(first.id)


def test_without_a_file_there_is_no_key_and_none_is_made(keys: Keys, file: Path):
    assert keys.all() == []
    assert keys.matching(f"rf_00000000_{'A' * 43}") is None
    assert not file.exists()


def test_a_use_is_noted(keys: Keys):
    _, text = keys.create("app")
    assert keys.all()[0].last_used is None
    keys.matching(text)
    assert keys.all()[0].last_used


def test_a_wrong_secret_is_not_a_use(keys: Keys):
    _, text = keys.create("app")
    keys.matching(changed(text)[3])
    assert keys.all()[0].last_used is None


def test_many_uses_are_one_note(keys: Keys, file: Path):
    _, text = keys.create("app")
    keys.matching(text)
    before = file.stat().st_mtime_ns
    for _ in range(5):
        keys.matching(text)
    assert file.stat().st_mtime_ns == before


def test_a_key_is_good_though_its_use_cannot_be_noted(
    keys: Keys, file: Path, caplog: pytest.LogCaptureFixture
):
    _, text = keys.create("app")
    caplog.set_level(logging.DEBUG, "service.keys")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert keys.matching(text)
    assert "is not noted" in caplog.text
    assert keys.all()[0].last_used is None


def test_a_damaged_file_lets_nobody_in(keys: Keys, file: Path):
    _, text = keys.create("app")
    file.write_bytes(b"no database " * 400)
    with pytest.raises(KeysUnusable, match="cannot be used"):
        keys.matching(text)


def test_a_file_of_a_later_format_is_refused(keys: Keys, file: Path):
    _, text = keys.create("app")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(KeysUnusable, match="its format is 2, this ragfirst reads format 1"):
        keys.matching(text)
