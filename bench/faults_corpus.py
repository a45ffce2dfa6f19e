"""A small corpus that changes: files added, changed, renamed and deleted, by a seed.

Every version of a document has a word that stands nowhere else, so that an index tells which
version of each it holds. `python -m bench.faults_kill` ingests it.
"""

import random
import shutil
import string
from collections.abc import Callable, Mapping
from pathlib import Path

PDF = Path(__file__).parents[1] / "corpus" / "pdf"
MARK = "qv"
"""What the words of versions begin with, and no other word does."""

Documents = Mapping[tuple[str, str], str]
"""By collection and path, the word of the version; "" where the document has none."""

_FILES = 40
_PAGES = 12
_DIGITS = "abcdefghij"


class Corpus:
    """Two folders, `wiki` and `notes`, below another one."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Write the first version."""
        self._random = random.Random(seed)
        self._vocabulary = [self._letters(6) for _ in range(600)]
        self._given = 0
        self._files: dict[tuple[str, str], dict[str, str]] = {}
        self._pages: dict[str, str] = {}
        self.folders = [folder / "wiki", folder / "notes"]
        for place in self.folders:
            place.mkdir(parents=True)
        for _ in range(_FILES):
            self._add()
        self._write_dump()
        smallest = min(PDF.glob("*.pdf"), key=lambda path: path.stat().st_size)
        shutil.copyfile(smallest, folder / "wiki" / smallest.name)
        self._files["wiki", smallest.name] = {smallest.name: ""}

    def documents(self) -> Documents:
        """What an index of the corpus as it is now has to hold."""
        return {
            (collection, path): word
            for (collection, _), held in self._files.items()
            for path, word in held.items()
        }

    def change(self) -> None:
        """Add, change, rename and delete some files, and some pages of the dump."""
        steps: list[tuple[Callable[[], None], int, int]] = [
            (self._delete, 1, 4),
            (self._change, 2, 6),
            (self._rename, 0, 1),
            (self._add, 0, 6),
            (self._write_dump, 0, 1),
            (self._break, 0, 1),
        ]
        for step, least, most in steps:
            for _ in range(self._random.randint(least, most)):
                step()
        while len(self._own()) < _FILES // 2:
            self._add()

    def _own(self) -> list[tuple[str, str]]:
        return [key for key in self._files if key[1].startswith("page-")]

    def _place(self, key: tuple[str, str]) -> Path:
        return self.folders[0].parent / key[0] / key[1]

    def _add(self) -> None:
        self._given += 1
        suffix = self._random.choice([".md", ".md", ".html", ".txt"])
        folder = self._random.choice(["", f"page-{self._given % 5}/"])
        collection = self._random.choice(["wiki", "notes"])
        self._write((collection, f"{folder}page-{self._given:05}{suffix}"))

    def _write(self, key: tuple[str, str]) -> None:
        word, body = self._text()
        title = f"About {self._random.choice(self._vocabulary)}"
        if key[1].endswith(".md"):
            text = f"# {title}\n\n{body}\n"
        elif key[1].endswith(".html"):
            text = f"<html><head><title>{title}</title></head><body><p>{body}</p></body></html>"
        else:
            text = f"{title}\n\n{body}\n"
        path = self._place(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self._files[key] = {key[1]: word}

    def _change(self) -> None:
        self._write(self._random.choice(self._own()))

    def _delete(self) -> None:
        key = self._random.choice(self._own())
        self._place(key).unlink()
        del self._files[key]

    def _rename(self) -> None:
        key = self._random.choice(self._own())
        self._given += 1
        new = (key[0], f"page-{self._given:05}{Path(key[1]).suffix}")
        self._place(key).rename(self._place(new))
        (word,) = self._files.pop(key).values()
        self._files[new] = {new[1]: word}

    def _write_dump(self) -> None:
        for title in self._random.sample(sorted(self._pages), len(self._pages) // 3):
            del self._pages[title]
        while len(self._pages) < _PAGES:
            self._pages[f"Page {self._given}"] = ""
            self._given += 1
        for title in self._random.sample(sorted(self._pages), _PAGES // 3):
            self._pages[title] = ""
        written: list[str] = []
        for number, title in enumerate(self._pages):
            word, body = self._text(self._pages[title])
            self._pages[title] = f"{word} {body}"
            written.append(
                f"<page><title>{title}</title><ns>0</ns><id>{number}</id>"
                f"<revision><text>{body}</text></revision></page>"
            )
        head = "<mediawiki><siteinfo><sitename>Pages</sitename></siteinfo>"
        self._place(("wiki", "dump.xml")).write_text(f"{head}{''.join(written)}</mediawiki>")
        held = {f"dump.xml#{title}": text.split()[0] for title, text in self._pages.items()}
        self._files["wiki", "dump.xml"] = held

    def _break(self) -> None:
        """Put a file there that cannot be read, another one each time."""
        self._place(("notes", "broken.pdf")).write_text(self._letters(30))

    def _text(self, written: str = "") -> tuple[str, str]:
        """The word of a version and its text; `written`: those that there are already."""
        if written:
            word, body = written.split(" ", 1)
            return word, body
        self._given += 1
        word = MARK + "".join(_DIGITS[int(digit)] for digit in f"{self._given:07}")
        sentences = [
            " ".join([word, *self._random.choices(self._vocabulary, k=8)]).capitalize() + "."
            for _ in range(self._random.randint(3, 30))
        ]
        return word, " ".join(sentences)

    def _letters(self, count: int) -> str:
        return "".join(self._random.choices(string.ascii_lowercase.replace("q", ""), k=count))
