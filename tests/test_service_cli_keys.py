"""The commands that make, list and revoke API keys."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli_keys import app
from service.keys import Keys

FORM = re.compile(r"rf_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index" / "keys.db"


def command(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments, "--keys", str(file)])


def test_create_prints_the_key_alone_where_a_program_reads(file: Path):
    result = command(file, "create", "app", "--collection", "wiki", "--collection", "pdf")
    assert FORM.fullmatch(result.stdout.strip())
    found = Keys(file).matching(result.stdout.strip())
    assert found
    assert found.collections == {"wiki", "pdf"}
    assert f"key {found.id} (app) reads pdf, wiki, without limit" in result.stderr


def test_create_as_json(file: Path):
    limits = ["--writes", "--requests-per-minute", "30", "--tokens-per-minute", "4000"]
    values = json.loads(command(file, "create", "app", *limits, "--json").stdout)
    found = Keys(file).matching(values["key"])
    assert found
    assert found.as_dict() | {"key": values["key"]} == values
    assert (values["writes"], values["collections"]) == (True, None)
    assert (values["requests_per_minute"], values["tokens_per_minute"]) == (30, 4000)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_list_shows_all_but_what_proves_a_key(file: Path, form: list[str]):
    _, text = Keys(file).create("app", frozenset({"wiki"}), requests_per_minute=30)
    Keys(file).create("old")
    Keys(file).revoke("old")
    shown = command(file, "list", *form).stdout
    for part in ("app", "wiki", "30", text[3:11], "old", "revoked"):
        assert part in shown
    assert text[12:] not in shown


def test_an_empty_list_says_how_to_make_a_key(file: Path):
    result = command(file, "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`ragfirst keys create NAME` makes one" in result.stderr
    assert json.loads(command(file, "list", "--json").stdout) == {"keys": []}


def test_revoke(file: Path):
    _, text = Keys(file).create("app")
    values = json.loads(command(file, "revoke", "app", "--json").stdout)
    assert values["revoked"]
    assert Keys(file).matching(text) is None


@pytest.mark.parametrize(
    "arguments", [("create", "anonymous"), ("revoke", "nobody"), ("create", "a\nb")]
)
def test_what_cannot_be_done_exits_with_2(file: Path, arguments: tuple[str, ...]):
    result = command(file, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("ragfirst: no key")


def test_a_damaged_file_exits_with_2(file: Path):
    file.parent.mkdir()
    file.write_text("no database")
    for arguments in (("create", "app"), ("list",), ("revoke", "app")):
        result = command(file, *arguments)
        assert result.exit_code == 2
        assert "cannot be used" in result.stderr
    assert file.read_text() == "no database"
