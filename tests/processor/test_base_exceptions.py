"""Whatever plugin code raises, of any class, is its own failure: answered, logged, and nobody else's business."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from rtvi_plugins import Bot, Handlers, hookimpl
from rtvi_plugins.hooks.contracts import Call, CallNext, Middleware
from rtvi_plugins.testing import RequestError
from tests.processor.conftest import session


class Panic(BaseException):
    """As extensions written in Rust raise it."""


class Mute(BaseException):
    """It does not even say what it is."""

    def __str__(self) -> str:
        raise Panic


RAISED: Final[Mapping[str, Callable[[], BaseException]]] = {
    "GeneratorExit": lambda: GeneratorExit("private"),
    "BaseExceptionGroup": lambda: BaseExceptionGroup("private", [KeyboardInterrupt(), ValueError("private")]),
    "panic": lambda: Panic("private"),
    "mute": Mute,
    "KeyboardInterrupt": lambda: KeyboardInterrupt("private"),
    "SystemExit": lambda: SystemExit("private"),
    "CancelledError": lambda: asyncio.CancelledError("private"),
    "exception": lambda: ValueError("private"),
}

ACTIONS: Final = ("first", "later", "thread", "serial", "job", "job_thread", "guarded", "guarded_late")
OPTIONS: Final = ("first", "later", "thread", "guarded")

MANIFEST: Final[Mapping[str, Any]] = {
    "manifest": 1,
    "bot": "panics",
    "services": {
        "acts": {
            "plugin": "panics",
            "options": {name: {"type": "number", "default": 0} for name in ("calm", *OPTIONS)},
            "actions": {
                **{name: {} for name in (*ACTIONS, "add", "callback", "own", "group", "tool")},
                "serial": {"concurrency": "serial"},
                "job": {"job": True},
                "job_thread": {"job": True},
                "tool": {"tool": True},
            },
        }
    },
    "functions": {"locate": {}},
    "messages": {name: {"plugin": "panics", "data": True} for name in ("message", "message_thread")},
    "ui": {"events": {name: {"plugin": "panics", "payload": True} for name in ("clicked", "clicked_thread")}},
}


class Panics:
    """The plugin: every kind of code that a plugin may have, raising what `make` makes."""

    def __init__(self, make: Callable[[], BaseException]) -> None:
        self.make = make
        self.is_calm = False
        self.told: list[str] = []
        self.ended: list[str] = []

    async def at_once(self, *_: Any, **__: Any) -> Any:
        raise self.make()

    async def later(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(0.001)
        raise self.make()

    def plain(self, *_: Any, **__: Any) -> Any:
        raise self.make()

    @hookimpl
    def rtvi_handlers(self) -> Iterable[Handlers]:
        return [self._acts(), self._messages()]

    @hookimpl
    def rtvi_middleware(self) -> Iterable[Middleware]:
        return [self._guard]

    @hookimpl
    async def rtvi_session_started(self, processor: Any) -> None:
        raise self.make()

    @hookimpl
    def rtvi_session_ended(self, processor: Any, reason: str) -> None:
        self.ended.append(reason)
        raise self.make()

    async def _guard(self, call: Call, call_next: CallNext) -> Any:
        if call.name == "guarded":
            raise self.make()
        result = await call_next(call)
        if call.name == "guarded_late":
            raise self.make()
        return result

    def _acts(self) -> Handlers:
        acts = Handlers("acts")

        async def set_calm(processor: Any, service: str, option: Any) -> None:
            self.told.append(f"calm {option.value}")

        async def fine(_processor: Any, *_: Any) -> Any:
            return 1

        async def callback(processor: Any) -> Any:
            await processor.handle_function_call("locate", "call", {}, result_callback=self.at_once)

        async def own(processor: Any) -> Any:
            return await processor.run_action("acts", "later")

        async def group(processor: Any) -> Any:
            made = await processor.job_group(workers={"one": self.at_once, "two": self.later, "three": self.plain})
            return [str(result.status) for result in made.values()]

        kinds = {"thread": self.plain, "job_thread": self.plain, "later": self.later, "guarded_late": fine}
        special = {"add": fine, "callback": callback, "own": own, "group": group, "tool": self.later}
        for name in (*ACTIONS, *special):
            acts.action(name)(_as_action({**kinds, **special}.get(name, self.at_once)))
        acts.option("calm")(set_calm)
        for name in OPTIONS:
            acts.option(name)(_as_option(kinds.get(name, self.at_once), self))
        return acts

    def _messages(self) -> Handlers:
        app = Handlers()

        async def handle(_processor: Any, _given: Any) -> Any:
            raise self.make()

        def handle_plain(_processor: Any, _given: Any) -> Any:
            raise self.make()

        app.message("message")(handle)
        app.message("message_thread")(handle_plain)
        app.event("clicked")(handle)
        app.event("clicked_thread")(handle_plain)
        return app


def _as_action(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Give a handler without arguments, a coroutine function where the inner one is."""

    async def handle(processor: Any) -> Any:
        return await inner(processor)

    def handle_plain(processor: Any) -> Any:
        return inner(processor)

    return handle if asyncio.iscoroutinefunction(inner) else handle_plain


