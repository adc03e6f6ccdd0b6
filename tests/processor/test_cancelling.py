"""Whose a cancellation is: the session takes back those of plugin code, and obeys those that are meant for others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from rtvi_plugins import ActionError, RTVIProcessor
from rtvi_plugins.protocol.messages import LABEL
from rtvi_plugins.testing import RequestError
from tests.hosts import make
from tests.processor.conftest import action, service, session

VIRTUAL: Final = "a pipeline has timers and threads of its own, which virtual time does not suit"


def current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


class Cancelled:
    """A bot whose handlers are cancelled by others; `tasks` are those that wait."""

    def __init__(self) -> None:
        self.rtvi: RTVIProcessor = make()
        self.tasks: list[asyncio.Task[Any]] = []
        self.seen: list[Any] = []
        for name, handler in (("wait", self._wait), ("tidy", self._tidy), ("stop", self._stop), ("nest", self._nest)):
            self.rtvi.register_action(action(f"s.{name}", handler, timeout=1_000))
        self.rtvi.register_action(action("s.in_turn", self._wait, serial=("s",), timeout=1_000))
        self.rtvi.register_action(action("s.short", self._wait, timeout=1))
        self.rtvi.register_service(service("o", self._set, a="string"))

    async def _wait(self, processor: RTVIProcessor) -> None:
        self.tasks.append(current())
        await asyncio.Event().wait()

    async def _tidy(self, processor: RTVIProcessor) -> str:
        self.tasks.append(current())
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            return "tidied up"
        return "not cancelled"

    async def _nest(self, processor: RTVIProcessor) -> str:
        try:
            return str(await processor.run_action("s", "wait"))
        except ActionError as error:
            return error.code

    async def _stop(self, processor: RTVIProcessor) -> None:
        for task in self.tasks:
            task.cancel()
            task.cancel()
        self.tasks.clear()

    async def _set(self, processor: RTVIProcessor, _service: str, option: Any) -> None:
        self.seen.append(option.value)
        if option.value == "wait":
            await self._wait(processor)

    async def waiting(self, count: int) -> None:
        while len(self.tasks) < count:
            await asyncio.sleep(0)


def message(t: str, id_: str = "x") -> dict[str, Any]:
    return {"label": LABEL, "type": "client-message", "id": id_, "data": {"t": t}}


@pytest.mark.parametrize("name", ["wait", "in_turn"])
@pytest.mark.parametrize("count", [1, 3])
async def test_a_handler_that_another_cancels_is_answered_alone(name: str, count: int) -> None:
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        for _ in range(3):
            calls = [asyncio.ensure_future(client.call(f"s.{name}")) for _ in range(count)]
            for _ in range(count if name == "in_turn" else 1):
                await bot.waiting(1 if name == "in_turn" else count)
                tasks = list(bot.tasks)
                await client.call("s.stop")
                await asyncio.wait(tasks) if name == "wait" else await asyncio.sleep(0.001)
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert [error.code for error in errors if isinstance(error, RequestError)] == ["cancelled"] * count
        assert await client.get_config() == {"o": {}}


async def test_a_handler_may_answer_although_it_was_cancelled() -> None:
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        call = asyncio.ensure_future(client.call("s.tidy"))
        await bot.waiting(1)
        bot.tasks.pop().cancel()
        assert await call == "tidied up"
        assert await client.get_config() == {"o": {}}


async def test_the_code_behind_a_cancelled_handler_may_wait() -> None:
    """The cancellation is taken back whole: `asyncio.timeout` counts them, and nothing else is cancelled by it."""
    bot = Cancelled()
    counts: list[int] = []

    async def again(processor: RTVIProcessor) -> str:
        current().cancel()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            counts.append(current().cancelling())
        await asyncio.sleep(0)
        return "went on"

    bot.rtvi.register_action(action("s.again", again))
    async with session(bot.rtvi) as client:
        for _ in range(3):
            assert await client.call("s.again") == "went on"
            assert await client.call("s.nest") == "cancelled" if bot.tasks else True
    assert counts == [1, 1, 1]


HANDED: Final = ["s.wait", "s.in_turn", "s.nest", "s.tidy"]


@pytest.mark.parametrize("t", HANDED)
async def test_who_hands_on_a_message_is_cancelled_as_usual(t: str) -> None:
    """The task is the application's own: what cancels it is meant for it, and stays."""
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        task = asyncio.create_task(bot.rtvi.handle_message(message(t)))
        await bot.waiting(1)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        if t == "s.tidy":  # its handler ends well: it was its decision
            assert outcome is None
        else:
            assert isinstance(outcome, asyncio.CancelledError)
        assert task.cancelling() == 1
        assert await client.get_config() == {"o": {}}


