# ruff: noqa: UP007, UP045 - handlers have the form they have; old spellings are tried too
"""Do a handler's parameters fit what is declared."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict, TypeVar, Union

import pytest

from rtvi_plugins import Handlers
from rtvi_plugins.handlers import location_of
from rtvi_plugins.testing import connect
from tests.binding.conftest import Bind, plugin

T = TypeVar("T")
Celsius = NewType("Celsius", float)


class Place(TypedDict):
    x: float


class Anything:
    """No JSON type, so nothing can be told of it."""


BOT = "manifest: 1\nbot: test\nservices: {{s: {{plugin: p, actions: {{a: {action}}}}}}}\n"


def check(binding: Bind, function: Callable[..., Any], action: str) -> list[str]:
    """Give what is wrong with a handler of action `a`, without the words that are always the same."""
    handlers = Handlers("s")
    handlers.action("a")(function)
    _, problems = binding.load(BOT.format(action=action), {"p": plugin(handlers)})
    assert {problem.slug for problem in problems} <= {"bad-handler"}
    assert all(problem.where == "services.s.actions.a" for problem in problems)
    return [
        problem.text.removeprefix("action s.a").lstrip(": ") + (f" | {problem.expected}" if problem.expected else "")
        for problem in problems
    ]


_FITS = {
    "string": [str, str | None, Any, object, Literal["a"], Sequence, Optional[str], Annotated[str, "x"], T, Anything],
    "number": [float, float | int, Celsius, Union[int, float]],
    "integer": [int, float, int | str],
    "bool": [bool, bool | None],
    "array": [list, list[str], Sequence, Iterable, Iterable[str]],
    "object": [dict, dict[str, Any], Mapping, MutableMapping[str, int], Place, Iterable],
    '{type: [string, "null"]}': [str | None, object],
    "{enum: [a, 1]}": [str, int],
    "{}": [str, int, None],
}  # fmt: skip
_CLASHES = {
    "string": [(int, "str"), (bool, "str"), (dict, "str"), (list[str], "str"), (None, "str"), (Literal[1], "str")],
    "number": [(int, "float"), (str, "float"), (bool, "float"), (int | None, "float")],
    "integer": [(bool, "int"), (str | None, "int")],
    "bool": [(int, "bool"), (str, "bool")],
    "array": [(dict, "list"), (str, "list"), (int | str, "list")],
    "object": [(list, "dict"), (Sequence, "dict")],
    '{type: [string, "null"]}': [(str, "str | None"), (None, "str | None")],
    "{type: [integer, array]}": [(int, "int | list"), (list, "int | list")],
}


def annotated(annotation: Any) -> Callable[..., Any]:
    async def handler(processor: Any, *, x: Any) -> Any: ...

    handler.__annotations__["x"] = annotation
    return handler


@pytest.mark.parametrize(("declared", "annotation"), [(d, a) for d, many in _FITS.items() for a in many], ids=str)
def test_annotation_fits(binding: Bind, declared: str, annotation: Any) -> None:
    assert check(binding, annotated(annotation), f"{{arguments: {{x: {declared}}}}}") == []


@pytest.mark.parametrize(
    ("declared", "annotation", "wanted"), [(d, *pair) for d, pairs in _CLASHES.items() for pair in pairs], ids=str
)
def test_annotation_clashes(binding: Bind, declared: str, annotation: Any, wanted: str) -> None:
    (line,) = check(binding, annotated(annotation), f"{{arguments: {{x: {declared}}}}}")
    assert line.startswith("'x' is annotated ")
    assert line.endswith(f" is declared | {wanted}")


async def no_arguments(processor: Any) -> None: ...
async def one(processor: Any, *, query: str) -> None: ...
async def by_position(processor: Any, query: str, limit: int = 3) -> None: ...
async def rest(processor: Any, **arguments: Any) -> None: ...
async def one_and_rest(processor: Any, query: str, **arguments: Any) -> None: ...
async def original(processor: Any, service: str, arguments: dict[str, Any]) -> None: ...
async def renamed(processor: Any, *, with_whom: str, class_: str, from_: str) -> None: ...
async def job(processor: Any, job: Any, *, query: str) -> None: ...
async def own_default(processor: Any, query: str, speed: int = 3) -> None: ...
async def near_default(processor: Any, query: str, limt: int = 3) -> None: ...
async def only(query: str) -> None: ...
async def star(processor: Any, *rest: Any) -> None: ...
async def positional_only(processor: Any, query: str, /) -> None: ...
async def nothing() -> None: ...
def plain(processor: Any, *, query: str) -> None: ...


async def async_generator(processor: Any, *, query: str) -> Any:
    yield query


def generator(processor: Any, *, query: str) -> Any:
    yield query


class Looping:
    async def __call__(self, processor: Any, *, query: str) -> Any:
        yield query


class Query:
    def __init__(self, processor: Any, *, query: str) -> None: ...


async def both_slips(processor: Any, qery: str, lmit: int) -> None: ...
async def one_of_three(processor: Any, service: str, query: str) -> None: ...
async def three_and_query(processor: Any, service: str, args: Any, *, query: str = "") -> None: ...
async def two(processor: Any, args: dict[str, Any]) -> None: ...


QUERY = "{arguments: {query: string}}"
QUERY_LIMIT = "{arguments: {query: string, limit: {type: integer, default: 3}}}"
PYTHON_WORDS = "{arguments: {with-whom: string, class: string, from: string}}"
FORMS = "(processor, service, arguments) or (processor, *, argument, …)"

GENERATOR = "a generator: there is a 'yield' in it | a function that returns"

FORM_TABLE: dict[str, tuple[Callable[..., Any], str, list[str]]] = {
    "no arguments": (no_arguments, "{}", []),
    "one": (one, QUERY, []),
    "by position": (by_position, QUERY_LIMIT, []),
    "rest takes all": (rest, QUERY_LIMIT, []),
    "rest takes what is left": (one_and_rest, QUERY_LIMIT, []),
    "original": (original, QUERY_LIMIT, []),
    "hyphens and Python's words": (renamed, PYTHON_WORDS, []),
    "plain def": (plain, QUERY, []),
    "async generator": (async_generator, QUERY, [f"is {GENERATOR}"]),
    "generator": (generator, QUERY, [f"is {GENERATOR}"]),
    "generator behind partial": (functools.partial(generator), QUERY, [f"is {GENERATOR}"]),
    "generator of an object": (Looping(), QUERY, [f"is {GENERATOR}"]),
    "class": (Query, QUERY, ["is the class 'Query' | a function that returns"]),
    "a default of its own": (own_default, QUERY, []),
    "not told of": (no_arguments, QUERY, [f"has no parameter for argument 'query' | {FORMS}"]),
    "hyphen not told of": (
        no_arguments,
        "{arguments: {with-whom: string}}",
        [f"has no parameter for argument 'with-whom' | a parameter 'with_whom': {FORMS}"],
    ),
    "wants more": (one, "{}", [f"wants an argument 'query' that is not declared | {FORMS}"]),
    "a slip in a default": (near_default, QUERY_LIMIT, ["has a parameter 'limt' that no argument fills"]),
    "optional argument": (
        one,
        "{arguments: {query: {type: string, required: false}}}",
        ["needs 'query', which a client may leave out | a default for the parameter, or for the argument"],
    ),
    "job without a job": (job, QUERY, ["takes a job | an action with `job: true`"]),
    "no processor": (only, QUERY, [f"has no parameter for argument 'query' | {FORMS}"]),
    "nothing at all": (nothing, "{}", [f"has parameters () -> 'None' | {FORMS}"]),
    "star": (star, QUERY, [f"has parameters (processor: 'Any', *rest: 'Any') -> 'None' | {FORMS}"]),
    "positional only": (
        positional_only,
        QUERY,
        [f"has parameters (processor: 'Any', query: 'str', /) -> 'None' | {FORMS}"],
    ),
    "both slips at once": (
        both_slips,
        QUERY_LIMIT,
        [f"wants an argument '{name}' that is not declared" for name in ("lmit", "qery")],
    ),
    "one argument among the three": (
        one_of_three,
        QUERY,
        [f"wants an argument 'service' that is not declared | {FORMS}"],
    ),
    "three and a declared one": (
        three_and_query,
        QUERY,
        [f"wants an argument '{name}' that is not declared | {FORMS}" for name in ("args", "service")],
    ),
    "two": (
        two,
        QUERY,
        [
            f"has no parameter for argument 'query' | {FORMS}",
            f"wants an argument 'args' that is not declared | {FORMS}",
        ],
    ),
}


@pytest.mark.parametrize(("function", "action", "expected"), FORM_TABLE.values(), ids=FORM_TABLE.keys())
def test_form(binding: Bind, function: Callable[..., Any], action: str, expected: list[str]) -> None:
    assert check(binding, function, action) == expected


@pytest.mark.parametrize("function", [Query, Looping(), functools.partial(generator), async_generator], ids=str)
def test_every_handler_has_a_place(function: Callable[..., Any]) -> None:
    place = location_of(function)
    assert place.path == __file__
    line = Path(__file__).read_text(encoding="utf-8").splitlines()[place.line - 1]
    assert line.lstrip().startswith(("class Query", "async def ", "def generator"))


@pytest.mark.parametrize("kind", ["option", "message", "event"])
def test_generators_of_other_kinds(binding: Bind, kind: str) -> None:
    handlers = Handlers("s" if kind == "option" else None)

    if kind == "option":

        @handlers.option("a")
        async def apply(processor: Any, service: str, option: Any) -> Any:
            yield option
    else:

        @getattr(handlers, kind)("a")
        async def take(processor: Any, data: Any) -> Any:
            yield data

    part = {
        "option": "services: {s: {plugin: p, options: {a: string}}}",
        "message": "messages: {a: {plugin: p}}",
        "event": "ui: {events: {a: {plugin: p}}}",
    }[kind]
    _, (problem,) = binding.load(f"manifest: 1\nbot: t\n{part}\n", {"p": plugin(handlers)})
    assert problem.slug == "bad-handler"
    assert problem.location.path == __file__
    assert "'yield'" in problem.text


RETURNS: list[tuple[Any, str, str | None]] = [
    (bool, "bool", None),
    (int, "number", None),
    (float, "integer", None),
    (str | None, "string", None),
    (Any, "string", None),
    (None, "string", "str"),
    (None, '{type: "null"}', None),
    (dict[str, str], "array", "list"),
    (Place, "object", None),
    (int, "bool", "bool"),
    (Awaitable[int], "string", None),
]


@pytest.mark.parametrize(("annotation", "declared", "wanted"), RETURNS, ids=str)
def test_return_annotation(binding: Bind, annotation: Any, declared: str, wanted: str | None) -> None:
    async def handler(processor: Any) -> Any: ...

    handler.__annotations__["return"] = annotation
    lines = check(binding, handler, f"{{result: {declared}}}")
    assert [line.rpartition(" | ")[2] for line in lines] == ([] if wanted is None else [wanted])


class Greeter:
    def __init__(self, word: str) -> None:
        self.word = word

    async def greet(self, processor: Any, *, name: str) -> str:
        return f"{self.word} {name}"

    def greet_plainly(self, processor: Any, *, name: str) -> str:
        return f"{self.word} {name}"

    async def __call__(self, processor: Any, *, name: str) -> str:
        return f"{self.word} {name}"


async def greet(processor: Any, *, word: str = "Hi", name: str) -> str:
    return f"{word} {name}"


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper


CALLABLES: dict[str, Callable[..., Any]] = {
    "method": Greeter("Hello").greet,
    "plain method": Greeter("Hello").greet_plainly,
    "callable object": Greeter("Hello"),
    "partial": functools.partial(greet, word="Hello"),
    "partial of a partial": functools.partial(functools.partial(greet), word="Hello"),
    "decorated": logged(Greeter("Hello").greet),
    "lambda": lambda processor, *, name: f"Hello {name}",
}


@pytest.mark.parametrize("function", CALLABLES.values(), ids=CALLABLES.keys())
async def test_callables_are_bound_and_run(binding: Bind, function: Callable[..., Any]) -> None:
    handlers = Handlers("s")
    handlers.action("a")(function)
    action = "{arguments: {name: string}, result: string}"
    bot = binding.bot(BOT.format(action=action), {"p": plugin(handlers)})
    async with connect(bot) as client:
        assert await client.call("s.a", name="Ada") == "Hello Ada"


async def test_renamed_arguments_reach_the_handler(binding: Bind) -> None:
    seen: dict[str, Any] = {}
    handlers = Handlers("s")

    @handlers.action("a")
    async def take(processor: Any, *, with_whom: str, class_: str, from_: str) -> None:
        seen.update(with_whom=with_whom, class_=class_, from_=from_)

    bot = binding.bot(BOT.format(action=PYTHON_WORDS), {"p": plugin(handlers)})
    async with connect(bot) as client:
        await client.action("s", "a", {"with-whom": "Bo", "class": "b", "from": "here"})
    assert seen == {"with_whom": "Bo", "class_": "b", "from_": "here"}