def _as_option(inner: Callable[..., Any], plugin: Panics) -> Callable[..., Any]:
    """Give an option handler that raises once the bot is ready."""

    async def handle(processor: Any, service: str, option: Any) -> Any:
        if option.value:
            await inner()

    def handle_plain(processor: Any, service: str, option: Any) -> Any:
        if option.value:
            inner()

    return handle if asyncio.iscoroutinefunction(inner) else handle_plain


@pytest.fixture(params=RAISED.values(), ids=RAISED.keys())
def plugin(request: pytest.FixtureRequest) -> Panics:
    return Panics(request.param)


@pytest.fixture
def bot(plugin: Panics, tmp_path: Path) -> Bot:
    path = tmp_path / "panics.yaml"
    path.write_text(json.dumps(MANIFEST))
    return Bot.load(path, plugins={"panics": plugin})


Code = str


async def refused(awaitable: Awaitable[Any]) -> RequestError:
    """Give the refusal of a request; nothing of the exception may stand in it."""
    with pytest.raises(RequestError) as caught:
        await awaitable
    assert "private" not in f"{caught.value.text} {caught.value.details}"
    return caught.value


def expected(plugin: Panics, code: Code) -> set[Code]:
    """Give the codes that may be: a handler that cancels itself may be told as such."""
    return {code, "cancelled"} if isinstance(plugin.make(), asyncio.CancelledError) else {code}


@pytest.mark.parametrize("name", ["first", "later", "thread", "serial", "guarded", "guarded_late", "own", "tool"])
async def test_an_action(bot: Bot, plugin: Panics, name: str) -> None:
    async with session(bot, timeout=5) as client:
        for _ in range(3):
            assert (await refused(client.call(f"acts.{name}"))).code in expected(plugin, "action-failed")
        asked = [client.call(f"acts.{name}") for _ in range(5)]  # with others held up, each has a task of its own
        for error in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(error, RequestError)
        keyed = {"service": "acts", "action": name, "arguments": [], "idempotency_key": "k"}
        for _ in range(2):
            assert (await refused(client.request("action", keyed))).code in expected(plugin, "action-failed")
        assert await client.call("acts.add") == 1
    assert plugin.ended == ["disconnected"]


@pytest.mark.parametrize("name", ["job", "job_thread"])
async def test_a_job(bot: Bot, name: str) -> None:
    async with session(bot, timeout=5) as client:
        over = asyncio.ensure_future(client.next("ui-job-group"))
        started = await client.call(f"acts.{name}")
        while (await over)["data"]["kind"] != "job_completed":
            over = asyncio.ensure_future(client.next("ui-job-group"))
        data = over.result()["data"]
        assert (data["job_id"], data["status"]) == (started["job_id"], "error")
        assert "private" not in str(data)
        assert await client.call("acts.add") == 1


async def test_a_group_of_workers(bot: Bot) -> None:
    async with session(bot, timeout=5) as client:
        assert await client.call("acts.group") == ["error"] * 3


