"""Running actions: at once, in turn, too long, in threads, inside each other, to the end of the session."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from rtvi_plugins import ActionError, RTVIActionArgument, RTVIProcessor
from rtvi_plugins.testing import RequestError
from tests.hosts import make
from tests.processor.conftest import action, quick, session


class Gate:
    """An action handler that waits until it is told to go on; keeps count."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.running = 0
        self.most = 0
        self.began: list[Any] = []
        self.ended: list[str] = []
        self._changed = asyncio.Event()

    async def __call__(self, processor: RTVIProcessor, *, n: Any = None) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        self.began.append(n)
        self._changed.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            self.running -= 1
        self.ended.append("done")
        return n

    async def until_began(self, count: int) -> None:
        async with asyncio.timeout(120):
            while len(self.began) < count:
                self._changed.clear()
                await self._changed.wait()


N = (RTVIActionArgument("n", True),)


async def test_actions_run_at_once_and_are_answered_each() -> None:
    gate = Gate()
    rtvi = make()
    rtvi.register_action(action("s.wait", gate, N))
    async with session(rtvi) as client:
        calls = [asyncio.create_task(client.call("s.wait", n=n)) for n in range(50)]
        await gate.until_began(50)
        assert gate.began == list(range(50))  # started in the order they came
        gate.open.set()
        assert await asyncio.gather(*calls) == list(range(50))


async def test_answers_come_as_they_are_ready() -> None:
    gates = {name: Gate() for name in "ab"}
    rtvi = make()
    for name, gate in gates.items():
        rtvi.register_action(action(f"s.{name}", gate, N))
    async with session(rtvi) as client:
        first = asyncio.create_task(client.call("s.a", n=1))
        await gates["a"].until_began(1)
        gates["b"].open.set()
        assert await client.call("s.b", n=2) == 2
        gates["a"].open.set()
        assert await first == 1


async def test_too_many_at_once_are_refused() -> None:
    gate = Gate()
    rtvi = quick(max_actions=3)()
    rtvi.register_action(action("s.wait", gate, N))
    async with session(rtvi) as client:
        calls = [asyncio.create_task(client.call("s.wait", n=n)) for n in range(3)]
        await gate.until_began(3)
        with pytest.raises(RequestError, match="Too many requests at once: 3 are running") as refused:
            await client.call("s.wait", n=3)
        assert refused.value.code == "busy"
        gate.open.set()
        await asyncio.gather(*calls)
        assert await client.call("s.wait", n=4) == 4


@pytest.mark.parametrize(
    ("serial", "most"),
    {"at once": (None, 3), "one after the other": (("s",), 1)}.values(),
    ids=["parallel", "serial"],
)
async def test_serial(serial: tuple[str, ...] | None, most: int) -> None:
    gate = Gate()
    rtvi = make()
    rtvi.register_action(action("s.one", gate, N, serial=serial))
    rtvi.register_action(action("s.two", gate, N, serial=serial))
    async with session(rtvi) as client:
        calls = [asyncio.create_task(client.call(f"s.{name}", n=n)) for n, name in enumerate(("one", "two", "one"))]
        await gate.until_began(most)
        assert gate.running == most
        gate.open.set()
        assert await asyncio.gather(*calls) == [0, 1, 2]
        assert (gate.most, gate.began) == (most, [0, 1, 2])


async def test_the_clock_of_a_serial_action_starts_with_it() -> None:
    order: list[Any] = []

    async def slow(processor: RTVIProcessor, *, n: Any) -> Any:
        await asyncio.sleep(0.6)  # all of them take longer than the limit of one, which leaves each much to spare
        order.append(n)
        return n

    rtvi = make()
    rtvi.register_action(action("s.slow", slow, N, serial=("s",), timeout=2))
    async with session(rtvi) as client:
        assert await asyncio.gather(*(client.call("s.slow", n=n) for n in range(4))) == [0, 1, 2, 3]
    assert order == [0, 1, 2, 3]


async def test_an_action_that_takes_too_long() -> None:
    gate = Gate()
    rtvi = make()
    rtvi.register_action(action("s.wait", gate, N, timeout=0.02))
    async with session(rtvi) as client:
        with pytest.raises(RequestError, match=r"Timed out after 0\.02 s") as failed:
            await client.call("s.wait", n=1)
        assert (failed.value.code, failed.value.category) == ("timeout", "action")
        gate.open.set()
        assert await client.call("s.wait", n=2) == 2
    assert gate.ended == ["cancelled", "done"]


async def test_its_own_time_out_is_not_the_actions() -> None:
    async def impatient(processor: RTVIProcessor) -> None:
        raise TimeoutError("private")

    rtvi = make()
    rtvi.register_action(action("s.a", impatient))
    async with session(rtvi) as client:
        with pytest.raises(RequestError, match="The action failed"):
            await client.call("s.a")
        with pytest.raises(ActionError, match="The action failed"):
            await rtvi.run_action("s", "a")


