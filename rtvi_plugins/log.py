"""Text of strangers in the log: one line a record, and nothing that steers a terminal.

Names that clients send, origins, and texts of exceptions end up in log records. A line feed in one of them would forge
a record, an escape sequence would rewrite the screen of whoever reads. `LineFormatter` writes both as what they are.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
NOISY: Final = frozenset(
    {
        "aiohttp", "aioice", "aiortc", "asyncio", "h11", "h2", "hpack", "httpcore", "httpcore2", "httpx", "httpx2",
        "openai", "pipecat", "requests", "urllib3", "uvicorn", "watchfiles", "websockets",
    }
)  # fmt: skip
"""Loggers of libraries that say more than a reader wants to know."""
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def printable(text: str) -> str:
    """Return a text with control characters as their codes; line feeds and tabs stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}" if ord(match[0]) < 256 else ascii(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return a text with all control characters as codes, line feeds and tabs too, so that it takes one line."""
    return printable(text.replace("\n", "\\n").replace("\t", "\\t"))


class LineFormatter(logging.Formatter):
    """Formats each record in one line; a traceback follows in lines that are indented, and begin no record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name it has in `logging`
        """Return the record's first line."""
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the name it has in `logging`
        """Return the traceback, with texts of exceptions in one line each."""
        if ei[1] is None:
            return ""
        told = traceback.TracebackException(*ei, compact=True)
        return _indented("".join(map(_chunk, told.format())))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the name it has in `logging`
        """Return where a record was made."""
        return _indented(stack_info)


class JSONFormatter(LineFormatter):
    """Formats each record as one line of JSON: time (UTC, ISO 8601), level, logger, message, and exception if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line)


class QuietLibraries(logging.Filter):
    """Lets pass what libraries say of each request only where somebody asked for details.

    HTTP clients log every request at `info`, with addresses that may hold keys.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged."""
        return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in NOISY


def _chunk(chunk: str) -> str:
    """Return a part of a traceback: one with code in it as it stands, one with a text in a line."""
    if chunk.lstrip(" |+-").startswith('File "'):
        return chunk
    lead = chunk[: len(chunk) - len(chunk.lstrip("\n"))]
    rest = chunk[len(lead) :]
    end = rest[len(rest.rstrip("\n")) :]
    return f"{lead}{one_line(rest.rstrip(chr(10)))}{end}"


def _indented(text: str) -> str:
    return "\n".join(f"  {printable(line)}" for line in text.rstrip("\n").split("\n"))
