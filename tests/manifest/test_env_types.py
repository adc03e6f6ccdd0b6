"""A text that is one whole `${env:…}` is read as the type its place asks for; what does not fit is never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rtvi_plugins.manifest.typed_text import UNFIT, read
from rtvi_plugins.manifest.wanted import Wanted

Load = Callable[..., Any]
HEAD = "manifest: 1\nbot: x\n"

# (types, text, value); UNFIT where it does not fit.
READ: list[tuple[tuple[str, ...], str, object]] = [
    (("integer",), "175", 175),
    (("integer",), " 175\n", 175),
    (("integer",), "-5", -5),
    (("integer",), "5.0", 5),
    (("integer",), "5.5", UNFIT),
    (("integer",), "0x10", UNFIT),
    (("integer",), "1_000", UNFIT),
    (("integer",), "", UNFIT),
    (("integer",), "9" * 5_000, UNFIT),
    (("integer",), "18446744073709551616", UNFIT),
    (("number",), "1.5", 1.5),
    (("number",), "1e3", 1000.0),
    (("number",), "3", 3),
    (("number",), "1e999", UNFIT),
    (("number",), "NaN", UNFIT),
    (("number",), "fast", UNFIT),
    (("boolean",), "true", True),
    (("boolean",), "FALSE", False),
    (("boolean",), "yes", True),
    (("boolean",), "off", False),
    (("boolean",), "1", True),
    (("boolean",), "0", False),
    (("boolean",), "2", UNFIT),
    (("boolean", "integer"), "1", 1),
    (("string",), "175", "175"),
    (("string",), "true", "true"),
    (("integer", "string"), "175", "175"),
    (("boolean", "null"), "null", None),
    (("integer", "null"), "", None),
    (("null", "string"), "null", "null"),
    (("array",), "[1, 2]", [1, 2]),
    (("array",), '{"a": 1}', UNFIT),
    (("array",), "[1, 2", UNFIT),
    (("array",), "[NaN]", UNFIT),
    (("array",), "[18446744073709551616]", UNFIT),
    (("array",), "[" * 50_000, UNFIT),
    (("object",), '{"a": {"b": true}}', {"a": {"b": True}}),
    (("object",), '{"a": 1, "a": 2}', UNFIT),
    (("integer", "array"), "[1]", [1]),
    ((), "175", "175"),
    ((), "[1]", "[1]"),
    (("duration",), "15", 15),
    (("duration",), "15s", "15s"),
]


@pytest.mark.parametrize(("types", "text", "value"), READ, ids=[f"{'|'.join(r[0])} {r[1][:20]!r}" for r in READ])
def test_text_is_read_as_the_first_type_that_fits(types: tuple[str, ...], text: str, value: object) -> None:
    given = read(text, Wanted(types))
    assert given is UNFIT if value is UNFIT else (given == value and type(given) is type(value))


@pytest.mark.parametrize(
    ("members", "types", "text", "value"),
    [
        ((1, 2), ("integer",), "2", 2),
        (("1", 1), ("string", "integer"), "1", "1"),
        ((1, "two"), ("integer", "string"), "1", 1),
        ((True, "x"), ("boolean", "string"), "true", True),
        (([1, 2], None), ("array", "null"), "[1, 2]", [1, 2]),
        ((1, 2), ("integer",), "3", UNFIT),
        (("a", "b"), ("string",), "c", "c"),
    ],
)
def test_of_listed_values_it_is_the_one_that_is_meant(
    members: tuple[object, ...], types: tuple[str, ...], text: str, value: object
) -> None:
    given = read(text, Wanted(types, members))
    assert given is UNFIT if value is UNFIT else (given == value and type(given) is type(value))


ENVIRON = {
    "N": "42", "HALF": "0.5", "YES": "true", "LIST": "[1, 2]", "OBJ": '{"port": 5}', "T": "15",
}  # fmt: skip

# (path, how the file writes it, what it becomes). `services: {a: {options: {o: …}}}` and the like stand around it.
PLACES: list[tuple[str, str, object]] = [
    ("runtime.limits.max_sessions", "{runtime: {limits: {max_sessions: '${env:N}'}}}", 42),
    ("runtime.limits.ready_timeout", "{runtime: {limits: {ready_timeout: '${env:T}'}}}", 15),
    ("runtime.limits.max_depth", "{runtime: {limits: {max_depth: '${env:NONE:-7}'}}}", 7),
    ("runtime.limits", """{runtime: {limits: '${env:NONE:-{"max_depth": 9}}'}}""", {"max_depth": 9}),
    (
        "config.a.o",
        """{config: {a: {o: '${env:NONE:-{"a": {"b": {}}}}'}}, services: {a: {options: {o: object}}}}""",
        {"a": {"b": {}}},
    ),
    ("config.a.o", "{config: {a: {o: '<${env:N}}>'}}, services: {a: {options: {o: string}}}}", "<42}>"),
    ("runtime.announce_changes", "{runtime: {announce_changes: '${env:YES}'}}", True),
    ("runtime.origins", "{runtime: {origins: '${env:NONE:-[\"https://a.example\"]}'}}", ["https://a.example"]),
    ("runtime.hosts[0]", "{runtime: {hosts: ['${env:N}']}}", "42"),
    ("services.a.concurrency", "{services: {a: {concurrency: '${env:NONE:-serial}'}}}", "serial"),
    ("services.a.options.o.default", "{services: {a: {options: {o: {type: integer, default: '${env:N}'}}}}}", 42),
    ("services.a.options.o.default", "{services: {a: {options: {o: {type: string, default: '${env:N}'}}}}}", "42"),
    ("services.a.options.o.default", "{services: {a: {options: {o: {default: '${env:N}'}}}}}", "42"),
    ("services.a.options.o.default", "{services: {a: {options: {o: {type: bool, default: '${env:YES}'}}}}}", True),
    ("services.a.options.o.secret", "{services: {a: {options: {o: {type: bool, secret: '${env:YES}'}}}}}", True),
    ("services.a.options.o.minimum", "{services: {a: {options: {o: {type: number, minimum: '${env:HALF}'}}}}}", 0.5),
    ("services.a.options.o.maxLength", "{services: {a: {options: {o: {type: string, maxLength: '${env:N}'}}}}}", 42),
    ("services.a.options.o.pattern", "{services: {a: {options: {o: {type: string, pattern: '${env:N}'}}}}}", "42"),
    ("services.a.options.o.enum", "{services: {a: {options: {o: {type: integer, enum: '${env:LIST}'}}}}}", [1, 2]),
    ("services.a.options.o.enum[1]", "{services: {a: {options: {o: {type: integer, enum: [1, '${env:N}']}}}}}", 42),
    ("services.a.options.o.items.minimum", "{services: {a: {options: {o: {items: {minimum: '${env:N}'}}}}}}", 42),
    (
        "services.a.options.o.default.port",
        "{services: {a: {options: {o: {properties: {port: {type: integer}}, default: {port: '${env:N}'}}}}}}",
        42,
    ),
    (
        "services.a.options.o.default[0]",
        "{services: {a: {options: {o: {type: array, items: {type: number}, default: ['${env:HALF}']}}}}}",
        0.5,
    ),
    (
        "services.a.options.o.default",
        "{$defs: {Rate: {type: integer}}, services: {a: {options: {o: {$ref: '#/$defs/Rate', default: '${env:N}'}}}}}",
        42,
    ),
    ("$defs.Rate.maximum", "{$defs: {Rate: {maximum: '${env:N}'}}}", 42),
    ("config.a.o", "{services: {a: {options: {o: {type: object}}}}, config: {a: {o: '${env:OBJ}'}}}", {"port": 5}),
    ("config.a.o", "{services: {a: {options: {o: integer}}}, config: {a: {o: '${env:N}'}}}", 42),
    (
        "functions.f.arguments.x.default",
        "{functions: {f: {arguments: {x: {type: [integer, 'null'], default: '${env:N}'}}}}}",
        42,
    ),
    ("functions.f.arguments.x.required", "{functions: {f: {arguments: {x: {required: '${env:NONE:-false}'}}}}}", False),
    ("pipeline.audio.in", "{pipeline: {audio: {in: '${env:NONE:-16000}'}}}", 16000),
    ("pipeline.metrics", "{pipeline: {metrics: '${env:YES}'}}", True),
    ("pipeline.idle_timeout", "{pipeline: {idle_timeout: '${env:NONE:-never}'}}", "never"),
]


def at(value: Any, path: str) -> Any:
    for part in path.replace("[", ".[").split("."):
        value = value[int(part[1:-1])] if part.startswith("[") else value[part]
    return value


@pytest.mark.parametrize(("path", "text", "value"), PLACES, ids=[f"{row[0]} {row[2]!r}"[:70] for row in PLACES])
def test_every_place_reads_its_own_type(load: Load, path: str, text: str, value: object) -> None:
    whole = f"{{manifest: 1, bot: x, messages: {{m: {{}}}}, {text[1:]}"
    outcome = load(whole, environ=ENVIRON)
    assert outcome.lines == []
    given = at(outcome.only.source.value, path)
    assert (given, type(given)) == (value, type(value))


def test_a_used_file_and_an_overlay(load: Load) -> None:
    files = {
        "bot.yaml": HEAD + "services: {a: {use: ./a.yaml, options: {rate: {minimum: '${env:N}'}}}}",
        "a.yaml": "manifest: 1\noptions: {rate: {type: integer, default: '${env:NONE:-175}'}}",
    }
    rate = load(files, environ=ENVIRON).only.manifest.services["a"].options["rate"]
    assert (rate.default, rate.keywords["minimum"]) == (175, 42)


def test_text_with_more_than_one_reference_stays_text(load: Load) -> None:
    text = "services: {a: {options: {o: {type: integer, default: '${env:N}${env:N}'}}}}"
    assert load(HEAD + text, environ=ENVIRON).only.manifest.services["a"].options["o"].default == "4242"


DEFAULT = "services.a.options.o.default"
UNFITTING = [
    ("runtime: {limits: {max_sessions: '${env:SECRET}'}}", "runtime.limits.max_sessions", "a whole number"),
    ("services: {a: {options: {o: {type: bool, default: '${env:SECRET}'}}}}", DEFAULT, "true or false"),
    ("services: {a: {options: {o: {type: object, default: '${env:SECRET}'}}}}", DEFAULT, "an object"),
    ("services: {a: {options: {o: {minimum: '${env:SECRET}'}}}}", "services.a.options.o.minimum", "a number"),
    ("services: {a: {options: {o: {enum: [1, 2], default: '${env:SECRET}'}}}}", DEFAULT, "one of the listed values"),
]


@pytest.mark.parametrize(("text", "where", "expected"), UNFITTING, ids=[row[1] + row[2] for row in UNFITTING])
def test_what_does_not_fit_names_the_variable_and_its_place(load: Load, text: str, where: str, expected: str) -> None:
    (problem,) = load(HEAD + "messages: {m: {}}\n" + text, environ={"SECRET": "hunter2-hunter2"}).problems
    assert (problem.slug, problem.where) == ("bad-env", where)
    assert problem.text == "environment variable 'SECRET' does not fit here"
    assert problem.expected.startswith(expected)
    assert "hunter2" not in str(problem)


def test_a_default_that_does_not_fit_is_shown(load: Load) -> None:
    (problem,) = load(HEAD + "services: {a: {}}\nruntime: {limits: {max_sessions: '${env:NONE:-many}'}}").problems
    assert problem.text == "the default in '${env:NONE:-many}' does not fit here"