@pytest.mark.parametrize("serial", [None, ("s",)], ids=["parallel", "serial"])
async def test_a_handler_that_swallows_its_cancellation(serial: tuple[str, ...] | None) -> None:
    go_on = asyncio.Event()
    ended: list[str] = []

    async def stubborn(processor: RTVIProcessor, *, n: Any) -> Any:
        if n:
            return n
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await go_on.wait()
        ended.append("late")
        return "late"

    rtvi = make()
    rtvi.register_action(action("s.a", stubborn, N, timeout=0.02, serial=serial))
    async with session(rtvi) as client:
        with pytest.raises(RequestError, match="Timed out"):
            await client.call("s.a", n=0)
        other = asyncio.create_task(client.call("s.a", n=1))
        go_on.set()
        assert await other == 1
        assert ended == ["late"]
        assert len([m for m in client.received if m.get("id") == "c2"]) == 1  # the late result is nobody's


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        (ActionError("no", code="no"), "no", "no"),
        (ValueError("private"), "The action failed", "action-failed"),
        (KeyError("private"), "The action failed", "action-failed"),
        (StopIteration("private"), "The action failed", "action-failed"),
        (StopAsyncIteration("private"), "The action failed", "action-failed"),
        (asyncio.CancelledError("private"), "The action was cancelled", "cancelled"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.parametrize("kind", ["async", "late", "plain"])
async def test_whatever_a_handler_raises(error: BaseException, text: str, code: str, kind: str) -> None:
    async def at_once(processor: RTVIProcessor) -> None:
        raise error

    async def late(processor: RTVIProcessor) -> None:
        await asyncio.sleep(0)
        raise error

    def plain(processor: RTVIProcessor) -> None:
        raise error

    rtvi = make()
    rtvi.register_action(action("s.a", {"async": at_once, "late": late, "plain": plain}[kind]))
    rtvi.register_action(action("s.next", Gate()))
    async with session(rtvi, timeout=120) as client:
        with pytest.raises(RequestError) as failed:
            await client.call("s.a")
        assert (failed.value.text, failed.value.code) == (text, code)
        with pytest.raises(ActionError) as refused:
            await rtvi.run_action("s", "a")
        assert (refused.value.text, refused.value.code) == (text, code)
        assert len(await client.describe_actions()) == 2


async def test_refusals_that_are_no_json_are_told_without_their_details() -> None:
    async def refuse(processor: RTVIProcessor) -> None:
        raise ActionError("no", code="no", details={"a": object()})

    rtvi = make()
    rtvi.register_action(action("s.a", refuse))
    async with session(rtvi) as client:
        with pytest.raises(RequestError, match="no") as refused:
            await client.call("s.a")
        assert refused.value.details is None


RESULTS: dict[str, tuple[Any, Any, bool]] = {
    "any": (None, {"a": [1, None]}, True),
    "nothing": (None, None, True),
    "set": (None, {1, 2}, False),
    "object": (None, object(), False),
    "bytes": (None, b"a", False),
    "nan": (None, float("nan"), False),
    "number keys": (None, {1: 2}, False),
    "lone surrogate": (None, "\ud800", False),
    "bool": ("bool", True, True),
    "one for true": ("bool", 1, False),
    "none for bool": ("bool", None, False),
    "true for number": ("number", True, False),
    "tuple": ("array", (1, 2), True),
    "deep": (None, [[[[[[[[1]]]]]]]], True),
}


@pytest.mark.parametrize(("declared", "result", "is_fine"), RESULTS.values(), ids=RESULTS.keys())
async def test_results_are_checked(declared: str | None, result: Any, is_fine: bool) -> None:
    async def give(processor: RTVIProcessor) -> Any:
        return result

    rtvi = make()
    rtvi.register_action(action("s.a", give, result=declared))
    async with session(rtvi) as client:
        if is_fine:
            assert await client.call("s.a") == (list(result) if isinstance(result, tuple) else result)
            return
        with pytest.raises(RequestError, match="The action returned an invalid result") as failed:
            await client.call("s.a")
        assert failed.value.code == "invalid-result"
        with pytest.raises(ActionError, match="The action returned an invalid result"):
            await rtvi.run_action("s", "a")


async def test_plain_functions_run_in_threads() -> None:
    meeting = threading.Barrier(3, timeout=120)
    threads: set[int] = set()

    def meet(processor: RTVIProcessor, *, n: Any) -> Any:
        threads.add(threading.get_ident())
        meeting.wait()  # only passed when three run at once
        return n

    rtvi = make()
    rtvi.register_action(action("s.meet", meet, N))
    async with session(rtvi) as client:
        assert await asyncio.gather(*(client.call("s.meet", n=n) for n in range(3))) == [0, 1, 2]
    assert threading.get_ident() not in threads


async def test_a_plain_function_that_blocks_too_long() -> None:
    release = threading.Event()

    def block(processor: RTVIProcessor) -> str:
        release.wait(5)
        return "late"

    rtvi = make()
    rtvi.register_action(action("s.block", block, timeout=0.02))
    rtvi.register_action(action("s.next", lambda processor: "next"))
    try:
        async with session(rtvi) as client:
            with pytest.raises(RequestError, match="Timed out"):
                await client.call("s.block")
            assert await client.call("s.next") == "next"
    finally:
        release.set()


async def test_a_plain_function_may_return_something_to_await() -> None:
    async def later() -> str:
        return "later"

    rtvi = make()
    rtvi.register_action(action("s.a", lambda processor: later()))
    async with session(rtvi) as client:
        assert await client.call("s.a") == "later"


async def test_actions_inside_actions() -> None:
    async def factorial(processor: RTVIProcessor, *, n: Any) -> Any:
        return 1 if n < 2 else n * await processor.run_action("s", "factorial", {"n": n - 1})

    rtvi = make()
    rtvi.register_action(action("s.factorial", factorial, [RTVIActionArgument("n", "integer", required=True)]))
    async with session(rtvi) as client:
        assert await client.call("s.factorial", n=5) == 120


RUN_OWN: dict[str, tuple[str, str, Any, str]] = {
    "unknown": ("s", "b", {}, "Action s:b not registered"),
    "near": ("s", "doubel", {}, "Action s:doubel not registered; did you mean 'double'?"),
    "missing": ("s", "double", {}, "Invalid arguments for s.double: x: missing"),
    "wrong": ("s", "double", {"x": "2"}, "Invalid arguments for s.double: x: expected number, got string"),
}


@pytest.mark.parametrize(("service", "name", "arguments", "text"), RUN_OWN.values(), ids=RUN_OWN.keys())
async def test_run_action_is_checked_like_a_clients(service: str, name: str, arguments: Any, text: str) -> None:
    async def double(processor: RTVIProcessor, *, x: float) -> float:
        return 2 * x

    rtvi = make()
    rtvi.register_action(action("s.double", double, [RTVIActionArgument("x", "number", required=True)]))
    async with session(rtvi):
        assert await rtvi.run_action("s", "double", {"x": 2}) == 4
        with pytest.raises(ActionError) as refused:
            await rtvi.run_action(service, name, arguments)
        assert refused.value.text == text


async def test_run_action_has_its_time_limit() -> None:
    rtvi = make()
    rtvi.register_action(action("s.wait", Gate(), N, timeout=0.02))
    async with session(rtvi):
        with pytest.raises(ActionError, match=r"Timed out after 0\.02 s") as refused:
            await rtvi.run_action("s", "wait")
        assert refused.value.code == "timeout"


async def test_leaving_cancels_what_runs() -> None:
    gate = Gate()
    rtvi = make()
    rtvi.register_action(action("s.wait", gate, N))
    rtvi.register_action(action("s.serial", gate, N, serial=("s",)))
    async with session(rtvi) as client:
        for name, n in (("wait", 1), ("serial", 2), ("serial", 3)):
            await client.send("action", {"service": "s", "action": name, "arguments": {"n": n}})
        await gate.until_began(2)
    assert gate.ended == ["cancelled", "cancelled"]
    assert gate.began == [1, 2]


async def test_stopping_refuses_new_requests_and_lets_old_ones_end() -> None:
    gate = Gate()
    rtvi = make()
    rtvi.register_action(action("s.wait", gate, N))
    async with session(rtvi) as client:
        running = asyncio.create_task(client.call("s.wait", n=1))
        await gate.until_began(1)
        rtvi.stop_accepting()
        with pytest.raises(RequestError, match="The server is shutting down") as refused:
            await client.call("s.wait", n=2)
        assert refused.value.code == "shutting-down"
        idle = asyncio.create_task(rtvi.wait_idle())
        await asyncio.sleep(0.01)
        assert not idle.done()
        gate.open.set()
        assert await running == 1
        await idle


async def test_a_busy_session_answers_quickly() -> None:
    """A request that waits for nothing is answered at once, whatever else waits."""
    gate = Gate()
    rtvi = make()
    rtvi.register_action(action("s.wait", gate, N))

    async def at_once(processor: RTVIProcessor) -> int:
        return 1

    rtvi.register_action(action("s.once", at_once))
    async with session(rtvi) as client:
        calls = [asyncio.create_task(client.call("s.wait", n=n)) for n in range(100)]
        await gate.until_began(100)
        assert await client.call("s.once") == 1
        assert not any(call.done() for call in calls)
        gate.open.set()
        await asyncio.gather(*calls)


async def test_a_serial_action_may_run_another_of_its_kind() -> None:
    order: list[str] = []

    async def outer(processor: RTVIProcessor) -> int:
        order.append("outer begins")
        result = await processor.run_action("s", "inner")
        order.append("outer ends")
        return result + 1  # type: ignore[no-any-return]

    async def inner(processor: RTVIProcessor) -> int:
        order.append("inner begins")
        await asyncio.sleep(0.01)
        order.append("inner ends")
        return 1

    rtvi = make()
    for name, handler in (("outer", outer), ("inner", inner)):
        rtvi.register_action(action(f"s.{name}", handler, serial=("s",), timeout=2))
    nested = ["outer begins", "inner begins", "inner ends", "outer ends"]
    async with session(rtvi) as client:
        assert await asyncio.gather(client.call("s.outer"), client.call("s.inner"), client.call("s.outer")) == [2, 1, 2]
    assert order == [*nested, "inner begins", "inner ends", *nested]
