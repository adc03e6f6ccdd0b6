"""Many messages that are there at once: begun in their turn, all of them, and few at a time; each answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from rtvi_plugins import RTVIActionArgument, RTVIProcessor, RTVIService, RTVIServiceOption
from rtvi_plugins.testing.memory import MemoryPort
from tests.processor.conftest import action, assert_idle

Message = dict[str, Any]


def call(id_: object, name: str, **arguments: Any) -> Message:
    return {"label": "rtvi-ai", "type": "client-message", "id": str(id_), "data": {"t": f"work.{name}", "d": arguments}}


NUMBER = RTVIActionArgument("number", "number")


class Bot:
    """A processor with two actions, `waiting` and `ready`, which note that they were begun, and what it answered.

    tasks: the most tasks that were there when an action was begun; turns: how often the event loop had gone round.
    """

    def __init__(self, **limits: float) -> None:
        self.begun: list[str] = []
        self.answered: list[tuple[str, str]] = []
        self.tasks = 0
        self.turn = 0
        self.turns: list[int] = []
        self.opening = asyncio.Event()
        kind = type("Processor", (RTVIProcessor,), {"__slots__": (), "limits": {**RTVIProcessor.limits, **limits}})
        self.processor = kind(port=MemoryPort(self._note))
        for name, handler in {"waiting": self._wait, "ready": self._be_ready, "broken": self._break}.items():
            self.register(name, handler)

    def register(self, name: str, handler: Callable[..., Any]) -> None:
        self.processor.register_action(action(f"work.{name}", handler, [NUMBER]))

    def _note(self, message: Message) -> None:
        if "id" in message:
            self.answered.append((message["id"], message["type"]))

    def _begin(self, arguments: Message) -> None:
        self.begun.append(arguments["number"])
        self.tasks = max(self.tasks, len(asyncio.all_tasks()))
        self.turns.append(self.turn)

    async def _wait(self, _processor: Any, _service: str, arguments: Message) -> str:
        self._begin(arguments)
        await self.opening.wait()
        return "done"

    async def _be_ready(self, _processor: Any, _service: str, arguments: Message) -> str:
        self._begin(arguments)
        return "done"

    async def _break(self, _processor: Any, _service: str, arguments: Message) -> str:
        self._begin(arguments)
        raise LookupError("nothing for the client")

    async def _count_turns(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turn += 1

    async def take(self, messages: Iterable[Message], *, answers: int | None = None) -> None:
        """Give it messages that are all there, then open the gate; the client leaves after so many answers."""
        await self.processor.set_bot_ready()
        coming = iter(messages)

        async def receive() -> Message | None:
            for message in coming:
                return message
            for _ in range(3):
                await asyncio.sleep(0)
            self.opening.set()
            async with asyncio.timeout(120):
                while len(self.answered) < (answers or 0):
                    await asyncio.sleep(0)
            return None

        turning = asyncio.create_task(self._count_turns())
        assert await self.processor.run(receive) == "disconnected"
        turning.cancel()
        assert_idle(self.processor)


@pytest.mark.parametrize(
    "names", [["waiting"], ["ready"], ["waiting", "ready"], ["waiting", "ready", "ready", "broken"]]
)
async def test_they_are_begun_in_their_turn_and_answered_once(names: list[str]) -> None:
    bot = Bot()
    await bot.take((call(n, names[n % len(names)], number=n) for n in range(200)), answers=200)
    assert bot.begun == list(range(200))
    assert sorted(int(id_) for id_, _ in bot.answered) == list(range(200))


async def test_a_change_of_the_configuration_is_made_in_its_turn() -> None:
    """What was sent before it is begun before it, what was sent after it is begun after it."""
    bot = Bot()
    seen: list[str] = []

    async def set_language(_processor: Any, _service: str, option: Any) -> None:
        seen.append(f"language {option.value}")

    async def look(_processor: Any, _service: str, arguments: Message) -> str:
        seen.append(f"look {arguments['number']}")
        await bot.opening.wait()
        return "done"

    bot.processor.register_service(RTVIService("work", [RTVIServiceOption("language", handler=set_language)]))
    bot.register("look", look)
    config = [{"service": "work", "options": [{"name": "language", "value": "de"}]}]
    change = {"label": "rtvi-ai", "type": "update-config", "id": "change", "data": {"config": config}}
    await bot.take([call(1, "look", number=1), call(2, "look", number=2), change, call(3, "look", number=3)], answers=4)
    assert seen == ["look 1", "look 2", "language de", "look 3"]


async def test_what_was_sent_before_the_client_left_is_begun() -> None:
    bot = Bot()
    await bot.take(call(n, "waiting", number=n) for n in range(100))
    assert bot.begun == list(range(100))


async def test_many_that_wait_need_few_turns_of_the_event_loop() -> None:
    bot = Bot()
    await bot.take((call(n, "waiting", number=n) for n in range(200)), answers=200)
    assert bot.turns[-1] - bot.turns[0] < 20


async def test_they_are_not_all_taken_at_once() -> None:
    """What was not begun yet counts nowhere: a client that sends without end must not fill the memory with it."""
    bot = Bot(max_actions=10)
    await bot.take((call(n, "waiting", number=n) for n in range(5_000)), answers=5_000)
    assert bot.tasks < 100
    assert len(bot.begun) == 10
    refused = [id_ for id_, type_ in bot.answered if type_ == "error-response"]
    assert len(refused) == 4_990
    assert refused == [str(n) for n in range(10, 5_000)]


async def test_after_one_that_need_not_wait_the_next_share_a_task() -> None:
    bot = Bot()
    tasks: list[Any] = []

    async def look(_processor: Any, _service: str, _arguments: Message) -> str:
        tasks.append(asyncio.current_task())
        return "done"

    bot.register("look", look)

    await bot.take([call(0, "waiting", number=0), *(call(n, "look") for n in range(1, 200))], answers=200)
    assert len(set(tasks)) < 100
    assert len(set(tasks[-50:])) == 1


async def test_nothing_is_begun_after_the_bot_ended_the_session() -> None:
    bot = Bot()

    async def end(processor: Any, _service: str, _arguments: Message) -> str:
        processor.finish("ended")
        return "done"

    bot.register("end", end)
    await bot.processor.set_bot_ready()
    coming = iter([call(0, "waiting", number=0), call(1, "end"), *(call(n, "ready", number=n) for n in range(2, 50))])

    async def receive() -> Message | None:
        return next(coming, None)

    assert await bot.processor.run(receive) == "ended"
    assert bot.begun == [0]
    assert_idle(bot.processor)


@pytest.mark.parametrize("before", [[], ["waiting"]], ids=["read by one task", "each in a task of its own"])
async def test_a_host_that_cannot_send_does_not_stop_the_rest(before: list[str]) -> None:
    bot = Bot()
    note, faults = bot._note, iter([RuntimeError("the line is down")])

    def deliver(message: Message) -> None:
        if message.get("id") == "7":
            for fault in faults:
                raise fault
        note(message)

    bot.processor.attach(MemoryPort(deliver))
    messages = [call(-1, name, number=-1) for name in before]
    await bot.take([*messages, *(call(n, "ready", number=n) for n in range(20))], answers=20 + len(before))
    assert bot.begun == [*(-1 for _ in before), *range(20)]
    assert dict(bot.answered)["7"] == "error-response"


@pytest.mark.parametrize("between", ["update-config", "serial", "broken"])
@pytest.mark.parametrize("names", [["ready", "yield"], ["ready", "yield", "ready", "ready", "yield"]])
async def test_a_handler_waits_after_others_that_did_not(names: list[str], between: str) -> None:
    """Whatever was done at once before it, and in whichever way: what is left of a handler is its own."""
    bot = Bot()

    async def yield_once(_processor: Any, _service: str, _arguments: Message) -> str:
        await asyncio.sleep(0)
        return "done"

    async def serial(_processor: Any, _service: str, _arguments: Message) -> str:
        return "done"

    bot.register("yield", yield_once)
    bot.processor.register_service(RTVIService("work", [RTVIServiceOption("language")]))
    bot.processor.register_action(action("work.serial", serial, [NUMBER], serial=("work",)))
    config = [{"service": "work", "options": [{"name": "language", "value": "de"}]}]
    change = {"label": "rtvi-ai", "type": "update-config", "id": "between", "data": {"config": config}}
    first, *later = [call(n, name, number=n) for n, name in enumerate(names)]
    other = change if between == "update-config" else call("between", between, number=-1)
    await bot.take([first, other, *later], answers=len(names) + 1)
    assert {type_ for id_, type_ in bot.answered if id_ != "between"} == {"server-response"}


async def test_a_repeat_of_what_could_not_be_sent_is_answered_like_the_first() -> None:
    bot = Bot()
    note, faults = bot._note, iter([RuntimeError("the line is down")])

    def deliver(message: Message) -> None:
        for fault in faults:
            raise fault
        note(message)

    bot.processor.attach(MemoryPort(deliver))
    data = {"service": "work", "action": "ready", "arguments": {"number": 1}, "idempotency_key": "once"}
    messages = [{"label": "rtvi-ai", "type": "action", "id": id_, "data": data} for id_ in ("first", "again")]
    await bot.take(messages, answers=2)
    assert bot.begun == [1]
    assert bot.answered == [("first", "error-response"), ("again", "error-response")]


async def test_what_waited_for_the_bot_comes_before_what_is_newer() -> None:
    """Two tasks read then, one what waited and one what comes in; actions of neither overtake what is older."""
    bot = Bot()
    seen: list[str] = []

    async def set_language(_processor: Any, _service: str, option: Any) -> None:
        seen.append(f"language {option.value}")

    async def look(_processor: Any, _service: str, arguments: Message) -> str:
        seen.append(f"look {arguments['number']}")
        await bot.opening.wait()
        return "done"

    bot.processor.register_service(RTVIService("work", [RTVIServiceOption("language", handler=set_language)]))
    bot.register("look", look)
    config = [{"service": "work", "options": [{"name": "language", "value": "de"}]}]
    change = {"label": "rtvi-ai", "type": "update-config", "id": "change", "data": {"config": config}}
    early = [call(1, "look", number=1), call(2, "look", number=2), change]
    late = [call(n, "look", number=n) for n in range(3, 100)]

    async def receive() -> Message | None:
        if early:
            return early.pop(0)
        if not bot.processor.is_bot_ready:
            await bot.processor.set_bot_ready()
        if late:
            return late.pop(0)
        for _ in range(10):
            await asyncio.sleep(0)
        bot.opening.set()
        async with asyncio.timeout(120):
            while len(bot.answered) < 100:
                await asyncio.sleep(0)
        return None

    await bot.processor.run(receive)
    assert seen == ["look 1", "look 2", "language de", *(f"look {n}" for n in range(3, 100))]
    assert_idle(bot.processor)
