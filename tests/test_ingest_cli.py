import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ragfirst import app
from tests.corpora import documents, pages, write
from tests.fakes import FakeEmbedder

INGEST_FIELDS = [
    "documents",
    "pages",
    "chunks",
    "added",
    "changed",
    "deleted",
    "unchanged",
    "skipped",
    "failures",
    "seconds",
]


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A fresh working folder, the fake embedder, and no RAGFIRST_… of the machine."""

    def fake_embedder(name: str, **_: object) -> FakeEmbedder:
        if name == "unloadable":
            raise ValueError("cannot load the embedder 'unloadable'")
        return FakeEmbedder(name)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ingest.embed.SentenceEmbedder", fake_embedder)
    for name in ("INDEX", "CHUNK_TOKENS", "CHUNK_OVERLAP", "THREADS"):
        monkeypatch.delenv(f"RAGFIRST_{name}", raising=False)
    monkeypatch.setenv("RAGFIRST_EMBEDDER", "fake-words")
    return monkeypatch


def ragfirst(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def printed(result: Result) -> dict[str, Any]:
    """The one JSON object that was printed."""
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def ingested(*arguments: str | Path) -> dict[str, Any]:
    return printed(ragfirst("ingest", *arguments, "--json"))


def test_ingest_says_what_it_did(corpus: Path):
    result = ragfirst("ingest", corpus)
    assert result.exit_code == 0
    assert "3 documents added, 0 changed, 0 deleted, 0 unchanged" in result.stdout
    assert "The index holds 3 documents (0 PDF pages) in 3 chunks." in result.stdout


def test_ingest_json_has_these_fields(corpus: Path):
    values = ingested(corpus)
    assert list(values) == INGEST_FIELDS
    assert (values["documents"], values["chunks"], values["added"]) == (3, 3, 3)
    assert values["seconds"] >= 0


def test_a_second_ingest_has_the_same_fields_and_finds_nothing_to_do(corpus: Path):
    ragfirst("ingest", corpus)
    values = ingested(corpus)
    assert list(values) == INGEST_FIELDS
    assert (values["documents"], values["added"], values["unchanged"]) == (3, 0, 3)


def test_the_index_is_made_in_the_working_folder_by_default(corpus: Path):
    ragfirst("ingest", corpus)
    assert len(documents(corpus.parent / "index")) == 3


def test_the_index_can_be_named_by_the_environment(
    corpus: Path, settings: pytest.MonkeyPatch, tmp_path: Path
):
    settings.setenv("RAGFIRST_INDEX", str(tmp_path / "elsewhere"))
    ragfirst("ingest", corpus)
    assert len(documents(tmp_path / "elsewhere")) == 3


def test_the_option_goes_before_the_environment(
    corpus: Path, settings: pytest.MonkeyPatch, tmp_path: Path
):
    settings.setenv("RAGFIRST_INDEX", str(tmp_path / "elsewhere"))
    ragfirst("ingest", corpus, "--index", tmp_path / "here")
    assert (tmp_path / "here").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_the_collection_is_the_folder_s_name_unless_told_otherwise(corpus: Path):
    ragfirst("ingest", corpus)
    assert printed(ragfirst("status", "--json"))["collections"] == {"wiki": 3}
    ragfirst("ingest", corpus, "--collection", "zoo")
    assert printed(ragfirst("status", "--json"))["collections"] == {"zoo": 3}


def test_failures_are_named_and_the_exit_status_is_1(corpus: Path):
    write(corpus, {"broken.pdf": "no PDF"})
    result = ragfirst("ingest", corpus)
    assert result.exit_code == 1
    assert "1 could not be read" in result.stdout
    assert "broken.pdf: " in result.stdout


def test_failures_in_json_have_path_and_reason(corpus: Path):
    write(corpus, {"broken.pdf": "no PDF"})
    (failure,) = ingested(corpus)["failures"]
    assert list(failure) == ["path", "reason"]


def test_many_failures_are_cut_short_with_a_way_to_see_all(corpus: Path):
    write(corpus, {f"{at}.pdf": "no PDF" for at in range(25)})
    assert "… 5 more: `ragfirst status --json` has all" in ragfirst("ingest", corpus).stdout


def refused(*arguments: str | Path) -> str:
    """What a refused command says."""
    result = ragfirst(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    return " ".join(result.stderr.split())


def test_a_missing_corpus_is_refused():
    assert "does not exist: nothing was changed" in refused("ingest", "nowhere")


def test_an_embedder_that_cannot_be_loaded_is_refused(corpus: Path, settings: pytest.MonkeyPatch):
    settings.setenv("RAGFIRST_EMBEDDER", "unloadable")
    assert "cannot load the embedder" in refused("ingest", corpus)


def test_another_embedder_is_refused_with_both_names(corpus: Path, settings: pytest.MonkeyPatch):
    ragfirst("ingest", corpus)
    settings.setenv("RAGFIRST_EMBEDDER", "other-words")
    said = refused("ingest", corpus)
    assert "'fake-words'" in said
    assert "'other-words'" in said


@pytest.mark.parametrize("command", ["ingest", "status"])
def test_a_setting_that_is_no_number_is_refused_by_name(
    command: str, corpus: Path, settings: pytest.MonkeyPatch
):
    settings.setenv("RAGFIRST_CHUNK_TOKENS", "many")
    assert "chunk_tokens" in refused(command, *([corpus] if command == "ingest" else []))


def test_an_overlap_that_cannot_work_is_refused(corpus: Path, settings: pytest.MonkeyPatch):
    settings.setenv("RAGFIRST_CHUNK_OVERLAP", "60")
    assert "at most half" in refused("ingest", corpus)


def test_mass_deletes_need_the_flag(corpus: Path):
    ragfirst("ingest", corpus)
    for name in ("ant.md", "bee.md"):
        (corpus / name).unlink()
    assert "--allow-mass-delete" in refused("ingest", corpus)
    assert ingested(corpus, "--allow-mass-delete")["deleted"] == 2


def test_a_dry_run_makes_no_index(corpus: Path):
    result = ragfirst("ingest", corpus, "--dry-run")
    assert result.exit_code == 0
    assert "added    ant.md" in result.stdout
    assert "3 files to bring in line, 0 unchanged" in result.stdout
    assert not (corpus.parent / "index").exists()


def test_a_dry_run_changes_nothing(corpus: Path):
    ragfirst("ingest", corpus)
    database = corpus.parent / "index" / "ragfirst.db"
    before = database.read_bytes()
    write(corpus, pages("dog"))
    (corpus / "bee.md").unlink()
    assert printed(ragfirst("ingest", corpus, "--dry-run", "--json")) == {
        "changes": [
            {"path": "bee.md", "action": "deleted"},
            {"path": "dog.md", "action": "added"},
        ],
        "unchanged": 2,
        "skipped": 0,
    }
    assert database.read_bytes() == before


def test_a_dry_run_refuses_what_a_sync_would(corpus: Path):
    ragfirst("ingest", corpus)
    for name in ("ant.md", "bee.md"):
        (corpus / name).unlink()
    assert "--allow-mass-delete" in refused("ingest", corpus, "--dry-run")


def test_a_keyboard_interrupt_says_how_to_go_on(corpus: Path, settings: pytest.MonkeyPatch):
    dying = FakeEmbedder(dies_after=0, dies_of=KeyboardInterrupt)
    settings.setattr("ingest.embed.SentenceEmbedder", lambda *_, **__: dying)  # pyright: ignore
    result = ragfirst("ingest", corpus)
    assert result.exit_code == 130
    assert "run the same command to go on" in result.stderr


def test_a_person_sees_a_bar_with_counts(corpus: Path, settings: pytest.MonkeyPatch):
    settings.setenv("TTY_COMPATIBLE", "1")
    result = ragfirst("ingest", corpus)
    assert "3/3" in result.stderr
    assert "3 documents, 3 chunks" in result.stderr
    assert "3 documents added" in result.stdout


def test_a_program_sees_no_bar(corpus: Path, settings: pytest.MonkeyPatch):
    settings.setenv("TTY_COMPATIBLE", "1")
    assert ragfirst("ingest", corpus, "--json").stderr == ""


def test_status_json_has_these_fields(corpus: Path):
    ragfirst("ingest", corpus)
    assert printed(ragfirst("status", "--json")) == {
        "generation": 1,
        "documents": 3,
        "chunks": 3,
        "embedder": "fake-words (1)",
        "collections": {"wiki": 3},
        "failures": [],
    }


def test_status_is_readable(corpus: Path):
    ragfirst("ingest", corpus)
    result = ragfirst("status")
    assert result.exit_code == 0
    assert "generation 1, 3 documents" in result.stdout


def test_status_of_no_index_is_refused():
    assert "no index in 'index'" in refused("status")


def test_status_of_a_damaged_index_is_refused(corpus: Path):
    ragfirst("ingest", corpus)
    database = corpus.parent / "index" / "ragfirst.db"
    database.write_bytes(database.read_bytes()[:4096] + b"\xff" * 60_000)
    assert "remove a damaged index and ingest again" in refused("status")
