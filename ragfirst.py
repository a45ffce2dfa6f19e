"""The command `ragfirst`: mounts each package's commands when they are called, not before.

So that `ragfirst serve` loads no evaluation code, and `ragfirst status` no model.
"""

import importlib
import importlib.metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "ingest": "ingest.cli",
    "status": "ingest.cli_index",
    "backup": "ingest.cli_index",
    "serve": "service.cli",
    "ask": "service.cli",
    "search": "service.cli",
    "keys": "service.cli_keys",
    "eval": "eval.cli",
}


class LazyGroup(TyperGroup):
    """A group whose commands live in the Typer apps of modules that are imported on demand."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands, in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name])
        group: Any = typer.main.get_command(module.app)
        return group.get_command(ctx, cmd_name)


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ragfirst {importlib.metadata.version('ragfirst')}")
        raise typer.Exit


@app.callback()
def ragfirst(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """Cited answers from your documents, and the proof of whether to fine-tune."""


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
