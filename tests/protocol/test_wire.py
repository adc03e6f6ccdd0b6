"""JSON text to values and back: what is refused, how it is told, and that nothing takes long or much."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import json
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import NotJSONError
from tests.pace import times_reference

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(JSON_VALUES)
def test_every_json_value_is_written_as_the_standard_library_reads_it(value: Any) -> None:
    assert json.loads(wire.encode(value)) == value


@given(JSON_VALUES)
def test_what_was_written_is_read_again(value: Any) -> None:
    again = wire.decode(wire.encode(value), 500)
    assert again == value or json.dumps(again) != json.dumps(value)  # integers beyond 64 bits come back as floats


@given(st.text() | st.binary())
def test_any_text_is_read_as_json_or_refused(text: str | bytes) -> None:
    try:
        # An integer beyond 64 bits is read as the nearest number of double precision.
        expected = json.loads(
            text, parse_int=lambda digits: read if abs(read := int(digits)) < 2**63 else float(digits)
        )
    except (ValueError, UnicodeDecodeError):
        expected = None
    with contextlib.suppress(wire.InvalidJSONError):
        assert wire.decode(text) == expected


REFUSED_TEXTS: list[Any] = [
    pytest.param("", "not JSON: at character 0", id="empty"),
    pytest.param("{", "not JSON: at character 1", id="cut-off"),
    pytest.param("NaN", "not JSON: at character 0", id="nan"),
    pytest.param("[Infinity]", "not JSON: at character 1", id="infinity"),
    pytest.param("{'a': 1}", "not JSON: at character 1", id="single-quotes"),
    pytest.param("[1,]", "not JSON: at character 2", id="trailing-comma"),
    pytest.param(b"\xff", "not JSON: at character 0", id="no-utf-8"),
    pytest.param("[" * 65 + "]" * 65, "nested more than 64 deep", id="65-deep"),
    pytest.param('{"a":' * 65 + "1" + "}" * 65, "nested more than 64 deep", id="65-objects-deep"),
    pytest.param("[" * 40_000 + "]" * 40_000, "not JSON: nested too deeply", id="40000-deep"),
    pytest.param("[" * 100_000 + "]" * 100_000, "more than 131072 values", id="100000-deep"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED_TEXTS)
def test_the_refusal_says_why_in_our_words(text: str | bytes, told: str) -> None:
    with pytest.raises(wire.InvalidJSONError) as caught:
        wire.decode(text)
    assert str(caught.value) == told


ALLOWED_TEXTS: list[Any] = [
    pytest.param("[" * 64 + "]" * 64, id="64-deep"),
    pytest.param("[" + ",".join(["[]"] * 1000) + "]", id="many-but-flat"),
    pytest.param(json.dumps("[" * 1000), id="brackets-in-text"),
]


@pytest.mark.parametrize("text", ALLOWED_TEXTS)
def test_depth_is_what_counts(text: str) -> None:
    assert wire.decode(text) == json.loads(text)


@pytest.mark.parametrize("as_given", [str, str.encode], ids=["text", "bytes"])
@pytest.mark.parametrize("padding", [0, 400], ids=["short", "long"])
@pytest.mark.parametrize("depth", [63, 64, 65, 66])
@pytest.mark.parametrize(
    "levels",
    [("[",), ('{"":',), ("[", '{"":'), ('{"":', "[", "[")],
    ids=["lists", "objects", "in turns", "mostly lists"],
)
def test_depth_is_found_however_short_it_is_written(
    levels: tuple[str, ...], depth: int, padding: int, as_given: Callable[[str], str | bytes]
) -> None:
    opening = [levels[index % len(levels)] for index in range(depth)]
    # The innermost object is an empty one, the shortest there is.
    inner = "{" if opening[-1] != "[" else "["
    closing = ["]" if bracket == "[" else "}" for bracket in reversed(opening)]
    written = as_given("".join([*opening[:-1], inner, *closing]) + " " * padding)
    if depth > 64:
        with pytest.raises(wire.InvalidJSONError, match="nested more than 64 deep"):
            wire.decode(written)
    else:
        assert wire.decode(written) is not None


def test_the_refusal_of_a_deep_message_holds_what_was_read() -> None:
    with pytest.raises(wire.InvalidJSONError) as caught:
        wire.decode('{"id":"x","data":' + "[" * 99 + "]" * 99 + "}")
    assert caught.value.value["id"] == "x"


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def containing_itself(width: int) -> list[Any]:
    value: list[Any] = []
    value.extend([value] * width)
    return value


class Text(str):
    __slots__ = ()


NOT_JSON: list[Any] = [
    pytest.param(math.nan, id="nan"),
    pytest.param({"a": [None, -math.inf]}, id="infinity-beside-null"),
    pytest.param([2**70, math.nan], id="nan-beside-a-big-integer"),
    pytest.param(b"bytes", id="bytes"),
    pytest.param({1}, id="set"),
    pytest.param(object(), id="object"),
    pytest.param({1: "a"}, id="integer-key"),
    pytest.param({None: "a"}, id="null-key"),
    pytest.param(OrderedDict({1: 2}), id="integer-key-of-a-subclass"),
    pytest.param(dt.timedelta(1), id="timedelta"),
    pytest.param(decimal.Decimal("1.5"), id="decimal"),
    pytest.param("\ud800", id="lone-surrogate"),
    pytest.param(nested(100_000), id="deep"),
    pytest.param(containing_itself(1), id="within-itself"),
    pytest.param(containing_itself(1000), id="within-itself-often"),
]


@pytest.mark.parametrize("value", NOT_JSON)
def test_what_is_not_json_is_refused_soon(value: Any) -> None:
    def refuse() -> None:
        with pytest.raises(NotJSONError):
            wire.encode({"data": value})

    assert times_reference(refuse) < 50


WRITTEN: list[Any] = [
    pytest.param(2**70, 2**70, id="big-integer"),
    pytest.param((1, (2,)), [1, [2]], id="tuples"),
    pytest.param(OrderedDict(a=1), {"a": 1}, id="subclass-of-dict"),
    pytest.param(Text("x"), "x", id="subclass-of-str"),
    pytest.param({"null": "null"}, {"null": "null"}, id="null-in-text"),
    pytest.param("é\u2028\0", "é\u2028\0", id="odd-characters"),
    pytest.param(nested(300), nested(300), id="300-deep"),
]


@pytest.mark.parametrize(("value", "read"), WRITTEN)
def test_what_json_can_say_is_written(value: Any, read: Any) -> None:
    assert json.loads(wire.encode(value)) == read


FOUND = {"label": "rtvi-ai", "id": "x"}
SALVAGED: list[Any] = [
    pytest.param('{"label":"rtvi-ai","id":"x","data":NaN}', FOUND, id="near-the-beginning"),
    pytest.param('{"data":"%s","label":"rtvi-ai","id":"x"}' % ("y" * 9000), FOUND, id="near-the-end"),
    pytest.param('{"label":"rtvi-ai","data":{"id":"y","z":"%s"}}' % ("y" * 9000), None, id="inside"),
    pytest.param('{"label":"rtvi-ai","data":{"z":"%s","id":"y"}}' % ("y" * 9000), None, id="inside-near-the-end"),
    pytest.param('{"label":"rtvi-ai","data":"\\"id\\":\\"y\\"",NaN}', None, id="in-a-text"),
    pytest.param('{"label":"rtvi-ai","id":7,"data":NaN}', None, id="no-text"),
    pytest.param('{"id":"x","data":NaN}', None, id="no-label"),
    pytest.param('{"label":"rtvi-ai","x":"' + '\\"' * 500_000, None, id="quotes-without-end"),
    pytest.param('{"label":"rtvi-ai"' + ',"id":' * 200_000, None, id="ids-without-end"),
    pytest.param('{"label":"rtvi-ai"' + '"\\ud83d' * 100_000 + "\\" * 500_000, None, id="surrogates-without-end"),
]


@pytest.mark.parametrize("as_bytes", [False, True], ids=["text", "bytes"])
@pytest.mark.parametrize(("text", "found"), SALVAGED)
def test_the_id_of_what_cannot_be_taken_is_found_quickly(text: str, found: Any, as_bytes: bool) -> None:
    def find() -> None:
        with pytest.raises(wire.InvalidJSONError) if "y" * 9000 not in text else contextlib.nullcontext() as caught:
            wire.decode(text.encode() if as_bytes else text)
        assert wire.salvage(text.encode() if as_bytes else text) == found
        if caught is not None:
            assert caught.value.value == found

    assert times_reference(find) < 50
