"""The ingest benchmark on tiny files: what it counts, what it takes, what it prints."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import ingest as bench
from bench import ingest_corpora, ingest_peers, ingest_profile, ingest_venvs
from bench.ingest_measure import Spent, measure
from tests.fakes import FakeEmbedder

MEGABYTE = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of four texts of three words and one, and a file of another kind."""
    place = tmp_path / "texts"
    place.mkdir()
    for name in "abcd":
        (place / f"{name}.txt").write_text(f"The pump {name}.\n", encoding="utf-8")
    (place / "notes.csv").write_text("one,two\n")
    return place


def spent(seconds: float, cpu: float, **printed: int) -> Spent:
    return Spent(seconds, cpu, MEGABYTE, f"said before\n{json.dumps(printed)}\n")


def test_a_sample_is_spread_over_its_corpus_and_its_words_are_counted(folder: Path, tmp_path: Path):
    place = ingest_corpora.Place(folder, ".txt", 2)
    drawn = ingest_corpora.draw("texts", place, tmp_path / "drawn")
    assert (drawn.files, drawn.words, drawn.pages) == (2, 6, 0)
    taken = [file.read_text() for file in sorted(drawn.folder.iterdir())]
    assert taken == ["The pump a.\n", "The pump c.\n"]


def test_a_limit_of_more_files_than_there_are_takes_all(folder: Path, tmp_path: Path):
    place = ingest_corpora.Place(folder, ".txt", 2)
    assert ingest_corpora.draw("texts", place, tmp_path / "drawn", limit=9).files == 4


def test_pages_of_a_pdf_are_counted():
    manual = next(Path("corpus").rglob("*.pdf"))
    words, pages = ingest_corpora.contents(manual)
    assert words > pages > 0


def test_a_corpus_that_is_missing_is_skipped_with_how_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    bench.main(["--corpora", "manual", "--manual", str(tmp_path / "none"), "--profile"])
    assert "apt-get download" in capsys.readouterr().out


def test_a_command_without_options_is_all_corpora_and_all_peers():
    asked = bench.parser().parse_args([])
    assert asked.corpora == list(ingest_corpora.places())
    assert asked.peers == list(ingest_peers.PEERS) == list(ingest_venvs.PACKAGES)


def test_peers_take_from_the_constraints_what_computes_vectors():
    taken = ingest_venvs.constraints("numpy==2.4.6\ntorch==2.13.0\ntransformers==5.23.0\n")
    assert taken == ["torch==2.13.0", "transformers==5.23.0"]


def test_chunks_of_the_peers_hold_every_word(embedder: object):
    from ingest.embed import packaged_folder

    words = [f"word{at}" for at in range(400)]
    chunks = ingest_peers.cutter(packaged_folder("all-MiniLM-L6-v2"))(" ".join(words))
    assert len(chunks) > 1
    assert set(words) <= {word for chunk in chunks for word in chunk.split()}


def test_a_command_is_measured_with_what_its_children_take(tmp_path: Path):
    child = "x = bytearray(200 << 20)\nimport time\ntime.sleep(0.5)\nsum(range(3_000_000))"
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]]); print(1)"
    found = measure([sys.executable, "-c", parent, child], {})
    assert found.peak > 200 * MEGABYTE
    assert found.seconds > 0.5 and found.cpu > 0
    assert found.output == "1\n"


def test_a_command_that_fails_is_named_with_its_last_words():
    with pytest.raises(RuntimeError, match="no such peer"):
        measure([sys.executable, "-c", "raise SystemExit('no such peer')"], {})


def test_the_start_is_taken_off_and_the_last_line_is_what_was_printed():
    row = bench.row("plain", spent(10, 16, chunks=7, words=90), spent(4, 5, chunks=1, words=9))
    assert (row.spent.seconds, row.spent.cpu) == (6, 11)
    assert (row.chunks, row.words) == (7, 90)


def test_rates_are_words_of_the_source_and_ratios_to_the_fastest_peer(
    capsys: pytest.CaptureFixture[str],
):
    start = spent(1, 1, chunks=1)
    rows = [
        bench.row("ragfirst", spent(3, 3, chunks=10), start),
        bench.row("plain", spent(9, 9, chunks=10), start),
        bench.row("txtai", spent(5, 5, chunks=10), start),
    ]
    bench.show(ingest_corpora.Sample("texts", Path(), 4, 800, 0), rows)
    ours, plain, _ = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[-3:]]
    assert ours[:4] == ["| ragfirst", "400", "2.00", "4.00"]
    assert plain[:4] == ["| plain", "100", "0.50", "1.00"]


def test_our_own_arm_runs(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sample = ingest_corpora.draw(
        "texts", ingest_corpora.Place(folder, ".txt", 2), tmp_path / "drawn"
    )
    row = bench.row(
        "ragfirst", bench.own_arm().run(sample, tmp_path / "index"), spent(0, 0, chunks=0)
    )
    assert row.chunks == 2


def test_a_profile_counts_chunks_and_sentences_apart(folder: Path, tmp_path: Path):
    shares = ingest_profile.profile(folder, tmp_path / "index", FakeEmbedder())
    assert {"parse", "chunk", "embed chunks", "embed sentences", "write", "derive"} <= set(
        shares.seconds
    )
    assert shares.tokens["chunks"] > 0 and shares.tokens["sentences"] > 0


def test_a_profile_leaves_vectors_as_they_are(folder: Path, tmp_path: Path):
    from contextlib import closing

    from ingest.schema import connect
    from tests.corpora import run

    run(tmp_path / "other", folder)
    ingest_profile.profile(folder, tmp_path / "index", FakeEmbedder())
    query = "SELECT embedding FROM chunks ORDER BY id"
    found = list[np.ndarray]()
    for index in ("other", "index"):
        with closing(connect(tmp_path / index)) as connection:
            rows = connection.execute(query).fetchall()
            found.append(np.stack([np.frombuffer(row[0], np.float32) for row in rows]))
    assert np.allclose(found[0], found[1])
