"""How the audit line names the ending of a call."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from rtvi_plugin_conversation.audit import LOGGER, audit

from rtvi_plugins import ActionError, Call

CALL = Call(SimpleNamespace(session=SimpleNamespace(id="s1")), "action", "room", "state", {"word": "private"})

ENDINGS = [
    pytest.param(ActionError("no"), "refused", id="action-error"),
    pytest.param(asyncio.CancelledError(), "cancelled", id="cancelled"),
    pytest.param(RuntimeError("broken"), "failed", id="any-other"),
]


@pytest.mark.parametrize(("raised", "ending"), ENDINGS)
def test_exceptions_are_named_and_pass_through(
    raised: BaseException, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def call_next(_: Call) -> Any:
        raise raised

    async def run() -> None:
        with pytest.raises(type(raised)) as caught:
            await audit(CALL, call_next)
        assert caught.value is raised

    with caplog.at_level(logging.DEBUG, LOGGER.name):
        asyncio.run(run())
    (line,) = caplog.messages
    assert line.startswith(f"action room.state {ending} in ")
    assert line.endswith(", session s1")


def test_the_result_passes_through(caplog: pytest.LogCaptureFixture) -> None:
    result = object()

    async def call_next(call: Call) -> Any:
        assert call is CALL
        return result

    async def run() -> Any:
        return await audit(CALL, call_next)

    with caplog.at_level(logging.DEBUG, LOGGER.name):
        assert asyncio.run(run()) is result
    (line,) = caplog.messages
    assert line.startswith("action room.state done in ")
