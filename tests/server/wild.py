"""A bot whose handlers do everything a handler may do wrong, and note what they were asked.

Imported by the tests, and by `serve_wild.py`, which runs it in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rtvi_plugins import ActionError, Handlers, hookimpl
from rtvi_plugins.hooks.contracts import Call, CallNext, Middleware

SECRET = "the-secret-of-the-house"  # noqa: S105 - nothing is protected by it
"""What handlers put into their exceptions; no client may ever read it."""

SERVICES: Mapping[str, Any] = {
    "desk": {
        "plugin": "wild",
        "options": {
            "first": {"type": "string", "default": "one"},
            "second": {"type": "number", "minimum": 0, "maximum": 100, "default": 2},
            "third": {"type": "string", "default": "three"},
        },
    },
    "acts": {
        "plugin": "wild",
        "actions": {
            "echo": {"arguments": {"value": {"default": None}}},
            "add": {"arguments": {"a": "integer", "b": {"type": "integer", "default": 1}}, "result": "integer"},
            "fail": {},
            "leave": {},
            "leave_thread": {},
            "refuse": {"arguments": {"details": {"type": "boolean", "default": True}}},
            "cancel_itself": {},
            "hang": {"timeout": "200ms"},
            "stubborn": {"timeout": "200ms"},
            "wrong_type": {"result": "string"},
            "junk": {"arguments": {"kind": "string"}},
            "block": {"timeout": "200ms"},
            "huge": {"arguments": {"size": "integer"}, "result": "string"},
            "wait": {"arguments": {"key": "string"}},
            "open": {"arguments": {"key": "string"}},
            "in_turn": {"concurrency": "serial", "arguments": {"number": "integer"}},
            "guarded": {"arguments": {"how": "string"}, "result": "integer"},
            "who": {},
        },
    },
}


def write_manifest(folder: Path, *, bot: str = "wild", runtime: Mapping[str, Any] | None = None) -> Path:
    """Write the manifest (JSON is YAML) with these `runtime:` settings; gives the file."""
    path = folder / f"{bot}.yaml"
    path.write_text(
        json.dumps(
            {
                "manifest": 1,
                "bot": bot,
                "services": SERVICES,
                "messages": {"shout": {"plugin": "wild", "data": {"type": "object"}, "result": "string"}},
                "runtime": runtime or {},
            }
        )
    )
    return path


def make_junk(kind: str) -> Any:
    """Make a value that JSON cannot say."""
    within: list[Any] = []
    within.append(within)
    wide: list[Any] = []
    wide.extend([wide] * 10)
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    return {
        "bytes": b"\x00\xff",
        "nan": float("nan"),
        "infinity": [1, {"x": float("-inf")}],
        "set": {1, 2},
        "object": object(),
        "class": Wild,
        "int-keys": {1: "a"},
        "mixed-keys": {"a": 1, None: 2},
        "within-itself": within,
        "within-itself-often": wide,
        "deep": deep,
        "generator": (i for i in range(3)),
        "exception": ValueError(SECRET),
    }[kind]


JUNK = (
    "bytes", "nan", "infinity", "set", "object", "class", "int-keys", "mixed-keys", "within-itself",
    "within-itself-often", "deep", "generator", "exception",
)  # fmt: skip


class Wild:
    """The plugin. `told`: option changes in order; `sessions`: (what, id, reason); `cancelled`: actions by name."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.sessions: list[tuple[str, str, str]] = []
        self.cancelled: list[str] = []
        self.turns: list[tuple[str, int]] = []
        self.unblock = threading.Event()
        self.start_hook: Callable[[Any], Awaitable[None]] | None = None

    @hookimpl
    def rtvi_handlers(self) -> Iterable[Handlers]:
        return [self._desk(), self._acts(), self._messages()]

    @hookimpl
    def rtvi_middleware(self) -> Iterable[Middleware]:
        return [_guard]

    @hookimpl
    async def rtvi_session_started(self, processor: Any) -> None:
        self.sessions.append(("started", processor.session.id, ""))
        if self.start_hook is not None:
            await self.start_hook(processor)

    @hookimpl
    def rtvi_session_ended(self, processor: Any, reason: str) -> None:
        self.sessions.append(("ended", processor.session.id, reason))

    def _desk(self) -> Handlers:
        desk = Handlers("desk")

        async def change(_processor: Any, service: str, option: Any) -> None:
            self.told.append((option.name, option.value))
            if option.value == "boom":
                raise RuntimeError(SECRET)
            if option.value == "leave":
                sys.exit(SECRET)
            if option.value == "no":
                raise ActionError("Not today", code="closed")
            if option.value == "hang":
                await asyncio.Event().wait()
            await asyncio.sleep(0.001)
            self.told.append((f"{option.name} done", option.value))

        for name in ("first", "second", "third"):

            @desk.option(name)
            async def handler(processor: Any, service: str, option: Any) -> None:
                await change(processor, service, option)

        return desk

    def _acts(self) -> Handlers:  # noqa: C901 - many small handlers
        acts = Handlers("acts")

        @acts.action("echo")
        async def echo(_processor: Any, *, value: Any) -> Any:
            return value

        @acts.action("add")
        async def add(_processor: Any, *, a: int, b: int) -> int:
            return a + b

        @acts.action("fail")
        async def fail(_processor: Any) -> Any:
            raise RuntimeError(SECRET)

        @acts.action("leave")
        async def leave(_processor: Any) -> Any:
            sys.exit(SECRET)

        @acts.action("leave_thread")
        def leave_thread(_processor: Any) -> Any:
            sys.exit(SECRET)

        @acts.action("refuse")
        async def refuse(_processor: Any, *, details: bool) -> Any:
            raise ActionError("No such room", code="no-room", details={"room": 7} if details else object())

        @acts.action("cancel_itself")
        async def cancel_itself(_processor: Any) -> Any:
            raise asyncio.CancelledError

        @acts.action("hang")
        async def hang(_processor: Any) -> Any:
            await asyncio.Event().wait()

        @acts.action("stubborn")
        async def stubborn(_processor: Any) -> Any:
            for _ in range(3):
                try:
                    await asyncio.sleep(0.3)
                except asyncio.CancelledError:
                    self.cancelled.append("stubborn")
            return "at last"

        @acts.action("wrong_type")
        async def wrong_type(_processor: Any) -> Any:
            return 7

        @acts.action("junk")
        async def junk(_processor: Any, *, kind: str) -> Any:
            return make_junk(kind)

        @acts.action("block")
        def block(_processor: Any) -> Any:
            self.unblock.wait(120)  # longer than any stall, or it would end before its time limit is looked at

        @acts.action("huge")
        async def huge(_processor: Any, *, size: int) -> str:
            return "x" * size

        @acts.action("wait")
        async def wait(processor: Any, *, key: str) -> Any:
            try:
                await _gate(processor, key).wait()
            except asyncio.CancelledError:
                self.cancelled.append(f"wait {key}")
                raise
            return key

        @acts.action("open")
        async def open_(processor: Any, *, key: str) -> Any:
            _gate(processor, key).set()
            return True

        @acts.action("in_turn")
        async def in_turn(_processor: Any, *, number: int) -> Any:
            self.turns.append(("begins", number))
            await asyncio.sleep(0.002)
            self.turns.append(("ends", number))
            return number

        @acts.action("guarded")
        async def guarded(_processor: Any, *, how: str) -> Any:
            return 1

        @acts.action("who")
        async def who(processor: Any) -> Any:
            return {"name": processor.session.caller.name, "first": processor.config["desk"]["first"]}

        return acts

    @staticmethod
    def _messages() -> Handlers:
        messages = Handlers()

        @messages.message("shout")
        async def shout(_processor: Any, data: Any) -> Any:
            return data["text"].upper()

        return messages


def _gate(processor: Any, key: str) -> asyncio.Event:
    gate: asyncio.Event = processor.session.state.setdefault(f"gate {key}", asyncio.Event())
    return gate


async def _guard(call: Call, call_next: CallNext) -> Any:
    """Let everything pass but the action `guarded`, which it treats as its argument says."""
    if call.name != "guarded":
        return await call_next(call)
    how = call.arguments["how"]
    if how == "refuse":
        raise ActionError("Ask the manager", code="forbidden")
    if how == "raise":
        raise RuntimeError(SECRET)
    result = await call_next(call)
    return {"pass": result, "change": result + 41, "spoil": "text", "junk": object()}[how]
