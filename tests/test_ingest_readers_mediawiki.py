import bz2
import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.documents import Document, Failure, UnreadableFile
from ingest.readers import kind_of
from ingest.readers.mediawiki import read_mediawiki
from ingest.readers.wikitext import Wiki, read_wikitext

DATA = Path(__file__).parent / "data" / "readers"
HEAD = '<mediawiki xml:lang="en"><siteinfo><sitename>Acme wiki</sitename></siteinfo>'


def page(title: str, text: str, ns: int = 0, more: str = "") -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f"<page><title>{title}</title><ns>{ns}</ns><id>1</id>{more}<revision><id>2</id>"
        f"<timestamp>2024-01-02T00:00:00Z</timestamp><text>{escaped}</text></revision></page>"
    )


def outcomes(tmp_path: Path, xml: str | bytes, name: str = "dump.xml") -> list[Document | Failure]:
    file = tmp_path / name
    file.write_bytes(xml.encode() if isinstance(xml, str) else xml)
    return list(read_mediawiki(file, name))


def render(wikitext: str) -> str:
    return read_wikitext(wikitext, "Page", Wiki())[0]


def test_committed_dump_gives_its_articles_and_names_its_bad_page() -> None:
    found = list(read_mediawiki(DATA / "wiki-dump-articles.bz2", "wiki/dump.bz2"))
    documents = {item.title: item for item in found if isinstance(item, Document)}
    failures = [item for item in found if isinstance(item, Failure)]
    assert list(documents) == ["Crane", "Depot list", "Help:Editing"]
    assert [failure.path for failure in failures] == ["wiki/dump.bz2#Broken page"]
    assert (
        "Depot | City | Beds\nNorth | Bergen | 40\nNorth | Oslo | 12"
        in documents["Depot list"].text
    )
    assert documents["Crane"].metadata["site"] == "Acme wiki"
    assert documents["Crane"].path == "wiki/dump.bz2#Crane"


def test_dump_is_known_by_its_content() -> None:
    assert kind_of(DATA / "wiki-dump-articles.bz2") == "mediawiki"


def test_gzip_and_utf16_dumps_are_read(tmp_path: Path) -> None:
    xml = f"{HEAD}{page('Øre', 'Money of Norway.')}</mediawiki>"
    for content in (gzip.compress(xml.encode()), xml.encode("utf-16"), bz2.compress(xml.encode())):
        (document,) = outcomes(tmp_path, content, "dump.xml.gz")
        assert isinstance(document, Document)
        assert document.title == "Øre"


def test_dump_without_siteinfo_is_read(tmp_path: Path) -> None:
    xml = f"<mediawiki>{page('Depot', 'It has beds.')}</mediawiki>"
    assert len(outcomes(tmp_path, xml)) == 1


def test_truncated_dump_gives_its_pages_and_says_where_it_stopped(tmp_path: Path) -> None:
    xml = f"{HEAD}{page('One', 'First words.')}{page('Two', 'More words.')}<page><title>Thr"
    *documents, failure = outcomes(tmp_path, xml)
    assert len(documents) == 2
    assert isinstance(failure, Failure)
    assert failure.path == "dump.xml"
    assert "after 2 pages, the last of them 'Two'" in failure.reason


