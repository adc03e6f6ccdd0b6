"""Every public name of Pipecat's RTVI module, 0.0.76 to 0.0.108, imports from `compat` and from `pipecat`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import rtvi_plugins.pipecat
from rtvi_plugins import RTVIPluginsError, compat
from rtvi_plugins.compat import models
from rtvi_plugins.protocol.messages import LABEL, ClientType, ServerType

ROOT = Path(__file__).parent.parent.parent
OLD_NAMES = [
    line.split()[0]
    for line in (ROOT / "tests" / "data" / "pipecat-names.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
HOSTS = [pytest.param(compat, id="compat"), pytest.param(rtvi_plugins.pipecat, id="pipecat")]


def test_the_list_is_whole() -> None:
    assert len(OLD_NAMES) == len(set(OLD_NAMES)) > 80


@pytest.mark.parametrize("module", HOSTS)
@pytest.mark.parametrize("name", OLD_NAMES)
def test_old_name_is_public(module: Any, name: str) -> None:
    assert name in module.__all__
    assert getattr(module, name) is not None


@pytest.mark.parametrize("name", OLD_NAMES)
def test_old_name_is_in_the_porting_page(name: str) -> None:
    page = (ROOT / "docs" / "porting.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page


def messages() -> Iterator[Any]:
    for name, model in sorted(vars(models).items()):
        if isinstance(model, type) and issubclass(model, BaseModel) and "label" in model.model_fields:
            yield pytest.param(model, id=name)


@pytest.mark.parametrize("model", [m for m in messages() if m.id not in {"Message", "Labelled"}])
def test_message_has_the_label_and_a_type_of_the_protocol(model: type[BaseModel]) -> None:
    assert model.model_fields["label"].default == LABEL
    type_ = model.model_fields["type"].default
    assert get_args(model.model_fields["type"].annotation) == (type_,)
    assert type_ in {*ServerType, *ClientType}


def test_models_hold_what_the_wire_has() -> None:
    run = compat.RTVIActionRun(
        service="tts", action="say", arguments=[compat.RTVIActionRunArgument(name="text", value="Hi")]
    )
    assert run.model_dump() == {"service": "tts", "action": "say", "arguments": [{"name": "text", "value": "Hi"}]}
    ready = compat.RTVIBotReady(id="1", data=compat.RTVIBotReadyData(version=compat.RTVI_PROTOCOL_VERSION))
    assert ready.model_dump(exclude_none=True) == {
        "label": compat.RTVI_MESSAGE_LABEL,
        "type": "bot-ready",
        "id": "1",
        "data": {"version": "1.2.0"},
    }
    update = compat.RTVIUpdateConfig.model_validate(
        {"config": [{"service": "tts", "options": [{"name": "voice", "value": "alba"}]}]}
    )
    assert (update.interrupt, update.as_mapping()) == (False, {"tts": {"voice": "alba"}})
    assert compat.RTVIUserTranscriptionMessage.model_validate(
        {"data": {"text": "hi", "user_id": "u", "timestamp": "t", "final": True}}
    ).model_dump() == {
        "label": "rtvi-ai",
        "type": "user-transcription",
        "data": {"text": "hi", "user_id": "u", "timestamp": "t", "final": True},
    }


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("RTVIObserver", "this host tells its clients by itself"),
        ("RTVIObserverParams", "import it from rtvi_plugins.pipecat"),
        ("RTVIConfigureObserverFrame", "import it from rtvi_plugins.pipecat"),
        ("RTVISendTextFrame", "or handle the event on_user_text"),
    ],
)
def test_what_needs_a_pipeline_says_so(name: str, says: str) -> None:
    with pytest.raises(RTVIPluginsError, match=f"^{name} needs a Pipecat pipeline: .*{says}$"):
        getattr(compat, name)(None, params=None)


def test_the_names_of_pipecats_own_classes_are_those_classes() -> None:
    theirs = pytest.importorskip("pipecat.processors.frameworks.rtvi")
    for name in (
        "RTVIClientMessageFrame",
        "RTVIFunctionCallReportLevel",
        "RTVIObserverParams",
        "RTVIServerMessageFrame",
    ):
        assert getattr(rtvi_plugins.pipecat, name) is getattr(theirs, name)
    assert issubclass(rtvi_plugins.pipecat.RTVIProcessor, theirs.RTVIProcessor)
    assert issubclass(rtvi_plugins.pipecat.RTVIObserver, theirs.RTVIObserver)
