# ruff: noqa: C901 - handlers have the form they have; a session tells nobody that it is idle
"""Whatever is sent in whatever order: every request is answered exactly once, no id more often than it was sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtvi_plugins import ActionError, RTVIActionArgument, RTVIClientMessageFrame, RTVIProcessor
from rtvi_plugins.testing import MemoryPort
from tests.processor.conftest import action, assert_idle, quick, service

REQUESTS = {"client-ready", "describe-config", "get-config", "update-config", "describe-actions", "action"}
"""Legacy requests, and the handshake: each has its answer. So has every `client-message`."""

KINDS = ["fine", "refuse", "raise", "wait", "hang", "cancel", "thread", "wrong", "nested", "swallow"]


def bot() -> RTVIProcessor:
    made = quick(max_actions=6, max_waiting=5, ready_timeout=0.05, option_timeout=0.02, message_timeout=0.02)
    made.responder = Says()
    rtvi = made()

    async def act(processor: RTVIProcessor, *, kind: str) -> Any:
        match kind:
            case "refuse":
                raise ActionError("no")
            case "raise":
                raise ValueError("private")
            case "wait":
                await asyncio.sleep(0.002)
            case "hang":
                await asyncio.Event().wait()
            case "cancel":
                raise asyncio.CancelledError
            case "wrong":
                return object()
            case "nested":
                return await processor.run_action("s", "serial", {"kind": "wait"})
            case "swallow":
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    return "late"
        return kind

    def act_in_a_thread(processor: RTVIProcessor, *, kind: str) -> Any:
        if kind == "raise":
            raise StopIteration
        return kind

    async def change(processor: RTVIProcessor, service: str, option: Any) -> None:
        await act(processor, kind=option.value)

    arguments = [RTVIActionArgument("kind", {"enum": KINDS}, required=True)]
    rtvi.register_action(action("s.act", act, arguments, timeout=0.02))
    rtvi.register_action(action("s.serial", act, arguments, timeout=0.02, serial=("s",)))
    rtvi.register_action(action("s.thread", act_in_a_thread, arguments, timeout=1))
    rtvi.register_service(service("s", change, one={"default": "fine"}, two="string"))

    @rtvi.event_handler("on_client_message")
    async def hear(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        for _ in range(message.data if isinstance(message.data, int) else 0):
            await processor.send_server_response(message, 1)
        if message.type == "late":
            processor.spawn(late(message))

    async def late(message: RTVIClientMessageFrame) -> None:
        await asyncio.sleep(0.03)
        await rtvi.send_error_response(message, "late")

    return rtvi


class Says:
    """It says two pieces, or fails."""

    async def respond(self, processor: RTVIProcessor, text: str) -> AsyncIterator[str]:
        yield "One. "
        await asyncio.sleep(0.001)
        if text == "raise":
            raise RuntimeError
        yield "Two."


kinds = st.sampled_from(KINDS)
actions = st.builds(
    lambda name, kind: {"service": "s", "action": name, "arguments": {"kind": kind}},
    st.sampled_from(["act", "serial", "thread", "none"]),
    kinds | st.just("unknown"),
)
updates = st.builds(
    lambda options, interrupt: {
        "config": [{"service": "s", "options": [{"name": n, "value": v} for n, v in options]}],
        "interrupt": interrupt,
    },
    st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), kinds | st.integers()), max_size=3),
    st.booleans(),
)
junk = st.sampled_from([None, {}, {"config": 3}, {"t": 3}, {"content": 1}, {"arguments": "x"}])
typed = st.one_of(
    st.tuples(st.just("client-ready"), st.sampled_from([None, {}, {"version": "1.0.0"}, {"version": "2.1.0"}])),
    st.tuples(st.sampled_from(["describe-config", "get-config", "describe-actions"]), junk),
    st.tuples(st.just("update-config"), updates | junk),
    st.tuples(st.just("action"), actions | junk),
)
client_messages = st.one_of(
    typed.map(lambda pair: {"t": pair[0], "d": pair[1]}),
    st.builds(lambda kind: {"t": "s.act", "d": {"kind": kind}}, kinds),
    st.builds(lambda t, d: {"t": t, "d": d}, st.sampled_from(["hello", "late", "s.none"]), st.integers(0, 2)),
    junk,
)
messages = st.one_of(
    typed,
    st.tuples(st.just("client-message"), client_messages),
    st.tuples(st.just("send-text"), st.builds(lambda text: {"content": text}, st.sampled_from(["hello", "raise"]))),
    st.tuples(st.just("sing"), st.none()),
)
steps = st.lists(messages | st.just("pause") | st.just("interrupt"), max_size=25)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps, is_ready=st.booleans())
def test_every_request_is_answered_once(steps: list[Any], is_ready: bool) -> None:
    received, requests, sent = asyncio.run(play(steps, is_ready=is_ready))
    answered = Counter(message["id"] for message in received if "id" in message)
    assert {id_: answered[id_] for id_ in requests} == dict.fromkeys(requests, 1)
    assert all(count == 1 for count in answered.values())
    assert answered.keys() <= sent
    types = [message["type"] for message in received]
    assert types.count("bot-llm-started") == types.count("bot-llm-stopped")


async def play(steps: list[Any], *, is_ready: bool) -> tuple[list[dict[str, Any]], list[str], set[str]]:
    """Send messages to a new bot; give what it sent, the ids of requests, and all ids."""
    rtvi = bot()
    received: list[dict[str, Any]] = []
    rtvi.attach(MemoryPort(received.append))
    incoming: asyncio.Queue[Any] = asyncio.Queue()
    running = asyncio.create_task(rtvi.run(incoming.get))
    requests: list[str] = []
    sent: set[str] = set()
    if is_ready:
        steps = [("client-ready", {"version": "2.1.0"}), *steps]
    for number, step in enumerate([*steps, ("client-ready", None)]):
        if step == "pause":
            await asyncio.sleep(0.003)
        elif step == "interrupt":
            await rtvi.interrupt_bot()
        else:
            type_, data = step
            id_ = f"m{number}"
            sent.add(id_)
            if type_ in REQUESTS or type_ in ("client-message", "sing"):
                requests.append(id_)
            message = {"label": "rtvi-ai", "type": type_, "id": id_}
            incoming.put_nowait(message if data is None else {**message, "data": data})
    async with asyncio.timeout(120):
        while not incoming.empty() or rtvi._waiting:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.01)
        await rtvi.wait_idle()
        while len(rtvi._unanswered or ()):
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.04)  # answers that come too late come now
        await rtvi.wait_idle()
    incoming.put_nowait(None)
    await running
    assert_idle(rtvi)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return received, requests, sent
