"""What an LLM service fails at: told to the client as on the standalone host, and to the model where it can mend it.

The provider, and what it does wrong, are those of the responder `openai`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pipecat.frames.frames import ErrorFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.utils.errors import ErrorCategory

from rtvi_plugins import ActionError, Bot, Handlers, hookimpl, testing
from rtvi_plugins.llm.calls import UnfitError, as_arguments, parse_arguments
from rtvi_plugins.llm.results import MAX_CHARACTERS
from rtvi_plugins.pipecat import RTVIProcessor
from rtvi_plugins.testing.client import Client
from tests.pipecat.building import Folder, running
from tests.pipecat.memory import connect

TESTS = Path(__file__).parents[2] / "plugins/rtvi-plugin-openai/tests"
KEY = "sk-proj-Zm9vYmFyNDIxMzM3-do-not-tell"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"openai_{name}", TESTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # for its dataclasses
    spec.loader.exec_module(module)
    return module


p: Any = _load("provider")

VALUES: dict[str, Any] = {
    "zero": 0,
    "false": False,
    "null": None,
    "no-text": "",
    "empty-list": [],
    "empty-object": {},
    "number": 4.5,
    "text": "a",
    "list": [0],
    "object": {"a": None},
    "too-long": "x" * (MAX_CHARACTERS + 1),
}
"""Results of the tool `home_give`."""


class Home:
    def __init__(self) -> None:
        self.ran: list[Any] = []

    @hookimpl
    def rtvi_handlers(self) -> Iterable[Handlers]:
        home = Handlers("home")

        @home.action("add")
        async def add(_processor: Any, *, a: int, b: int) -> int:
            self.ran.append((a, b))
            return a + b

        @home.action("refuse")
        async def refuse(_processor: Any) -> None:
            raise ActionError("The door is locked")

        @home.action("give")
        async def give(_processor: Any, *, what: str) -> Any:
            return VALUES[what]

        return [home]


HOME = """
    services:
      home:
        plugin: home
        actions:
          add: {tool: true, arguments: {a: integer, b: {type: integer, default: 1}}}
          refuse: {tool: true}
          give: {tool: true, arguments: {what: string}}
