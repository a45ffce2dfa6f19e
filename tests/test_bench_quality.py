"""The benchmark of quality on a set of three questions, and its table."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.answers import Unasked
from bench.quality import Bench, look, measure
from bench.quality_index import MADE, open_index
from bench.quality_measures import Outcome
from bench.quality_ranking import configuration
from bench.quality_sets import QualitySet
from bench.quality_table import block, differences, held_out, lines
from eval.questions import Evidence, Question
from ingest.settings import IngestSettings
from service.loading import make_answerer, retrieval_settings
from service.retrieve import RetrievalSettings
from service.settings import ServiceSettings
from tests.corpora import pages, write
from tests.fakes import FakeEmbedder

SETTINGS = ServiceSettings(abstain_below=0.0)
INGEST = IngestSettings(chunk_tokens=64, chunk_overlap=8)


def asked(topic: str) -> Question:
    evidence = (Evidence(f"{topic}.md"),)
    question = f"How many stones does the {topic} number 1 weigh?"
    return Question(topic, question, ("4 stones",), evidence=evidence, source=topic)


@pytest.fixture
def made(tmp_path: Path) -> QualitySet:
    folder = write(tmp_path / "wiki", pages("ant", "bee", "cow"))
    return QualitySet("zoo", "zoo", (folder,), [asked("ant"), asked("bee"), asked("cow")])


def bench(*names: str) -> Bench:
    retrieval = retrieval_settings(SETTINGS)
    return Bench(SETTINGS, FakeEmbedder(), [configuration(one, retrieval) for one in names], None)


def outcomes(*scores: float, name: str = "nDCG@10") -> list[Outcome]:
    return [
        Outcome(f"q{at}", f"s{at % 4}", True, False, 0.5, True, {name: score})
        for at, score in enumerate(scores)
    ]


def test_an_index_is_made_once_and_again_where_a_file_changed(made: QualitySet, tmp_path: Path):
    embedder = FakeEmbedder()
    _, about = open_index(made, tmp_path / "index", embedder, INGEST)
    assert about["documents"] == 3
    embedded = len(embedder.embedded)
    open_index(made, tmp_path / "index", embedder, INGEST)
    assert len(embedder.embedded) == embedded
    write(made.folders[0], pages("dog"))
    _, about = open_index(made, tmp_path / "index", embedder, INGEST)
    assert about["documents"] == 4


def test_an_index_that_was_stopped_goes_on(made: QualitySet, tmp_path: Path):
    open_index(made, tmp_path / "index", FakeEmbedder(), INGEST)
    (index,) = (tmp_path / "index").iterdir()
    (index / MADE).unlink()
    embedder = FakeEmbedder()
    reader, about = open_index(made, tmp_path / "index", embedder, INGEST)
    assert embedder.embedded == []
    assert about["chunks"] == reader.status().chunks


def test_every_question_is_measured_under_every_configuration(made: QualitySet, tmp_path: Path):
    reader, _ = open_index(made, tmp_path / "index", FakeEmbedder(), INGEST)
    found = measure(made, reader, bench("bm25", "shipped"))
    assert list(found) == ["bm25", "shipped"]
    assert [one.id for one in found["shipped"]] == ["ant", "bee", "cow"]
    assert all(one.scores["R@1"] == one.scores["quoted"] == 1 for one in found["shipped"])


def test_only_the_services_own_rows_abstain(made: QualitySet, tmp_path: Path):
    reader, _ = open_index(made, tmp_path / "index", FakeEmbedder(), INGEST)
    never = replace(bench("minmax", "shipped"), settings=ServiceSettings(abstain_below=1.0))
    found = measure(made, reader, never)
    assert all(one.abstained and one.scores["false abst"] for one in found["shipped"])
    assert not any(one.abstained or "false abst" in one.scores for one in found["minmax"])


def test_collections_that_may_not_be_read_are_not_found(made: QualitySet, tmp_path: Path):
    other = write(tmp_path / "other", pages("yak"))
    two = replace(made, folders=(*made.folders, other), readable=frozenset({"other"}))
    reader, _ = open_index(two, tmp_path / "index", FakeEmbedder(), INGEST)
    found = measure(two, reader, bench("minilm", "shipped"))
    assert {one.scores["R@10"] for some in found.values() for one in some} == {0}


def test_the_shipped_row_is_what_the_service_answers(made: QualitySet, tmp_path: Path):
    reader, _ = open_index(made, tmp_path / "index", FakeEmbedder(), INGEST)
    answerer = make_answerer(SETTINGS, reader, FakeEmbedder(), Unasked())
    shipped = configuration("shipped", RetrievalSettings())
    for question in made.questions:
        mine = look(answerer, shipped, question.question, None)
        theirs = answerer.look(question.question)
        assert mine.signals == theirs.signals
        assert mine.found.hits[:3] == theirs.found.hits
        assert [one.text for one in mine.quotes] == [one.text for one in theirs.quotes]


def test_a_difference_pairs_the_same_questions():
    above, row = outcomes(0, 0, 1, 1), outcomes(1, 0, 1, 1)
    found = differences(above, row[::-1])["nDCG@10"]
    assert found.mean == 0.25
    assert found.low < 0 < found.high


def test_the_first_row_has_nothing_above_it():
    rows = lines({"one": outcomes(0, 1), "two": outcomes(1, 1)})
    assert not rows[0].differences
    assert rows[1].differences["nDCG@10"].mean == 0.5


def test_a_block_has_the_columns_that_are_measured():
    header, first, second, *differing = block(
        lines({"one": outcomes(0, 1, 1, 1), "two": outcomes(1, 1, 1, 1)})
    )
    assert header.split() == ["nDCG@10", "AURC"]
    assert first.split() == ["one", "0.750", "0.000"]
    assert second.split()[:2] == ["two", "1.000"]
    assert differing[0].split()[-1] == "+0.250"
    assert len(differing) == 3


def test_a_set_that_is_held_out_has_no_say_in_the_choice():
    good, bad = outcomes(1, 1), outcomes(0, 0)
    choosing = {"a": {"x": bad, "y": good}, "b": {"x": good, "y": bad}}
    _, on_a, on_b = held_out(choosing, choosing)
    assert on_a.split() == ["a", "x", "0.000", "1.000", "1.000", "y"]
    assert on_b.split() == ["b", "y", "0.000", "1.000", "1.000", "x"]
