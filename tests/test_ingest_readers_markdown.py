from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.documents import Document, UnreadableFile
from ingest.readers.markdown import read_markdown

DATA = Path(__file__).parent / "data" / "readers"


def read_source(tmp_path: Path, source: str | bytes, name: str = "leave-policy.md") -> Document:
    file = tmp_path / name
    file.write_bytes(source.encode() if isinstance(source, str) else source)
    (document,) = read_markdown(file, f"wiki/{name}")
    assert isinstance(document, Document)
    return document


def test_committed_page_with_windows_line_ends_and_front_matter() -> None:
    (document,) = read_markdown(DATA / "travel.md", "wiki/travel.md")
    assert isinstance(document, Document)
    assert document.title == "Travel costs"
    assert document.metadata == {"tags": "money, travel", "owner": "name: Finance"}
    assert [section.path for section in document.sections] == [("Limits",), ("Limits", "Abroad")]
    assert "City | Night\nOslo | 90" in document.text
    assert "\r" not in document.text


def test_first_heading_is_the_title_and_stays_out_of_paths(tmp_path: Path) -> None:
    document = read_source(tmp_path, "# Leave\n\nThirty days.\n\n## Sick leave\n\nCall in.\n")
    assert document.title == "Leave"
    assert [section.path for section in document.sections] == [("Sick leave",)]
    assert document.text.startswith("Leave\n\nThirty days.")


def test_file_name_is_the_last_title(tmp_path: Path) -> None:
    assert read_source(tmp_path, "Thirty days.").title == "leave policy"


@pytest.mark.parametrize("front", ["title: [unclosed", "just words", "a: b: c", "- 1\n- 2"])
def test_broken_front_matter_stays_as_text(tmp_path: Path, front: str) -> None:
    document = read_source(tmp_path, f"---\n{front}\n---\nThe body.\n")
    assert front in document.text
    assert "The body." in document.text


def test_front_matter_whose_values_hold_each_other_is_cut(tmp_path: Path) -> None:
    lines = ["---", "title: Pump", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    file = tmp_path / "a.md"
    file.write_text("\n".join([*lines, "loop: &loop [*loop]", "---", "Words."]))
    (document,) = read_markdown(file, "a.md")
    assert isinstance(document, Document)
    assert (document.title, document.text) == ("Pump", "Words.")
    assert max(map(len, document.metadata.values())) <= 4000


def test_file_with_only_front_matter_is_named_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="only redirects to /new/"):
        read_source(tmp_path, "---\ntitle: Old\nredirect_to: /new/\n---\n")
    with pytest.raises(UnreadableFile, match="no text beside its front matter"):
        read_source(tmp_path, "---\ntitle: Old\n---\n")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("See [the *old* site](https://a.example).", "See the old site."),
        ("![A chart of costs](x.png) here", "A chart of costs here"),
        ("Words <span>kept</span><!-- not this -->.", "Words kept."),
        ("<!-- gone -->\n\nWords", "Words"),
        ("one\ntwo  \nthree", "one two\nthree"),
        ("- a\n  - b\n- c\n\n  more", "- a\n  - b\n- c\n  more"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("```py\nx = 1\n    y\n```", "x = 1\n    y"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a | b"),
        ('[Page]({% page "a/b" %}) and {% slack_channel "help" %}', "Page and help"),
        ("[[Other page|that page]] says", "that page says"),
        ("> quoted\n> words", "quoted words"),
        ("use `{% include %}` and `[[x|y]]`", "use {% include %} and [[x|y]]"),
    ],
)
def test_markup_is_taken_off(tmp_path: Path, source: str, expected: str) -> None:
    assert read_source(tmp_path, source).text == expected


def test_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="binary"):
        read_source(tmp_path, b"\x00\x01\x02 words")


PIECES = st.sampled_from(
    [
        "# H\n",
        "## Sub *x*\n",
        "---\n",
        "text ",
        "\n\n",
        "- item\n",
        "> ",
        "```\n",
        "| a | b |\n",
        "|---|---|\n",
        "[a](b)",
        "<b>",
        "<!-- x -->",
        "{% x %}",
        "\t",
        "title: y\n",
        "===\n",
        "1. ",
        "&amp;",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_sections_lie_at_their_headings(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    source = "".join(pieces) + "\n\nwords"
    document = read_source(tmp_path_factory.mktemp("md"), source)
    document.text.encode()
    starts = [section.start for section in document.sections]
    assert starts == sorted(starts)
    for section in document.sections:
        line = document.text[section.start :].split("\n")[0]
        assert line == (section.path[-1] if section.path else document.title)