@pytest.mark.parametrize("name", OPTIONS)
async def test_an_option(bot: Bot, plugin: Panics, name: str) -> None:
    async with session(bot, timeout=5) as client:
        told = len(plugin.told)
        refusal = await refused(client.update_config({"acts": {"calm": 1, name: 1}}))
        assert refusal.code in expected(plugin, "option-failed")
        assert plugin.told[told:] == ["calm 1", "calm 0"]
        assert (await client.get_config())["acts"][name] == 0
        assert await client.call("acts.add") == 1


@pytest.mark.parametrize("name", ["message", "message_thread"])
async def test_a_message(bot: Bot, plugin: Panics, name: str) -> None:
    async with session(bot, timeout=5) as client:
        assert (await refused(client.ask(name, 1))).code in expected(plugin, "action-failed")
        assert await client.call("acts.add") == 1


@pytest.mark.parametrize("name", ["clicked", "clicked_thread"])
async def test_a_ui_event(bot: Bot, plugin: Panics, name: str) -> None:
    async with session(bot, timeout=5) as client:
        refusal = await refused(client.request("ui-event", {"event": name, "payload": 1}))
        assert refusal.code in expected(plugin, "action-failed")
        assert await client.call("acts.add") == 1


async def test_the_result_callback_of_a_function(bot: Bot) -> None:
    async with session(bot, timeout=5) as client:
        asked = asyncio.ensure_future(client.next("llm-function-call-in-progress"))
        await client.call("acts.callback")
        assert (await asked)["data"]["tool_call_id"] == "call"
        data = {"function_name": "locate", "tool_call_id": "call", "arguments": {}, "result": 1}
        await client.send("llm-function-call-result", data)
        assert await client.call("acts.add") == 1
        pushed = [frame for frame in client.port.frames if type(frame).__name__ == "FunctionCallResultFrame"]
        assert [frame.result for frame in pushed] == [1]


@pytest.mark.parametrize("event", ["on_client_ready", "on_client_message", "on_ui_message", "on_error"])
@pytest.mark.parametrize("handler", ["at_once", "later", "plain"])
async def test_an_event_handler(bot: Bot, plugin: Panics, event: str, handler: str) -> None:
    async with session(bot, timeout=5, ready=False) as client:
        client.processor.add_event_handler(event, getattr(plugin, handler))
        await client.ready()
        await client.send("client-message", {"t": "undeclared"}, "u")
        await client.send("ui-event", {"event": "undeclared"})
        await client.processor.send_error("oh")
        assert await client.call("acts.add") == 1
        assert await client.call("acts.add") == 1
        assert "oh" in [m["data"]["error"] for m in client.received if m["type"] == "error"]


class Says:
    """A responder that raises at once, or half-way."""

    def __init__(self, make: Callable[[], BaseException], *, is_late: bool) -> None:
        self._make = make
        self._is_late = is_late

    async def respond(self, processor: Any, text: str) -> AsyncIterator[str]:
        if self._is_late:
            await asyncio.sleep(0)
            yield "Well. "
        raise self._make()

    def append(self, processor: Any, role: str, content: Any) -> None:
        raise self._make()


@pytest.mark.standalone("there the answer comes from a stage: tests/pipecat/test_responding.py")
@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "half-way"])
async def test_a_responder(bot: Bot, plugin: Panics, is_late: bool) -> None:
    bot.processor_class.responder = Says(plugin.make, is_late=is_late)
    async with session(bot, timeout=5) as client:
        for _ in range(2):
            failed = asyncio.ensure_future(client.next("error"))
            await client.send_text("Hello")
            assert (await failed)["data"]["error"] == "The bot could not answer"
        data = {"role": "user", "content": "x"}
        assert (await refused(client.request("append-to-context", data))).code == "internal"
        assert await client.call("acts.add") == 1


async def test_leaving_while_a_handler_answers_its_cancellation_with_it(bot: Bot, plugin: Panics) -> None:
    began = asyncio.Event()

    async def clings(processor: Any) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise plugin.make() from None

    async with session(bot, timeout=5) as client:
        client.processor.add_event_handler("on_client_message", lambda processor, _message: clings(processor))
        await client.send("client-message", {"t": "undeclared"})
        await began.wait()
    assert plugin.ended == ["disconnected"]
