"""Quotes found in PDFs: as they stand, over page borders, with words between or missing."""

from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from eval.imports.formats import import_questions
from eval.imports.locate import PdfPages, find_place, locate, split_words
from eval.imports.records import UnusableOption
from eval.questions import Evidence, Question

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "contracts"

PAGES = [
    ["Supply agreement of the pump house", "The supplier delivers two pumps a year."],
    [
        "Either party may end this agree-",
        "ment by a letter of thirty days.",
        'The "house" pays in cash, and it',
    ],
    ["pays on the first working day of every month.", "The ferry sails on Sundays."],
]
RUNS_OVER = "The “house” pays in cash, and it pays on the first working day of every month."


def write_pdf(file: Path, pages: list[list[str]] = PAGES) -> Path:
    canvas = Canvas(str(file))
    for lines in pages:
        for row, line in enumerate(lines):
            canvas.drawString(72, 760 - 20 * row, line)
        canvas.showPage()
    canvas.save()
    return file


@pytest.fixture
def find(tmp_path: Path) -> PdfPages:
    write_pdf(tmp_path / "pump.pdf")
    return PdfPages(tmp_path)


def place(text: str, quote: str) -> int | None:
    return find_place(split_words(text), split_words(quote))


@pytest.mark.parametrize(
    ("quote", "page"),
    [
        ("The supplier delivers two pumps a year.", 1),
        ("may  end this\nagreement", 2),
        ("MAY END THIS AGREE-\nMENT BY A LETTER", 2),
        ("The ferry sails on Sundays", 3),
        (RUNS_OVER, 2),
        ("The ferry is sold.", None),
        ("", None),
        ("___", None),
    ],
)
def test_a_quote_has_the_page_on_which_it_begins(find: PdfPages, quote: str, page: int | None):
    assert find("pump.pdf", quote) == page


def test_a_footer_between_the_pages_does_no_harm(tmp_path: Path):
    pages = [*PAGES[:1], [*PAGES[1], "Source: PUMP HOUSE INC, 8-K, 9/24/2018"], *PAGES[2:]]
    write_pdf(tmp_path / "pump.pdf", pages)
    assert PdfPages(tmp_path)("pump.pdf", RUNS_OVER) == 2


def test_ligatures_and_typographic_marks_are_letters_and_marks_like_others():
    assert place("A. The ﬁrm’s “oﬃce” is non‐exclusive.", "the firm's office is non-exclusive") == 1


def test_a_short_quote_is_not_found_within_words():
    assert place("They will fill in the mill.", "ill") is None
    assert place("They will fall ill.", "ill") == 3


def test_a_long_quote_may_begin_and_end_within_a_word():
    text = "So it isthatthesupplierdeliverstwopumps. That is all."
    assert place(text, "the supplier delivers two pump") == 2


def test_a_quote_whose_spaces_are_lost_is_found():
    assert place("The sup plier deliv ers.", "supplier delivers") == 1


def test_a_quote_that_stands_as_it_is_comes_before_one_that_shares_words():
    near = "the supplier delivers two good pumps a year"
    assert (
        place(f"{near} {near.replace(' good', '')}", "the supplier delivers two pumps a year") == 8
    )


def test_a_word_that_differs_at_the_start_moves_no_place():
    text = "Then he ends. Supplyer delivers two pumps to the house each year."
    assert place(text, "Supplier delivers two pumps to the house each year") == 3


def test_too_few_shared_words_are_no_place():
    text = "The supplier delivers two pumps, and the house keeps both of them until it is sold."
    assert place(text, "The supplier delivers two ferries to a harbour on the first day") is None


def test_scattered_shingles_are_no_place():
    parts = ["the supplier delivers two pumps", "the house pays them all", "the ferry sails on"]
    filler = " and so on for many words" * 9
    assert place(filler.join(f" {part} " for part in parts), " ".join(parts)) is None
    assert place(" now ".join(parts), " ".join(parts)) == 0


def test_words_broken_at_line_ends_are_shared_words():
    text = "The sup-\nplier will deli-\nver two of its pumps to the ware-\nhouse yearly."
    assert place(text, "The supplier must deliver two pumps to the warehouse yearly") is None
    assert place(text, "A supplier will deliver two of its pumps to the warehouse yearly") == 0


def test_a_document_is_read_once(find: PdfPages, tmp_path: Path):
    assert find("pump.pdf", "The ferry sails") == 3
    (tmp_path / "pump.pdf").unlink()
    assert find("pump.pdf", "The supplier delivers") == 1


def test_documents_that_cannot_be_looked_into_are_noted_once(tmp_path: Path):
    (tmp_path / "torn.pdf").write_bytes(b"%PDF-1.7 torn")
    (tmp_path / "note.md").write_text("The ferry sails.")
    find = PdfPages(tmp_path)
    for name in ("gone.pdf", "torn.pdf", "note.md") * 2:
        assert find(name, "The ferry sails.") is None
    assert [note.place for note in find.notes] == ["gone.pdf", "torn.pdf", "note.md"]
    assert "no file below" in find.notes[0].text
    assert "damaged" in find.notes[1].text
    assert "markdown and has no pages" in find.notes[2].text


def test_a_folder_without_files_is_refused(tmp_path: Path):
    with pytest.raises(UnusableOption, match="no file below"):
        PdfPages(tmp_path)


def asked(name: str, *quotes: str, document: str = "pump.pdf") -> Question:
    evidence = tuple(Evidence(document, quote) for quote in quotes)
    return Question(name, "What?", ("That.",), evidence=evidence)


def test_questions_are_located_where_each_piece_of_their_clauses_is(find: PdfPages, tmp_path: Path):
    questions = [
        asked("all", "two pumps a year", "The ferry sails"),
        asked("a part", "two pumps a year", "never written"),
        asked("blank beside", "[*]", "two pumps a year"),
        asked("blank", "[*]", "___"),
        Question("none", "Who?", answerable=False),
    ]
    found = locate(questions, tmp_path)
    assert [[one.page for one in each.evidence] for each in found.questions] == [
        [1, 3],
        [1, None],
        [None, 1],
        [None, None],
        [],
    ]
    assert found.summary() == "2 of 4 located (50 %)"
    assert [note.place for note in found.missing] == ["a part", "blank", "blank"]


def test_a_prefix_of_documents_is_not_looked_for_below_the_folder(find: PdfPages, tmp_path: Path):
    question = asked("q1", "The ferry sails", document="contracts/pump.pdf")
    (placed,) = locate([question], tmp_path, "contracts").questions
    assert placed.evidence == (Evidence("contracts/pump.pdf", "The ferry sails", 3),)


def test_nothing_to_locate_is_said(find: PdfPages, tmp_path: Path):
    assert locate([], tmp_path).summary() == "no question with evidence to locate"


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the contracts are not beside the checkout")
def test_most_clauses_of_real_contracts_are_located():
    folder = SHARED / "pdf"
    read = import_questions("cuad", SHARED / "clauses.csv", documents=folder).questions
    some = sorted({one.source for one in read})[::15]
    found = locate([one for one in read if one.source in some], folder)
    assert found.notes == []
    assert found.found >= 0.95 * found.asked > 100
