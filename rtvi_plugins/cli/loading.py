"""Loading manifests and plugins for a command: what Ctrl-C says while a plugin is at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from rtvi_plugins.cli.output import say
from rtvi_plugins.hooks.startup import StartInterrupted

INTERRUPTED: int = 130
"""What the shell is told of a command that SIGINT ended."""


@contextmanager
def interruptible() -> Iterator[None]:
    """End the command with a sentence when it is interrupted while a plugin keeps it waiting."""
    try:
        yield
    except StartInterrupted as interruption:
        say(f"rtvi: {interruption}", to_stderr=True)
        raise typer.Exit(INTERRUPTED) from None
