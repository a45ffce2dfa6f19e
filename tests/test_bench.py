"""The benchmarks' own arithmetic, not their figures."""

from pathlib import Path
from typing import Any

import pytest

from bench import first_ten, squad_wiki
from bench.answers import Unasked
from bench.squad_wiki import SEED, articles, sample
from service.answer import word
from tests.hits import quotes

shared = pytest.mark.shared
needs_squad = pytest.mark.skipif(
    not squad_wiki.QUESTIONS.is_file() or not squad_wiki.SPLITS.is_file(),
    reason="the SQuAD file is not beside the checkout",
)


@pytest.mark.parametrize(
    ("cited", "evidence"),
    [
        ("orlo.pdf", ["corpus/pdf/orlo.pdf"]),
        ("orlo.pdf", ["pdf/orlo.pdf"]),
        ("hulls/sable.md", ["corpus/wiki/hulls/sable.md"]),
        ("wiki.xml#Sable ferry", ["corpus/wiki/wiki.xml#Sable ferry"]),
        ("orlo.pdf", ["corpus/wiki/sable.md", "corpus/pdf/orlo.pdf"]),
    ],
)
def test_a_citation_of_a_document_of_the_evidence_counts(cited: str, evidence: list[str]):
    assert is_evidence(cited, evidence)


@pytest.mark.parametrize(
    ("cited", "evidence"),
    [
        ("lo.pdf", ["corpus/pdf/orlo.pdf"]),
        ("orlo.pdf", ["corpus/pdf/orlo.pdf.txt"]),
        ("wiki.xml#Sable", ["corpus/wiki/wiki.xml#Sable ferry"]),
        ("orlo.pdf", []),
    ],
)
def test_a_citation_of_another_document_does_not(cited: str, evidence: list[str]):
    assert not is_evidence(cited, evidence)


def is_evidence(cited: str, evidence: list[str]) -> bool:
    citation: dict[str, Any] = {"n": 1, "document": cited}
    return first_ten._is_evidence(  # pyright: ignore[reportPrivateUsage]
        citation, [{"document": document} for document in evidence]
    )


def test_the_evidence_of_the_ten_questions_is_in_the_corpus():
    rows = [first_ten.json.loads(line) for line in first_ten.QUESTIONS.read_text().splitlines()]
    corpus = first_ten.QUESTIONS.parents[1]
    files = [corpus / one["document"].partition("#")[0] for row in rows for one in row["evidence"]]
    assert len(rows) == 10
    assert [file for file in files if not file.is_file()] == []


def test_without_a_model_the_quotes_are_the_answer():
    reply = Unasked().complete([], 9)
    assert word(reply.text, "Who built it?", quotes("Vance built it.")).grounding == "quoted"


@shared
@needs_squad
def test_a_sample_is_drawn_again_with_its_seed():
    assert sample(50) == sample(50, SEED)
    assert sample(50) != sample(50, SEED + 1)


@shared
@needs_squad
def test_a_sample_has_different_answerable_questions():
    drawn = sample(500)
    assert len({question.id for question in drawn}) == 500
    assert all(question.answers for question in drawn)


@shared
@needs_squad
def test_a_sample_can_keep_to_some_articles():
    tune = set(articles("tune"))
    assert {question.article for question in sample(200, only=tune)} <= tune


@shared
@needs_squad
def test_a_sample_larger_than_what_there_is_is_all_of_it():
    article = articles("tune")[0]
    drawn = sample(10**6, only={article})
    assert 0 < len(drawn) < 10**4


@shared
@needs_squad
def test_no_article_is_both_tuned_on_and_tested():
    tune, test = articles("tune"), articles("test")
    assert set(tune).isdisjoint(test)
    assert len(tune) + len(test) == 16


@shared
@needs_squad
def test_articles_that_are_left_out_are_not_indexed(tmp_path: Path):
    from tests.fakes import FakeEmbedder

    keep = articles("tune")[0]
    without = [name for split in ("tune", "test") for name in articles(split) if name != keep]
    with squad_wiki.open_wiki(tmp_path, FakeEmbedder(), without).snapshot() as snapshot:
        assert [document.path for document in snapshot.documents()] == [f"{keep}.md"]
