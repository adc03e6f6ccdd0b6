"""Sessions of a bot on a real socket: what they begin with, how they end, and whom there is none for."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pipecat.frames.frames import Frame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.types import RunnerArguments
from websockets.asyncio.client import ClientConnection, connect

from rtvi_plugins import Bot, Handlers, StartupError, hookimpl
from rtvi_plugins.pipecat import beginning, bot_from_manifest, make_worker
from rtvi_plugins.pipecat.bot import Sessions
from rtvi_plugins.server.codec import Frame as WireFrame
from rtvi_plugins.testing.client import Client
from tests.pipecat.building import Folder
from tests.pipecat.serving import serve

DESK = """
    services:
      desk:
        options:
          floor: {type: integer, default: 1, maximum: 9, client: write}
    pipeline: {}
    runtime: {responder: echo}
"""


class Desk:
    """Handlers of the service, and what happened to its sessions."""

    def __init__(self) -> None:
        self.floors: list[int] = []
        self.ended: list[str] = []
        desk = Handlers("desk")

        @desk.option("floor")
        async def set_floor(processor: Any, service: Any, option: Any) -> None:
            self.floors.append(option.value)

        self.desk = desk

    @hookimpl
    def rtvi_handlers(self) -> list[Handlers]:
        return [self.desk]

    @hookimpl
    async def rtvi_session_ended(self, processor: Any, reason: str) -> None:
        self.ended.append(reason)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def bot(folder: Folder, desk: Desk) -> Bot:
    return folder.bot(DESK, {"desk": desk})


def floor(value: Any) -> dict[str, Any]:
    return {"config": [{"service": "desk", "options": [{"name": "floor", "value": value}]}]}


@pytest.mark.parametrize("path", ["/ws-client", "/ws"])
@pytest.mark.parametrize("legacy", [False, True], ids=["new", "legacy"])
async def test_either_generation_is_answered_on_either_path(bot: Bot, path: str, legacy: bool) -> None:
    async with serve(bot) as serving, serving.client(path, legacy=legacy) as client:
        assert await client.get_config() == {"desk": {"floor": 1}}
        assert await client.update_config({"desk": {"floor": 3}}) == {"desk": {"floor": 3}}
        assert await client.send_text("Good morning.") == "Good morning."


@pytest.mark.parametrize("path", ["/ws-client", "/ws"])
async def test_protobuf_is_answered_in_protobuf(bot: Bot, path: str) -> None:
    async with serve(bot) as serving, connect(f"{serving.ws}{path}", proxy=None) as socket:
        client = Client(
            lambda message: socket.send(WireFrame(message={"data": json.dumps(message)}).SerializeToString())
        )
        reading = asyncio.create_task(_read(socket, client))
        await client.ready()
        assert await client.get_config() == {"desk": {"floor": 1}}
        await socket.close()
        await reading


async def _read(socket: ClientConnection, client: Client) -> None:
    async for data in socket:
        assert isinstance(data, bytes)
        frame = WireFrame.FromString(data)
        if frame.WhichOneof("frame") == "message":
            client.receive(json.loads(frame.message.data))


GARBAGE: list[Any] = [
    pytest.param("garbage", "not JSON", id="no-json"),
    pytest.param("[1]", "expected an object", id="no-object"),
    pytest.param(b"\x01\x02", "not a protobuf frame", id="no-frame"),
    pytest.param(b"", "an empty protobuf frame", id="empty-frame"),
    pytest.param(WireFrame(message={"data": "x"}).SerializeToString(), "not JSON", id="frame-without-json"),
    pytest.param("{" + '"a":{' * 100 + "}" * 101, "nested more than 64 deep", id="too-deep"),
]


@pytest.mark.parametrize(("sent", "said"), GARBAGE)
async def test_what_cannot_be_read_is_told_on_the_path_of_telephones_too(
    bot: Bot, sent: str | bytes, said: str
) -> None:
    async with serve(bot) as serving, connect(f"{serving.ws}/ws", proxy=None) as socket:

        async def send(message: Any) -> None:
            await socket.send(json.dumps(message))

        client = Client(send)
        told = asyncio.ensure_future(client.next("error"))
        await asyncio.sleep(0)
        await socket.send(sent)  # the very first message
        await socket.send('{"label":"rtvi-ai","type":"x"')
        reading = asyncio.create_task(_read_text(socket, client))
        assert said in (await told)["data"]["error"]
        assert (await client.ready())["version"]
        await socket.close()
        await reading


@pytest.mark.parametrize(("sent", "said"), GARBAGE)
async def test_what_cannot_be_read_is_told_and_the_session_goes_on(bot: Bot, sent: str | bytes, said: str) -> None:
    async with serve(bot) as serving, connect(f"{serving.ws}/ws-client", proxy=None) as socket:

        async def send(message: Any) -> None:
            await socket.send(json.dumps(message))

        client = Client(send)
        reading = asyncio.create_task(_read_text(socket, client))
        await client.ready()
        told = asyncio.ensure_future(client.next("error"))
        await asyncio.sleep(0)
        await socket.send(sent)
        await socket.send('{"label":"rtvi-ai","type":"x"')  # answers come as text again, whatever was sent before
        assert said in (await told)["data"]["error"]
        assert await client.get_config() == {"desk": {"floor": 1}}
        await socket.close()
        await reading


async def _read_text(socket: ClientConnection, client: Client) -> None:
    async for data in socket:
        if isinstance(data, str):
            client.receive(json.loads(data))
        else:
            client.receive(json.loads(WireFrame.FromString(data).message.data))


@pytest.mark.parametrize("first", [{"event": "start", "start": 5}, {"start": {"callId": 1, "streamId": 2}}])
async def test_telephones_that_say_something_else(bot: Bot, first: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with serve(bot) as serving, connect(f"{serving.ws}/ws", proxy=None) as socket:
        await socket.send(json.dumps(first))
        await socket.send("{}")
        await socket.wait_closed()
    assert socket.close_code == 1008
    assert "the first messages are those of no telephone company" in caplog.text
    assert "Traceback" not in caplog.text


INJECTED: list[Any] = [
    pytest.param(WireFrame(transcription={"text": "open the safe", "user_id": "x"}), id="transcription"),
    pytest.param(WireFrame(text={"text": "open the safe"}), id="text"),
    pytest.param(WireFrame(interruption={"name": "x"}), id="interruption"),
    pytest.param(WireFrame(audio={"audio": b"\0\0", "sample_rate": 0, "num_channels": 1}), id="no-rate"),
    pytest.param(WireFrame(audio={"audio": b"\0\0", "sample_rate": 16000, "num_channels": 0}), id="no-channel"),
    pytest.param(WireFrame(audio={"audio": b"\0\0\0", "sample_rate": 16000, "num_channels": 1}), id="half-a-sample"),
]


@pytest.mark.parametrize("frame", INJECTED)
async def test_clients_send_messages_and_sound_only(bot: Bot, frame: Any) -> None:
    async with serve(bot) as serving, connect(f"{serving.ws}/ws-client", proxy=None) as socket:
        client = Client(lambda message: socket.send(json.dumps(message)))
        reading = asyncio.create_task(_read_text(socket, client))
        await client.ready()
        await socket.send(frame.SerializeToString())
        assert await client.get_config() == {"desk": {"floor": 1}}
        assert [
            m["type"] for m in client.received if m["type"] in ("error", "user-transcription", "bot-llm-text")
        ] == []
        await socket.close()
        await reading


async def test_configuration_of_a_start_is_there_from_the_first_message_on(bot: Bot, desk: Desk) -> None:
    async with serve(bot) as serving:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{serving.address}/start", json=floor(4))
        path = answer.json()["ws_url"].removeprefix(serving.ws)
        async with serving.client(path) as client:
            assert await client.get_config() == {"desk": {"floor": 4}}
    assert desk.floors == [4]


async def test_configuration_may_come_in_the_runners_body(bot: Bot) -> None:
    async with serve(bot, body=floor(5), is_gated=False) as serving, serving.client() as client:
        assert await client.get_config() == {"desk": {"floor": 5}}


async def told(serving: Any) -> tuple[list[dict[str, Any]], int | None]:
    """Connect, say that one is ready, and give everything that comes, and the close code."""
    async with connect(f"{serving.ws}/ws-client", proxy=None) as socket:
        await socket.send('{"label":"rtvi-ai","type":"client-ready","id":"1","data":{"version":"2.1.0"}}')
        messages = [json.loads(data) async for data in socket]
    return messages, socket.close_code


async def test_faulty_configuration_in_the_runners_body_is_told(bot: Bot, desk: Desk) -> None:
    async with serve(bot, body=floor(10), is_gated=False) as serving:
        messages, _ = await told(serving)
    assert [(m["type"], m["data"]["fatal"]) for m in messages] == [("error", True)]
    assert messages[0]["data"]["error"] == "Invalid configuration: desk.floor: must be at most 9"
    assert desk.ended == []


class Clumsy(FrameProcessor):
    """A stage that cannot be made while `is_broken`."""

    is_broken = True

    def __init__(self) -> None:
        super().__init__()
        if self.is_broken:
            raise RuntimeError("the key sk-secret is refused")

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


@hookimpl
def rtvi_stages() -> Mapping[str, Any]:
    return {"clumsy": Clumsy}


async def test_stage_that_cannot_be_made_is_told_once_and_the_host_lives_on(
    folder: Folder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = folder.bot(
        """
        services: {a: {}}
        pipeline:
          stages: [transport.input, context.user, responder, clumsy, transport.output, context.assistant]
        runtime: {responder: echo}
        """,
        {"clumsy": SimpleNamespace(rtvi_stages=rtvi_stages)},
    )
    with caplog.at_level(logging.WARNING):
        async with serve(bot) as serving:
            messages, _ = await told(serving)
            assert len(serving.sessions) == 0
            monkeypatch.setattr(Clumsy, "is_broken", False)
            async with serving.client() as client:
                assert await client.send_text("Hello.") == "Hello."
    assert [(m["type"], m["data"]["error"], m["data"]["fatal"]) for m in messages] == [
        ("error", "The bot could not be started", True)
    ]
    assert len(caplog.records) == 1
    assert "bot.yaml:5:" in caplog.text
    assert "clumsy" in caplog.text


class Stuck(Clumsy):
    """A stage that is made, and does not begin."""

    is_broken = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, StartFrame):
            raise ConnectionError("the key sk-secret is refused")
        await super().process_frame(frame, direction)


async def test_stage_that_does_not_begin_is_told_soon(
    folder: Folder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "GRACE_S", 0.1)
    bot = folder.bot(
        """
        pipeline: {stages: [transport.input, context.user, responder, stuck, transport.output, context.assistant]}
        runtime: {responder: echo}
        """,
        {"stuck": SimpleNamespace(rtvi_stages=hookimpl(lambda: {"stuck": Stuck}))},
    )
    async with serve(bot) as serving:
        messages, _ = await told(serving)
    assert len(serving.sessions) == 0
    assert [(m["type"], m["data"]["error"], m["data"]["fatal"]) for m in messages] == [
        ("error", "The bot could not be started", True)
    ]
    assert "the pipeline does not begin" in caplog.text


@hookimpl
def rtvi_responders() -> Mapping[str, Any]:
    return {"slow": Slow}


class Slow:
    """Begins to answer, and goes on when it is told to."""

    settings_schema: Mapping[str, Any] = {"type": "object"}
    go_on: asyncio.Event
    closed: list[str]

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        Slow.closed = []

    async def respond(self, processor: Any, text: str) -> AsyncGenerator[str, None]:
        try:
            yield f"{text}: "
            if text == "wait":
                await Slow.go_on.wait()
            if text == "fail":
                raise RuntimeError("the database at db.internal is down")
            yield "done."
        finally:
            Slow.closed.append(text)


@pytest.fixture
def slow(folder: Folder) -> Bot:
    text = "services: {a: {}}\npipeline: {}\nruntime: {responder: slow}\n"
    return folder.bot(text, {"slow": SimpleNamespace(rtvi_responders=rtvi_responders)})


async def test_second_text_interrupts_the_answer_to_the_first(slow: Bot) -> None:
    Slow.go_on = asyncio.Event()
    async with serve(slow) as serving, serving.client() as client:
        begun = asyncio.ensure_future(client.next("bot-llm-text"))
        await asyncio.sleep(0)
        await client.send("send-text", {"content": "wait"})
        await begun
        stopped = asyncio.ensure_future(client.next("bot-llm-stopped"))
        await asyncio.sleep(0)
        await client.send("send-text", {"content": "now"})
        await stopped
        while "done." not in (
            said := "".join(m["data"]["text"] for m in client.received if m["type"] == "bot-llm-text")
        ):
            await client.next("bot-llm-text")
    assert said == "wait: now: done."
    assert Slow.closed == ["wait", "now"]


async def test_responder_that_fails_leaves_the_session_alive(slow: Bot, caplog: pytest.LogCaptureFixture) -> None:
    async with serve(slow) as serving, serving.client() as client:
        failed = asyncio.ensure_future(client.next("error"))
        await asyncio.sleep(0)
        await client.send("send-text", {"content": "fail"})
        data = (await failed)["data"]
        assert (data["error"], data["fatal"], data["code"]) == ("The bot could not answer", False, "internal")
        assert await client.send_text("now") == "now: done."
    assert "db.internal" in caplog.text


async def test_client_that_leaves_during_an_answer_ends_its_session(slow: Bot) -> None:
    Slow.go_on = asyncio.Event()
    async with serve(slow) as serving:
        async with serving.client() as client:
            begun = asyncio.ensure_future(client.next("bot-llm-text"))
            await asyncio.sleep(0)
            await client.send("send-text", {"content": "wait"})
            await begun
            assert len(serving.sessions) == 1
        while len(serving.sessions):
            await asyncio.sleep(0.01)
    assert Slow.closed == ["wait"]


async def test_stopping_tells_the_clients(bot: Bot, desk: Desk) -> None:
    async with serve(bot) as serving, serving.client() as client:
        ending = asyncio.ensure_future(client.next("error"))
        await asyncio.sleep(0)
        stopping = asyncio.create_task(serving.sessions.stop())
        data = (await ending)["data"]
        await stopping
        assert len(serving.sessions) == 0
    assert (data["error"], data["fatal"]) == ("The server is shutting down", True)
    assert len(desk.ended) == 1


async def test_thirty_sessions_in_turn_leave_nothing_behind(bot: Bot, desk: Desk) -> None:
    async def one(serving: Any) -> None:
        async with serving.client() as client:
            assert await client.send_text("Hello.") == "Hello."
        while len(serving.sessions):
            await asyncio.sleep(0.01)
        for _ in range(20):
            await asyncio.sleep(0)

    async with serve(bot) as serving:
        for _ in range(3):
            await one(serving)
        gc.collect()
        tasks, processors = len(asyncio.all_tasks()), _alive()
        for _ in range(30):
            await one(serving)
        gc.collect()
        assert len(asyncio.all_tasks()) <= tasks
        assert _alive() <= processors
    assert len(desk.ended) == 33


def _alive() -> int:
    return sum(1 for thing in gc.get_objects() if isinstance(thing, FrameProcessor))


async def test_access_that_nobody_checks_is_warned_of_once(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    bot = folder.bot(
        "services: {a: {}}\npipeline: {}\nruntime: {responder: echo, auth: {tokens: {anna: anna-token-1}}}\n"
    )
    async with serve(bot, is_gated=False) as serving:
        for _ in range(2):
            async with serving.client() as client:
                assert await client.send_text("Hello.") == "Hello."
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
        "test: runtime.auth, origins and hosts hold under 'rtvi run' only; here, whoever runs bot() lets in"
    ]


async def test_arguments_of_no_transport_are_logged(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    await Sessions(bot).serve(RunnerArguments())
    assert "Unsupported runner arguments" in caplog.text


def test_manifest_with_problems_gives_no_bot(folder: Folder) -> None:
    (folder.path / "bot.yaml").write_text("manifest: 1\nbot: x\nservices: {a: {}}\npipeline: {sst: {use: x}}\n")
    with pytest.raises(StartupError, match="did you mean 'stt'"):
        bot_from_manifest(folder.path / "bot.yaml")


def test_manifest_without_pipeline_gives_no_bot(folder: Folder) -> None:
    (folder.path / "bot.yaml").write_text("manifest: 1\nbot: x\nservices: {a: {}}\n")
    with pytest.raises(ValueError, match="has no 'pipeline:'"):
        bot_from_manifest(folder.path / "bot.yaml")
    with pytest.raises(ValueError, match="has no 'pipeline:'"):
        make_worker(Bot.load(folder.path / "bot.yaml"), SimpleNamespace())  # type: ignore[arg-type]
