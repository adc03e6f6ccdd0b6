"""YAML as the language has it: values, places, and everything that is refused."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rtvi_plugins.errors import Location
from rtvi_plugins.manifest import tree
from rtvi_plugins.manifest.source import Source, read_source


def read(text: str | bytes) -> Source:
    source, problems = read_source("f.yaml", text)
    assert source is not None, problems
    assert problems == ()
    return source


def lines(text: str | bytes) -> list[str]:
    _, problems = read_source("f.yaml", text)
    return [problem.render() for problem in problems]


SCALARS = [
    ("null", None),
    ("true", True),
    ("false", False),
    ("", None),
    ("0", 0),
    ("-7", -7),
    ("1e3", 1000.0),
    ("-0.5", -0.5),
    ("1.0", 1.0),
    ("1E+2", 100.0),
    ("18446744073709551615", 2**64 - 1),
    ("yes", "yes"),
    ("on", "on"),
    ("True", "True"),
    ("NULL", "NULL"),
    ("12:30", "12:30"),
    ("010", "010"),
    ("2024-01-02", "2024-01-02"),
    ("0x10", "0x10"),
    ("0o7", "0o7"),
    (".5", ".5"),
    ("5.", "5."),
    ("+1", "+1"),
    ("1_000", "1_000"),
    ("٣", "٣"),
    ("NaN", "NaN"),
    (".nan", ".nan"),
    (".inf", ".inf"),
    ("~", "~"),
    ("'1'", "1"),
    ('"true"', "true"),
    ("''", ""),
    ("|\n  1\n", "1\n"),
    (">-\n  null", "null"),
]


@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[repr(text) for text, _ in SCALARS])
def test_scalars_are_json_or_text(text: str, value: object) -> None:
    found = read(f"a: {text}").value["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[repr(text) for text, _ in SCALARS])
def test_the_parser_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch, text: str, value: object) -> None:
    monkeypatch.setattr(tree, "_Loader", yaml.SafeLoader)
    assert read(f"a: {text}").value["a"] == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("1: x\ntrue: y\n2024-01-02: z", {"1": "x", "true": "y", "2024-01-02": "z"}, id="keys are text"),
        pytest.param("'<<': x", {"<<": "x"}, id="quoted merge key"),
        pytest.param("a: &x [1, {b: 2}]\nc: *x", {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}, id="alias"),
        pytest.param("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}, id="anchor set again"),
        pytest.param("&k a: 1\nb: *k", {"a": 1, "b": "a"}, id="anchor on a key"),
        pytest.param("a: &x [&x 1, *x]", {"a": [1, 1]}, id="anchor taken over inside"),
        pytest.param("\ufeffa: 1", {"a": 1}, id="byte order mark"),
        pytest.param(b"\xef\xbb\xbfa: \xc3\xa9", {"a": "é"}, id="byte order mark in bytes"),
        pytest.param("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}, id="version directive"),
        pytest.param("---\n- \n", [None], id="empty item"),
        pytest.param("? a\n", {"a": None}, id="key alone"),
        pytest.param("Hello ! you", "Hello ! you", id="bang inside text"),
    ],
)
def test_documents(text: str | bytes, value: object) -> None:
    assert read(text).value == value


def test_aliased_parts_are_counted_as_if_written_out() -> None:
    assert read("a: &x [1, 2, 3]\nb: [*x, *x]").size == 1 + 4 + 1 + 4 + 4


PLACES = """\
bot: x
services:
  voice: {rate: 5, tags: [a, b]}
  again: &a
    deep: [1]