async def test_a_time_limit_around_a_message_that_is_handed_on() -> None:
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await bot.rtvi.handle_message(message("s.wait"))
        assert current().cancelling() == 0
        assert await client.get_config() == {"o": {}}


@pytest.mark.virtual_time
@pytest.mark.standalone(VIRTUAL)
async def test_an_action_that_is_out_of_time_leaves_the_task_that_handed_it_on_as_it_was() -> None:
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        for _ in range(3):
            await bot.rtvi.handle_message(message("s.short"))
            assert current().cancelling() == 0
        assert [m["data"]["code"] for m in client.answers("x")] == ["timeout"] * 3


@pytest.mark.virtual_time
@pytest.mark.standalone(VIRTUAL)
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
async def test_a_cancellation_at_the_very_time_limit_is_not_swallowed(is_first: bool) -> None:
    """Both come before the task runs again."""
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] = asyncio.create_task(bot.rtvi.handle_message(message("s.short")))
        if is_first:
            loop.call_at(1, task.cancel)
        await bot.waiting(1)
        if not is_first:
            loop.call_at(loop.time() + 1, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1
        assert [m["data"]["code"] for m in client.answers("x")] in (["timeout"], ["cancelled"])


async def test_who_runs_an_action_is_cancelled_as_usual() -> None:
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        task = asyncio.create_task(bot.rtvi.run_action("s", "wait"))
        await bot.waiting(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await client.get_config() == {"o": {}}


async def test_who_changes_an_option_is_cancelled_as_usual() -> None:
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        task = asyncio.create_task(bot.rtvi.set_option("o", "a", "wait"))
        await bot.waiting(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait(bot.tasks)  # its handler is cancelled, too
        assert await client.get_config() == {"o": {}}
        assert await client.update_config({"o": {"a": "x"}}) == {"o": {"a": "x"}}


async def test_the_handler_of_an_option_that_is_cancelled_fails_alone() -> None:
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        update = asyncio.ensure_future(client.update_config({"o": {"a": "wait"}}))
        await bot.waiting(1)
        await client.call("s.stop")
        with pytest.raises(RequestError) as refused:
            await update
        assert refused.value.code == "option-failed"
        assert await client.update_config({"o": {"a": "x"}}) == {"o": {"a": "x"}}


READERS: Final[dict[str, Callable[[asyncio.Task[Any]], Any]]] = {
    "once": lambda task: task.cancel(),
    "often": lambda task: [task.cancel() for _ in range(5)],
}


@pytest.mark.parametrize("cancel", READERS.values(), ids=READERS.keys())
async def test_a_handler_that_cancels_the_task_that_reads(cancel: Callable[[asyncio.Task[Any]], Any]) -> None:
    bot = Cancelled()

    async def cancel_it(processor: RTVIProcessor) -> str:
        cancel(current())
        return "done"

    bot.rtvi.register_action(action("s.cancel_it", cancel_it))
    async with session(bot.rtvi) as client:
        for _ in range(5):
            assert await client.call("s.cancel_it") == "done"
        assert await client.get_config() == {"o": {}}


async def test_leaving_cancels_what_waits() -> None:
    bot = Cancelled()
    async with session(bot.rtvi) as client:
        for name in ("wait", "in_turn", "tidy", "nest"):
            await client.send("client-message", {"t": f"s.{name}"})
        await bot.waiting(4)
        tasks = list(bot.tasks)
    assert all(task.done() for task in tasks)
