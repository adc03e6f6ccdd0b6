"""The stage `espeak`: a Pipecat text-to-speech service."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, Final

from pipecat.frames.frames import ErrorFrame, Frame
from pipecat.services.settings import ServiceSettings, TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.utils.types import NOT_GIVEN, NotGiven, is_given
from pydantic import Field, TypeAdapter, ValidationError

from rtvi_plugin_espeak.library import INSTALL, ESpeakError, Manner, is_installed, library
from rtvi_plugin_espeak.speaking import speak
from rtvi_plugins.hooks.contracts import StageCheck
from rtvi_plugins.schema import MISSING

DEFAULT_VOICE: Final = "en-us"


def fault_of_voice(name: str) -> str:
    """Say why espeak-ng cannot speak with this voice; an empty text when it can."""
    try:
        library().voices.find(name)
    except (ESpeakError, ValueError) as error:
        return str(error)
    return ""


Rate = Annotated[int, Field(ge=80, le=450)]
Pitch = Annotated[int, Field(ge=0, le=99)]
Volume = Annotated[int, Field(ge=0, le=200)]


def _not_given() -> NotGiven:
    return NOT_GIVEN


@dataclass
class ESpeakTTSSettings(TTSSettings):
    """What may change while the bot speaks; the next sentence follows it.

    voice:    `en-us`, `de`, `en-gb+f2` (a variant after the plus) or a full name of `espeak-ng --voices`.
    rate:     words per minute.
    pitch:    50 is the voice's own.
    volume:   per cent; loud voices clip above 100.
    language: where sentences end; who speaks is the matter of `voice`.
    """

    voice: str | NotGiven = field(default_factory=_not_given)
    rate: Rate | NotGiven = field(default_factory=_not_given)
    pitch: Pitch | NotGiven = field(default_factory=_not_given)
    volume: Volume | NotGiven = field(default_factory=_not_given)

    _checks: ClassVar[dict[str, TypeAdapter[Any]]] = {
        name: TypeAdapter(kind) for name, kind in (("voice", str), ("rate", Rate), ("pitch", Pitch), ("volume", Volume))
    }

    @classmethod
    def checked(cls, delta: ServiceSettings) -> tuple[ESpeakTTSSettings, list[str]]:
        """Give what fits of a change, in its types, and a text for each value that does not.

        delta: ours, or the settings of any service; what they have beside ours is passed over.
        """
        given = cls(**{one.name: getattr(delta, one.name) for one in fields(cls) if hasattr(delta, one.name)})
        faults: list[str] = []
        for name, adapter in cls._checks.items():
            value = getattr(given, name)
            if not is_given(value):
                continue
            try:
                setattr(given, name, adapter.validate_python(value))
            except ValidationError as error:
                setattr(given, name, NOT_GIVEN)
                faults += [f"{name}: {fault['msg']}" for fault in error.errors()]
        if is_given(given.voice) and (fault := fault_of_voice(given.voice)):
            given.voice = NOT_GIVEN
            faults.append(f"voice: {fault}")
        return given, faults


class ESpeakTTSService(TTSService):
    """Speaks with espeak-ng.

    settings: over the defaults: voice en-us, 175 words/min, pitch 50, volume 100.
    Raises ESpeakError when espeak-ng is not installed, ValueError for settings that do not fit.
    """

    Settings = ESpeakTTSSettings
    _settings: ESpeakTTSSettings

    def __init__(self, *, settings: ESpeakTTSSettings | None = None, **tts_service: Any) -> None:
        values = self.Settings(model=None, language="en", voice=DEFAULT_VOICE, rate=175, pitch=50, volume=100)
        engine = library()
        if settings is not None:
            given, faults = self.Settings.checked(settings)
            if faults:
                raise ValueError("; ".join(faults))
            values.apply_update(given)
        # Both frames around the audio come from the base class: it alone knows the whole turn.
        super().__init__(push_start_frame=True, push_stop_frames=True, settings=values, **tts_service)
        self._engine = engine

    @staticmethod
    def check_stage(check: StageCheck) -> Iterable[str]:
        """Tell at start-up when espeak-ng is missing, and which voices it does not have."""
        if not is_installed():
            return [INSTALL]
        named = [("settings.voice", check.settings["voice"])] if "voice" in check.settings else []
        option = check.options.get("voice")
        if option is not None:
            listed = option.schema.document.get("enum", ())
            begins = () if option.default is MISSING else (option.default,)
            named += [(f"option '{option.name}'", name) for name in (*listed, *begins)]
        places: dict[str, str] = {}
        for where, name in named:
            places.setdefault(name, where)
        return [f"{where}: {fault}" for name, where in places.items() if (fault := fault_of_voice(name))]

    def can_generate_metrics(self) -> bool:
        """Say that this service measures its time to the first byte."""
        return True

    async def _update_settings(self, delta: ServiceSettings) -> dict[str, Any]:
        """Take over what fits; what does not is told as an error, and the old value stays."""
        given, faults = self.Settings.checked(delta)
        changed: dict[str, Any] = await super()._update_settings(given)
        for fault in faults:
            await self.push_error(fault)
        return changed

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Speak one text with the settings of this moment."""
        values: Any = self._settings  # complete, as every service keeps them
        try:
            manner = Manner(self._engine.voices.find(values.voice), values.rate, values.pitch, values.volume)
            await self.start_tts_usage_metrics(text)
            audio = speak(self._engine, text, manner)
            try:
                async for frame in self._stream_audio_frames_from_iterator(
                    audio, in_sample_rate=self._engine.sample_rate, context_id=context_id
                ):
                    await self.stop_ttfb_metrics()
                    yield frame
            finally:
                await audio.aclose()
        except ESpeakError as error:
            yield ErrorFrame(error=str(error))
        finally:
            await self.stop_ttfb_metrics()
