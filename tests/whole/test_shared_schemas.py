"""What clients are told of schemas that several places share, and of words that may also be null."""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema_rs
import orjson
import pytest

from benchmarks.hostile.hosts import session
from benchmarks.hostile.shapes import message
from rtvi_plugins.schema import Fault, check, compile_value
from tests.pace import HANG_S

NAME_OF = {"standalone": "standalone", "pipecat": "pipeline"}


@pytest.mark.parametrize("t", [None, "describe-actions"], ids=["legacy", "client-message"])
async def test_each_entry_of_arguments_holds_what_it_refers_to(t: str | None, on_host: str) -> None:
    text = message("client-message", {"t": t}, "asked") if t else message("describe-actions", {}, "asked")
    async with session(NAME_OF[on_host]) as opened:
        told = await asyncio.wait_for(opened.cost(text), HANG_S)
    [answer] = [orjson.loads(said)["data"] for said in told.said if b'"asked"' in said]
    [action] = [one for one in (answer["d"] if t else answer)["actions"] if one["action"] == "strict"]
    entries = {entry.pop("name"): entry for entry in action["arguments"]}
    assert all(entry.pop("required") is False for entry in entries.values()), "RTVI's own keys, not JSON Schema's"
    records = jsonschema_rs.Draft202012Validator(entries["records"])
    assert records.is_valid([{"id": 1, "tags": ["a"]}])
    assert not records.is_valid([{"id": "x"}])
    tree = jsonschema_rs.Draft202012Validator(entries["tree"])
    assert tree.is_valid({"x": 1, "c": {"y": 1}})
    assert not tree.is_valid({"x": 1, "c": {}})


WORDS: list[tuple[Any, str]] = [
    ([{"enum": ["a", "b"]}, {"type": "null"}], "expected one of 'a' or 'b', or null"),
    ([{"type": "string", "enum": ["a", "b"]}, {"type": "null"}], "expected one of 'a' or 'b', or null"),
    ([{"const": "a"}, {"enum": ["b"]}, {"type": "integer"}], "expected one of 'a' or 'b', or integer"),
    ([{"type": "string"}, {"type": "null"}], "expected null or string, got integer"),
]


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
@pytest.mark.parametrize(("forms", "text"), WORDS, ids=[text for _, text in WORDS])
@pytest.mark.parametrize("number", [1, 1_000], ids=["one", "many"])
def test_a_wrong_word_is_told_the_right_ones(keyword: str, forms: Any, text: str, number: int) -> None:
    given: Any = "c" if "got" not in text else 7
    schema = compile_value({"items": {keyword: forms}})
    assert check(schema, [given] * number)[0] == Fault("/0", text)
