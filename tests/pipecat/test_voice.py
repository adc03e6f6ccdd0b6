"""The offline voice bot, `manifests/voice-concierge.yaml`: spoken to over a real WebSocket, and listened to."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pipecat.processors.frame_processor import FrameProcessor

from rtvi_plugins import Bot
from rtvi_plugins.pipecat.session import PipelineSession
from rtvi_plugins.testing import RequestError
from tests.pipecat.launching import REPOSITORY, Process, running
from tests.pipecat.serving import Serving, serve
from tests.pipecat.speech import Talker, Turn, talking

VOICE_BOT = REPOSITORY / "manifests/voice-concierge.yaml"
MIB = 1024 * 1024
LONG = "tell me about breakfast"
"""What the bot answers with some fifteen seconds of speech."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The bot as `rtvi run` serves it, in a process of its own."""
    with running(VOICE_BOT) as process:
        yield f"{process.ws}/ws-client"
        assert_ends_well(process)


def assert_ends_well(process: Process) -> None:
    assert process.stop() == 0
    assert "Traceback" not in process.errors


@dataclass(frozen=True)
class Said:
    """One exchange: what is said with which configuration, and what shall come of it."""

    said: str
    heard: str
    answer: str
    voice: dict[str, Any]
    seconds: tuple[float, float]
    pitch: tuple[float, float]
    told: list[Any]


LAMP = {"event": "device-changed", "device": "lamp", "on": True}
WARM = {"event": "device-changed", "device": "thermostat", "on": True, "celsius": 20}
LOW, HIGH = (70.0, 140.0), (150.0, 300.0)
EXCHANGES = [
    Said("turn on the lamp", "turn on the lamp", "The lamp is now on.", {}, (0.7, 2.0), LOW, [LAMP]),
    Said("turn on the lamp", "turn on the lamp", "The lamp is now on.", {"rate": 330}, (0.3, 0.8), LOW, [LAMP]),
    Said(
        "set the temperature to twenty degrees",
        "set the temperature to 20 degrees",
        "The thermostat is set to 20 degrees.",
        {"voice": "en-us+f2"},
        (1.5, 3.5),
        HIGH,
        [WARM],
    ),
    Said(
        "good morning",
        "good morning",
        "Welcome to Harbour House. What can I do for you?",
        {"rate": 140},
        (2.3, 4.5),
        LOW,
        [],
    ),
    Said("thank you", "thank you", "You are welcome. Have a pleasant stay.", {"volume": 0}, (0.0, 0.0), (0.0, 0.0), []),
]


async def test_what_is_said_is_heard_and_answered_in_sessions_at_once(url: str) -> None:
    async def session(exchange: Said) -> tuple[Turn, list[Any]]:
        async with talking(url) as talker:
            await talker.update_config({"voice": exchange.voice})
            return await talker.say(exchange.said), talker.server_messages

    came = await asyncio.gather(*(session(exchange) for exchange in EXCHANGES))
    assert [turn.heard for turn, _ in came] == [[exchange.heard] for exchange in EXCHANGES]
    assert [turn.text for turn, _ in came] == [exchange.answer for exchange in EXCHANGES]
    assert [turn.spoken for turn, _ in came] == [exchange.answer for exchange in EXCHANGES]
    assert [told for _, told in came] == [exchange.told for exchange in EXCHANGES]
    for exchange, (turn, _) in zip(EXCHANGES, came, strict=True):
        assert turn.sound.rate == 24_000
        assert exchange.seconds[0] <= turn.sound.seconds <= exchange.seconds[1], exchange
        assert exchange.pitch[0] <= turn.sound.pitch <= exchange.pitch[1], exchange


@pytest.mark.parametrize("version", ["2.1.0", None], ids=["new", "legacy"])
async def test_the_rate_is_heard_at_once(url: str, version: str | None) -> None:
    async with talking(url, version=version) as talker:
        begin = talker.type if version is None else talker.say  # both work for both; speaking takes longer
        usual = await begin("turn on the lamp")
        config = await talker.update_config({"voice": {"rate": 330}})
        assert config["voice"]["rate"] == 330
        fast = await begin("turn on the lamp")
        assert usual.heard == fast.heard == ([] if version is None else ["turn on the lamp"])
        assert usual.text == fast.text == "The lamp is now on."
        assert 1.6 < usual.sound.seconds / fast.sound.seconds < 2.6  # twice as many words a minute


