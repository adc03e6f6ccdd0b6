"""Output: plain lines when piped, rich on a terminal.

What comes from files and from bots is printed without the control characters that would steer a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

from rtvi_plugins.log import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str = "", *, to_stderr: bool = False) -> None:
    """Print a text, flushed, whatever its encoding can say."""
    stream = sys.stderr if to_stderr else sys.stdout
    stream.write(f"{printable(text)}\n")
    stream.flush()


def is_terminal(stream: IO[str] | None = None) -> bool:
    """Whether a person reads the stream, standard output by default."""
    return (stream or sys.stdout).isatty()


def console(*, stderr: bool = False) -> Console:
    """Make a rich console; it respects NO_COLOR and TERM itself."""
    from rich.console import Console  # noqa: PLC0415 - takes a while to import, and only terminals need it

    return Console(stderr=stderr, highlight=False, emoji=False, markup=False)


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Write JSON as people read it, in Unicode."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)


def aligned(rows: Iterable[Sequence[str]], *, gap: str = "  ") -> list[str]:
    """Line up columns with spaces; the last column is as long as it is."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    if not cells:
        return []
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
