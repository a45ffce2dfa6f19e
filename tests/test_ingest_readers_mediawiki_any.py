"""Dumps of any content, in any state: what is whole is read, what is not is named."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.documents import Document, Failure, UnreadableFile
from ingest.readers import kind_of, mediawiki, read_on
from ingest.readers.mediawiki import read_mediawiki
from tests.corpora import dump

TITLES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
TEXTS = st.lists(st.sampled_from(["A word.", "\n", "</page", "<page>", "== H ==\n", "é", "]]>"]))
PAGES = st.lists(st.tuples(TITLES, TEXTS.map(lambda text: "Words. " + "".join(text))), max_size=8)
PACKERS = st.sampled_from([bytes, gzip.compress, bz2.compress])


def outcomes(content: bytes) -> list[Document | Failure]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "d.xml"
        file.write_bytes(content)
        kind_of(file)
        try:
            return list(read_mediawiki(file, "d.xml"))
        except UnreadableFile as error:
            assert str(error)
            return []


@given(PAGES, PACKERS, st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_every_page_is_read_wherever_the_blocks_of_the_file_end(
    pages: list[tuple[str, str]], pack: Callable[[bytes], bytes], block: int
) -> None:
    whole, mediawiki._CHUNK = mediawiki._CHUNK, block  # pyright: ignore[reportPrivateUsage]
    try:
        found = outcomes(pack(dump(*pages).encode()))
    finally:
        mediawiki._CHUNK = whole  # pyright: ignore[reportPrivateUsage]
    assert [one.path for one in found] == [f"d.xml#{_composed(title)}" for title, _ in pages]
    assert all(isinstance(one, Document) for one in found)


def _composed(title: str) -> str:
    from ingest.readers.characters import one_line

    return one_line(title)


@given(st.binary(max_size=300), PACKERS, st.integers(0, 400), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_named(
    noise: bytes, pack: Callable[[bytes], bytes], cut: int, within: bool
) -> None:
    sound = dump(("Elk", "An elk."), ("Fox", "A fox.")).encode()
    content = pack(sound[:cut] + noise + sound[cut:])
    if within:
        content = content[: max(cut, 1)] + noise + content[max(cut, 1) + len(noise) :]
    for one in outcomes(content):
        assert one.path.startswith("d.xml")
        assert not isinstance(one, Failure) or one.reason


@given(PAGES, st.integers(0, 9), st.none() | st.just("it hangs"))
@settings(max_examples=60, deadline=None)
def test_a_dump_can_be_read_on_from_any_page(
    pages: list[tuple[str, str]], done: int, reason: str | None
) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "d.xml"
        file.write_text(dump(*pages), encoding="utf-8")
        whole = list(read_on(file, "d.xml"))
        rest = list(read_on(file, "d.xml", done, reason))
    expected = whole[done:]
    if reason and expected and expected[0]:
        expected[0] = Failure(expected[0].path, reason)
    assert rest == expected