async def test_voice_pitch_and_volume_are_heard_at_once(url: str) -> None:
    async with talking(url, microphone=False) as talker:
        usual = (await talker.type("turn on the lamp")).sound
        await talker.update_config({"voice": {"voice": "en-us+f2"}})
        other = (await talker.type("turn on the lamp")).sound
        await talker.update_config({"voice": {"voice": "en-us", "pitch": 90}})
        high = (await talker.type("turn on the lamp")).sound
        await talker.update_config({"voice": {"pitch": 50, "volume": 30}})
        quiet = (await talker.type("turn on the lamp")).sound
        assert 70 < usual.pitch < 140
        assert other.pitch > 1.5 * usual.pitch
        assert high.pitch > 1.3 * usual.pitch
        assert quiet.loudness < 0.6 * usual.loudness


REFUSED = [
    pytest.param({"rate": 451}, "voice.rate: must be at most 450", id="too-fast"),
    pytest.param({"voice": "nobody"}, "voice.voice: expected one of", id="unknown-voice"),
    pytest.param({"rate": 400, "pitch": "high"}, "voice.pitch: expected integer", id="one-bad-of-two"),
]


async def test_refused_changes_are_not_heard(url: str) -> None:
    async with talking(url, microphone=False) as talker:
        before = await talker.get_config()
        usual = await talker.type("turn on the lamp")
        for values, expected in (case.values for case in REFUSED):
            with pytest.raises(RequestError) as caught:
                await talker.update_config({"voice": values})
            assert expected in caught.value.text
        assert await talker.get_config() == before
        again = await talker.type("turn on the lamp")
        assert again.sound.seconds == pytest.approx(usual.sound.seconds, rel=0.1)


async def test_who_speaks_interrupts_the_bot(url: str) -> None:
    async with talking(url) as talker:
        begun = asyncio.ensure_future(talker.next("bot-started-speaking"))
        await talker.send("send-text", {"content": LONG})
        await begun
        messages, sounds = len(talker.received), len(talker.sounds)
        cut = asyncio.ensure_future(talker.next("bot-stopped-speaking"))
        talker.speak("turn on the lamp")
        await cut
        assert talker.turn_since(messages, sounds).sound.seconds < 3
        await talker.next("bot-stopped-speaking")
        turn = talker.turn_since(messages, sounds)
        assert turn.heard == ["turn on the lamp"]
        assert turn.text.endswith("The lamp is now on.")


# -- in this process, where tasks, threads and memory can be counted ---------------------------------------------------


async def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something that no message tells."""
    last = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < last, what
        await asyncio.sleep(0.01)


async def hear_the_beginning(talker: Talker) -> None:
    await talker.send("send-text", {"content": LONG})
    for _ in range(3):
        await talker.next_sound()


async def leave(serving: Serving, *, rudely: bool) -> None:
    """Have a session, and leave it while the bot is speaking."""
    async with talking(f"{serving.ws}/ws-client") as talker:
        await hear_the_beginning(talker)
        assert len(serving.sessions) == 1
        if rudely:
            talker.socket.transport.abort()  # the network is gone: no closing handshake
    await until(lambda: len(serving.sessions) == 0, "the session goes on without its client")


@pytest.mark.parametrize("rudely", [False, True], ids=["closing", "vanishing"])
async def test_a_client_leaves_while_the_bot_is_speaking(rudely: bool) -> None:
    async with serve(Bot.load(VOICE_BOT)) as serving:
        await leave(serving, rudely=rudely)
        tasks = len(asyncio.all_tasks())
        await leave(serving, rudely=rudely)
        await until(lambda: len(asyncio.all_tasks()) <= tasks, "tasks are left")
        async with talking(f"{serving.ws}/ws-client") as talker:
            assert (await talker.say("turn on the lamp")).text == "The lamp is now on."


def resident() -> int:
    """Give the memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processors() -> list[Any]:
    """Give every processor that is alive, of this package and of Pipecat."""
    return [thing for thing in gc.get_objects() if isinstance(thing, PipelineSession | FrameProcessor)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
async def test_thirty_sessions_in_turn_leave_nothing_behind() -> None:
    gc.collect()
    others = processors()  # of tests that ran before, which may still hold them
    async with serve(Bot.load(VOICE_BOT)) as serving:
        for number in range(30):  # what is loaded once and kept; and memory that the allocator keeps for the next
            await leave(serving, rudely=bool(number % 2))
        gc.collect()
        tasks, threads = len(asyncio.all_tasks()), threading.active_count()
        grown = []
        for _ in range(3):  # what leaks does so each time; an allocator that was in use before may still grow once
            memory = resident()
            for number in range(30):
                await leave(serving, rudely=bool(number % 2))
            gc.collect()
            grown.append(resident() - memory)
            if grown[-1] < 24 * MIB:
                break
        await until(lambda: len(asyncio.all_tasks()) <= tasks, "tasks are left")
        gc.collect()
        assert [kept for kept in processors() if not any(kept is other for other in others)] == []
        assert threading.active_count() <= threads + 4  # the loop's own pool may still grow to its size
        assert min(grown) < 24 * MIB, grown  # one session holds some 15 MiB: thirty that stay, 450
