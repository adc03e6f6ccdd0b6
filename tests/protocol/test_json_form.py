"""Values that are no JSON but have one obvious form in it, and those that have none."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import types
import uuid
from typing import Any

import pytest
from pydantic import BaseModel, Field, RootModel, SecretStr

from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.json_form import json_form
from rtvi_plugins.protocol.messages import NotJSONError

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
NOON = dt.datetime(2026, 2, 3, 12, 0, tzinfo=dt.UTC)


class Colour(enum.Enum):
    RED = "red"
    PLACE = pathlib.PurePosixPath("a/b")


class Word(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Guest(BaseModel):
    name: str
    since: dt.date = dt.date(2026, 2, 3)
    colour: Colour = Colour.RED
    key: SecretStr = SecretStr("hunter2")


class Renamed(BaseModel, serialize_by_alias=True):
    room_number: int = Field(alias="roomNumber")


class Guests(RootModel[list[Guest]]): ...


@dataclasses.dataclass
class Room:
    number: int
    guests: list[Guest] = dataclasses.field(default_factory=list)
    booked: tuple[dt.date, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: float = 0.5


Pair = collections.namedtuple("Pair", "left right")


class Text(str):
    def __str__(self) -> str:
        return "something else"


GUEST = {"name": "Ada", "since": "2026-02-03", "colour": "red", "key": "**********"}
FORMS: dict[str, tuple[Any, Any]] = {
    "model": (Guest(name="Ada"), GUEST),
    "model with aliases": (Renamed(roomNumber=7), {"roomNumber": 7}),
    "root model": (Guests([Guest(name="Ada")]), [GUEST]),
    "dataclass": (
        Room(7, [Guest(name="Ada")], (dt.date(2026, 2, 3),)),
        {"number": 7, "guests": [GUEST], "booked": ["2026-02-03"]},
    ),
    "dataclass with slots": (Point(), {"x": 0.5}),
    "enum": (Colour.RED, "red"),
    "enum of a path": (Colour.PLACE, "a/b"),
    "enum of text": (Word.RED, "red"),
    "enum of integers": (Level.HIGH, 3),
    "uuid": (ID, str(ID)),
    "datetime": (NOON, "2026-02-03T12:00:00+00:00"),
    "date": (dt.date(2026, 2, 3), "2026-02-03"),
    "time": (dt.time(12, 30), "12:30:00"),
    "path": (pathlib.PurePosixPath("/a/b.txt"), "/a/b.txt"),
    "tuple": ((1, (2,)), [1, [2]]),
    "named tuple": (Pair(1, NOON), [1, "2026-02-03T12:00:00+00:00"]),
    "read-only mapping": (types.MappingProxyType({"a": ID}), {"a": str(ID)}),
    "ordered mapping": (collections.OrderedDict(b=1, a=ID), {"b": 1, "a": str(ID)}),
    "names": ({Word.RED: 1, ID: 2, Text("x"): ID}, {"red": 1, str(ID): 2, "x": str(ID)}),
    "text of a class of its own": ([Text("x"), ID], ["x", str(ID)]),
    "big integer beside": ([2**70, ID], [2**70, str(ID)]),
    "plain": ({"a": [1, 2.5, None, True, "x"]}, {"a": [1, 2.5, None, True, "x"]}),
}  # fmt: skip


@pytest.mark.parametrize(("value", "form"), FORMS.values(), ids=FORMS.keys())
def test_form(value: Any, form: Any) -> None:
    assert json_form(value) == form
    assert json.dumps(json_form(value)) == json.dumps(form)  # the order of names too
    nested = {"deep": [{"down": value}, value]}
    assert json_form(nested) == {"deep": [{"down": form}, form]}
    assert json.loads(wire.encode(nested)) == {"deep": [{"down": form}, form]}


class Connection: ...


class Broken(BaseModel):
    inner: Any


NONE: dict[str, tuple[Any, str]] = {
    "object": (object(), "a 'object' has no JSON form"),
    "own class": (Connection(), f"a '{__name__}.Connection' has no JSON form"),
    "class": (Guest, "a 'pydantic._internal._model_construction.ModelMetaclass' has no JSON form"),
    "set": ({1}, "a 'set' has no JSON form"),
    "bytes": (b"x", "a 'bytes' has no JSON form"),
    "decimal": (decimal.Decimal(1), "a 'decimal.Decimal' has no JSON form"),
    "timedelta": (dt.timedelta(1), "a 'datetime.timedelta' has no JSON form"),
    "function": (print, "a 'builtin_function_or_method' has no JSON form"),
    "generator": ((n for n in ()), "a 'generator' has no JSON form"),
    "nan": (float("nan"), "NaN and infinities are not JSON"),
    "model of the unknown": (
        Broken(inner=Connection()),
        f"a '{__name__}.Broken' cannot be written: PydanticSerializationError",
    ),
    "enum of the unknown": (enum.Enum("E", {"A": object()})["A"], "a 'object' has no JSON form"),
}


@pytest.mark.parametrize(("value", "text"), NONE.values(), ids=NONE.keys())
def test_what_has_none_is_named_with_its_place(value: Any, text: str) -> None:
    with pytest.raises(NotJSONError) as caught:
        json_form(value)
    assert str(caught.value) == text
    for write in (json_form, wire.encode):
        with pytest.raises(NotJSONError) as caught:
            write({"hits": [Point(), {"at": value}]})
        assert str(caught.value) == f"hits.1.at: {text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": {1: 2}}, "a: a name is a 'int', not text"),
        ({None: 2}, "a name is a 'NoneType', not text"),
        ({Word.RED: 1, Colour.RED: 2}, "two names become 'red'"),
    ],
)
def test_names_are_text(value: Any, text: str) -> None:
    with pytest.raises(NotJSONError, match=f"^{text}$"):
        json_form(value)


def test_values_that_contain_themselves_end() -> None:
    inner: list[Any] = [ID]
    inner.append({"again": inner})
    with pytest.raises(NotJSONError, match=r"^1\.again: a value contains itself$"):
        json_form(inner)
    wide: Any = ID
    for _ in range(100):  # 2 to the power of 100 when written out
        wide = [wide, wide]
    with pytest.raises(NotJSONError, match="too large"):
        json_form(wide)


def test_one_value_may_stand_in_several_places() -> None:
    room = {"id": ID}
    assert json_form([room, room]) == [{"id": str(ID)}] * 2
