"""Tool calls as providers stream them: in fragments, or whole, with indexes and ids or without; put together here.

What is put together goes back to the provider in the next request, so it must also be what a provider accepts.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from rtvi_plugins.llm.text import well_formed

MAX_CALLS: Final = 64
"""Calls of one response; further ones are dropped. OpenAI itself takes 128 tools in all."""

_SOUND_ID: Final = re.compile(r"[!-~]{1,64}")
_UNSOUND_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")


class UnfitError(ValueError):
    """Arguments or a result cannot be passed on; the text is for the model."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call, whole. `name` and `arguments`, JSON text, are as the model wrote them; `id` is unique in a session."""

    id: str
    name: str
    arguments: str

    @property
    def is_whole(self) -> bool:
        """Whether the arguments can be read."""
        try:
            self.parse()
        except UnfitError:
            return False
        return True

    def parse(self) -> dict[str, Any]:
        """Read the arguments; none at all are an empty object. Raises UnfitError."""
        return parse_arguments(self.arguments)

    def as_message_part(self) -> dict[str, Any]:
        """Give the entry of `tool_calls`. A name or arguments no provider would take back are made harmless."""
        try:
            arguments = json.dumps(self.parse(), ensure_ascii=False)
        except UnfitError:
            arguments = "{}"
        name = _UNSOUND_IN_NAME.sub("_", self.name)[:64] or "unknown"
        return {"id": self.id, "type": "function", "function": {"name": name, "arguments": arguments}}


def parse_arguments(text: str) -> dict[str, Any]:
    """Read arguments as a model writes them: no text at all stands for none. Raises UnfitError."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UnfitError("The arguments are not valid JSON") from error
    return as_arguments(value)


def as_arguments(value: Any) -> dict[str, Any]:
    """Return the arguments that a model gives: null stands for none, and what else is no object is refused.

    Raises UnfitError.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UnfitError("The arguments are not a JSON object")
    return dict(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Fragments:
    """One call while it is streamed."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []

    @property
    def is_whole(self) -> bool:
        """Whether the arguments so far are a JSON object."""
        text = "".join(self.arguments)
        try:
            return isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            return False


class CallAssembler:
    """Puts the `tool_calls` deltas of one response together.

    A delta belongs to the newest call of its index (without index: the newest call), unless it begins another one: by
    another id, by another name, or by naming a call whose arguments are whole already. That is for providers that
    number every call 0 or not at all.
    """

    def __init__(self) -> None:
        self._calls: list[_Fragments] = []
        self._newest: dict[int | None, _Fragments] = {}
        self._by_id: dict[tuple[int | None, str], _Fragments] = {}
        self.dropped = 0

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, delta: Any) -> int:
        """Take one delta, tolerant of what providers leave out. Gives the number of characters it brought."""
        index = getattr(delta, "index", None)
        function = getattr(delta, "function", None)
        id_, name, arguments = _text(delta, "id"), _text(function, "name"), getattr(function, "arguments", None)
        if isinstance(arguments, dict):  # whole, and not even as text
            arguments = json.dumps(arguments)
        elif not isinstance(arguments, str):
            arguments = ""
        if id_ or name or arguments:
            call = self._find(index if isinstance(index, int) else None, id_, name, arguments)
            if call is not None:
                call.id = call.id or id_
                call.name = call.name or name
                call.arguments.append(arguments)
        return len(id_) + len(name) + len(arguments)

    def _find(self, index: int | None, id_: str, name: str, arguments: str) -> _Fragments | None:
        """Give the call that a delta adds to, a new one if need be; None when the delta repeats a whole call."""
        call = self._newest.get(index)
        if call is not None and id_ and call.id and id_ != call.id:
            call = self._by_id.get((index, id_))  # calls may take turns under one index, each with its id
        if call is not None and name and call.name:
            if name != call.name:
                call = None
            elif call.is_whole:
                if id_ and id_ == call.id and arguments in ("", "".join(call.arguments)):
                    return None
                call = None
        if call is None:
            call = _Fragments()
            if len(self._calls) < MAX_CALLS:
                self._calls.append(call)
            else:
                self.dropped += 1  # it takes its deltas and is forgotten
        self._newest[index] = call
        if id_:
            self._by_id[index, id_] = call
        return call

    def calls(self, taken: Collection[str]) -> tuple[ToolCall, ...]:
        """Give the calls in their order; an id that is missing, taken, repeated or unsound is replaced."""
        seen = set(taken)
        calls = []
        for one in self._calls:
            id_ = one.id
            if id_ in seen or not _SOUND_ID.fullmatch(id_):
                id_ = f"call_{uuid.uuid4().hex}"
            seen.add(id_)
            calls.append(ToolCall(id_, well_formed(one.name), well_formed("".join(one.arguments))))
        return tuple(calls)


def _text(holder: Any, name: str) -> str:
    value = getattr(holder, name, None)
    return value if isinstance(value, str) else ""
