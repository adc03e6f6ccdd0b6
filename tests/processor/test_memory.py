"""What a client makes the server hold is bounded in bytes, for its session and for the process, on both hosts.

Memory is measured: what is allocated while clients do their worst, against what they sent.
"""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest

from rtvi_plugins import RTVIActionArgument, RTVIClientMessageFrame, RTVIProcessor
from rtvi_plugins.processor import memory
from rtvi_plugins.processor.memory import KEPT, WAITING, Allowance, Count
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import LABEL
from rtvi_plugins.testing import RequestError
from tests.hosts import make, settle
from tests.processor.conftest import action, quick, service, session

MB: Final = 1024 * 1024
EMPTY: Final[list[Any]] = [[] for _ in range(20_000)]
"""60 KB of JSON that take 1.3 MB once they are read."""


class Grown:
    """How many bytes more are allocated than at first."""

    def __call__(self) -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - self._before

    def __enter__(self) -> Grown:
        gc.collect()
        gc.freeze()  # what is there already need not be looked through each time
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *_: object) -> None:
        tracemalloc.stop()
        gc.unfreeze()


@pytest.fixture(autouse=True)
def nothing_stays_counted() -> Iterator[None]:
    """Check that what a session held is given back at its end."""
    gc.collect()
    before = (WAITING.used, KEPT.used)
    yield
    gc.collect()
    assert (WAITING.used, KEPT.used) == before


def text_of(message: Any) -> bytes:
    return wire.encode(message)


def echo_of(data: Any, id_: str = "x") -> dict[str, Any]:
    return {"label": LABEL, "type": "client-message", "id": id_, "data": {"t": "s.echo", "d": {"value": data}}}


def echoing(**limits: float) -> RTVIProcessor:
    rtvi = quick(**limits)()

    async def echo(processor: RTVIProcessor, *, value: Any) -> int:
        return len(value)

    async def hang(processor: RTVIProcessor, *, value: Any) -> None:
        await asyncio.Event().wait()

    rtvi.register_action(action("s.echo", echo, [RTVIActionArgument("value", {})]))
    rtvi.register_action(action("s.hang", hang, [RTVIActionArgument("value", {})]))
    return rtvi


# -- what waits -------------------------------------------------------------------------------------------------------


async def test_what_waits_for_the_bot_is_text_and_bounded() -> None:
    size = len(text_of(echo_of(EMPTY)))
    most = 3 * size + size // 2
    async with session(echoing(max_waiting_bytes=most), ready=False) as client:
        with Grown() as grown:
            for number in range(12):
                await client.send_raw(echo_of(EMPTY, f"m{number}"))
                await asyncio.sleep(0)
            while len(client.received) < 9:
                await asyncio.sleep(0.001)
            refused = [message["data"] for message in client.received]
            assert [data["code"] for data in refused] == ["busy"] * 9
            assert grown() < most + MB
        await client.ready()
        assert [await asyncio.wait_for(wait_for(client, f"m{n}"), 10) for n in range(3)] == [len(EMPTY)] * 3


async def wait_for(client: Any, id_: str) -> Any:
    while not client.answers(id_):
        await asyncio.sleep(0.001)
    (answer,) = client.answers(id_)
    return answer["data"]["d"]


async def test_what_waits_is_bounded_over_all_sessions() -> None:
    size = len(text_of(echo_of(EMPTY)))
    total = WAITING.used + 4 * size + size // 2
    refused = 0
    with Grown() as grown:
        for count in range(3):
            async with session(echoing(max_waiting_bytes_total=total), ready=False) as first:
                for number in range(2):
                    await first.send_raw(echo_of(EMPTY, f"a{number}"))
                await asyncio.sleep(0.01)
                async with session(echoing(max_waiting_bytes_total=total), ready=False) as second:
                    for number in range(4):
                        await second.send_raw(echo_of(EMPTY, f"b{number}"))
                    await asyncio.sleep(0.01)
                    refused += len([m for m in second.received if m["data"]["code"] == "busy"])
                    assert grown() < 5 * size + 2 * MB
            assert refused == (count + 1) * 2  # the others have given their place back


