"""espeak-ng through ctypes: one library, one thread.

The C library keeps voice, rate and the rest in globals of the process, so every call of it is made by one thread, one
after the other, and each piece of speech sets all it depends on. Speech is made some thousand times faster than it is
spoken: what waits for its turn waits milliseconds.

Source: espeak-ng/speak_lib.h.
"""

from __future__ import annotations

import ctypes
import importlib.util
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rtvi_plugin_espeak.voices import Voices, read_voices
from rtvi_plugins import RTVIPluginsError

INSTALL: Final = "espeak-ng is not installed: pip install 'rtvi-plugin-espeak[espeak]'"

_AUDIO_OUTPUT_SYNCHRONOUS: Final = 2
_DO_NOT_EXIT: Final = 0x8000  # otherwise missing data ends the process
_CHARS_UTF8: Final = 1
_POS_CHARACTER: Final = 1
_RATE: Final = 1
_VOLUME: Final = 2
_PITCH: Final = 3
_BUFFER_MS: Final = 200
"""How much speech one callback hands over; also how soon a stop takes effect."""

_Callback: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)

thread: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")
"""The one thread that may call the library."""


class ESpeakError(RTVIPluginsError):
    """espeak-ng is missing or failed; the text is for people who run a bot."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text is spoken.

    voice:  as `Voices.find` gives it.
    rate:   words per minute, 80 to 450.
    pitch:  0 to 99; 50 is the voice's own.
    volume: 0 to 200 per cent.
    """

    voice: str
    rate: int = 175
    pitch: int = 50
    volume: int = 100


class Library:
    """The loaded library. `sample_rate`: of all its speech, in Hz. Belongs to the thread."""

    def __init__(self) -> None:
        if not is_installed():
            raise ESpeakError(INSTALL)
        import espeakng_loader  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra of this plugin

        try:
            self._c: Any = ctypes.CDLL(str(espeakng_loader.get_library_path()))
            data = str(espeakng_loader.get_data_path())
        except (OSError, RuntimeError) as error:
            raise ESpeakError(f"espeak-ng cannot be loaded: {error}") from None
        self._c.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
            ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self.sample_rate: int = self._c.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data.encode(), _DO_NOT_EXIT
        )
        if self.sample_rate <= 0:
            raise ESpeakError("espeak-ng cannot read its data; install espeakng-loader again")
        self.voices: Voices = read_voices(self._c, Path(data))
        self._audio: list[bytes] = []
        self._stop: threading.Event | None = None
        self._callback = _Callback(self._take)  # the library keeps the pointer, so the object must live on
        self._c.espeak_SetSynthCallback(self._callback)

    def _take(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count:
            self._audio.append(ctypes.string_at(samples, 2 * count))
        return int(self._stop is not None and self._stop.is_set())

    def speak(self, text: str, manner: Manner, stop: threading.Event | None = None) -> bytes:
        """Speak a text: 16-bit mono samples at `sample_rate`. Cut short when `stop` is set meanwhile.

        Raises ESpeakError when the library refuses.
        """
        self._audio, self._stop = [], stop
        self._check(self._c.espeak_SetVoiceByName(manner.voice.encode()), f"the voice '{manner.voice}'")
        for parameter, value in ((_RATE, manner.rate), (_VOLUME, manner.volume), (_PITCH, manner.pitch)):
            self._check(self._c.espeak_SetParameter(parameter, value, 0), f"the value {value}")
        data = text.replace("\0", " ").encode(errors="replace") + b"\0"
        self._check(self._c.espeak_Synth(data, len(data), 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None), "the text")
        audio, self._audio = b"".join(self._audio), []
        return audio

    @staticmethod
    def _check(status: int, what: str) -> None:
        if status != 0:
            raise ESpeakError(f"espeak-ng refuses {what} (status {status})")


def is_installed() -> bool:
    """Tell whether the extra `espeak` is there."""
    try:
        return importlib.util.find_spec("espeakng_loader") is not None
    except ValueError:  # it stands in sys.modules as None
        return False


_loaded: Final[list[Library]] = []


def _load() -> Library:
    if not _loaded:
        _loaded.append(Library())
    return _loaded[0]


def library() -> Library:
    """Give the library, loaded once for the process; blocks for some 10 ms the first time. Raises ESpeakError."""
    return _loaded[0] if _loaded else thread.submit(_load).result()
