"""A PDF and a wiki page with few facts, some of them awkward to show."""

from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.sync import SyncSettings, sync

CAPACITY = "The Orlo pump moves 430 litres in a minute."
MANUAL = [
    ["Orlo pump manual", "This manual is for the people who run the pump house."],
    ["Capacity", CAPACITY, "It needs no priming."],
    ["History", "The Orlo pump was built by Teodora Vance."],
]
"""The lines of each page."""

HULL = "The hull of the Sable ferry is vermilion 🟥 above the water."
TITLE = "<img src=x onerror=document.title='run'> Sable"
WIKI = f"""---
title: "{TITLE}"
---

# Ferries

{" ".join(f"On day {day} the 🚢 sails as planned 🌊 and the log is kept." for day in range(8))}

{HULL} Nobody remembers why.
"""


def write_manual(path: Path) -> None:
    """The PDF, its facts on page 2 and 3."""
    canvas = Canvas(str(path))
    canvas.setTitle("Orlo pump manual")
    for lines in MANUAL:
        for row, line in enumerate(lines):
            canvas.drawString(72, 760 - 30 * row, line)
        canvas.showPage()
    canvas.save()


def write_wiki(path: Path) -> None:
    """The wiki page: markup in its title, characters beyond the basic plane before its fact."""
    path.write_text(WIKI, encoding="utf-8")


def ingest(corpus: Path, index: Path, embedder: Embedder) -> Path:
    """The index of a corpus folder, all of it readable."""
    settings = SyncSettings(ChunkSettings(embedder.token_limit))
    assert sync([(corpus, "tests")], index, embedder, settings).failures == []
    return index
