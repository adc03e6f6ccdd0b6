"""One decoder: sound in, words of the grammar out. Knows nothing of Pipecat."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pocketsphinx  # type: ignore[import-untyped]

from rtvi_plugin_pocketsphinx.dictionary import acoustic_model
from rtvi_plugin_pocketsphinx.grammar import NAME, Grammar
from rtvi_plugins import RTVIPluginsError

SAMPLE_RATE: Final = 16_000
"""What the acoustic model was trained with, in Hz."""

MAX_SECONDS: Final = 20
"""No phrase takes longer; of more, such as the noise of a street, only the beginning is looked at."""

_BLOCK: Final = SAMPLE_RATE // 10 * 2
"""Bytes given to the decoder at a time. It holds the interpreter's lock meanwhile, for a millisecond or two."""

thread: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pocketsphinx")
"""Where decoders work: one thread, since the lock would let no two of them go on at once."""


class RecogniserError(RTVIPluginsError):
    """pocketsphinx refuses a grammar or a pronunciation; the text is for people who run a bot."""


class Recogniser:
    """Recognises the phrases of one grammar. Belongs to one session: it learns how the session's microphone sounds.

    Takes some 10 ms to make and 5 MB of memory. Raises RecogniserError.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._decoder: Any = pocketsphinx.Decoder(
            hmm=acoustic_model(),
            dict=os.devnull,  # only the words of the grammar are needed, and they are known
            lm=None,
            loglevel="FATAL",
            # Wide beams, and no second pass over the lattice: a grammar is small, and both find more of what was said.
            beam=1e-80,
            wbeam=1e-60,
            pbeam=1e-80,
            bestpath=False,
        )
        last = len(grammar.pronunciations) - 1
        for number, (token, phones) in enumerate(grammar.pronunciations):
            try:
                self._decoder.add_word(token, phones, number == last)
            except RuntimeError:
                word = grammar.words[token.partition("(")[0]]
                raise RecogniserError(f"'{phones}' is no pronunciation (of the word '{word}')") from None
        try:
            self._decoder.add_jsgf_string(NAME, grammar.jsgf)
            self._decoder.activate_search(NAME)
        except (RuntimeError, KeyError, ValueError) as error:
            raise RecogniserError(f"pocketsphinx refuses the grammar: {error}") from None

    def recognise(self, audio: bytes, stop: threading.Event | None = None) -> str:
        """Give the words that fit best, or an empty text for none.

        audio: 16-bit mono samples at SAMPLE_RATE. `stop`: when set meanwhile, the rest is left.
        """
        audio = audio[: 2 * SAMPLE_RATE * MAX_SECONDS]
        audio = audio[: len(audio) // 2 * 2]
        self._decoder.start_utt()
        try:
            for start in range(0, len(audio), _BLOCK):
                if stop is not None and stop.is_set():
                    break
                self._decoder.process_raw(audio[start : start + _BLOCK], no_search=False, full_utt=False)
        finally:
            self._decoder.end_utt()
        found = self._decoder.hyp()
        return "" if found is None else self._grammar.text(found.hypstr)
