"""The commands `ragfirst keys create`, `list` and `revoke`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from service.access import KeysUnusable
from service.cli import IndexOption, JsonOption, load_settings, refuse
from service.keys import Key, Keys, WrongKey

app = typer.Typer(add_completion=False, no_args_is_help=True)
group = typer.Typer(no_args_is_help=True)
app.add_typer(group, name="keys", help="API keys: who may ask, read which collections, and write.")

FileOption = Annotated[
    Path | None,
    typer.Option(
        "--keys", help="The file of the keys.", show_default="RAGFIRST_KEYS or INDEX/keys.db"
    ),
]
LimitOption = typer.Option(min=1, max=10**9, show_default="no limit")


@group.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is: shown in lists and logs.")],
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", help="May read this one; again for more.", show_default="all"),
    ] = None,
    writes: Annotated[
        bool, typer.Option("--writes", help="May upload, replace and delete documents.")
    ] = False,
    requests_per_minute: Annotated[int | None, LimitOption] = None,
    tokens_per_minute: Annotated[int | None, LimitOption] = None,
    index: IndexOption = None,
    keys: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it: this once, for it is not kept. Whoever has it is let in.

    Exit status: 0, or 2 where it could not be made.
    """
    try:
        made, text = _keys(index, keys).create(
            name,
            frozenset(collection) if collection else None,
            writes=writes,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
    except (WrongKey, KeysUnusable) as error:
        refuse(error)
    if as_json:
        _print({"key": text, **made.as_dict()})
        return
    typer.echo(text)
    told = f"key {made.id} ({made.name}) {_rights(made)}. It is not shown again."
    typer.echo(told, err=True)


@group.command("list")
def show(index: IndexOption = None, keys: FileOption = None, as_json: JsonOption = False) -> None:
    """Show all keys, revoked ones too, without what proves them.

    Exit status: 0, or 2 where they cannot be read.
    """
    try:
        found = _keys(index, keys).all()
    except KeysUnusable as error:
        refuse(error)
    if as_json:
        _print({"keys": [key.as_dict() for key in found]})
        return
    width = max((len(key.name) for key in found), default=0)
    for key in found:
        ended = f", revoked {key.revoked}" if key.revoked else ""
        used = f"created {key.created}, last used {key.last_used or 'never'}{ended}"
        typer.echo(f"{key.id}  {key.name:{width}}  {_rights(key)}; {used}")
    if not found:
        typer.echo("there is no key: `ragfirst keys create NAME` makes one", err=True)


@group.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id or name.")],
    index: IndexOption = None,
    keys: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key for good: its next request is refused.

    Exit status: 0, or 2 where there is no such key.
    """
    try:
        found = _keys(index, keys).revoke(key)
    except (WrongKey, KeysUnusable) as error:
        refuse(error)
    if as_json:
        _print(found.as_dict())
        return
    typer.echo(f"revoked {found.id} ({found.name})", err=True)


def _keys(index: Path | None, file: Path | None) -> Keys:
    return Keys(file or load_settings(index).keys_file)


def _rights(key: Key) -> str:
    writes = "reads and writes" if key.writes else "reads"
    names = key.collections
    which = "all collections" if names is None else ", ".join(sorted(names))
    limits = {"requests": key.requests_per_minute, "tokens": key.tokens_per_minute}
    found = [f"{limit} {name} a minute" for name, limit in limits.items() if limit]
    return f"{writes} {which}, {' and '.join(found) or 'without limit'}"


def _print(values: dict[str, Any]) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False))
