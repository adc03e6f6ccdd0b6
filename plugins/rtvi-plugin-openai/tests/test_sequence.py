"""What clients of each generation receive for one answer with a tool call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from . import provider as p
from .home import talking

CALL = ["llm-function-call-started", "llm-function-call-in-progress", "llm-function-call-stopped"]

SEQUENCES = [
    pytest.param(None, [], False, id="0.3"),
    pytest.param("1.2.0", CALL, True, id="1.2.0"),
    pytest.param("2.1.0", CALL, True, id="2.1.0"),
]


@pytest.mark.parametrize(("version", "call", "has_output"), SEQUENCES)
def test_sequence(tmp_path: Path, version: str | None, call: list[str], has_output: bool) -> None:
    sentence = ["bot-transcription", "bot-output"] if has_output else ["bot-transcription"]

    async def run() -> None:
        ask = p.calls(p.call("home_add", {"a": 2}), before="One moment.")
        async with (
            p.running(ask, p.says("It is 3. ", "Fine?")) as provider,
            talking(tmp_path, provider, version=version) as talk,
        ):
            before = len(talk.client.received)
            assert await talk.say("2 and 1?") == "One moment. It is 3. Fine?"
            told = talk.client.received[before:]
        types = [message["type"] for message in told if message["type"] not in ("user-llm-text", "user-input")]
        assert types == [
            "bot-llm-started",
            "bot-llm-text",  # One moment.
            *call,
            "bot-llm-text",  # the space that ends the sentence
            *sentence,
            "bot-llm-text",  # It is 3.
            *sentence,
            "bot-llm-text",  # Fine?
            *sentence,
            "bot-llm-stopped",
        ]
        transcribed = [message["data"]["text"] for message in told if message["type"] == "bot-transcription"]
        assert transcribed == ["One moment.", "It is 3.", "Fine?"]
        kinds = {tuple(sorted(m["data"])) for m in told if m["type"] == "bot-output"}
        assert (
            kinds
            == {
                None: set(),
                "1.2.0": {("aggregated_by", "spoken", "text")},
                "2.1.0": {("aggregated_by", "output_type", "segment_id", "spoken_status", "text", "will_be_spoken")},
            }[version]
        )

    asyncio.run(run())
