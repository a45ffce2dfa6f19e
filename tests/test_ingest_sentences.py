import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sentences import Span, sentences, trim


def split(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


def test_sentences_of_a_line_are_split():
    assert split("The valve opens. It closes again! Does it?") == [
        "The valve opens.",
        "It closes again!",
        "Does it?",
    ]


def test_an_abbreviation_does_not_end_a_sentence():
    assert split("Dr. Marten signed it. She left.") == ["Dr. Marten signed it.", "She left."]


def test_a_line_break_ends_a_sentence():
    assert split("Opening hours\nMonday to Friday") == ["Opening hours", "Monday to Friday"]


def test_offsets_count_characters_after_emoji():
    text = "Done 🎉👩‍🔧. Next one. 第三句。"
    assert split(text)[1] == "Next one."


def test_chinese_sentences_are_split():
    assert len(sentences("阀门打开。阀门关闭。")) == 2


@pytest.mark.parametrize("space", [one for one in map(chr, range(0x3001)) if one.isspace()])
def test_any_white_space_may_stand_before_a_full_stop(space: str):
    assert "".join(split(f"B{space}.é")).split() in (["B.é"], ["B", ".é"])


def test_white_space_alone_holds_no_sentence():
    assert sentences(" \n\t\u00a0\n") == []


def test_trim_of_white_space_is_empty_and_inside_the_span():
    assert trim("a   b", 1, 4) == Span(4, 4)


@given(st.text(alphabet=st.sampled_from("aB.!? \n\u00a0é第。🎉\u200d"), max_size=200))
def test_sentences_hold_every_character_but_white_space_once(text: str):
    spans = sentences(text)
    held = "".join(text[span.start : span.end] for span in spans)
    assert "".join(held.split()) == "".join(text.split())
    assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))
