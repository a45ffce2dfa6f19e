"""Hostile files by a seed: real ones cut, flipped and spliced, and ones made to hang a parser.

Mutant number `n` of a seed is always the same bytes, whatever others are made, so that one that
does harm can be made again by itself.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutate_pdf import PDF_WAYS
from tests.mutate_texts import PAGE_WAYS

CORPUS = Path(__file__).parents[1] / "corpus"

PDFS, PAGES = 500, 200
"""How many of each a whole run has."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file that was damaged on purpose: `how`, and from what, is part of its name."""

    name: str
    how: str
    content: bytes


def mutated_pdfs(numbers: Sequence[int], seed: int = 0) -> Iterator[Mutant]:
    """Mutants of the demo company's PDFs."""
    files = sorted((CORPUS / "pdf").glob("*.pdf"))
    for number in numbers:
        dice = random.Random(f"{seed} pdf {number}")
        how, way = PDF_WAYS[number % len(PDF_WAYS)]
        file = dice.choice(files)
        name = f"pdf-{number:03}-{how}-{file.name}"
        yield Mutant(name, how, way(dice, file.read_bytes()))


def mutated_pages(numbers: Sequence[int], seed: int = 0) -> Iterator[Mutant]:
    """Mutants of its wiki: dumps, HTML, Markdown and plain text."""
    for number in numbers:
        dice = random.Random(f"{seed} page {number}")
        how, suffix, way = PAGE_WAYS[number % len(PAGE_WAYS)]
        source = _source(dice, suffix)
        yield Mutant(f"page-{number:03}-{how}{suffix}", how, way(dice, source))


def _source(dice: random.Random, suffix: str) -> bytes:
    """A sound file of a kind."""
    if ".xml" in suffix:
        return (CORPUS / "wiki" / "engineering-wiki.xml").read_bytes()
    page = dice.choice(sorted((CORPUS / "wiki" / "handbook").rglob("*.md"))).read_text()
    if suffix == ".html":
        from markdown_it import MarkdownIt

        body = MarkdownIt().render(page)
        page = f"<!DOCTYPE html><html><head><title>A page</title></head><body>{body}</body></html>"
    return page.encode()
