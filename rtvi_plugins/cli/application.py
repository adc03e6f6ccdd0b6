"""The Typer application. Pipecat's CLI mounts `app` as `pipecat rtvi`; the script `rtvi` calls `main`."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import Annotated, Final

import typer

from rtvi_plugins.cli import completing
from rtvi_plugins.cli.call import call
from rtvi_plugins.cli.check import check
from rtvi_plugins.cli.describe import describe
from rtvi_plugins.cli.plugins import plugins
from rtvi_plugins.cli.run import run
from rtvi_plugins.cli.schema import schema

HELP: Final = "Run, check and call RTVI bots that are declared in YAML manifests."


def _show_version(wanted: bool) -> None:
    if wanted:
        import importlib_metadata  # noqa: PLC0415 - only this option needs it

        try:
            version = importlib_metadata.version("rtvi-plugins")
        except importlib_metadata.PackageNotFoundError:
            version = "(not installed, run from its sources)"
        typer.echo(f"rtvi-plugins {version}")
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
    made.command(epilog="Example: rtvi check manifests/ --format github")(check)
    made.command(epilog="Example: rtvi describe manifests/concierge.yaml --format json")(describe)
    made.command(epilog="Example: rtvi plugins --format json")(plugins)
    made.command(epilog="Example: rtvi schema --output manifest.schema.json")(schema)
    made.command(epilog="Example: rtvi call 127.0.0.1:7860 knowledge.search query=spa limit=3")(call)
    return made


app: Final = _make_app()


def main() -> None:
    """Run the command line; ends with an exit code of `ExitCode`."""
    # Read when Pipecat is imported, which logs through loguru: what it says goes where `rtvi run` logs, or nowhere.
    os.environ.setdefault("LOGURU_AUTOINIT", "0")
    try:
        if os.environ.get("_RTVI_COMPLETE") == "complete_bash":
            completing.complete_in_bash(app, "rtvi")
        else:
            app(prog_name="rtvi")
    finally:
        gc.freeze()  # the process ends: looking for garbage among all that was imported would take 20 ms more
