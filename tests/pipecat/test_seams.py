"""Protected members of Pipecat on which `seams` relies: they are there, are called as before, and mean the same."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.services.ai_service import AIService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService

from rtvi_plugins.pipecat import names, seams
from rtvi_plugins.pipecat.names import Unusable
from rtvi_plugins.pipecat.parts import setting_fields, settings_class_of
from rtvi_plugins.pipecat.slots import parameters_of


def test_they_are_there() -> None:
    assert inspect.iscoroutinefunction(getattr(AIService, seams.UPDATE))
    assert list(inspect.signature(getattr(AIService, seams.UNHANDLED)).parameters) == ["self", "unhandled"]
    llm = OpenAILLMService(api_key="x", settings=OpenAILLMService.Settings(system_instruction="Be kind."))
    assert getattr(llm, seams.BASE_INSTRUCTION) == "Be kind."
    assert callable(getattr(llm, seams.SYNC_MODEL))
    analyzer = SileroVADAnalyzer()
    assert getattr(analyzer, seams.PARAMS) is analyzer.params


async def test_what_a_service_says_is_heard_while_it_is_listened_to() -> None:
    service = OpenAIRealtimeLLMService(api_key="x")
    with seams.unhandled_settings(service) as unhandled:
        await service._update_settings(OpenAIRealtimeLLMService.Settings(temperature=0.3))
    assert unhandled == {"temperature"}
    assert seams.UNHANDLED not in vars(service)
    await service._update_settings(OpenAIRealtimeLLMService.Settings(temperature=0.4))
    assert unhandled == {"temperature"}


def services() -> Iterator[Any]:
    """Give every service of Pipecat's that can be imported here."""
    for kind in names.KINDS:
        for name, service in names.services(kind).items():
            made = names.load(service.path)
            if not isinstance(made, Unusable):
                yield pytest.param(made, id=name)


SERVICES = list(services())
SAYING = {row.id for row in SERVICES if seams.may_ignore(row.values[0])}


def test_how_many_are_recognised() -> None:
    """Those among the services of this environment whose code calls the seam: none is missed, none made up."""
    calling = {row.id for row in SERVICES if _source_calls(row.values[0])}
    assert calling == SAYING
    assert len(SERVICES) >= 60
    assert len(SAYING) >= 11


def _source_calls(kind: type) -> bool:
    owners = [owner for owner in kind.__mro__ if seams.UPDATE in vars(owner) and owner is not AIService]
    return any(f"self.{seams.UNHANDLED}(" in inspect.getsource(vars(owner)[seams.UPDATE]) for owner in owners)


KNOWN = {
    "openai_realtime": ({"temperature", "model"}, {"session_properties", "system_instruction"}),
    "gladia_stt": ({"language", "model"}, set()),
    "deepgram_flux_stt": ({"language"}, {"eot_threshold", "keyterm"}),
    "elevenlabs_tts": (set(), {"voice", "model", "stability"}),
    "gradium_tts": ({"language"}, {"voice"}),
    "ultravox": ({"temperature"}, {"output_medium"}),
}


@pytest.mark.parametrize(("name", "ignored", "applied"), [(name, *two) for name, two in KNOWN.items()], ids=KNOWN)
def test_what_classes_say_of_their_settings(name: str, ignored: set[str], applied: set[str]) -> None:
    (kind,) = (row.values[0] for row in SERVICES if row.id == name)
    fields = setting_fields(settings_class_of(parameters_of(kind), kind))  # type: ignore[arg-type] # it has one
    assert ignored | applied <= set(fields)
    said = {field for field in fields if seams.says_it_ignores(kind, field)}
    assert ignored <= said
    assert not applied & said
