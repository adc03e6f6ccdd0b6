"""What is sent: values of every shape that a megabyte can have, in every kind of message that carries a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from benchmarks.hostile.bot import NUMBERED, STRICT

SIZE: Final = 1_000_000
"""Bytes of a message, about: close to the most that is taken within the default limits."""
NODES: Final = 130_000
"""Values in a message, about: close to the most."""

CALL: Final = "call"
"""The `tool_call_id` of the function call that is open before a result is sent."""

Value = Callable[[float], Any]
"""Makes a value of a shape; the number scales its size, 1 for all that fits."""


def _nested(width: int, depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return [value] * width


def _tree(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"c": value}
    return value


def _many(item: Any, number: int) -> Value:
    return lambda scale: [item] * int(number * scale)


VALUES: Final[Mapping[str, Value]] = {
    "names": lambda scale: {f"name{n:06}": n for n in range(int(45_000 * scale))},
    "similar names": lambda scale: {f"argument{n}": "x" for n in range(int(45_000 * scale))},
    "names with texts": lambda scale: {f"k{n}": "text" for n in range(int(60_000 * scale))},
    "long names": lambda scale: {f"{n}" + "n" * 50_000: n for n in range(int(19 * scale))},
    "integers": _many(1, NODES),
    "texts": _many("abcde", NODES - 10_000),
    "costly texts": _many("a" * 30 + "!", 29_000),
    "different": lambda scale: list(range(int(NODES * scale))),
    "fractions": _many(0.5, NODES),
    "nulls": _many(None, NODES),
    "fractions and nulls": _many([0.5, None], 25_000),
    "booleans": _many(True, NODES),
    "lists": _many([], 32_000),
    "lists of one": _many([1], 32_000),
    "objects": _many({"a": 1}, 32_000),
    "records": _many({"id": 1, "tags": ["a"]}, 15_000),
    "wrong records": _many({"id": "x", "other": 1}, 25_000),
    "named": _many({"name": "a", "value": 1}, 25_000),
    "nested": lambda scale: _nested(int(730 * scale), 58),
    "a tree": lambda _: _tree(56),
    "large integers": _many(12345678901234567890, 47_000),
    "too large integers": _many(10**25, 36_000),
    "digits": lambda scale: int("1" * 4_000) if scale == 1 else 1,
    "text": lambda scale: "x" * int(SIZE * scale),
    "words": lambda scale: "a " * int(SIZE * scale / 2),
    "sentences": lambda scale: "a. " * int(SIZE * scale / 3),
    "foreign text": lambda scale: "ü" * int(SIZE * scale / 6),
    "escapes": lambda scale: '"' * int(SIZE * scale / 2),
    "backslashes": lambda scale: "\\" * int(SIZE * scale / 2),
    "half pairs": lambda scale: "\ud800" * int(16_000 * scale),
    "too many half pairs": lambda scale: "\ud800" * int(160_000 * scale),
    "pairs of brackets": lambda scale: "[]{}" * int(SIZE * scale / 4),
    "too many lists": _many([], 300_000),
    "too many integers": _many(1, 480_000),
    "too deep": lambda _: _nested(300, 100),
}
"""Shape → what makes it. The last are refused by the bounds of every message."""


@dataclass(frozen=True, slots=True)
class Case:
    """One message. `way`: how the value is carried; `text`: the message, or the body for `path`, as JSON."""

    way: str
    shape: str
    text: str
    path: str = ""

    @property
    def name(self) -> str:
        """What it is called in the results."""
        return f"{self.way} / {self.shape}"

    @property
    def function(self) -> str:
        """The function whose call has to be open, if any."""
        return {"result, any": "anything", "result, integers": "integers"}.get(self.way, "")


def message(type_: str, data: Any, id_: str = "1") -> str:
    """Write a message, as compactly as clients do."""
    return json.dumps({"label": "rtvi-ai", "type": type_, "id": id_, "data": data}, separators=(",", ":"))


def _listed(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in arguments.items()]


def _action(name: str, arguments: Any, **more: Any) -> str:
    return message("action", {"service": "shop", "action": name, "arguments": arguments, **more})


def _any(value: Any) -> dict[str, Any]:
    return {"value": value}


def _strict(name: str, value: Any) -> str:
    return _action("strict", {name: value})


def _result(value: Any, function: str = "anything", call: str = CALL) -> str:
    data = {"function_name": function, "tool_call_id": call, "arguments": {}, "result": value}
    return message("llm-function-call-result", data)


def _posted(name: str, arguments: Any, **more: Any) -> str:
    return json.dumps({"actions": [json.loads(_action(name, arguments))], **more})


def _client(t: str, d: Any) -> str:
    return message("client-message", {"t": t, "d": d})


def _config(options: list[Any], service: str = "shop") -> dict[str, Any]:
    return {"config": [{"service": service, "options": options}]}


WAYS: Final[Mapping[str, Callable[[Any], str]]] = {
    "action, any value": lambda v: _action("keep", _listed({"value": v})),
    "action, an object": lambda v: _action("keep", {"value": v}),
    "action, arguments": lambda v: _action("strict", v),
    "action, key": lambda v: _action("keep", {"value": v}, idempotency_key="k"),
    **{f"action, {name}": partial(_strict, name) for name in STRICT},
    "action, unknown": lambda v: message("action", {"service": v, "action": v}),
    "short form, any value": lambda v: _client("shop.keep", {"value": v}),
    "short form, arguments": lambda v: _client("shop.strict", v),
    "client-message, action": lambda v: _client("action", {"service": "shop", "action": "keep", "arguments": _any(v)}),
    "client-message, undeclared": lambda v: _client("whatever", v),
    "client-message, t": lambda v: _client(v, None),
    "client-message, declared": lambda v: _client("anything", v),
    "client-message, strict": lambda v: _client("integers", v),
    "update-config, any value": lambda v: message("update-config", _config([{"name": "anything", "value": v}])),
    "update-config, integers": lambda v: message("update-config", _config([{"name": "numbers", "value": v}])),
    "update-config, config": lambda v: message("update-config", {"config": v}),
    "update-config, options": lambda v: message("update-config", _config(v)),
    "update-config, unknown service": lambda v: message("update-config", _config(v, "other")),
    "update-config, client-message": lambda v: _client("update-config", _config(v)),
    "get-config": lambda v: message("get-config", {"x": v}),
    "describe-actions": lambda v: message("describe-actions", {"x": v}),
    "send-text": lambda v: message("send-text", {"content": v}),
    "send-text, options": lambda v: message("send-text", {"content": "hi", "options": v}),
    "send-text, later": lambda v: message("send-text", {"content": v, "options": {"run_immediately": False}}),
    "append-to-context": lambda v: message("append-to-context", {"role": "user", "content": v}),
    "ui-event, undeclared": lambda v: message("ui-event", {"event": "whatever", "payload": v}),
    "ui-event, any payload": lambda v: message("ui-event", {"event": "anything", "payload": v}),
    "ui-event, strict": lambda v: message("ui-event", {"event": "clicked", "payload": v}),
    "ui-event, a name": lambda v: message("ui-event", {"event": v}),
    "ui-snapshot": lambda v: message("ui-snapshot", {"tree": {"root": {"role": "main", "children": v}}}),
    "ui-snapshot, root": lambda v: message("ui-snapshot", {"tree": {"root": v}}),
    "ui-cancel-job-group": lambda v: message("ui-cancel-job-group", {"job_id": v, "reason": v}),
    "dtmf": lambda v: message("dtmf", {"buttons": v}),
    "raw-audio": lambda v: message("raw-audio", {"base64AudioBatch": v, "sampleRate": 16000, "numChannels": 1}),
    "send-file": lambda v: message("send-file", {"content": "x", "file": {"format": "a/b", "source": v}}),
    "result, any": _result,
    "result, integers": lambda v: _result(v, "integers"),
    "result, unknown": lambda v: _result(v, "integers", "another"),
    "client-ready": lambda v: message("client-ready", {"version": "1.0.0", "about": v}),
    "another label": lambda v: json.dumps({"label": v, "type": v, "id": "1"}),
    "another type": lambda v: json.dumps({"label": "rtvi-ai", "type": v, "id": "1"}),
    "data": lambda v: message("action", v),
    "no object": json.dumps,
}  # fmt: skip
"""Way in → what writes a message that carries a value there."""

HTTP: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "start, data": ("/start", lambda v: json.dumps({"customer": v})),
    "start, body": ("/start", lambda v: json.dumps({"body": v})),
    "start, config": ("/start", lambda v: json.dumps({"config": v})),
    "start, options": ("/start", lambda v: json.dumps(_config(v))),
    "start, value": ("/start", lambda v: json.dumps(_config([{"name": "anything", "value": v}]))),
    "POST /action, any value": ("/action", lambda v: _posted("keep", {"value": v})),
    "POST /action, arguments": ("/action", lambda v: _posted("strict", v)),
    "POST /action, integers": ("/action", lambda v: _posted("strict", {"integers": v})),
    "POST /action, actions": ("/action", lambda v: json.dumps({"actions": v})),
    "POST /action, config": ("/action", lambda v: _posted("keep", {"value": 1}, config=v)),
}  # fmt: skip
"""Way in by HTTP → its path, and what writes a body."""


def _special(scale: float) -> Iterator[Case]:
    """Yield what fits in one way only."""
    number = int(45_000 * scale)
    unknown = [{"name": f"n{n}", "value": 1} for n in range(int(25_000 * scale))]
    known = [{"name": f"option{n % NUMBERED:02}", "value": n} for n in range(int(25_000 * scale))]
    twice = [{"name": "value", "value": 1}] * int(25_000 * scale)
    for way, config in (
        ("unknown options", [{"service": "shop", "options": unknown}]),
        ("known options", [{"service": "shop", "options": known}]),
        ("services without options", [{"service": f"s{n}", "options": []} for n in range(int(16_000 * scale))]),
        ("known services without options", [{"service": "shop", "options": []}] * int(16_000 * scale)),
        ("an option each", [{"service": "shop", "options": [{"name": "x"}]}] * int(11_000 * scale)),
        ("few of an option", [{"service": "shop", "options": known[:1_000]}]),
    ):
        yield Case("update-config", way, message("update-config", {"config": config}))
        yield Case("start", way, json.dumps({"config": config}), "/start")
    yield Case("action", "a name twice", _action("keep", twice))
    yield Case("action", "unknown names", _action("strict", _listed({f"a{n}": 1 for n in range(int(25_000 * scale))})))
    actions = [json.loads(_action("strict", {f"n{n}": 1 for n in range(number // 64)}))] * 64
    yield Case("POST /action", "64 actions", json.dumps({"actions": actions}), "/action")


def cases(scale: float = 1.0, values: Mapping[str, Value] = VALUES) -> Iterator[Case]:
    """Yield every value in every way."""
    for shape, make in values.items():
        value = make(scale)
        for way, write in WAYS.items():
            yield Case(way, shape, write(value))
        for way, (path, write) in HTTP.items():
            yield Case(way, shape, write(value), path)
    yield from _special(scale)
