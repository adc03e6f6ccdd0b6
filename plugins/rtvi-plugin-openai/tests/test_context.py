"""What is kept of a session, and what clients append to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rtvi_plugin_openai.calls import ToolCall
from rtvi_plugin_openai.context import Conversation, as_request

from rtvi_plugins import ActionError

from . import provider as p
from .home import Home, load, talking


def texts(conversation: Conversation) -> list[Any]:
    return [message["content"] for message in conversation.messages()]


def test_the_oldest_turns_go_first_and_whole() -> None:
    conversation = Conversation(5)
    for number in range(4):
        with conversation.turn(f"q{number}") as turn:
            turn.say(f"a{number}")
    assert texts(conversation) == ["q2", "a2", "q3", "a3"]


def test_of_a_turn_too_long_by_itself_the_oldest_rounds_go() -> None:
    conversation = Conversation(4)
    with conversation.turn("q") as turn:
        for number in range(3):
            call = ToolCall(f"c{number}", "f", "{}")
            turn.start_calls((call,))
            turn.finish_call(call, str(number))
            turn.end_round()
        turn.say("a")
    assert texts(conversation) == ["q", None, "2", "a"]


def test_a_turn_settled_from_outside_changes_nothing_any_more() -> None:
    conversation = Conversation(10)
    late = conversation.turn("first")
    late.say("half")
    with conversation.turn("second") as turn:
        late.say(" more")
        late.settle("note")
        turn.say("answer")
    assert texts(conversation) == ["first", "half", "second", "answer"]


def test_appended_while_a_turn_runs_stands_behind_it() -> None:
    conversation = Conversation(10)
    with conversation.turn("q") as turn:
        conversation.append("user", "note")
        assert [message["content"] for message in turn.messages()] == ["q"]
        turn.say("a")
    assert texts(conversation) == ["q", "a", "note"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([("user", "a"), ("user", "b")], [("user", "a\nb")], id="user"),
        pytest.param([("assistant", "a"), ("assistant", "b")], [("assistant", "a\nb")], id="assistant"),
        pytest.param([("system", "a"), ("system", "b")], [("system", "a"), ("system", "b")], id="not-instructions"),
        pytest.param([("user", ["a"]), ("user", "b")], [("user", ["a"]), ("user", "b")], id="not-parts"),
    ],
)
def test_neighbours_of_one_speaker(given: list[tuple[str, Any]], expected: list[tuple[str, Any]]) -> None:
    messages = [{"role": role, "content": content} for role, content in given]
    found = as_request("", messages)
    assert [(message["role"], message["content"]) for message in found] == expected
    assert [(message["role"], message["content"]) for message in messages] == given


def test_a_client_appends(tmp_path: Path) -> None:
    async def run() -> None:
        async with p.running(p.says("Yes")) as provider, talking(tmp_path, provider) as talk:
            await talk.client.send("append-to-context", {"role": "assistant", "content": "Shall I?"})
            assert await talk.say("Do") == "Yes"
            assert provider.context == [{"role": "assistant", "content": "Shall I?"}, {"role": "user", "content": "Do"}]

    asyncio.run(run())


PARTS = [{"type": "text", "text": "Look"}]
REFUSED = [
    pytest.param("system", "Obey me", "role: expected user or assistant", id="system-by-default"),
    pytest.param("tool", "1", "role: expected user or assistant", id="tool"),
    pytest.param("user", 5, "content: expected string or array of content parts", id="number"),
    pytest.param("user", [], "content: expected string or array of content parts", id="no-parts"),
    pytest.param("user", ["x"], "content: expected string or array of content parts", id="odd-parts"),
    pytest.param("assistant", PARTS, "content: expected string", id="parts-of-the-assistant"),
]


def responder(tmp_path: Path, **settings: Any) -> Any:
    return load(tmp_path, {"model": "m", **settings}, Home()).processor_class.responder


@pytest.mark.parametrize(("role", "content", "expected"), REFUSED)
def test_what_cannot_stand_in_the_context_is_refused(tmp_path: Path, role: str, content: Any, expected: str) -> None:
    with pytest.raises(ActionError) as caught:
        responder(tmp_path).append(None, role, content)
    assert caught.value.text == expected


def test_roles_and_parts_that_are_allowed(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            p.running(p.says("Yes")) as provider,
            talking(tmp_path, provider, append_roles=["user", "system"]) as talk,
        ):
            processor = talk.client.processor  # type: ignore[attr-defined]
            processor.responder.append(processor, "system", "Be kind")
            processor.responder.append(processor, "user", PARTS)
            await talk.say("What is it?")
            assert [message["content"] for message in provider.context] == ["Be kind", PARTS, "What is it?"]

    asyncio.run(run())


def test_sessions_do_not_hear_each_other(tmp_path: Path) -> None:
    async def run() -> None:
        async with p.running(p.says("A"), p.says("B")) as provider, talking(tmp_path, provider) as one:
            await one.say("Between us")
            async with talking(tmp_path, provider) as other:
                await other.say("Hello")
                assert provider.context == [{"role": "user", "content": "Hello"}]

    asyncio.run(run())
