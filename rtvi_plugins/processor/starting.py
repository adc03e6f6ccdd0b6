"""What a client sends with its start: the initial configuration, and data of its own for the bot's plugins.

Clients of all generations are understood alike. Those of 0.3 write `{"config": […], …}`; newer ones
`{"body": {…}, "transport": …}`. In both, beside `body` and within it, `config` is the initial configuration, and what
is not meant for the one who carries the connection is the start data. Source: rtvi-protocol 9.2 and 10.5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rtvi_plugins.errors import Category, Suggestions
from rtvi_plugins.processor.changes import Values, check_start, named
from rtvi_plugins.processor.requests import Code, Refusal
from rtvi_plugins.processor.tables import NOTHING, Tables, is_integer
from rtvi_plugins.protocol import wire
from rtvi_plugins.schema import ArgumentsSchema, Fault, check

TRANSPORT_KEYS: Final = frozenset(
    {
        "createDailyRoom",
        "dailyMeetingTokenProperties",
        "dailyRoomProperties",
        "enableDefaultIceServers",
        "namespace",
        "transport",
    }
)
"""Keys beside `body` that are for Pipecat's runner or Pipecat Cloud."""

NO_DATA: Final = frozenset({"body", "config", "rtvi_client_version"}) | TRANSPORT_KEYS
"""Keys beside `body` that are no start data; the last one is the library's version, which old clients add."""

MAX_BYTES: Final = 65_536
"""Bytes of start data where no manifest says otherwise."""

_WORDS: Final = "Invalid start data"


@dataclass(frozen=True, slots=True)
class Start:
    """What a client settled before its session, checked: `config`, and `data` as the JSON text of an object."""

    config: Values = field(default_factory=dict)
    data: bytes = b""


NO_START: Final = Start()


def read_start(
    tables: Tables, body: Any, *, max_bytes: int = MAX_BYTES, beside: Collection[str] = (), over: Start = NO_START
) -> Start:
    """Check what a client sent with its start. Raises Refusal, which names every fault.

    body:   the whole JSON object of a start.
    beside: keys beside `body` that mean something else where it came.
    over:   what was settled before, which this is laid over.
    """
    refusals: list[Refusal] = []
    config = {name: dict(options) for name, options in over.config.items()}
    data = dict(wire.decode(over.data, 500)) if over.data else {}
    lead = dict.fromkeys(data, "")
    for prefix, part, skipped in _parts(body, NO_DATA.union(beside)):
        try:
            for service, options in _config(tables, part, prefix).items():
                config.setdefault(service, {}).update(options)
        except Refusal as refusal:
            refusals.append(refusal)
        own = {name: value for name, value in part.items() if name not in skipped}
        data |= own
        lead |= dict.fromkeys(own, prefix)
    text = _written(data, max_bytes) if data else b""
    whole = data if tables.start is None else _whole(tables.start, data)
    refusals += _refusals(tables, data, whole, lambda fault: lead.get(_first(fault.pointer), "") + fault.pointer)
    if refusals:
        raise _joined(refusals)
    return Start(config, text if whole is data or not whole else wire.encode(whole))


def _parts(body: Any, beside: Collection[str]) -> Iterator[tuple[str, Mapping[str, Any], Collection[str]]]:
    """Yield the objects of a start that hold data, each with the pointer to it and the keys in it that are none."""
    if not isinstance(body, Mapping):
        raise Refusal("The body is no JSON object", Code.INVALID_MESSAGE, Category.PROTOCOL)
    yield "", body, beside
    inner = body.get("body")
    if inner is None:
        return
    if not isinstance(inner, Mapping):
        raise _invalid("expected object", "/body")
    yield "/body", inner, ("config",)


def _config(tables: Tables, part: Mapping[str, Any], prefix: str) -> Values:
    if not part.get("config"):
        return NOTHING
    try:
        return check_start(tables, {"config": part["config"]})
    except Refusal as refusal:
        if isinstance(refusal.details, list):
            refusal.details = [{**one, "pointer": prefix + one["pointer"]} for one in refusal.details]
        raise


def _written(data: Mapping[str, Any], max_bytes: int) -> bytes:
    try:
        text = wire.encode(data)
    except TypeError as error:  # from a program's own `bot()`, not from a wire
        raise _invalid("not JSON") from error
    if len(text) > max_bytes:
        raise _invalid(f"larger than {max_bytes} bytes")
    return text


def _whole(schema: ArgumentsSchema, data: dict[str, Any]) -> dict[str, Any]:
    """Fill in defaults, and write whole numbers as integers where these are declared."""
    data = schema.with_defaults(data)
    for name, described in schema.properties.items():
        value = data.get(name)
        if value.__class__ is float and value.is_integer() and is_integer(described.document):
            data = {**data, name: int(value)}
    return data


def _refusals(
    tables: Tables, data: Mapping[str, Any], whole: Mapping[str, Any], place: Callable[[Fault], str]
) -> Iterator[Refusal]:
    """Yield what is wrong with start data: by its own schema, else, with defaults, by those of options it fills."""
    suggest = Suggestions()
    faults = [] if tables.start is None else [named(f, "") for f in check(tables.start, data, suggest)]
    if not faults:
        for service, option in tables.filled:
            if option.source in whole:
                found = check(option.schema, whole[option.source], suggest)
                inner = [named(fault, option.source, (option.source,)) for fault in found]
                faults += [replace(fault, named=f"{fault.named} (for {service}.{option.name})") for fault in inner]
    if faults:
        placed = [replace(fault, pointer=place(fault)) for fault in faults]
        yield Refusal.of_faults(_WORDS, placed, Code.INVALID_START, Category.PROTOCOL)


def _first(pointer: str) -> str:
    return pointer[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")


def _invalid(text: str, pointer: str = "") -> Refusal:
    return Refusal.of_faults(_WORDS, [Fault(pointer, text)], Code.INVALID_START, Category.PROTOCOL)


def _joined(refusals: list[Refusal]) -> Refusal:
    """Make one refusal of several."""
    if len(refusals) == 1:
        return refusals[0]
    text = "; ".join(refusal.text for refusal in refusals)
    details = [one for refusal in refusals for one in refusal.details or ()]
    return Refusal(text, refusals[-1].code, refusals[-1].category, details)


def filled_values(tables: Tables, data: Mapping[str, Any], over: Values) -> dict[str, dict[str, Any]]:
    """Return the values a session begins with: those of start data, and over these the ones of its configuration."""
    values: dict[str, dict[str, Any]] = {}
    for service, option in tables.filled:
        if option.source in data:
            values.setdefault(service, {})[option.name] = data[option.source]
    for service_name, options in over.items():
        values.setdefault(service_name, {}).update(options)
    return values
