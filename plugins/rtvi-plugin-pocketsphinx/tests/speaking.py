"""Synthesised speech for the tests: phrases said by espeak-ng in a voice that the acoustic model hears well."""

from __future__ import annotations

import numpy as np
import soxr
from rtvi_plugin_espeak.library import Manner, library, thread

RATE = 16_000
VOICE = "en-us+f2"


def say(text: str, rate: int = RATE, *, voice: str = VOICE, speed: int = 150) -> bytes:
    """Give 16-bit mono samples of a text, half a second of silence around it."""
    manner = Manner(library().voices.find(voice), speed)
    samples = np.frombuffer(thread.submit(library().speak, text, manner).result(), dtype=np.int16)
    silence = np.zeros(rate // 2, dtype=np.int16)
    spoken = soxr.resample(samples, library().sample_rate, rate).astype(np.int16)
    return bytes(np.concatenate([silence, spoken, silence]).tobytes())


def noise(seconds: float, loudness: int = 300) -> bytes:
    """Give even noise, the same each time."""
    samples = np.random.default_rng(7).integers(-loudness, loudness, int(seconds * RATE))
    return bytes(samples.astype(np.int16).tobytes())
