"""The Typer application. Pipecat's CLI mounts `app` as `pipecat rtvi`; the script `rtvi` calls `main`."""

from __future__ import annotations

import io
import sys
from typing import Annotated, Final

import typer

from rtvi_plugins.cli.run import run

HELP: Final = "Run, check and call RTVI bots that are declared in YAML manifests."


def _show_version(wanted: bool) -> None:
    if wanted:
        import importlib_metadata  # noqa: PLC0415 - only this option needs it

        typer.echo(f"rtvi-plugins {importlib_metadata.version('rtvi-plugins')}")
        raise typer.Exit


def _prepare(
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    # A file name or a bot's text may hold what the terminal's encoding lacks; that must not end a command.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _make_app() -> typer.Typer:
    # Help and usage errors have boxes and colours only where a person reads them.
    is_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    made = typer.Typer(
        name="rtvi",
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode="rich" if is_terminal else None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_prepare)
    made.command(epilog="Example: rtvi run manifests/concierge.yaml --port 8000")(run)
    return made


app: Final = _make_app()


def main() -> None:
    """Run the command line; ends with an exit code of `ExitCode`."""
    app(prog_name="rtvi")
