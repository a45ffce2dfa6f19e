"""The sets of the quality benchmark: drawn alike each time, their evidence in their folders."""

from pathlib import Path

import pytest

from bench import quality_sets
from bench.quality_sets import QualitySet, copy_files, draw, listed_texts, write_beir
from bench.squad_wiki import SHARED, articles
from eval.imports.formats import import_questions
from eval.questions import Question, UnreadableQuestions

shared = pytest.mark.shared
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the data is not beside the checkout")

SOURCES = "aaaaaaaaabbbbbbbbbc"
ASKED = [Question(f"q{at}", "Who?", ("Vance",), source=one) for at, one in enumerate(SOURCES)]


def tables(folder: Path, claims: str = "1,Pumps leak.,[7 8]\n1,Pumps leak.,[7 8]\n") -> Path:
    (folder / "corpus.csv").write_text(
        "doc_id,title,abstract\n"
        "7,Pumps,\"['They leak.'\n 'It isn\\'t much.']\"\n"
        '8,Ferries,"[""A ferry\'s hull.""]"\n'
    )
    (folder / "claims_train.csv").write_text(f"id,claim,cited_doc_ids\n{claims}")
    return folder


def missing_documents(made: QualitySet) -> list[str]:
    there = {
        file.relative_to(folder).as_posix() for folder in made.folders for file in folder.rglob("*")
    }
    named = {item.document for one in made.questions for item in one.evidence}
    return sorted(named - there)


def test_a_draw_takes_sources_in_turns_and_keeps_the_order():
    drawn = draw(ASKED, 7, 1)
    assert sorted(one.source for one in drawn) == ["a", "a", "a", "b", "b", "b", "c"]
    assert drawn == [one for one in ASKED if one in drawn]


def test_a_draw_depends_on_its_seed_only():
    assert draw(ASKED, 7, 1) == draw(ASKED, 7, 1)
    assert draw(ASKED, 7, 1) != draw(ASKED, 7, 2)


def test_a_larger_draw_holds_the_smaller():
    smaller = draw(ASKED, 5, 1)
    assert [one for one in smaller if one not in draw(ASKED, 9, 1)] == []


def test_none_or_too_many_draws_all():
    assert draw(ASKED, None, 1) == draw(ASKED, 99, 1) == ASKED


def test_files_that_are_no_longer_wanted_go(tmp_path: Path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    for name in ("a.txt", "deep/b.txt"):
        (source / name).write_text(name)
    copy_files({"a.txt", "deep/b.txt"}, source, target)
    assert (target / "deep" / "b.txt").read_text() == "deep/b.txt"
    copy_files({"a.txt"}, source, target)
    assert [file.name for file in target.rglob("*.txt")] == ["a.txt"]


def test_claims_and_abstracts_become_a_beir_folder(tmp_path: Path):
    write_beir(tables(tmp_path), tmp_path / "beir")
    (claim,) = import_questions("beir", tmp_path / "beir", split="train").questions
    assert claim.question == "Pumps leak."
    assert [one.document for one in claim.evidence] == ["7.md", "8.md"]
    assert claim.evidence[0].quote == "They leak. It isn't much."


def test_a_cited_abstract_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UnreadableQuestions, match=r"claims_train\.csv: line 2.*no abstract 9"):
        write_beir(tables(tmp_path, "1,Pumps leak.,[9]\n"), tmp_path / "beir")


def test_a_claim_without_words_is_named(tmp_path: Path):
    with pytest.raises(UnreadableQuestions, match=r"line 2: field 'claim'"):
        write_beir(tables(tmp_path, "1,,[7]\n"), tmp_path / "beir")


@pytest.mark.parametrize("cell", ["They leak.", "['They leak.", "[]"])
def test_what_is_no_list_of_texts_is_named(cell: str):
    with pytest.raises(UnreadableQuestions, match="line 2: a list of texts is wanted"):
        listed_texts(cell, "line 2")


@shared
@needs_data
@pytest.mark.parametrize("split", ["tune", "test"])
def test_squad_questions_are_of_the_articles_of_their_split(tmp_path: Path, split: str):
    assert split in ("tune", "test")
    made = quality_sets.squad2_dev(split, tmp_path, answerable=60, unanswerable=30)
    assert {one.source.replace(" ", "_") for one in made.questions} == set(articles(split))
    assert [one.answerable for one in made.questions].count(True) == 60
    assert len(made.questions) == 90
    assert missing_documents(made) == []
    assert len(list(tmp_path.rglob("*.md"))) == 16


@shared
@needs_data
def test_what_half_of_the_test_articles_answer_cannot_be_answered_without_them(tmp_path: Path):
    made = quality_sets.squad2_left_out(tmp_path, 50)
    gone = {one.source for one in made.questions if not one.answerable}
    assert gone == {file.stem for file in (tmp_path / "left-out").iterdir()}
    assert len(gone) == len({one.source for one in made.questions} - gone) == 5
    assert made.readable == {"tune", "kept"}
    assert missing_documents(made) == []


@shared
@needs_data
def test_some_contracts_are_indexed_without_the_others(tmp_path: Path):
    made = quality_sets.contracts(20, documents=4, work=tmp_path)
    assert len(list(made.folders[0].iterdir())) == 4
    assert {one.source for one in made.questions} == {f.name for f in made.folders[0].iterdir()}
    assert missing_documents(made) == []


@shared
@needs_data
def test_the_other_contracts_are_all_but_those(tmp_path: Path):
    some = quality_sets.contracts(4, documents=174, work=tmp_path)
    rest = quality_sets.contracts(4, documents=174, work=tmp_path, others=True)
    names = [{file.name for file in made.folders[0].iterdir()} for made in (some, rest)]
    assert list(map(len, names)) == [174, 4]
    assert names[0].isdisjoint(names[1])
    assert {one.source for one in rest.questions} == names[1]


@shared
@needs_data
def test_reports_of_some_companies_are_indexed_without_the_others(tmp_path: Path):
    made = quality_sets.sec10q("multi", ["AAPL"], tmp_path)
    assert {one.source for one in made.questions} == {"AAPL"}
    assert {f.stem[-4:] for f in made.folders[0].iterdir()} == {"AAPL"}
    assert missing_documents(made) == []


@shared
@needs_data
def test_clauses_have_pages():
    made = quality_sets.contracts(6)
    assert len({one.source for one in made.questions}) == 6
    assert missing_documents(made) == []
    assert any(item.page for one in made.questions for item in one.evidence)


@shared
@needs_data
def test_questions_about_one_report_and_about_several_are_apart():
    one, several = quality_sets.sec10q("single"), quality_sets.sec10q("multi")
    assert (len(one.questions), len(several.questions)) == (130, 65)
    assert {len(asked.evidence) for asked in one.questions} == {1}
    assert {len(asked.evidence) for asked in several.questions} == {4}
    assert missing_documents(one) == missing_documents(several) == []
    assert {asked.source for asked in one.questions} == {"AAPL", "AMZN", "INTC", "MSFT", "NVDA"}
    assert [a for q in one.questions for a in q.answers if not a or "SOURCE(S)" in a] == []


@shared
@needs_data
def test_claims_cite_abstracts_of_the_corpus(tmp_path: Path):
    made = quality_sets.scifact(tmp_path)
    assert len(made.questions) == 809
    assert missing_documents(made) == []
    assert sum(1 for _ in made.folders[0].iterdir()) == 5183
