"""Ingest as others do it: read, cut, embed, save a FAISS index. Run by a peer's own Python.

    python bench/ingest_peers.py PEER MODEL FOLDER TARGET

PEER is a name of `PEERS`, MODEL the folder of MiniLM, FOLDER the documents, TARGET where the index
is saved. It imports nothing of this repository: `bench.ingest` starts it within the virtual
environment that holds the peer. Every peer runs on its own settings, but for the length of a
chunk: 254 tokens of MiniLM's and two special ones, 24 of them those of the chunk before. Prints
one line of JSON: pages, chunks, and the words that these hold.
"""

# What it imports is in the environments of the peers only.
# pyright: basic, reportMissingImports=false

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOKENS = 254
OVERLAP = 24

Counts = dict[str, int]


def main() -> None:
    """The command."""
    peer, model, folder, target = sys.argv[1:]
    files = sorted(path for path in Path(folder).iterdir() if path.is_file())
    Path(target).mkdir(parents=True, exist_ok=True)
    sys.stdout.write("\n" + json.dumps(PEERS[peer](Path(model), files, Path(target))) + "\n")


def plain(model: Path, files: list[Path], target: Path) -> Counts:
    """What a first script does: pypdf, sentence-transformers, faiss."""
    import faiss
    from lxml import html
    from sentence_transformers import SentenceTransformer

    embedder: Any = SentenceTransformer(str(model), device="cpu")
    cut, texts, pages = cutter(model), list[str](), 0
    for file in files:
        if file.suffix.lower() == ".pdf":
            text, count = pdf_text(file)
            pages += count
        elif file.suffix == ".html":
            text = html.fromstring(file.read_bytes()).text_content()
        else:
            text = file.read_text(encoding="utf-8")
        texts += cut(text)
    vectors = embedder.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    index: Any = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(target / "index.faiss"))
    (target / "texts.json").write_text(json.dumps(texts))
    return counts(pages, texts)


def llamaindex(model: Path, files: list[Path], target: Path) -> Counts:
    """SimpleDirectoryReader, SentenceSplitter, VectorStoreIndex over FaissVectorStore."""
    import faiss
    from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.readers.file import HTMLTagReader
    from llama_index.vector_stores.faiss import FaissVectorStore
    from tokenizers import Tokenizer

    tokenizer: Any = plain_tokenizer(Tokenizer, model)
    embedder = HuggingFaceEmbedding(model_name=str(model), device="cpu")
    # Without a reader of its own for HTML it would embed the markup.
    reader = SimpleDirectoryReader(
        input_files=[str(file) for file in files],
        file_extractor={".html": HTMLTagReader(tag="body", ignore_no_id=False)},
    )
    documents = reader.load_data()
    splitter = SentenceSplitter(
        chunk_size=TOKENS,
        chunk_overlap=OVERLAP,
        tokenizer=lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
    )
    nodes = splitter.get_nodes_from_documents(documents)
    store = FaissVectorStore(faiss_index=faiss.IndexFlatIP(384))
    context = StorageContext.from_defaults(vector_store=store)
    index = VectorStoreIndex(nodes, storage_context=context, embed_model=embedder)
    index.storage_context.persist(str(target))
    pages = sum(document.metadata.get("page_label") is not None for document in documents)
    return counts(pages, [node.get_content() for node in nodes])


def haystack(model: Path, files: list[Path], target: Path) -> Counts:
    """A pipeline of its converters, DocumentSplitter, its embedder and FAISSDocumentStore."""
    from haystack import Pipeline
    from haystack.components.converters import HTMLToDocument, PyPDFToDocument, TextFileToDocument
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.preprocessors import DocumentSplitter
    from haystack.components.routers import FileTypeRouter
    from haystack.components.writers import DocumentWriter
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
    )
    from haystack_integrations.document_stores.faiss import FAISSDocumentStore

    store = FAISSDocumentStore(embedding_dim=384)
    embedder = SentenceTransformersDocumentEmbedder(model=str(model), progress_bar=False)
    splitter = DocumentSplitter(
        split_by="function", split_length=1, splitting_function=cutter(model)
    )
    kinds = {
        "application/pdf": PyPDFToDocument(),
        "text/html": HTMLToDocument(),
        "text/plain": TextFileToDocument(),
    }
    line = Pipeline()
    line.add_component("route", FileTypeRouter(mime_types=list(kinds)))
    line.add_component("join", DocumentJoiner())
    for kind, converter in kinds.items():
        name = kind.replace("/", "_")
        line.add_component(name, converter)
        line.connect(f"route.{kind}", f"{name}.sources")
        line.connect(name, "join")
    line.add_component("split", splitter)
    line.add_component("embed", embedder)
    line.add_component("write", DocumentWriter(document_store=store))
    for one, other in (("join", "split"), ("split", "embed"), ("embed", "write")):
        line.connect(one, other)
    line.run({"route": {"sources": list(files)}})
    store.save(target / "index")
    return counts(0, [document.content or "" for document in store.filter_documents()])


def txtai(model: Path, files: list[Path], target: Path) -> Counts:
    """Embeddings with content over FAISS; PDFs by pypdf, since its own reader needs Java."""
    from txtai import Embeddings
    from txtai.pipeline import HTMLToMarkdown

    embeddings = Embeddings(path=str(model), content=True, backend="faiss", gpu=False)
    cut, texts, pages = cutter(model), list[str](), 0
    convert = HTMLToMarkdown()
    for file in files:
        if file.suffix.lower() == ".pdf":
            text, count = pdf_text(file)
            pages += count
        else:
            text = file.read_text(encoding="utf-8")
            text = convert(text) if file.suffix == ".html" else text
        texts += cut(text)
    embeddings.index(texts)
    embeddings.save(str(target / "index"))
    return counts(pages, texts)


PEERS: dict[str, Callable[[Path, list[Path], Path], Counts]] = {
    "plain": plain,
    "llamaindex": llamaindex,
    "haystack": haystack,
    "txtai": txtai,
}


def pdf_text(file: Path) -> tuple[str, int]:
    """The text of a PDF, and how many pages it has."""
    from pypdf import PdfReader

    pages = PdfReader(file).pages
    return "\n".join(page.extract_text() for page in pages), len(pages)


def plain_tokenizer(kind: Any, model: Path) -> Any:
    """MiniLM's tokenizer, which neither cuts nor pads. `kind` is the class Tokenizer."""
    tokenizer = kind.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def cutter(model: Path) -> Callable[[str], list[str]]:
    """What cuts a text into runs of `TOKENS` tokens, the first `OVERLAP` those of the run before.

    All of a text is in its chunks, and no more of it than the model reads in one of them.
    """
    from tokenizers import Tokenizer

    tokenizer = plain_tokenizer(Tokenizer, model)

    def cut(text: str) -> list[str]:
        spans = tokenizer.encode(text, add_special_tokens=False).offsets
        starts = range(0, max(len(spans) - OVERLAP, 1), TOKENS - OVERLAP) if spans else ()
        return [text[spans[at][0] : spans[at : at + TOKENS][-1][1]] for at in starts]

    return cut


def counts(pages: int, texts: list[str]) -> Counts:
    """What the command prints."""
    return {
        "pages": pages,
        "chunks": len(texts),
        "words": sum(len(text.split()) for text in texts),
    }


if __name__ == "__main__":
    main()