"""
LLM = "\npipeline: {llm: {use: openai, args: {api_key: KEY, base_url: URL}, settings: {model: m}}}"
RESPONDER = """
runtime: {responder: {use: openai, settings: {base_url: URL, model: m, api_key: KEY, max_retries: 0}}}
"""


@dataclass
class Talk:
    client: Client
    home: Home
    provider: Any

    async def say(self, text: str = "Go", *, fails: bool = False) -> str:
        """Say something and wait for the answer, or, where it fails, for the error, and for its end."""
        before = len(self.client.received)
        await self.client.send("send-text", {"content": text})
        async with asyncio.timeout(20):
            while not _is_over(self.client.received[before:], fails=fails):
                await asyncio.sleep(0.01)
        return _said(self.client.received[before:])

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [m["data"] for m in self.client.received if m["type"] == "error"]

    @property
    def results(self) -> list[Any]:
        return [json.loads(m["content"]) for m in self.provider.context if m["role"] == "tool"]


def _is_over(received: list[dict[str, Any]], *, fails: bool) -> bool:
    types = [m["type"] for m in received]
    is_settled = types.count("bot-llm-started") == types.count("bot-llm-stopped") > 0
    return is_settled and bool("error" in types if fails else _said(received))


def _said(received: list[dict[str, Any]]) -> str:
    return "".join(m["data"]["text"] for m in received if m["type"] == "bot-llm-text")


def load(folder: Path, host: str, url: str, home: Home) -> Bot:
    rest = (LLM if host == "pipecat" else RESPONDER).replace("URL", f"{url!r}").replace("KEY", KEY)
    if host == "pipecat":
        return Folder(folder).bot(_flat(HOME) + rest, {"home": home})
    (folder / "home.yaml").write_text(f"manifest: 1\nbot: home\n{_flat(HOME)}{rest}")
    return Bot.load(folder / "home.yaml", plugins={"home": home}, environ={})


def _flat(text: str) -> str:
    return "\n".join(line[4:] for line in text.splitlines())


@asynccontextmanager
async def talking(folder: Path, host: str, *answers: Any) -> AsyncIterator[Talk]:
    home = Home()
    async with p.running(*answers) as provider:
        bot = load(folder, host, provider.url, home)
        if host == "standalone":
            async with testing.connect(bot) as client:
                yield Talk(client, home, provider)
            return
        async with running(bot) as (client, built):
            service: Any = built.llm
            service._client.max_retries = 0
            try:
                yield Talk(client, home, provider)
            finally:
                await service._client.close()


both_hosts = pytest.mark.parametrize("host", ["pipecat", "standalone"])


def status(code: int, message: str = f"no {KEY}", code_: str = "") -> Any:
    return p.Answer(status=code, body=json.dumps({"error": {"message": message, "code": code_}}))


FAILURES: dict[str, tuple[Any, str, str]] = {
    "401": (status(401, f"Incorrect API key provided: {KEY}"), "does not take the bot's key", "refused"),
    "403": (status(403), "does not take the bot's key", "refused"),
    "404": (status(404), "address or name is not known", "refused"),
    "400": (status(400), "refused the request", "refused"),
    "429": (status(429), "is busy; try again later", "busy"),
    "500": (status(500), "is not available; try again later", "unavailable"),
    "502-html": (p.Answer(status=502, body="<html>Bad gateway"), "is not available", "unavailable"),
    "too-long": (status(400, "context length", "context_length_exceeded"), "too long", "too-long"),
    "dropped-before-the-headers": (p.Answer([p.Drop()]), "cannot be reached", "unreachable"),
    "dropped-in-mid-stream": (p.Answer([p.chunk({"content": "Hi "}), p.Drop()]), "broke off", "broke-off"),
    "error-in-stream": (p.Answer([p.chunk({"content": "H"}), {"error": {"message": KEY}}]), "broke off", "broke-off"),
    "no-json": (p.Answer(["data: {nonsense\n\n"]), "cannot be read", "unreadable"),
    "json-of-another-shape": (p.Answer(["data: 42\n\n", "data: [1]\n\n"]), "cannot be read", "unreadable"),
    "200-html": (p.Answer(body="<html>Welcome to the hotel's wifi"), "cannot be read", "unreadable"),
    "empty": (p.says(), "gave no answer", "empty"),
    "nothing": (p.Answer(), "cannot be read", "unreadable"),
    "all-tokens-thought-away": (p.says(finish="length"), "its answer was too long", "too-long"),
    "finish-reason-error": (p.says("You ", finish="error"), "broke off", "broke-off"),
    "content-filter": (p.says("You ", finish="content_filter"), "content filter", "content-filter"),
    "calls-cut-off": (
        p.calls(p.delta(0, "home_add", '{"a": 1', "c"), finish=None),
        "broke off",
        "broke-off",
    ),
    "calls-too-long": (p.calls(p.call("home_add", {"a": 1}), finish="length"), "too long", "too-long"),
}


@both_hosts
@pytest.mark.parametrize(("answer", "text", "code"), FAILURES.values(), ids=FAILURES)
async def test_failures_are_told_alike(
    tmp_path: Path, host: str, answer: Any, text: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    # A context that is too long is cut on the standalone host, and asked again; here there is nothing to cut.
    async with talking(tmp_path, host, answer, p.says("Here I am")) as talk:
        await talk.say(fails=True)
        (error,) = talk.errors
        assert text in error["error"]
        assert (error["code"], error["category"], error["fatal"]) == (code, "action", False)
        assert talk.home.ran == []
        assert await talk.say("Again") == "Here I am"
        assert len(talk.errors) == 1
        assert KEY not in str(talk.client.received)
        assert "nonsense" not in str(talk.client.received)
    assert KEY not in caplog.text


@both_hosts
async def test_the_same_failure_is_told_at_each_turn(tmp_path: Path, host: str) -> None:
    async with talking(tmp_path, host, *[status(401)] * 3) as talk:
        for number in range(3):
            await talk.say(fails=True)
            assert len(talk.errors) == number + 1


SAID: dict[str, tuple[Any, str]] = {
    "pieces": (p.says("Good ", "morning", "!"), "Good morning!"),
    "no-finish-reason": (p.says("Hi", finish=None), "Hi"),
    "cut-when-it-was-whole": (p.Answer([p.chunk({"content": "Hi"}, "stop"), p.Drop()]), "Hi"),
    "null-delta": (p.Answer([{**p.chunk(), "choices": [{"delta": None}]}, *p.says("Hi").steps]), "Hi"),
    "null-choices": (p.Answer([{**p.chunk(), "choices": None}, *p.says("Hi").steps]), "Hi"),
    "parts": (p.Answer([p.chunk({"content": [{"type": "text", "text": "Hi"}, 1]}, "stop")]), "Hi"),
    "refusal": (p.Answer([p.chunk({"refusal": "I "}), p.chunk({"refusal": "won't"}, "stop")]), "I won't"),
    "cut-by-max-tokens": (p.says("One, tw", finish="length"), "One, tw"),
    "halves-of-surrogate-pairs": (p.says("\ud83d", "\ude00 \ud83d", "x"), "😀 \ufffdx"),
}


@both_hosts
@pytest.mark.parametrize(("answer", "text"), SAID.values(), ids=SAID)
async def test_answers_are_said_alike(tmp_path: Path, host: str, answer: Any, text: str) -> None:
    async with talking(tmp_path, host, answer) as talk:
        assert await talk.say() == text
        assert talk.errors == []


# -- tool calls -------------------------------------------------------------------------------------------------------

NOT_JSON = {"error": "The arguments are not valid JSON"}
NO_OBJECT = {"error": "The arguments are not a JSON object"}
LOCKED = {"error": "The door is locked"}
ARGUMENTS: dict[str, tuple[str, str | None, Any]] = {
    # tool, arguments as the model writes them (None: not at all), what it hears
    "none": ("home_refuse", None, LOCKED),
    "blank": ("home_refuse", "  ", LOCKED),
    "null": ("home_refuse", "null", LOCKED),
    "empty": ("home_refuse", "{}", LOCKED),
    "list": ("home_refuse", "[]", NO_OBJECT),
    "list-of-pairs": ("home_add", '[["a", 1]]', NO_OBJECT),
    "text": ("home_refuse", '"abc"', NO_OBJECT),
    "number": ("home_refuse", "0", NO_OBJECT),
    "false": ("home_refuse", "false", NO_OBJECT),
    "cut": ("home_add", '{"a": 1', NOT_JSON),
    "prose": ("home_add", "a is one", NOT_JSON),
    "nan": ("home_add", '{"a": NaN}', NOT_JSON),
    "infinity": ("home_add", '{"a": -Infinity}', NOT_JSON),
    "two": ("home_add", '{"a": 1}{"a": 2}', NOT_JSON),
    "deep": ("home_add", "[" * 100_000, NOT_JSON),
    "fine": ("home_add", '{"a": 1}', 2),
}


@both_hosts
@pytest.mark.parametrize(("tool", "arguments", "heard"), ARGUMENTS.values(), ids=ARGUMENTS)
async def test_arguments_mean_the_same(tmp_path: Path, host: str, tool: str, arguments: str | None, heard: Any) -> None:
    asked = p.calls(p.delta(0, tool, arguments, "call_1"))
    async with talking(tmp_path, host, asked, p.says("Well")) as talk:
        assert await talk.say() == "Well"
        assert talk.results == [heard]
        assert talk.errors == []
        # What goes back to the provider is what every provider accepts.
        (call,) = next(m["tool_calls"] for m in talk.provider.context if m.get("tool_calls"))
        assert isinstance(json.loads(call["function"]["arguments"]), dict)


@both_hosts
@pytest.mark.parametrize("what", VALUES)
async def test_results_mean_the_same(tmp_path: Path, host: str, what: str) -> None:
    async with talking(tmp_path, host, p.calls(p.call("home_give", {"what": what})), p.says("Well")) as talk:
        assert await talk.say() == "Well"
        value = VALUES[what]
        if what == "too-long":
            assert "too long to show: 100003 characters" in talk.results[0]["error"]
        else:
            assert talk.results == [value or {"result": value}]


@both_hosts
async def test_one_that_fits_runs_beside_one_that_does_not(tmp_path: Path, host: str) -> None:
    two = p.calls(p.delta(0, "home_add", '{"a": 1', "c1"), p.call("home_add", {"a": 5}, "c2", 1))
    async with talking(tmp_path, host, two, p.says("Well")) as talk:
        assert await talk.say() == "Well"
        assert talk.results == [NOT_JSON, 6]
        assert talk.home.ran == [(5, 1)]


@both_hosts
async def test_two_calls_in_one_piece(tmp_path: Path, host: str) -> None:
    deltas = [p.call("home_add", {"a": 1}, "c1", 0), p.call("home_add", {"a": 5}, "c2", 1)]
    two = p.Answer([p.chunk({"tool_calls": deltas}), p.chunk({}, "tool_calls")])
    async with talking(tmp_path, host, two, p.says("Well")) as talk:
        assert await talk.say() == "Well"
        assert talk.results == [2, 6]


UNFIT = {"list": [], "pairs": [["a", 1]], "text": "abc", "zero": 0, "false": False}


@pytest.mark.parametrize("value", UNFIT.values(), ids=UNFIT)
def test_values_that_are_no_arguments(value: Any) -> None:
    with pytest.raises(UnfitError, match="not a JSON object"):
        as_arguments(value)
    assert as_arguments(None) == parse_arguments("null") == parse_arguments("") == {}


async def test_a_function_of_ones_own_is_not_run_without_its_arguments() -> None:
    """Pipecat would drop the call without a word; the client is told."""
    ran: list[Any] = []
    rtvi = RTVIProcessor()
    cut = p.calls(p.delta(0, "own", '{"a": 1', "c"))
    async with p.running(cut) as provider:
        service = OpenAILLMService(api_key=KEY, base_url=provider.url, settings=OpenAILLMService.Settings(model="m"))

        async def own(params: Any) -> None:
            ran.append(params.arguments)

        service.register_function("own", own)
        pair = LLMContextAggregatorPair(LLMContext())
        async with connect(rtvi, stages=[pair.user(), service, pair.assistant()]) as client:
            told = asyncio.create_task(client.next("error"))
            await asyncio.sleep(0)
            await client.send("send-text", {"content": "Go"})
            assert (await told)["data"]["code"] == "unreadable"
        assert ran == []
        await service._client.close()


# -- services of other providers --------------------------------------------------------------------------------------

CATEGORIES = {
    "authentication": ("does not take the bot's key", "refused"),
    "authorization": ("does not take the bot's key", "refused"),
    "invalid_request": ("refused the request", "refused"),
    "rate_limit": ("is busy", "busy"),
    "quota": ("is busy", "busy"),
    "server": ("not available", "unavailable"),
    "connectivity": ("cannot be reached", "unreachable"),
    "unknown": ("The llm stage failed", "stage-failed"),
    "application": ("The llm stage failed", "stage-failed"),
}


def test_every_category_of_pipecat_is_known() -> None:
    assert {category.value for category in ErrorCategory} == CATEGORIES.keys()


@pytest.mark.parametrize("category", ErrorCategory)
@pytest.mark.parametrize("is_llm", [True, False], ids=["llm", "other"])
async def test_what_pipecat_knows_of_an_error_is_told(category: ErrorCategory, is_llm: bool) -> None:
    rtvi = RTVIProcessor()
    service = OpenAILLMService(api_key=KEY, settings=OpenAILLMService.Settings(model="m"))
    stage = service if is_llm else rtvi
    rtvi.attach_stages({"llm": service})
    async with connect(rtvi, stages=[service]) as client:
        error = ErrorFrame(f"key {KEY}", processor=stage, category=category)
        await client.output.push_frame(error, FrameDirection.UPSTREAM)
        await client.settle()
        (told,) = client.of("error")
        text, code = CATEGORIES[category.value] if is_llm else ("A stage of the bot failed", "stage-failed")
        assert text in told["data"]["error"]
        assert told["data"]["code"] == code
        assert KEY not in str(client.received)