async def test_small_messages_are_handled_whatever_waits() -> None:
    async with session(echoing(max_waiting_bytes=65_536)) as client:
        for _ in range(2000):
            assert await client.call("s.echo", value="x" * 100) == 100
        assert client.processor.waiting_bytes.used == 0


@pytest.mark.parametrize("on_host", ["pipecat"], indirect=True)
def test_what_is_being_handled_counts(on_host: str) -> None:
    """On the standalone host its connection counts: tests/whole/test_memory.py."""
    asyncio.run(_handled())


async def _handled() -> None:
    value = "x" * 100_000
    async with session(echoing(max_waiting_bytes=250_000)) as client:
        hanging = [asyncio.ensure_future(client.call("s.hang", value=value)) for _ in range(4)]
        await asyncio.wait(hanging, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.01)
        refused = [task.exception() for task in hanging if task.done()]
        assert [error.code for error in refused] == ["busy", "busy"]  # type: ignore[union-attr]
        assert await client.call("s.echo", value="small") == 5
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_undeclared_messages_are_not_kept_once_they_are_answered() -> None:
    rtvi = make()
    text = "x" * 200_000

    @rtvi.event_handler("on_client_message")
    async def hear(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        await processor.send_server_response(message, 1)

    async with session(rtvi) as client:
        await client.ask("m", {"text": text})
        client.received.clear()
        with Grown() as grown:
            for _ in range(100):
                assert await client.ask("m", {"text": text}) == 1
                client.received.clear()
                forget_frames(client)
            assert grown() < 20 * len(text)


async def test_a_client_ready_with_a_long_id_is_refused() -> None:
    async with session(make(), ready=False) as client:
        await client.send_raw({"label": LABEL, "type": "client-ready", "id": "x" * 1001})
        refused = await client.next("error-response")
        assert refused["data"]["code"] == "invalid-message"
        await client.ready()


# -- what is kept -----------------------------------------------------------------------------------------------------


def snapshot(children: list[Any]) -> dict[str, Any]:
    return {"tree": {"root": {"ref": "e1", "role": "generic", "children": children}, "captured_at": 1}}


NODES: Final = [{"ref": f"e{number}", "role": "button", "name": "Go"} for number in range(5_000)]


async def test_a_snapshot_is_kept_as_text() -> None:
    size = len(text_of(snapshot(NODES)))
    async with session(make()) as client:
        await client.send("ui-snapshot", snapshot(NODES[:1]))
        await client.describe_config()
        with Grown() as grown:
            await client.send("ui-snapshot", snapshot(NODES))
            await let_go(client)
            assert grown() < 2 * size
        assert client.processor.session.snapshot == snapshot(NODES)["tree"]
        assert size * 0.9 < client.processor.kept_bytes.used < size


async def let_go(client: Any) -> None:
    """Send what is small, both ways: pipelines hold the last frame until the next one comes."""
    for _ in range(2):
        await client.send("ui-event", {"event": "x"})
        await client.describe_config()
        await settle(client)
    forget_frames(client)


def forget_frames(client: Any) -> None:
    """Let go of what the host in memory has noted."""
    noted = getattr(client, "output", client.port).frames
    noted.clear()


async def test_a_snapshot_that_is_too_large_leaves_the_one_before() -> None:
    async with session(quick(max_kept_bytes=10_000)()) as client:
        await client.send("ui-snapshot", snapshot(NODES[:10]))
        with pytest.raises(RequestError, match="There is no room to keep a snapshot of") as refused:
            await client.request("ui-snapshot", snapshot(NODES))
        assert refused.value.code == "busy"
        assert client.processor.session.snapshot == snapshot(NODES[:10])["tree"]
        await client.send("ui-snapshot", snapshot(NODES[:20]))
        await client.describe_config()
        assert client.processor.session.snapshot == snapshot(NODES[:20])["tree"]


async def keyed(client: Any, key: str, size: int) -> Any:
    data = {"service": "s", "action": "make", "arguments": {"size": size}, "idempotency_key": key}
    return (await client.request("action", data))["result"]


def making(**limits: float) -> tuple[RTVIProcessor, list[int]]:
    rtvi, runs = quick(**limits)(), list[int]()

    async def make_text(processor: RTVIProcessor, *, size: int) -> list[Any]:
        runs.append(size)
        return [[] for _ in range(size)]

    rtvi.register_action(action("s.make", make_text, [RTVIActionArgument("size", "number")]))
    return rtvi, runs


async def test_answers_are_remembered_as_text_and_the_oldest_go() -> None:
    rtvi, runs = making(max_kept_bytes=200_000)
    async with session(rtvi) as client:
        await keyed(client, "warm", 10)
        with Grown() as grown:
            for number in range(8):
                await keyed(client, f"k{number}", 20_000)
                client.received.clear()
            await let_go(client)
            assert grown() < 2 * 200_000
        assert rtvi.kept_bytes.used <= 200_000
        await keyed(client, "k7", 20_000)
        assert len(runs) == 9  # it was remembered
        await keyed(client, "k0", 20_000)
        assert len(runs) == 10  # it was not


async def test_an_answer_that_is_too_large_to_remember_is_not_run_again() -> None:
    rtvi, runs = making(max_kept_bytes=100_000)
    async with session(rtvi) as client:
        await keyed(client, "k", 100_000)
        with pytest.raises(RequestError, match="too large to be kept") as refused:
            await keyed(client, "k", 100_000)
        assert (refused.value.code, runs) == ("busy", [100_000])


class Says:
    """A responder without a context."""

    async def respond(self, processor: RTVIProcessor, text: str) -> AsyncIterator[str]:
        yield str(len(text))


@pytest.mark.parametrize("on_host", ["pipecat"], indirect=True)
def test_what_a_client_adds_to_the_context_of_a_pipeline_is_bounded(on_host: str) -> None:
    asyncio.run(_added())


async def _added() -> None:
    later = {"run_immediately": False}
    async with session(quick(max_kept_bytes=250_000)()) as client:
        for _ in range(2):
            await client.send("send-text", {"content": "x" * 100_000, "options": later})
        with pytest.raises(RequestError, match="There is no room to keep a text of 100000 bytes") as refused:
            await client.request("send-text", {"content": "x" * 100_000, "options": later})
        assert refused.value.code == "busy"
        with pytest.raises(RequestError, match="There is no room to keep a message of") as refused:
            await client.request("append-to-context", {"role": "user", "content": ["x"] * 10_000})
        assert refused.value.code == "busy"
        await client.send("send-text", {"content": "x" * 40_000, "options": later})
        await client.describe_config()
        assert client.processor.kept_bytes.used == 240_000


@pytest.mark.standalone("in a pipeline the text is the LLM context's")
async def test_texts_for_the_next_turn_are_bounded() -> None:
    rtvi = quick(responder=Says(), max_kept_bytes=250_000)()
    async with session(rtvi) as client:
        for _ in range(2):
            await client.send("send-text", {"content": "x" * 100_000, "options": {"run_immediately": False}})
        with pytest.raises(RequestError, match="There is no room to keep a text of 100000 bytes") as refused:
            await client.request("send-text", {"content": "x" * 100_000, "options": {"run_immediately": False}})
        assert refused.value.code == "busy"
        assert await client.send_text("y") == "200003"
        assert rtvi.kept_bytes.used == 0


async def test_values_of_options_are_bounded() -> None:
    rtvi = quick(max_kept_bytes=100_000)()
    rtvi.register_service(service("s", None, a={"type": "array", "default": []}, b={"type": "array", "default": []}))
    async with session(rtvi) as client:
        assert await client.update_config({"s": {"a": EMPTY[:1000]}}) == {"s": {"a": EMPTY[:1000], "b": []}}
        with pytest.raises(RequestError, match=r"There is no room to keep a value of s\.b") as refused:
            await client.update_config({"s": {"b": EMPTY[:2000]}})
        assert refused.value.code == "busy"
        await client.update_config({"s": {"a": []}})
        assert rtvi.kept_bytes.used == 0
        assert (await client.update_config({"s": {"b": EMPTY[:1000]}}))["s"]["b"] == EMPTY[:1000]


async def test_what_is_kept_is_bounded_over_all_sessions() -> None:
    size = len(text_of(snapshot(NODES)["tree"]))
    limits = {"max_kept_bytes_total": KEPT.used + size + size // 2}
    async with session(quick(**limits)()) as first, session(quick(**limits)()) as second:
        await first.send("ui-snapshot", snapshot(NODES))
        await first.describe_config()
        with pytest.raises(RequestError) as refused:
            await second.request("ui-snapshot", snapshot(NODES))
        assert refused.value.code == "busy"


# -- counting by itself -----------------------------------------------------------------------------------------------


def test_a_hold_counts_as_long_as_it_lives() -> None:
    total = Count()
    one, other = Allowance(100, total, 150), Allowance(100, total, 150)
    first = one.hold(80)
    assert first is not None
    assert one.hold(21) is None  # more than the session's
    second = other.hold(70)
    assert second is not None
    assert other.hold(1) is None  # more than the process's
    assert (one.used, other.used, total.used) == (80, 70, 150)
    del first
    second.release()
    second.release()
    assert (one.used, other.used, total.used) == (0, 0, 0)


def test_a_session_that_holds_nothing_may_always_have_one_thing() -> None:
    total = Count()
    one, other = Allowance(100, total, 150, first=120), Allowance(100, total, 150, first=120)
    large = one.hold(150)  # more than its limit, and than is always free, but there is room
    assert large is not None
    assert one.hold(1) is None
    first = other.hold(120)  # there is none
    assert first is not None
    assert other.hold(1) is None
    first.release()
    assert other.hold(121) is None
    large.release()
    assert total.used == 0


def test_a_quarter_is_for_sessions_that_hold_little() -> None:
    total = Count()
    greedy, modest = Allowance(1000, total, 100, modest=10), Allowance(1000, total, 100, modest=10)
    held = [greedy.hold(25), greedy.hold(50), greedy.hold(1), modest.hold(10), modest.hold(1)]
    assert [hold is not None for hold in held] == [True, True, False, True, False]


def test_holds_of_one_kind_can_be_merged_and_shrunk() -> None:
    total = Count()
    allowance = Allowance(100, total, 100)
    one, other = allowance.hold(30), allowance.hold(20)
    assert one is not None
    assert other is not None
    one.merge(other)
    other.release()
    assert (one.size, total.used) == (50, 50)
    one.shrink(60)
    one.shrink(40)
    assert total.used == 40
    one.release()
    assert (allowance.used, total.used) == (0, 0)


@pytest.mark.parametrize("filling", ["[],", "{},", '{"a":1},', '"x",', '"\\u20ac",', '"\U0001f600",', "1e9,", "1,"])
def test_what_is_not_counted_is_small_once_it_is_read(filling: str) -> None:
    envelope = (
        '{"label":"rtvi-ai","type":"action","id":"x","data":{"service":"s","action":"a","arguments":{"v":[%s0]}}}'
    )
    room = memory.COUNTED - len(envelope)
    text = envelope % (filling * (room // len(filling.encode())))
    assert len(text.encode()) <= memory.COUNTED
    with Grown() as grown:
        messages = [wire.decode(text) for _ in range(100)]
        taken = grown()
    assert len(messages) == 100
    assert taken < 100 * 16 * 1024


TEXTS: Final = ["x" * 100_000, "\u00e9" * 50_000, "\u6587" * 50_000, "x" * 100_000 + "\U0001f600"]


@pytest.mark.parametrize("value", TEXTS)
def test_characters_that_take_more_count_for_more(value: str) -> None:
    for text in (wire.encode(value), json.dumps(value).encode()):
        with Grown() as grown:
            read = memory.read(text)
            taken = grown()
        assert read == value
        assert 0.9 * taken < memory.size_when_read(text) < 7 * taken
    assert memory.size_of(value) >= taken - 1_000  # what else is allocated meanwhile


@pytest.mark.parametrize("value", [EMPTY, [{"a": n} for n in range(20_000)], list(range(1000, 50_000)), *TEXTS])
def test_the_estimate_of_what_is_read_is_near(value: Any) -> None:
    text = wire.encode(value)
    with Grown() as grown:
        read = memory.read(text)
        taken = grown()
    assert read == value
    assert 0.3 < memory.size_when_read(text) / taken < 3
