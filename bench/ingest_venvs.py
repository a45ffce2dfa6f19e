"""The virtual environments of `bench.ingest`: one a peer, in a cache folder, made once."""

import shutil
import subprocess
import sys
from pathlib import Path

from bench.client import ROOT

COMMON = ("torch==2.13.0", "sentence-transformers", "transformers", "tokenizers")
"""The same releases for all, those of constraints.txt: they compute the vectors."""

PACKAGES: dict[str, tuple[str, ...]] = {
    "plain": ("sentence-transformers", "faiss-cpu", "pypdf==7.1.0", "lxml"),
    "llamaindex": (
        "llama-index-core==0.14.25",
        "llama-index-readers-file",
        "llama-index-embeddings-huggingface",
        "llama-index-vector-stores-faiss==0.7.0",
        "faiss-cpu",
    ),
    "haystack": (
        "haystack-ai==3.4.1",
        "faiss-haystack==3.0.0",
        "sentence-transformers-haystack",
        "pypdf==7.1.0",
        "trafilatura",
        "lxml_html_clean",
    ),
    "txtai": ("txtai==9.14.0", "faiss-cpu", "pypdf==7.1.0", "beautifulsoup4"),
}
"""What is installed for each; releases that are named are those that were measured."""

_READY = "ready.txt"


def python(peer: str, cache: Path) -> Path:
    """The Python that has a peer, which is installed unless it is.

    Raises subprocess.CalledProcessError where that fails; the next call begins anew.
    """
    folder = cache / peer
    wanted = "\n".join(PACKAGES[peer])
    ready, found = folder / _READY, folder / "bin" / "python"
    if ready.is_file() and ready.read_text() == wanted:
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    limits = cache / "constraints.txt"
    limits.write_text("\n".join(constraints((ROOT / "constraints.txt").read_text())) + "\n")
    command = [str(found), "-m", "pip", "install", "--quiet", "-c", str(limits)]
    subprocess.run([*command, COMMON[0], *PACKAGES[peer]], check=True)
    ready.write_text(wanted)
    return found


def constraints(text: str) -> list[str]:
    """The lines of a constraints file that hold for peers, too: what computes the vectors."""
    names = {one.partition("==")[0] for one in COMMON}
    return [line for line in text.splitlines() if line.partition("==")[0] in names]
