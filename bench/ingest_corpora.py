"""The documents of `bench.ingest`: samples of real folders, and one count of their words."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.squad_wiki import SHARED
from ingest.documents import Document
from ingest.readers import read

CACHE = Path("~/.cache/ragfirst/bench").expanduser()
MANUAL = CACHE / "postgresql-doc"

MANUAL_HELP = f"""\
The manual is a package of Debian's, read from {MANUAL} unless --manual names another folder:
  apt-get download postgresql-doc-15 && dpkg -x postgresql-doc-15_*.deb {MANUAL}"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a corpus lies: files of one suffix below a folder, and how many make a sample."""

    folder: Path
    suffix: str
    sample: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A folder of files, with what is in them: words between white space, pages of PDFs."""

    name: str
    folder: Path
    files: int
    words: int
    pages: int


def places(manual: Path = MANUAL) -> dict[str, Place]:
    """All corpora by name, whether they are there or not."""
    return {
        "contracts": Place(SHARED / "contracts" / "pdf", ".pdf", 8),
        "sec10q": Place(SHARED / "sec10q", ".pdf", 1),
        "articles": Place(SHARED / "wiki" / "articles", ".txt", 6),
        "manual": Place(manual, ".html", 30),
    }


def found(place: Place) -> list[Path]:
    """The files of a corpus in order; none where it is missing."""
    files = place.folder.rglob("*")
    return sorted(file for file in files if file.suffix.casefold() == place.suffix)


def draw(name: str, place: Place, target: Path, limit: int | None = None) -> Sample:
    """Copy a sample to `target`, spread evenly over the corpus.

    `limit`: files, instead of the corpus's own number. Raises ValueError where it is missing.
    """
    files, count = found(place), limit or place.sample
    if not files:
        raise ValueError(
            f"no {place.suffix} in {str(place.folder)!r}: the corpus {name!r} is missing"
        )
    count = min(count, len(files))
    chosen = [files[at * len(files) // count] for at in range(count)]
    target.mkdir(parents=True)
    words = pages = 0
    for number, file in enumerate(chosen):
        # Names stay: titles are made of them, and stand before all that is embedded.
        copy = target / file.with_suffix(place.suffix).name
        if copy.exists():
            copy = target / f"{number}-{copy.name}"
        shutil.copyfile(file, copy)
        counted = contents(copy)
        words, pages = words + counted[0], pages + counted[1]
    return Sample(name, target, count, words, pages)


def contents(file: Path) -> tuple[int, int]:
    """Words and pages of a file, as ingest reads it."""
    documents = [one for one in read(file, file.name) if isinstance(one, Document)]
    words = sum(len(one.text.split()) for one in documents)
    return words, sum(len(one.pages) for one in documents)


def smallest(target: Path) -> Sample:
    """A folder with one sentence: what is measured of it is the start."""
    target.mkdir(parents=True)
    sentence = "The pump on the quay is oiled every March, before the spring tides."
    (target / "one.txt").write_text(sentence + "\n", encoding="utf-8")
    return Sample("start", target, 1, len(sentence.split()), 0)
