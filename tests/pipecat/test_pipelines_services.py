"""Every service that the installed Pipecat lists: it can be checked and built, or the problem says what to install."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import importlib_metadata
import pytest
import yaml

from rtvi_plugins.pipecat import names
from rtvi_plugins.pipecat.names import Service, Unusable
from rtvi_plugins.pipecat.parts import HTTP
from rtvi_plugins.pipecat.slots import fields_of, for_option, parameters_of
from rtvi_plugins.schema import compile_value
from tests.pipecat.building import Folder, build_one

EXTRAS = set(importlib_metadata.metadata("pipecat-ai").get_all("Provides-Extra") or ())

ULTRAVOX = "pipecat.services.ultravox.llm:OneShotInputParams"


def listed() -> Iterator[Any]:
    for kind in names.KINDS:
        for name, service in names.services(kind).items():
            yield pytest.param(kind, name, service, id=name)


SERVICES = list(listed())


def test_there_are_many() -> None:
    assert len(SERVICES) >= 90
    usable = [row for row in SERVICES if not isinstance(names.load(row.values[2].path), Unusable)]
    assert len(usable) >= 40


def _argument(slot: Any) -> Any:
    """Give something of the right type for a parameter that has to be given."""
    document = {} if slot.schema is None else slot.schema.document
    return {"integer": 1, "number": 1.5, "boolean": True, "object": {}, "array": []}.get(document.get("type"), "x")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of services that will go, and parameters that will
@pytest.mark.parametrize(("kind", "name", "service"), SERVICES)
async def test_service(kind: str, name: str, service: Service, tmp_path: Path) -> None:
    target = names.load(service.path)
    if isinstance(target, Unusable):
        assert target.slug == "missing-extra"
        extras = target.hint.removeprefix("pip install 'pipecat-ai[").removesuffix("]'").split(",")
        assert set(extras) <= EXTRAS
        assert not service.extra or extras == service.extra.split(",")
        return
    required = {n: s for n, s in parameters_of(target).table.items() if s.is_required and n != HTTP}
    # What is an object, not JSON, only its own documentation can tell.
    if any(slot.schema is None and slot.classes for slot in required.values()):
        pytest.skip("it needs an object of its own")
    args = {n: _argument(slot) for n, slot in required.items() if n not in ("settings", "params")}
    if required.keys() & {"params"}:  # one of several classes
        args["params"] = {"use": ULTRAVOX, "args": {"api_key": "x"}}
    if "api_key" in parameters_of(target).table and name != "ollama_llm":  # which gives one by itself
        args.setdefault("api_key", "x")
    stage = {"use": name, "args": args} | ({"settings": {"voice": "x"}} if kind == "tts" else {})
    pipeline = {kind: stage} if kind == "stt" else {kind: stage, "vad": "none"}
    text = yaml.safe_dump({"services": {"a": {}}, "pipeline": pipeline})
    folder = Folder(tmp_path)
    bot, problems = folder.load(text)
    assert [p.render() for p in problems] == []
    assert bot is not None
    built = build_one(bot)
    assert type(built.stages[kind]) is target
    await built.pipeline.cleanup()


@pytest.mark.parametrize(("kind", "name", "service"), SERVICES)
def test_every_setting_has_a_type_that_options_can_have(kind: str, name: str, service: Service) -> None:
    target = names.load(service.path)
    if isinstance(target, Unusable):
        return
    slots = fields_of(target.Settings).table
    assert slots.keys() > {"model", "extra"}
    for slot in slots.values():
        compile_value(for_option(slot))
    assert for_option(slots["model"]) == {"type": "string"}
