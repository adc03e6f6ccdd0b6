"""What hooks give: wrong signatures and wrong results, each with what came and what was expected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rtvi_plugins.handlers import Handlers
from rtvi_plugins.hooks.hookspecs import hookimpl
from rtvi_plugins.hooks.host import PluginHost

parrot = Handlers("parrot")
parrot.action("say")(len)
unnamed = Handlers("parrot")
unnamed.action(5)(len)  # type: ignore[arg-type]
uncallable = Handlers("parrot")
uncallable.action("say")(5)  # type: ignore[type-var]
numbered = Handlers(5)  # type: ignore[arg-type]


async def good(call: Any, call_next: Any) -> Any:
    return await call_next(call)


def plain(call: Any, call_next: Any) -> Any:
    return call_next(call)


async def short(call: Any) -> Any:
    return call


async def long(call: Any, call_next: Any, third: Any) -> Any:
    return (call, call_next, third)


class Object:
    async def __call__(self, call: Any, call_next: Any) -> Any:
        return await call_next(call)


class Responder:
    settings_schema: Mapping[str, Any] = {}

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        self.settings, self.bot = settings, bot

    async def respond(self, processor: Any, text: str) -> AsyncIterator[str]:
        yield f"{processor}{text}"


class NoSchema(Responder):
    settings_schema = None  # type: ignore[assignment]


class NoRespond(Responder):
    respond = None  # type: ignore[assignment]


class ShortRespond(Responder):
    async def respond(self, text: str) -> AsyncIterator[str]:  # type: ignore[override]
        yield text


class Returns(Responder):
    async def respond(self, processor: Any, text: str) -> str:  # type: ignore[override]
        return f"{processor}{text}"


class OneArgument(Responder):
    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings, None)


def host_of(hook: str, function: Callable[..., Any]) -> PluginHost:
    host = PluginHost.discover({"odd": SimpleNamespace(**{hook: hookimpl(function)})}, only=())
    host.stages()
    return host


def faults_of(host: PluginHost) -> list[tuple[str, str]]:
    assert {p.slug for p in host.problems} <= {"bad-hook"}
    assert all(p.text.startswith("plugin 'odd' (types): ") for p in host.problems)
    return [(p.text.partition("): ")[2], p.expected) for p in host.problems]


ITERABLE = "an iterable of Handlers"
COROUTINES = "'async def' functions that take (call, call_next)"
RESULTS: dict[str, tuple[str, object, list[tuple[str, str]]]] = {
    "handlers: list": ("rtvi_handlers", [parrot, Handlers()], []),
    "handlers: empty": ("rtvi_handlers", (), []),
    "handlers: dict": ("rtvi_handlers", {"parrot": parrot}, [("hook 'rtvi_handlers' gave a 'dict'", ITERABLE)]),
    "handlers: nothing": ("rtvi_handlers", None, [("hook 'rtvi_handlers' gave None", ITERABLE)]),
    "handlers: text": ("rtvi_handlers", "parrot", [("hook 'rtvi_handlers' gave a 'str'", ITERABLE)]),
    "handlers: number": ("rtvi_handlers", 5, [("hook 'rtvi_handlers' gave an 'int'", ITERABLE)]),
    "handlers: one": ("rtvi_handlers", parrot, [("hook 'rtvi_handlers' gave one Handlers", ITERABLE)]),
    "handlers: some wrong": (
        "rtvi_handlers",
        ["x", parrot, Handlers],
        [
            ("hook 'rtvi_handlers' gave a 'str' at [0]", "Handlers"),
            ("hook 'rtvi_handlers' gave a class 'Handlers' at [2]", "Handlers"),
        ],
    ),
    "handlers: unnamed": ("rtvi_handlers", [unnamed], [("a handler of kind action is named by an 'int'", "a name")]),
    "handlers: uncallable": (
        "rtvi_handlers",
        [uncallable],
        [("handler of action parrot.say is an 'int'", "a function")],
    ),
    "handlers: numbered": ("rtvi_handlers", [numbered], [("Handlers at [0] are for an 'int'", "a service's name")]),
    "middleware: sound": ("rtvi_middleware", [good, Object(), partial(long, third=1)], []),
    "middleware: one": (
        "rtvi_middleware",
        good,
        [("hook 'rtvi_middleware' gave a 'function'", f"an iterable of {COROUTINES}")],
    ),
    "middleware: plain": (
        "rtvi_middleware",
        [plain],
        [("hook 'rtvi_middleware' gave 'plain', a plain 'def', at [0]", COROUTINES)],
    ),
    "middleware: class": (
        "rtvi_middleware",
        [good, Object],
        [("hook 'rtvi_middleware' gave a class 'Object' at [1]", COROUTINES)],
    ),
    "middleware: too few": (
        "rtvi_middleware",
        [short],
        [("hook 'rtvi_middleware' gave 'short(call: 'Any') -> 'Any'' at [0]", COROUTINES)],
    ),
    "middleware: too many": (
        "rtvi_middleware",
        [long],
        [
            (
                "hook 'rtvi_middleware' gave 'long(call: 'Any', call_next: 'Any', third: 'Any') -> 'Any'' at [0]",
                COROUTINES,
            )
        ],
    ),
    "manifests: sound": ("rtvi_manifests", {"here": Path(__file__)}, []),
    "manifests: list": (
        "rtvi_manifests",
        [],
        [("hook 'rtvi_manifests' gave a 'list'", "a mapping from names to a file of the package")],
    ),
    "manifests: text": (
        "rtvi_manifests",
        {"here": __file__},
        [("manifest 'here' is a 'str'", "a file of the package")],
    ),
    "manifests: absent": (
        "rtvi_manifests",
        {"here": Path("/nothing/like/it.yaml")},
        [("manifest 'here' is no readable file: '/nothing/like/it.yaml'", "a file of the package")],
    ),
    "manifests: folder": (
        "rtvi_manifests",
        {"here": Path("/")},
        [("manifest 'here' is no readable file: '/'", "a file of the package")],
    ),
    "manifests: names": (
        "rtvi_manifests",
        {5: Path(__file__), "a b": Path(__file__)},
        [
            ("hook 'rtvi_manifests' gave an 'int' as a name", "a string"),
            ("hook 'rtvi_manifests' gave the name 'a b'", "letters, digits, '_' and '-'"),
        ],
    ),
    "responders: sound": ("rtvi_responders", {"x": Responder}, []),
    "responders: object": (
        "rtvi_responders",
        {"x": Responder({}, None)},
        [("responder 'x' is a 'Responder'", "a class with the form of Responder")],
    ),
    "responders: schema": (
        "rtvi_responders",
        {"x": NoSchema},
        [("responder 'x' has no 'settings_schema'", "a JSON Schema: a mapping")],
    ),
    "responders: no respond": (
        "rtvi_responders",
        {"x": NoRespond, "y": ShortRespond},
        [
            ("responder 'x' has no 'respond(processor, text)'", "an async generator method"),
            ("responder 'y' has no 'respond(processor, text)'", "an async generator method"),
        ],
    ),
    "responders: returns": (
        "rtvi_responders",
        {"x": Returns},
        [("'respond' of responder 'x' gives one value", "pieces of text")],
    ),
    "responders: init": (
        "rtvi_responders",
        {"x": OneArgument},
        [("responder 'x' cannot be made from two values", "__init__(self, settings, bot)")],
    ),
    "stages: sound": ("rtvi_stages", {"tts": dict, "llm": partial(dict)}, []),
    "stages: value": ("rtvi_stages", {"tts": 5}, [("stage 'tts' is an 'int'", "a callable")]),
}


@pytest.mark.parametrize(("hook", "given", "faults"), RESULTS.values(), ids=RESULTS)
def test_results(hook: str, given: object, faults: list[tuple[str, str]]) -> None:
    host = host_of(hook, lambda: given)
    assert faults_of(host) == sorted(faults)
    assert all(p.location.path == __file__ and p.location.line for p in host.problems)


def test_sound_parts_are_kept_beside_faults() -> None:
    assert [h.name for _, h in host_of("rtvi_handlers", lambda: ["x", parrot]).handlers()] == ["say"]
    assert host_of("rtvi_middleware", lambda: [plain, good]).middleware() == (good,)
    assert list(host_of("rtvi_responders", lambda: {"x": Returns, "y": Responder}).responders()) == ["y"]


async def started_async() -> list[Handlers]:
    return []


async def yields_async() -> AsyncIterator[Handlers]:
    yield parrot


def yields() -> Iterator[Handlers]:
    yield parrot


@hookimpl(wrapper=True)
def wraps() -> Iterator[Handlers]:
    yield parrot


@hookimpl
def first() -> list[Handlers]:
    return []


@hookimpl(specname="rtvi_handlers")
def second() -> list[Handlers]:
    return []


def misspelt(processor: object, reson: str) -> None:
    del processor, reson


def by_keyword(processor: object, *, reason: str) -> None:
    del processor, reason


def starred(*processor: object, **rest: object) -> None:
    del processor, rest


class AsClass:
    @hookimpl
    def rtvi_handlers(self) -> list[Handlers]:
        return []


SIGNATURES: dict[str, tuple[str, Callable[..., Any], list[tuple[str, str]]]] = {
    "generator": ("rtvi_handlers", yields, []),
    "async def": (
        "rtvi_handlers",
        started_async,
        [("hook 'rtvi_handlers' is an 'async def'", "a plain 'def rtvi_handlers()'")],
    ),
    "async generator": (
        "rtvi_handlers",
        yields_async,
        [("hook 'rtvi_handlers' is an 'async def'", "a plain 'def rtvi_handlers()'")],
    ),
    "strange parameter": (
        "rtvi_session_ended",
        misspelt,
        [("hook 'rtvi_session_ended' has no parameter 'reson'", "(processor, reason)")],
    ),
    "keyword only": (
        "rtvi_session_ended",
        by_keyword,
        [("hook 'rtvi_session_ended' takes 'reason' by keyword only", "(processor, reason)")],
    ),
    "star": (
        "rtvi_session_started",
        starred,
        [
            ("hook 'rtvi_session_started' takes '*processor'", "parameters by name: (processor)"),
            ("hook 'rtvi_session_started' takes '**rest'", "parameters by name: (processor)"),
        ],
    ),
    "fewer": ("rtvi_session_ended", lambda: None, []),
    "method of a class": (
        "rtvi_handlers",
        AsClass.rtvi_handlers,
        [("hook 'rtvi_handlers' has no parameter 'self'", "()")],
    ),
}


@pytest.mark.parametrize(("hook", "function", "faults"), SIGNATURES.values(), ids=SIGNATURES)
def test_signatures(hook: str, function: Callable[..., Any], faults: list[tuple[str, str]]) -> None:
    host = host_of(hook, function)
    assert faults_of(host) == sorted(faults)
    assert host.plugins[0].hooks == (() if faults else (hook,))


def test_hints_lead_out() -> None:
    def hints(hook: str, function: Callable[..., Any]) -> list[str]:
        return [p.hint for p in host_of(hook, function).problems]

    assert hints("rtvi_session_ended", misspelt) == ["did you mean 'reason'?"]
    assert hints("rtvi_handlers", AsClass.rtvi_handlers) == ["name an instance in the entry point, not the class"]
    assert hints("rtvi_handlers", lambda: parrot) == ["put it in a list: [handlers]"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (SimpleNamespace(rtvi_handlers=partial(list)), "hook 'rtvi_handlers' is a 'partial'"),
        (SimpleNamespace(rtvi_handlers=wraps), "hook 'rtvi_handlers' is a wrapper"),
        (
            SimpleNamespace(rtvi_handlers=first, other=second),
            "hook 'rtvi_handlers' is implemented twice",
        ),
    ],
    ids=["not a function", "wrapper", "twice"],
)
def test_hooks_that_are_not_plain(given: object, text: str) -> None:
    (problem,) = PluginHost.discover({"odd": given}, only=()).problems
    assert problem.slug == "bad-hook"
    assert text in problem.text