other: *a
"""


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        pytest.param((), False, "1:1", id="document"),
        pytest.param(("bot",), False, "1:6", id="scalar"),
        pytest.param(("bot",), True, "1:1", id="key"),
        pytest.param(("services",), False, "3:3", id="block mapping"),
        pytest.param(("services", "voice", "rate"), False, "3:17", id="flow scalar"),
        pytest.param(("services", "voice", "rate"), True, "3:11", id="flow key"),
        pytest.param(("services", "voice", "tags", 1), False, "3:30", id="item"),
        pytest.param(("services", "voice", "tags", 1), True, "3:30", id="an item has no key"),
        pytest.param(("services", "voice", "tags", 7), False, "3:26", id="no such item"),
        pytest.param(("services", "voice", "nothing", "below"), False, "3:10", id="deepest that exists"),
        pytest.param(("services", "voice", "nothing"), True, "3:10", id="no such key"),
        pytest.param(("bot", "below"), True, "1:6", id="below a scalar"),
        pytest.param(("services", 0), False, "3:3", id="index into a mapping"),
        pytest.param(("other",), False, "6:8", id="alias"),
        pytest.param(("other", "deep", 0), False, "5:12", id="inside an alias"),
    ],
)
def test_places(path: tuple[str | int, ...], key: bool, expected: str) -> None:
    line, column = expected.split(":")
    assert read(PLACES).locate(path, key=key) == Location("f.yaml", int(line), int(column))


def test_columns_count_characters() -> None:
    assert read("é€😀: x").locate(("é€😀",)) == Location("f.yaml", 1, 6)


BAD = [
    ("empty", "", ["f.yaml:1:1: the file is empty [unreadable-file]"]),
    ("only comments", "# nothing\n", ["f.yaml:1:1: the file is empty [unreadable-file]"]),
    ("not UTF-8", b"a: x\nb: \xff", ["f.yaml:2:4: byte 0xff is not UTF-8; expected UTF-8 text [bad-yaml]"]),
    ("UTF-16", "a: x".encode("utf-16"), ["f.yaml:1:1: byte 0xff is not UTF-8; expected UTF-8 text [bad-yaml]"]),
    ("NUL", "a: x\r\nb: \0", ["f.yaml:2:4: the character U+0000 may not stand in YAML [bad-yaml]"]),
    ("control character", "a: \x1b[0m", ["f.yaml:1:4: the character U+001B may not stand in YAML [bad-yaml]"]),
    ("half a surrogate pair", "a: \ud800", ["f.yaml:1:4: the character U+D800 may not stand in YAML [bad-yaml]"]),
    (
        "duplicate keys, all of them",
        "a: 1\nb: {c: 1, c: 2}\na: 3\na: 4",
        [
            "f.yaml:2:11: b.c: the key 'c' stands twice; first at line 2 [duplicate-key]",
            "f.yaml:3:1: a: the key 'a' stands twice; first at line 1 [duplicate-key]",
            "f.yaml:4:1: a: the key 'a' stands twice; first at line 1 [duplicate-key]",
        ],
    ),
    (
        "tags, all of them",
        "a: !!str 5\nb: !mine {c: ! 1}\nd: !!python/object:os.system []",
        [
            "f.yaml:1:4: a: the tag '!!str' is not part of the manifest language; leave it out [bad-tag]",
            "f.yaml:2:4: b: the tag '!mine' is not part of the manifest language; leave it out [bad-tag]",
            "f.yaml:2:14: b.c: the tag '!' is not part of the manifest language; leave it out [bad-tag]",
            (
                "f.yaml:3:4: d: the tag '!!python/object:os.system' is not part of the manifest language; leave it out"
                " [bad-tag]"
            ),
        ],
    ),
    (
        "bare tag behind an anchor",
        "a: &x ! 5",
        ["f.yaml:1:4: a: the tag '!' is not part of the manifest language; leave it out [bad-tag]"],
    ),
    (
        "tag directive",
        "%TAG !e! tag:example.org,2000:\n---\na: 1",
        ["f.yaml:1:1: tags are not part of the manifest language [bad-tag]"],
    ),
    (
        "two documents",
        "a: 1\n---\nb: 1\nb: 2",
        ["f.yaml:2:1: a second document begins here; expected one document [many-documents]"],
    ),
    (
        "merge key",
        "a: &a {x: 1}\nb: {<<: *a, y: 2}",
        [
            (
                "f.yaml:2:5: b.<<: merge keys are not part of the manifest language; take a service from a file with"
                " 'use:', or repeat a part with an alias [unknown-key]"
            )
        ],
    ),
    (
        "keys that are no text",
        "a: &a 1\n? [x, y]\n: {b: 1}\n? {z: 1}\n*a : 2\nb: 1\nb: 2",
        [
            "f.yaml:2:3: an array or object cannot be a key; expected text [bad-yaml]",
            "f.yaml:4:3: an array or object cannot be a key; expected text [bad-yaml]",
            "f.yaml:5:1: an alias cannot be a key; expected text [bad-yaml]",
            "f.yaml:7:1: b: the key 'b' stands twice; first at line 6 [duplicate-key]",
        ],
    ),
    ("unknown alias", "a: [*x]", ["f.yaml:1:5: a[0]: no anchor 'x' before this alias [bad-yaml]"]),
    ("alias of itself", "a: &a [*a]", ["f.yaml:1:8: a[0]: the alias 'a' stands inside what it repeats [bad-yaml]"]),
    (
        "numbers beyond 64 bits",
        "a: 1e999\nb: -9223372036854775809",
        [
            "f.yaml:1:4: a: the number '1e999' is too large; expected what 64 bits hold [bad-value]",
            "f.yaml:2:4: b: the number '-9223372036854775809' is too large; expected what 64 bits hold [bad-value]",
        ],
    ),
    (
        "syntax after other faults",
        "a: 1\na: 2\nb: c: d",
        [
            "f.yaml:2:1: a: the key 'a' stands twice; first at line 1 [duplicate-key]",
            "f.yaml:3:5: a ':' makes no sense here; quote text that holds ': ' [bad-yaml]",
        ],
    ),
    ("at sign", "a: @b", ["f.yaml:1:4: a: this character cannot begin a value; quote the text [bad-yaml]"]),
    ("tab", "a:\n\tb: 1", ["f.yaml:2:1: a: a tab cannot stand here; indent with spaces [bad-yaml]"]),
    ("open quotes", "a: 'b", ["f.yaml:1:4: a: these quotes are never closed [bad-yaml]"]),
    ("open list", "a: [1,", ["f.yaml:2:1: a[1]: expected a value here [bad-yaml]"]),
    (
        "bad indentation",
        "a: 1\n b: 2",
        ["f.yaml:2:3: a ':' makes no sense here; check the indentation, or quote text that holds ': ' [bad-yaml]"],
    ),
    (
        "text from the file stays on one line",
        '"a\\nb\\e[31m": 1\n"a\\nb\\e[31m": 2',
        [r"f.yaml:2:1: a\nb\x1b[31m: the key 'a\nb\x1b[31m' stands twice; first at line 1 [duplicate-key]"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_refused(text: str | bytes, expected: list[str]) -> None:
    assert lines(text) == expected


def test_values_that_cannot_be_read_are_known() -> None:
    source, _ = read_source("f.yaml", "a: 1e999\nb: [1, *x]")
    assert source is not None
    assert source.value == {"a": None, "b": [1, None]}
    assert source.faulty == {("a",), ("b", 1)}


def _json_like(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _json_like(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_json_like(item) for item in value)
    return value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


FRAGMENTS = st.sampled_from(
    [
        "a",
        "b: ",
        ": ",
        "- ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&x ",
        "*x",
        "!t ",
        "? ",
        "'",
        '"',
        "|\n",
        "#",
        "---\n",
        "<<",
    ]
)


@given(st.one_of(st.binary(), st.text(), st.lists(FRAGMENTS, max_size=30).map("".join)))
def test_nothing_raises(text: str | bytes) -> None:
    source, problems = read_source("f.yaml", text)
    assert source is not None or problems
    for problem in problems:
        assert "\n" not in problem.render()
    if source is not None:
        assert _json_like(source.value)
        assert source.locate(()).line >= 1
