"""No text of a stranger begins a line of the log, or steers the terminal of whoever reads it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping

import pytest

from rtvi_plugins.log import LineFormatter

EVIL = "evil\n2026-01-01 00:00:00,000 ERROR forged: \r\x1b[2J\x9b2J\u2028\u202e\ttext"


def _raise(error: BaseException) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it


def _raise_chained() -> None:
    try:
        {}[EVIL]
    except KeyError:
        raise ValueError(EVIL) from OSError(EVIL)


def _with_notes() -> BaseException:
    error = ValueError(EVIL)
    error.add_note(EVIL)
    return error


def _compile_evil() -> None:
    compile(f"x = '''{EVIL}''' +", EVIL.replace("\n", " "), "exec")


FAILURES: Mapping[str, Callable[[], None]] = {
    "text": _raise(ValueError(EVIL)),
    "notes": _raise(_with_notes()),
    "chained": _raise_chained,
    "group": _raise(ExceptionGroup(EVIL, [ValueError(EVIL), ExceptionGroup(EVIL, [_with_notes()])])),
    "name of the class": _raise(type("Evil", (ValueError,), {"__module__": EVIL})(EVIL)),
    "source": _compile_evil,
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES.keys())
def test_records(fail: Callable[[], None]) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter("START %(levelname)s %(message)s"))
    logger = logging.Logger("of this test")  # noqa: LOG001 - it has no parents
    logger.addHandler(handler)
    try:
        fail()
    except BaseException:
        logger.exception("said %s", EVIL, stack_info=True)
    said = stream.getvalue()
    lines = said.split("\n")
    assert [line for line in lines if line and not line.startswith("  ")] == [lines[0]]
    assert lines[0].startswith("START ERROR said evil\\n2026")
    assert not set(said) & set("\r\x1b\x9b\u2028\u202e")
    assert "Traceback (most recent call last):" in said
