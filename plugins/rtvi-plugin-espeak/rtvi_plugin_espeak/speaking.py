"""Speech for sessions: off the event loop, in pieces, so that no session holds up another for long."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Final

from rtvi_plugin_espeak.library import Library, Manner, thread

MAX_PIECE: Final = 400
"""Characters spoken at one go: at most some tens of milliseconds of work, after which others have their turn."""

PAUSE_WORDS: Final = 0.6
"""The pause after a text, in words of its rate: a fifth of a second at 175 words/min.

espeak-ng makes none after the last sentence; the next text would follow without a breath, and the resampler of the
pipeline keeps back the last 35 ms of what it is given.
"""

_PIECE: Final = re.compile(rf"\s*(.{{1,{MAX_PIECE}}}(?=\s|$)|.{{{MAX_PIECE}}})", re.DOTALL)


def pieces(text: str) -> Iterator[str]:
    """Cut a text at white space into pieces of at most MAX_PIECE characters; words longer than that are cut too."""
    return (piece for match in _PIECE.finditer(text) if (piece := match[1].strip()))


async def speak(engine: Library, text: str, manner: Manner) -> AsyncGenerator[bytes, None]:
    """Speak a text: 16-bit mono samples at the library's rate, a block for each piece and one for the pause at the end.

    May be closed or cancelled at any time: what waits is dropped, what is being made is stopped.
    Raises ESpeakError when espeak-ng fails.
    """
    for piece in pieces(text):
        stop = threading.Event()
        try:
            audio = await asyncio.get_running_loop().run_in_executor(thread, engine.speak, piece, manner, stop)
        finally:
            stop.set()
        yield audio
    yield bytes(2 * round(engine.sample_rate * PAUSE_WORDS * 60 / manner.rate))