def test_truncated_compression_keeps_the_pages_before_it(tmp_path: Path) -> None:
    many = "".join(
        page(f"Page {n}", f"Number {n * 7919 % 10007} stands here.") for n in range(20000)
    )
    whole = bz2.compress(f"{HEAD}{many}</mediawiki>".encode(), 1)
    *documents, failure = outcomes(tmp_path, whole[: len(whole) * 2 // 3], "dump.xml.bz2")
    assert len(documents) > 1000
    assert isinstance(failure, Failure)
    assert "cut off" in failure.reason


def test_damaged_compression_without_any_page_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cut off or damaged"):
        outcomes(tmp_path, b"BZh91AY&SY" + b"\x00" * 50, "dump.xml.bz2")


def test_redirects_talk_and_empty_help_pages_are_left_out(tmp_path: Path) -> None:
    xml = HEAD + "".join(
        [
            page("Old", "#REDIRECT [[New]]"),
            page("Tagged", "words", more='<redirect title="New" />'),
            page("Talk:New", "chatter", ns=1),
            page("Help:Empty", "{{Navbox}}", ns=12),
            page("New", "Words."),
        ]
    )
    titles = [d.title for d in outcomes(tmp_path, f"{xml}</mediawiki>") if isinstance(d, Document)]
    assert titles == ["New"]


def test_page_that_is_not_xml_is_one_failure(tmp_path: Path) -> None:
    bad = "<page><title>Bad</title><ns>0</ns><revision><text>a < b</text></revision></page>"
    first, second = outcomes(tmp_path, f"{HEAD}{bad}{page('Good', 'Words.')}</mediawiki>")
    assert isinstance(first, Failure) and first.path == "dump.xml#Bad"
    assert isinstance(second, Document)


def test_latest_revision_counts(tmp_path: Path) -> None:
    old = page("Depot", "Old words.").removesuffix("</page>")
    new = "<revision><timestamp>2025-01-01T00:00:00Z</timestamp><text>New words.</text></revision>"
    (document,) = outcomes(tmp_path, f"{HEAD}{old}{new}</page></mediawiki>")
    assert isinstance(document, Document)
    assert document.text == "New words."


def test_history_larger_than_the_limit_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.readers.mediawiki._LARGEST_PAGE", 1000)
    monkeypatch.setattr("ingest.readers.mediawiki._CHUNK", 100)
    revision = "<revision><timestamp>2020-01-0{}T00:00:00Z</timestamp><text>{}</text></revision>"
    history = "".join(revision.format(n, f"version {n} " * 20) for n in range(1, 9))
    xml = f"{HEAD}<page><title>Long</title><ns>0</ns>{history}</page></mediawiki>"
    (document,) = outcomes(tmp_path, xml)
    assert isinstance(document, Document)
    assert document.text.startswith("version 8")


def test_a_page_without_an_end_is_given_up_where_no_page_is_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.readers.mediawiki._LARGEST_PAGE", 4096)
    monkeypatch.setattr("ingest.readers.mediawiki._CHUNK", 1024)
    whole = "<mediawiki>" + page("Ant", "An ant.") + "<page>" + "word " * 4000
    document, failure = outcomes(tmp_path, whole)
    assert isinstance(document, Document)
    assert isinstance(failure, Failure) and "without the end of a page" in failure.reason
    assert "after 1 pages, the last of them 'Ant'" in failure.reason


def test_two_pages_of_one_title_are_both_kept(tmp_path: Path) -> None:
    xml = f"{HEAD}{page('Twin', 'One.')}{page('Twin', 'Two.')}</mediawiki>"
    texts = [one.text for one in outcomes(tmp_path, xml) if isinstance(one, Document)]
    assert texts == ["One.", "Two."]


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("{{convert|5|km|mi}} away", "5 km away"),
        ("{{convert|5|to|10|km}} away", "5 to 10 km away"),
        ("{{convert|6|ft|2|in|m}} tall", "6 ft 2 in tall"),
        ("the {{lang|fr|chemin}} here", "the chemin here"),
        ("born {{birth date|1950|1|2}}", "born 2 January 1950"),
        ("{{nowrap|ten men}} came", "ten men came"),
        ("[[Crane (machine)|cranes]] and [[Depot]]s", "cranes and Depots"),
        ("'''Bold''' and ''thin''", "Bold and thin"),
        ("see [https://a.example the site] [https://b.example]", "see the site"),
        ("words<ref>Smith, 2010</ref> stay<ref name=a />", "words stay"),
        ("words<!-- not these --> stay", "words stay"),
        ("a [[File:x.jpg|thumb|Caption]] b [[Category:Cranes]]", "a b"),
        ("word {{citation needed|date=May 2012}} word", "word word"),
        ("Oslo ({{IPA-no|uslu}}; {{lang-no|Oslo}})", "Oslo (Oslo)"),
        ("show <nowiki>[[this]]</nowiki> as is", "show [[this]] as is"),
        ("line one\nline two", "line one line two"),
        ("* one\n** two\n# three", "- one\n  - two\n- three"),
        ("a &amp; b &nbsp; c", "a & b c"),
        ("<tr><td>one<td>two", "one | two"),
    ],
)
def test_wikitext_reads_as_on_the_page(wikitext: str, expected: str) -> None:
    assert render(wikitext) == expected


def test_infobox_reads_as_lines() -> None:
    box = (
        "{{Infobox crane\n|name = Big Blue\n|lift = 40&nbsp;t\n|image = x.jpg\n|empty =\n}}\nWords."
    )
    assert render(box) == "- name: Big Blue\n- lift: 40 t\n\nWords."


def test_headings_give_sections_with_their_path() -> None:
    wikitext = "Lead.\n== Use ==\nText.\n=== Safety ===\nHelmets.\n== References ==\n{{reflist}}\n"
    text, sections = read_wikitext(wikitext, "Crane", Wiki())
    assert [section.path for section in sections] == [("Use",), ("Use", "Safety")]
    assert "References" not in text


def test_local_names_of_files_and_categories_are_known() -> None:
    wiki = Wiki(namespaces={6: "Fails", 14: "Kategoreja"})
    assert read_wikitext("a [[Kategoreja:B]][[Fails:C.png|D]]", "T", wiki)[0] == "a"


MARKUP = st.sampled_from(
    [
        "==",
        "\n",
        "{{",
        "}}",
        "[[",
        "]]",
        "|",
        "{|",
        "|}",
        "\n|-\n",
        "'''",
        "<ref>",
        "</ref>",
        "<b>",
        "*",
        "\ud800",
        "\0",
        "ﬁ",
        "a b",
        "Ö",
        "<td>",
        "&amp;",
        "== H ==\n",
        "x=",
        "<nowiki>",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(MARKUP, max_size=40))
def test_any_wikitext_keeps_the_promises(pieces: list[str]) -> None:
    text, sections = read_wikitext("".join(pieces), "Page", Wiki())
    text.encode()
    assert "\0" not in text
    assert [s.start for s in sections] == sorted(s.start for s in sections)
    assert all(text[s.start :].split("\n")[0] == s.path[-1] for s in sections)
