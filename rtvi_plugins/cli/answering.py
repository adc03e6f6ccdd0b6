"""Executing a bot's functions from the command line: by answers that were given, or by asking the person.

Source: rtvi-protocol 6 (`llm-function-call` for 0.3, `llm-function-call-in-progress` for later clients).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rtvi_plugins.cli.output import as_json, is_terminal, say
from rtvi_plugins.cli.values import BadValueError, split_pairs
from rtvi_plugins.log import one_line
from rtvi_plugins.protocol.messages import ClientType, Message, ServerType

if TYPE_CHECKING:
    from rtvi_plugins.testing.client import Client


def read_answers(pairs: Iterable[str]) -> dict[str, Any]:
    """Read `name=JSON` texts; what is not JSON is text. Raises BadValueError."""
    answers: dict[str, Any] = {}
    for name, text in split_pairs(pairs, "answer").items():
        try:
            answers[name] = json.loads(text)
        except (ValueError, RecursionError):
            if text[:1] in "{[":
                raise BadValueError(f"--answer {name}: not JSON") from None
            answers[name] = text
    return answers


class Answering:
    """Answers the functions that the bot calls in one session.

    answers: function → its result. A function that is not there is asked of the person, where there is one.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self._tasks: set[asyncio.Task[None]] = set()
        self._prompt = asyncio.Lock()

    def hear(self, client: Client, message: Message) -> None:
        """Begin to answer a function call; anything else is passed over."""
        data = message.get("data")
        if not isinstance(data, Mapping):
            return
        if message["type"] == ServerType.LLM_FUNCTION_CALL:
            arguments = data.get("args")
        elif message["type"] == ServerType.LLM_FUNCTION_CALL_IN_PROGRESS and "function_name" in data:
            arguments = data.get("arguments")
        else:
            return
        task = asyncio.ensure_future(self._answer(client, str(data["function_name"]), data, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, client: Client, name: str, data: Mapping[str, Any], arguments: Any) -> None:
        asked = f"{name}({as_json(arguments, indent=None)})"
        if name in self._answers:
            result = self._answers[name]
        elif is_terminal(sys.stdin) and is_terminal(sys.stderr):
            async with self._prompt:
                result = await asyncio.to_thread(_ask, asked)
        else:
            say(f"rtvi: the bot calls {one_line(asked)}; answer it with --answer {name}=JSON", to_stderr=True)
            return
        call = {"function_name": name, "tool_call_id": data.get("tool_call_id"), "arguments": arguments or {}}
        await client.send(ClientType.LLM_FUNCTION_CALL_RESULT, call | {"result": result})


def _ask(asked: str) -> Any:
    """Ask the person for a result, until it is JSON or plain text; an empty line means null."""
    while True:
        sys.stderr.write(f"{one_line(asked)} = ")
        sys.stderr.flush()
        text = sys.stdin.readline().strip()
        if not text:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            if text[:1] not in "{[":
                return text
            say("That is not JSON.", to_stderr=True)
