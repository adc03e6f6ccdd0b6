"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Root = Annotated[
    str | None,
    typer.Option(
        "--root",
        metavar="FOLDER",
        help="Read only files under this folder; left out, under that of each manifest, or the folder given as PATH.",
        show_default=False,
    ),
]
