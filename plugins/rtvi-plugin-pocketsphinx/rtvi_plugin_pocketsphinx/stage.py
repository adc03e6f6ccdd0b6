"""The stage `pocketsphinx`: a Pipecat speech-to-text service that knows a bot's phrases."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from pipecat.audio.utils import create_file_resampler
from pipecat.frames.frames import Frame, StartFrame, TranscriptionFrame
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.transcriptions.language import Language
from pipecat.utils.time import time_now_iso8601

from rtvi_plugin_pocketsphinx.grammar import Compiled, Source, compile_grammar
from rtvi_plugin_pocketsphinx.recogniser import SAMPLE_RATE, Recogniser, RecogniserError, thread
from rtvi_plugins.hooks.contracts import StageCheck

logger = logging.getLogger(__name__)

_TTFS_P99_S: Final = 0.5
"""From the end of speech to its transcript: VAD takes 0.2 s to tell the end, the decoder less than as much again."""

_compiled: Final = lru_cache(maxsize=16)(compile_grammar)  # all sessions of a bot listen for the same


def _source(
    bot: Any,
    phrases: Iterable[str] | None,
    captures: Mapping[str, Iterable[str]] | None,
    words: Mapping[str, str] | None,
) -> Source:
    """Gather the phrases: those given, else those of the bot's responder. ValueError when it has none."""
    if phrases is None:
        processor_class = getattr(bot, "processor_class", None)
        said = getattr(getattr(processor_class, "responder", None), "phrases", None)
        if said is None:
            raise ValueError("nothing to listen for; expected 'phrases', or a responder that has some, such as 'rules'")
        found = tuple(said())
    else:
        found = tuple(phrases)
    listed = tuple((name, tuple(texts)) for name, texts in (captures or {}).items())
    return Source(found, listed, tuple((words or {}).items()))


class PocketSphinxSTTService(SegmentedSTTService):
    """Recognises what the user says as one of the bot's phrases; needs a voice activity detector in the pipeline.

    phrases:  what to listen for, written as under `say:` of a rule; the phrases of the bot's responder when left out.
    captures: name → the texts that may stand at `{name}`; for captures that take any words.
    words:    word → its phones in ARPABET, for words that the dictionary lacks.
    Raises ValueError with one line for each fault in them.
    """

    Settings = STTSettings
    _settings: STTSettings

    def __init__(
        self,
        *,
        bot: Any = None,
        phrases: list[str] | None = None,
        captures: dict[str, list[str]] | None = None,
        words: dict[str, str] | None = None,
        settings: STTSettings | None = None,
        **stt_service: Any,
    ) -> None:
        compiled = _compiled(_source(bot, phrases, captures, words))
        if compiled.grammar is None:
            raise ValueError("\n".join(compiled.faults))
        values = self.Settings(model="en-us", language=Language.EN)
        if settings is not None:
            values.apply_update(settings)
        super().__init__(settings=values, **{"ttfs_p99_latency": _TTFS_P99_S, **stt_service})
        self._grammar = compiled.grammar
        self._recogniser: Recogniser | None = None
        self._resampler = create_file_resampler()  # segments are whole: each ends with silence

    @staticmethod
    def check_stage(check: StageCheck) -> Iterable[str]:
        """Tell at start-up what is wrong with the phrases, and warn of those that nobody can say to this bot."""
        given = check.arguments
        try:
            source = _source(check.bot, given.get("phrases"), given.get("captures"), given.get("words"))
        except ValueError as error:
            return [str(error)]
        compiled: Compiled = _compiled(source)
        for text in compiled.unheard:
            logger.warning("pocketsphinx does not listen for %s", text)
        if compiled.grammar is None:
            return compiled.faults
        try:
            Recogniser(compiled.grammar)
        except RecogniserError as error:
            return [f"args.words: {error}"]
        return ()

    @property
    def wants_wav_segments(self) -> bool:
        """Say that the decoder reads bare samples."""
        return False

    def can_generate_metrics(self) -> bool:
        """Say that this service measures its time."""
        return True

    async def start(self, frame: StartFrame) -> None:
        """Make the session's decoder before the first sound arrives."""
        self._recogniser = await asyncio.get_running_loop().run_in_executor(thread, Recogniser, self._grammar)
        await super().start(frame)

    async def cleanup(self) -> None:
        """Release the decoder."""
        await super().cleanup()  # type: ignore[no-untyped-call]
        self._recogniser = None

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Recognise one segment; nothing is sent when no phrase fits."""
        recogniser = self._recogniser
        if recogniser is None:
            return
        if self.sample_rate != SAMPLE_RATE:
            audio = await self._resampler.resample(audio, self.sample_rate, SAMPLE_RATE)
        stop = threading.Event()
        await self.start_processing_metrics()
        try:
            text = await asyncio.get_running_loop().run_in_executor(thread, recogniser.recognise, audio, stop)
        finally:
            stop.set()
            await self.stop_processing_metrics()
        if text:
            yield TranscriptionFrame(text, self._user_id, time_now_iso8601(), Language.EN)
