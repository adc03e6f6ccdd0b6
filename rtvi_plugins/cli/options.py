"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


def check_origins(origins: Iterable[str] | None) -> tuple[str, ...]:
    """Return the origins of `--allow-origin`. Raises BadParameter for one that no page can have."""
    from rtvi_plugins.manifest.access import origin_fault  # noqa: PLC0415 - not for other commands' start-up

    return _checked(origins, origin_fault, "--allow-origin")


def check_hosts(hosts: Iterable[str] | None) -> tuple[str, ...]:
    """Return the names of `--allow-host`. Raises BadParameter for one that no request can be for."""
    from rtvi_plugins.manifest.access import host_fault  # noqa: PLC0415 - not for other commands' start-up

    return _checked(hosts, host_fault, "--allow-host")


def _checked(given: Iterable[str] | None, fault_of: Callable[[str], str], option: str) -> tuple[str, ...]:
    values = tuple(given or ())
    for value in values:
        if text := fault_of(value):
            raise typer.BadParameter(f"'{value}' never matches: {text}", param_hint=option)
    return values


def check_token(token: str | None) -> str | None:
    """Return the token of `--token`, as typer's callback. Raises BadParameter for one that no header carries.

    The token itself is not shown.
    """
    if token is not None and (not token.strip() or token != token.strip() or not token.isprintable()):
        text = "is blank" if not token.strip() else "holds white space or a character that no header carries"
        raise typer.BadParameter(f"the token {text}")
    return token
