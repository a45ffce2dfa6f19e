"""The commands `ragfirst serve`, `ragfirst ask` and `ragfirst search`."""

import json
import logging
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

KEEP_ALIVE = 75
"""Seconds that a connection may be idle: longer than any Retry-After."""

app = typer.Typer(add_completion=False, no_args_is_help=True)

IndexOption = Annotated[
    Path | None,
    typer.Option("--index", help="The index folder.", show_default="RAGFIRST_INDEX or ./index"),
]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", help="Search this collection only.")
]
TopKOption = Annotated[
    int | None, typer.Option("--top-k", min=1, max=20, help="Passages to use.", show_default="3")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")]


@app.command()
def serve(
    index: IndexOption = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port.", show_default="PORT or 8000")
    ] = None,
) -> None:
    """Answer questions over HTTP, with a page at /.

    Listens at once; /health/ready says when index and model are loaded.
    """
    signal.signal(signal.SIGTERM, _exit)
    settings = load_settings(index)
    place = listen(host or settings.host, settings.port if port is None else port)
    with place:
        _serve(place, settings)


def _serve(place: socket.socket, settings: ServiceSettings) -> None:
    import uvicorn

    from service.access import KeysUnusable
    from service.app import create_app
    from service.guard import warning
    from service.loading import Loading
    from service.logs import configure

    configure(settings)
    host, port = place.getsockname()[:2]
    reached = settings.published or host
    try:
        unusual = warning(settings, reached)
    except KeysUnusable as error:
        refuse(error)
    loading = Loading(settings)
    loading.start()
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::1", "::") else host
    started = f"ragfirst answers at http://{shown}:{port} (index {settings.index})"
    for told in (started, unusual):
        if told and settings.log_format == "json":
            logging.getLogger(__name__).info(told)
        elif told:
            typer.echo(told, err=True)
    config = uvicorn.Config(
        create_app(loading, reached),
        log_config=None,  # its records go where all others do, and `watch` sees every request
        access_log=False,
        log_level="warning",
        # Whoever is told to come back finds the connection open, and no moment at which it closes.
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    uvicorn.Server(config).run(sockets=[place])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; where it cannot, that is told and the command ends with 2."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        place = socket.create_server((host, port), family=family, backlog=2048)
        # Its connections inherit that. asyncio sets it for sockets of a named protocol alone, and
        # without it the body of each response waits for the head's delayed acknowledgement, 40 ms.
        place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return place
    except OSError as error:
        # create_server adds the address to the system's words; a name that is unknown has no such.
        why = os.strerror(code) if (code := error.errno or 0) > 0 else str(error.strerror)
        refuse(
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
        found = load_answerer(load_settings(index)).answer(question, top_k, collection)
    except (IndexRefused, LLMError, ValueError) as error:
        refuse(error)
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

    settings = load_settings(index)
    try:
        embedder = load_embedder(settings)
        with Reader(settings.index, embedder).snapshot() as snapshot:
            chosen = retrieval_settings(settings)
            chosen = replace(chosen, top_k=top_k or chosen.top_k)
            found = retrieve(query, snapshot, embedder, chosen, collection)
    except (IndexRefused, ValueError) as error:
        refuse(error)
    values = search_values(found)
    if as_json:
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    for hit in values["hits"]:
        place = f", page {hit['page']}" if hit["page"] else ""
        typer.echo(f"{hit['score']:.3f}  {hit['title']} ({hit['document']}{place})")
        typer.echo(f"       {hit['text']}\n")


def load_settings(index: Path | None) -> ServiceSettings:
    """The settings of the environment, and the index folder that a command was told."""
    try:
        settings = ServiceSettings()
    except ValidationError as error:
        # What is wrong of several together has no place, and its input would show the key.
        wrong = [
            f"{one['loc'][0]} {one['input']!r}: {one['msg']}"
            if one["loc"]
            else one["msg"].removeprefix("Value error, ")
            for one in error.errors()
        ]
        refuse(ValueError("wrong setting: " + "; ".join(wrong)))
    return settings if index is None else settings.model_copy(update={"index": index})


def refuse(error: Exception) -> NoReturn:
    """Say why on standard error, and exit with status 2."""
    console = Console(stderr=True)
    console.print(f"ragfirst: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2) from error
