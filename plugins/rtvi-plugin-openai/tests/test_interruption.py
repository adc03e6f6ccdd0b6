"""Interruptions: what was said stays, nothing dangles, the provider is hung up on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rtvi_plugins.testing import connect

from . import provider as p
from .home import Home, load, talking

USER = {"role": "user", "content": "Tell me a story"}
STOP = {"role": "user", "content": "Stop"}


def test_what_was_said_stays(tmp_path: Path) -> None:
    async def run() -> None:
        pause = p.Pause()
        long = p.Answer(
            [p.chunk({"content": "Once "}), p.chunk({"content": "upon"}), pause, p.chunk({"content": "never"})]
        )
        async with p.running(long, p.says("Sorry")) as provider, talking(tmp_path, provider) as talk:
            said = [asyncio.ensure_future(talk.client.next("bot-llm-text")) for _ in range(2)]
            await talk.client.send("send-text", {"content": USER["content"]})
            await asyncio.gather(*said, pause.reached.wait())
            stopped = asyncio.ensure_future(talk.client.next("bot-llm-stopped"))
            again = asyncio.ensure_future(talk.client.next("bot-llm-started"))
            await talk.client.send("send-text", {"content": "Stop"})
            await stopped
            await again
            await talk.client.next("bot-llm-stopped")
            assert provider.context == [USER, {"role": "assistant", "content": "Once upon"}, STOP]
            await provider.hung_up.wait()

    asyncio.run(run())


def test_before_a_word_was_said_two_texts_of_the_user_become_one(tmp_path: Path) -> None:
    async def run() -> None:
        pause = p.Pause()
        async with p.running(p.Answer([pause]), p.says("Sorry")) as provider, talking(tmp_path, provider) as talk:
            await talk.client.send("send-text", {"content": USER["content"]})
            await pause.reached.wait()
            await talk.client.send("send-text", {"content": "Stop"})
            await talk.client.next("bot-llm-text")
            assert provider.context == [{"role": "user", "content": "Tell me a story\nStop"}]

    asyncio.run(run())


def test_while_tools_run_every_call_gets_a_result(tmp_path: Path) -> None:
    async def run() -> None:
        ask = p.calls(p.call("home_add", {"a": 1}, "c1", 0), p.call("home_wait", {}, "c2", 1), before="Wait.")
        async with p.running(ask, p.says("Sorry")) as provider, talking(tmp_path, provider) as talk:
            await talk.client.send("send-text", {"content": USER["content"]})
            await asyncio.gather(talk.home.waiting.wait(), talk.home.added.wait())
            answer = asyncio.ensure_future(talk.client.next("bot-llm-text"))
            await talk.client.send("send-text", {"content": "Stop"})
            await answer
            assert talk.roles() == ["user", "assistant", "tool", "tool", "assistant", "user"]
            assert provider.context[1]["content"] == "Wait."
            assert talk.results == [2, {"error": "interrupted before there was a result"}]
            assert provider.context[4]["content"] == "(interrupted)"

    asyncio.run(run())


def test_calls_not_yet_whole_are_forgotten(tmp_path: Path) -> None:
    async def run() -> None:
        pause = p.Pause()
        half = p.Answer(
            [p.chunk({"content": "Wait."}), p.chunk({"tool_calls": [p.delta(0, "home_add", '{"a', "c1")]}), pause]
        )
        async with p.running(half, p.says("Sorry")) as provider, talking(tmp_path, provider) as talk:
            said = asyncio.ensure_future(talk.client.next("bot-llm-text"))
            await talk.client.send("send-text", {"content": USER["content"]})
            await asyncio.gather(said, pause.reached.wait())
            answer = asyncio.ensure_future(talk.client.next("bot-llm-text"))
            await talk.client.send("send-text", {"content": "Stop"})
            await answer
            assert provider.context == [USER, {"role": "assistant", "content": "Wait."}, STOP]

    asyncio.run(run())


def test_closed_between_two_pieces(tmp_path: Path) -> None:
    async def run() -> None:
        answer = p.Answer([p.chunk({"content": "Once "}), p.chunk({"content": "upon"}), p.Pause()])
        async with p.running(answer, p.says("Yes?")) as provider, talking(tmp_path, provider) as talk:
            processor = talk.client.processor  # type: ignore[attr-defined]
            pieces = processor.responder.respond(processor, USER["content"])
            assert await anext(pieces) == "Once "
            await pieces.aclose()
            await provider.hung_up.wait()
            assert await talk.say("Stop") == "Yes?"
            assert provider.context == [USER, {"role": "assistant", "content": "Once "}, STOP]

    asyncio.run(run())


def test_connections_are_shared_and_closed_with_the_last_session(tmp_path: Path) -> None:
    async def run() -> None:
        async with p.running(p.says("1"), p.says("2"), p.says("3")) as provider:
            bot = load(tmp_path, {"base_url": provider.url, "model": "m"}, Home())
            async with connect(bot) as one:
                async with connect(bot) as other:
                    assert (await one.send_text("a"), await other.send_text("b")) == ("1", "2")
                assert provider.connections == 1
                assert not provider.hung_up.is_set()
            await provider.hung_up.wait()
            async with connect(bot) as again:
                assert await again.send_text("c") == "3"

    asyncio.run(run())


def test_a_client_that_leaves_hangs_up(tmp_path: Path) -> None:
    async def run() -> None:
        pause = p.Pause()
        async with p.running(p.Answer([pause])) as provider:
            async with talking(tmp_path, provider) as talk:
                await talk.client.send("send-text", {"content": "Hello"})
                await pause.reached.wait()
            await provider.hung_up.wait()
            assert "openai" not in talk.client.processor.session.state  # type: ignore[attr-defined]
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert others == []

    asyncio.run(run())
