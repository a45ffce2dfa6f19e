from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.documents import Document, UnreadableFile
from ingest.readers.html import read_html


def read_source(tmp_path: Path, source: str | bytes) -> Document:
    file = tmp_path / "expenses.html"
    file.write_bytes(source.encode() if isinstance(source, str) else source)
    (document,) = read_html(file, "wiki/expenses.html")
    assert isinstance(document, Document)
    return document


PAGE = """<!DOCTYPE html><html lang="en"><head><title>Expenses - Acme</title>
<meta name="author" content="Finance"><script>var x = "<p>code</p>";</script></head><body>
<nav><a href="/">Home</a></nav><h1>Expenses<a class="headerlink">¶</a></h1>
<p>Claim <b>travel</b><br>costs.</p><p hidden>secret</p><div style="display: none">secret</div>
<h2>Limits</h2><table><tr><th>City</th><th>Night</th></tr><tr><td>Oslo</td><td>90</td></tr></table>
<h3>Meals</h3><ul><li>Lunch<ul><li>hot</li></ul></li><li>Dinner</li></ul>
<pre>a
  b</pre><footer>Imprint</footer></body></html>"""


def test_only_what_a_visitor_reads_is_kept(tmp_path: Path) -> None:
    text = read_source(tmp_path, PAGE).text
    assert text == (
        "Expenses\n\nClaim travel costs.\n\nLimits\n\nCity | Night\nOslo | 90\n\nMeals\n\n"
        "- Lunch\n  - hot\n- Dinner\n\na\n  b"
    )


def test_title_sections_and_metadata(tmp_path: Path) -> None:
    document = read_source(tmp_path, PAGE)
    assert document.title == "Expenses"
    assert [section.path for section in document.sections] == [("Limits",), ("Limits", "Meals")]
    assert document.metadata == {"language": "en", "author": "Finance"}


def test_main_element_is_preferred(tmp_path: Path) -> None:
    source = "<body><div>Menu words</div><main><p>Main words.</p></main><div>More</div></body>"
    assert read_source(tmp_path, source).text == "Main words."


@pytest.mark.parametrize(
    "content",
    [
        '<meta charset="iso-8859-1"><p>café – 5 €</p>'.encode("cp1252"),
        '<meta charset="utf-8"><p>café – 5 €</p>'.encode(),
        "<p>café – 5 €</p>".encode(),
        "<p>café – 5 €</p>".encode("cp1252"),
        "<p>café – 5 €</p>".encode("utf-16"),
        "<p>café – 5 €</p>".encode("utf-8-sig"),
        '<meta charset="no-such-code"><p>café – 5 €</p>'.encode(),
        '<?xml version="1.0" encoding="utf-8"?><html><p>café – 5 €</p></html>'.encode(),
    ],
)
def test_encoding_is_found(tmp_path: Path, content: bytes) -> None:
    assert read_source(tmp_path, content).text == "café – 5 €"


@pytest.mark.parametrize("source", ["", "<html></html>", "<body><script>x</script></body>"])
def test_page_without_text_is_unreadable(tmp_path: Path, source: str) -> None:
    with pytest.raises(UnreadableFile, match="holds no text"):
        read_source(tmp_path, source)


def test_deep_nesting_is_read_or_named(tmp_path: Path) -> None:
    assert "deep" in read_source(tmp_path, "<div>" * 1000 + "deep").text
    with pytest.raises(UnreadableFile, match="nested too deeply"):
        read_source(tmp_path, "<div>" * 5000 + "deep")


TAGS = st.sampled_from(
    [
        "<h1>",
        "</h1>",
        "<h2>",
        "</h2>",
        "<p>",
        "<table>",
        "<tr>",
        "<td>",
        "<ul>",
        "<li>",
        "</ul>",
        "words ",
        "<br>",
        "<pre>",
        "</pre>",
        "<!--",
        "-->",
        "&lt;",
        "\0",
        "\n",
        "<main>",
        "<b",
        "é",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(TAGS, max_size=30))
def test_sections_lie_at_their_headings(
    tmp_path_factory: pytest.TempPathFactory, tags: list[str]
) -> None:
    document = read_source(tmp_path_factory.mktemp("html"), "<p>first</p>" + "".join(tags))
    assert "\0" not in document.text
    for section in document.sections:
        line = document.text[section.start :].split("\n")[0]
        assert line == (section.path[-1] if section.path else document.title)
