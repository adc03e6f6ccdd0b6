"""What waits for a serial action waits as long as those before it may take, and five seconds more; not longer.

All of it in virtual time: how long something waited is exact. Whatever ended before must not lengthen the wait, however
it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import pytest

from rtvi_plugins import ActionError, RTVIActionArgument, RTVIProcessor
from rtvi_plugins.testing import RequestError
from tests.processor.conftest import action, quick, session

pytestmark = [
    pytest.mark.virtual_time,
    pytest.mark.standalone("a pipeline has timers and threads of its own, which virtual time does not suit"),
]

GRACE_S: Final = 5.0
"""How long something may go on after its time limit before those that wait for it are refused."""
LONG_S: Final = 100_000.0


def now() -> float:
    return asyncio.get_running_loop().time()


class Row:
    """A bot with serial actions of one row; `s.job` is in it, too, and tells nobody how long it may take.

    open: lets go of whatever clings to the row.
    """

    def __init__(self, **limits: float) -> None:
        self.rtvi: RTVIProcessor = quick(**limits)()
        self.open = asyncio.Event()
        self.began: list[Any] = []
        name, how = RTVIActionArgument("n", "integer"), RTVIActionArgument("how", "string")
        arguments = [name, how]
        for each, timeout in (("one", 1.0), ("two", 2.0), ("tenth", 0.1), ("fifth", 0.2), ("stuck", 3.0)):
            self.rtvi.register_action(action(f"s.{each}", self._act, arguments, serial=("s",), timeout=timeout))
        self.rtvi.register_action(action("s.other", self._act, arguments, serial=("other",), timeout=1.0))

    async def _act(self, processor: RTVIProcessor, *, n: int = 0, how: str = "fine") -> int:
        del processor
        self.began.append(n)
        match how:
            case "wait":
                await asyncio.sleep(0.05)
            case "hang":
                await asyncio.Event().wait()
            case "refuse":
                raise ActionError("no")
            case "fail":
                await asyncio.sleep(0.05)
                raise ValueError("private")
            case "cancel":
                await asyncio.sleep(0.05)
                raise asyncio.CancelledError
            case "cancel itself":
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                await asyncio.sleep(0.05)
            case "cling":
                while not self.open.is_set():
                    with suppress(asyncio.CancelledError):
                        await self.open.wait()
        return n

    async def refused_after(self, client: Any, name: str = "one") -> float:
        """Let an action of 3 s cling to the row; return after how many seconds the next is refused, then let go."""
        clinging = asyncio.ensure_future(client.call("s.stuck", how="cling", n=-1))
        while self.began[-1:] != [-1]:
            await asyncio.sleep(0)
        began = now()
        with pytest.raises(RequestError, match=f"Actions before it keep s.{name} from running") as refused:
            await client.call(f"s.{name}")
        assert refused.value.code == "timeout"
        waited = now() - began
        self.open.set()
        with pytest.raises(RequestError, match="Timed out after 3 s"):
            await clinging
        assert await client.call(f"s.{name}", n=5) == 5  # the row goes on
        self.open.clear()
        return waited


def in_time(expected: float) -> Any:
    return pytest.approx(expected, abs=0.01)


async def outcome_of(awaitable: Awaitable[Any]) -> Any:
    """Give a result, or the code of a refusal."""
    try:
        return await awaitable
    except (RequestError, ActionError) as error:
        return error.code


async def test_who_waits_is_refused_when_those_before_it_do_not_even_end() -> None:
    row = Row()
    async with session(row.rtvi, timeout=LONG_S) as client:
        assert await row.refused_after(client) == in_time(3 + GRACE_S)
        assert await row.refused_after(client) == in_time(3 + GRACE_S)  # who was refused has given back, too


ENDS: Final[dict[str, tuple[str, Any]]] = {
    "at once": ("fine", 0),
    "after a wait": ("wait", 0),
    "refused": ("refuse", "refused"),
    "failed": ("fail", "action-failed"),
    "cancelled": ("cancel", "cancelled"),
    "cancelling itself": ("cancel itself", "cancelled"),
    "out of time": ("hang", "timeout"),
}


@pytest.mark.parametrize(("how", "outcome"), ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("count", [1, 7])
async def test_calls_of_a_client_give_back_what_they_asked_for(how: str, outcome: Any, count: int) -> None:
    row = Row()
    async with session(row.rtvi, timeout=LONG_S) as client:
        calls = [outcome_of(client.call("s.two", how=how)) for _ in range(count)]
        assert await asyncio.gather(*calls) == [outcome] * count
        assert await row.refused_after(client) == in_time(3 + GRACE_S)


OWN: Final = {name: end for name, end in ENDS.items() if name != "cancelling itself"}
"""There the task is that of who calls."""


@pytest.mark.parametrize(("how", "outcome"), OWN.values(), ids=OWN.keys())
@pytest.mark.parametrize("count", [1, 7])
async def test_calls_of_the_bot_itself_give_back_what_they_asked_for(how: str, outcome: Any, count: int) -> None:
    row = Row()
    async with session(row.rtvi, timeout=LONG_S) as client:
        calls = [outcome_of(row.rtvi.run_action("s", "two", {"how": how})) for _ in range(count)]
        assert await asyncio.gather(*calls) == [outcome] * count
        assert await row.refused_after(client) == in_time(3 + GRACE_S)


@pytest.mark.parametrize("is_own", [False, True], ids=["clients", "own"])
async def test_who_waits_for_several_waits_for_the_sum(is_own: bool) -> None:
    row = Row()

    def call(name: str, how: str) -> Awaitable[Any]:
        return row.rtvi.run_action("s", name, {"how": how}) if is_own else client.call(f"s.{name}", how=how)

    async with session(row.rtvi, timeout=LONG_S) as client:
        began = now()
        calls = [asyncio.ensure_future(outcome_of(call(n, h))) for n, h in (("one", "cling"), ("two", "fine"))]
        await asyncio.sleep(0.01)
        with pytest.raises((RequestError, ActionError)) as refused:
            await call("stuck", "fine")
        assert refused.value.code == "timeout"
        # 1 s of the first, 2 s of the second, and the grace; the second was refused before, after 1 s and the grace.
        assert now() - began == in_time(1 + 2 + GRACE_S + 0.01)
        row.open.set()
        # A call of the bot itself that goes on after its time limit gives what its handler returns then.
        assert await asyncio.gather(*calls) == [0 if is_own else "timeout", "timeout"]
        assert row.began == [0]
        await asyncio.sleep(0.01)
        row.open.clear()
        assert await row.refused_after(client) == in_time(3 + GRACE_S)


async def test_who_stops_waiting_gives_back_what_it_asked_for() -> None:
    row = Row()
    async with session(row.rtvi, timeout=LONG_S) as client:
        first = asyncio.ensure_future(client.call("s.one", how="cling"))
        await asyncio.sleep(0.01)
        waiting = [asyncio.ensure_future(row.rtvi.run_action("s", "two")) for _ in range(5)]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        assert [type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == [
            asyncio.CancelledError
        ] * 5
        began = now()
        assert await outcome_of(client.call("s.one")) == "timeout"
        assert now() - began == in_time(1 + GRACE_S)
        row.open.set()
        assert await outcome_of(first) == "timeout"
        await asyncio.sleep(0.01)  # it clings no longer
        row.open.clear()
        assert await row.refused_after(client) == in_time(3 + GRACE_S)


async def test_rows_do_not_count_for_each_other() -> None:
    row = Row()
    async with session(row.rtvi, timeout=LONG_S) as client:
        clinging = asyncio.ensure_future(client.call("s.stuck", how="cling"))
        await asyncio.sleep(0.01)
        assert await client.call("s.other", n=4) == 4
        row.open.set()
        assert await outcome_of(clinging) == 0


@pytest.mark.parametrize("is_own", [False, True], ids=["clients", "own"])
async def test_behind_one_that_does_not_tell_how_long_it_takes_everyone_waits(is_own: bool) -> None:
    """A long action holds its row as long as it likes, whatever was in the row before, and in whichever parts."""
    row = Row()

    async def long(processor: RTVIProcessor) -> None:
        await row.open.wait()

    row.rtvi.register_action(action("s.job", long, serial=("s",), is_job=True, timeout=LONG_S))

    def call(name: str) -> Awaitable[Any]:
        return row.rtvi.run_action("s", name, {"how": "wait"}) if is_own else client.call(f"s.{name}", how="wait")

    async with session(row.rtvi, timeout=LONG_S) as client:
        await asyncio.gather(*(call(name) for name in ("tenth", "fifth", "tenth", "one", "fifth", "two")))
        await client.call("s.job")
        await asyncio.sleep(1)
        waiting = asyncio.ensure_future(outcome_of(call("tenth")))
        await asyncio.sleep(1_000)
        assert not waiting.done()
        row.open.set()
        assert await waiting == 0


PLACES: Final[dict[str, Callable[[Row, Any], Awaitable[Any]]]] = {
    "clients": lambda row, client: client.call("s.two", how="cancel"),
    "timeout": lambda row, client: client.call("s.two", how="hang"),
    "fine": lambda row, client: client.call("s.two"),
}


@pytest.mark.parametrize("call", PLACES.values(), ids=PLACES.keys())
async def test_places_among_the_running_are_free_again(call: Callable[[Row, Any], Awaitable[Any]]) -> None:
    row = Row(max_actions=3)
    async with session(row.rtvi, timeout=LONG_S) as client:
        for _ in range(3):
            outcomes = await asyncio.gather(*(outcome_of(call(row, client)) for _ in range(3)))
            assert "busy" not in outcomes
        clinging = [asyncio.ensure_future(outcome_of(client.call("s.one", how="cling"))) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert await outcome_of(client.call("s.other")) == "busy"
        await asyncio.sleep(2 * (1 + GRACE_S))  # two were refused: they have left their places
        assert await outcome_of(client.call("s.other", n=3)) == 3
        row.open.set()
        assert await asyncio.gather(*clinging) == ["timeout"] * 3


async def test_the_end_of_a_session_ends_a_row() -> None:
    row = Row()
    async with session(row.rtvi, timeout=LONG_S) as client:
        await client.send("client-message", {"t": "s.one", "d": {"how": "hang", "n": 1}})
        await client.send("client-message", {"t": "s.one", "d": {"how": "hang", "n": 2}})
        await asyncio.sleep(0.01)
    assert row.began == [1]
