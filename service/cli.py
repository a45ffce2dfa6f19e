"""The commands `ragfirst serve`, `ragfirst ask` and `ragfirst search`."""

import json
import os
import signal
import socket
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from ingest.schema import IndexRefused
from service.settings import ServiceSettings

GRACE = 8
"""Seconds that requests under way are given at the end; container engines kill after 10."""

app = typer.Typer(add_completion=False, no_args_is_help=True)

IndexOption = Annotated[
    Path | None,
    typer.Option("--index", help="The index folder.  [default: RAGFIRST_INDEX or ./index]"),
]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", help="Search this collection only.")
]
TopKOption = Annotated[
    int | None, typer.Option("--top-k", min=1, max=20, help="Passages to use.  [default: 3]")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")]


@app.command()
def serve(
    index: IndexOption = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port.  [default: PORT or 8000]")
    ] = None,
) -> None:
    """Answer questions over HTTP, with a page at /.

    Listens at once; /health/ready says when index and model are loaded.
    """
    signal.signal(signal.SIGTERM, _exit)
    settings = _settings(index)
    place = _listen(host or settings.host, settings.port if port is None else port)
    with place:
        _serve(place, settings)


def _serve(place: socket.socket, settings: ServiceSettings) -> None:
    import uvicorn

    from service.app import create_app
    from service.loading import Loading

    loading = Loading(settings)
    loading.start()
    host, port = place.getsockname()[:2]
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::1", "::") else host
    typer.echo(f"ragfirst answers at http://{shown}:{port} (index {settings.index})", err=True)
    config = uvicorn.Config(
        create_app(loading), log_level="warning", timeout_graceful_shutdown=GRACE
    )
    uvicorn.Server(config).run(sockets=[place])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # create_server adds the address to the system's words; a name that is unknown has no such.
        why = os.strerror(code) if (code := error.errno or 0) > 0 else str(error.strerror)
        _refuse(
            RuntimeError(
                f"cannot listen on {host!r}, port {port} ({why}): choose others by --host and "
                "--port, or RAGFIRST_HOST and PORT"
            )
        )


def _exit(*_: object) -> NoReturn:
    """End as asked, with status 0: uvicorn hands the signal on once it is done."""
    raise SystemExit(0)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A question, in quotes.")],
    index: IndexOption = None,
    collection: CollectionOption = None,
    top_k: TopKOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer one question, with its citations.

    Exit status: 0 (also where it abstains), 2 where it could not be asked.
    """
    from service.llm import LLMError
    from service.loading import load_answerer

    try:
        found = load_answerer(_settings(index)).answer(question, top_k, collection)
    except (IndexRefused, LLMError, ValueError) as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    typer.echo(found.answer)
    for cited in found.citations:
        place = f", page {cited.page}" if cited.page else f", {cited.section}" * bool(cited.section)
        typer.echo(f"\n[{cited.n}] {cited.title} ({cited.document}{place})\n    {cited.quote}")


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="A question or words, in quotes.")],
    index: IndexOption = None,
    collection: CollectionOption = None,
    top_k: TopKOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the passages nearest to a query, without asking the model.

    Exit status: 0 (also where nothing is found), 2 where it could not be searched.
    """
    from ingest.snapshot import Reader
    from service.loading import load_embedder, retrieval_settings
    from service.retrieve import retrieve
    from service.schemas import search_values

    settings = _settings(index)
    try:
        embedder = load_embedder(settings)
        with Reader(settings.index, embedder).snapshot() as snapshot:
            chosen = retrieval_settings(settings)
            chosen = replace(chosen, top_k=top_k or chosen.top_k)
            found = retrieve(query, snapshot, embedder, chosen, collection)
    except (IndexRefused, ValueError) as error:
        _refuse(error)
    values = search_values(found)
    if as_json:
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    for hit in values["hits"]:
        place = f", page {hit['page']}" if hit["page"] else ""
        typer.echo(f"{hit['score']:.3f}  {hit['title']} ({hit['document']}{place})")
        typer.echo(f"       {hit['text']}\n")


def _settings(index: Path | None) -> ServiceSettings:
    try:
        settings = ServiceSettings()
    except ValidationError as error:
        wrong = [f"{one['loc'][0]} {one['input']!r}: {one['msg']}" for one in error.errors()]
        _refuse(ValueError("wrong setting " + "; ".join(wrong)))
    return settings if index is None else settings.model_copy(update={"index": index})


def _refuse(error: Exception) -> NoReturn:
    console = Console(stderr=True)
    console.print(f"ragfirst: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2) from error
