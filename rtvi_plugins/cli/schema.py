"""`rtvi schema`: the JSON Schema of the manifest language, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtvi_plugins.cli.loading import interruptible
from rtvi_plugins.cli.output import as_json, say


def schema(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to a file, not to standard output.", dir_okay=False),
    ] = None,
    plugins: Annotated[
        bool, typer.Option("--plugins/--no-plugins", help="Propose the names of what is installed here.")
    ] = True,
) -> None:
    """Print the JSON Schema of manifests, for editors.

    With it editors complete and check manifests, and propose the plugins, services and responders that are installed.

    Name it in a manifest's first line: "# yaml-language-server: $schema=manifest.schema.json".

    Exit codes: 0 done, 2 bad usage.
    """
    from rtvi_plugins.manifest.json_schema import language_schema  # noqa: PLC0415 - not for other commands' start-up

    made = language_schema()
    if plugins:
        from rtvi_plugins.binding.bot import discover_plugins  # noqa: PLC0415 - see above
        from rtvi_plugins.cli.editor_names import add_names  # noqa: PLC0415 - see above

        with interruptible():
            add_names(made, discover_plugins())
    text = as_json(made)
    if output is None:
        say(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise typer.BadParameter(f"cannot write '{output}': {reason}", param_hint="--output") from None
