"""`openai`: asks the model, says what it answers, runs the tools it asks for, and asks again."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from rtvi_plugin_openai.calls import ToolCall, UnfitError
from rtvi_plugin_openai.context import Conversation, Turn, as_request
from rtvi_plugin_openai.endpoint import Endpoint
from rtvi_plugin_openai.reply import Reply
from rtvi_plugin_openai.settings import SETTINGS_SCHEMA, Settings
from rtvi_plugins import ActionError
from rtvi_plugins.llm import failures
from rtvi_plugins.llm.results import as_error, as_heard
from rtvi_plugins.llm.text import well_formed

STATE: Final = "openai"
"""Our key in `processor.session.state`."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _State:
    """What a session holds of ours."""

    conversation: Conversation
    endpoint: Endpoint


class OpenAIResponder:
    """Answers by a model behind an OpenAI-compatible endpoint. One object serves all sessions of a bot."""

    settings_schema: Mapping[str, Any] = SETTINGS_SCHEMA

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        """Take checked settings; raises ValueError when the address or the key cannot be one."""
        del bot  # tools are asked of each session
        self._settings = Settings.read(settings)
        self._endpoint = Endpoint(self._settings)

    def __repr__(self) -> str:
        return f"<OpenAIResponder model={self._settings.model!r}>"

    async def respond(self, processor: Any, text: str) -> AsyncGenerator[str, None]:
        """Answer one text; the tools that the model asks for run meanwhile. Raises ActionError.

        processor: `session.state`, `tools` and `call_tool` are used.
        """
        if self._settings.lacks_key:
            logger.warning("no key: set api_key of the responder 'openai', in most manifests by OPENAI_API_KEY")
            raise ActionError(failures.NO_KEY, code="no-key")
        with self._conversation(processor).turn(text) as turn:
            async with aclosing(self._answer(processor, turn)) as pieces:
                async for piece in pieces:
                    yield piece

    def append(self, processor: Any, role: str, content: Any) -> None:
        """Add a message to the context without answering. Raises ActionError when it cannot stand there.

        content: text, or with the role `user` a list of content parts as OpenAI defines them.
        """
        roles = self._settings.append_roles
        if role not in roles:
            raise ActionError(f"role: expected {' or '.join(roles) or 'nothing: this bot appends nothing'}")
        if not (isinstance(content, str) or (role == "user" and _is_parts(content))):
            raise ActionError(f"content: expected string{' or array of content parts' if role == 'user' else ''}")
        self._conversation(processor).append(role, content)

    def _conversation(self, processor: Any) -> Conversation:
        state: _State | None = processor.session.state.get(STATE)
        if state is None:
            state = processor.session.state[STATE] = _State(Conversation(self._settings.max_history), self._endpoint)
            self._endpoint.acquire()
        return state.conversation

    async def _answer(self, processor: Any, turn: Turn) -> AsyncGenerator[str, None]:
        tools = _described(processor.tools) if self._settings.tools else []
        end = ""  # how the text so far ends
        for rounds_left in range(self._settings.max_tool_rounds, -1, -1):
            reply = Reply()
            async with aclosing(self._ask(processor, turn, reply, tools, is_last=rounds_left == 0)) as pieces:
                is_first = True
                async for piece in pieces:
                    if is_first and end and not end[-1].isspace() and not piece[0].isspace():
                        yield " "  # between what was said before the tools ran and what follows
                    is_first = False
                    turn.say(piece)
                    end = piece
                    yield piece
            calls = self._checked_calls(turn, reply, is_last=rounds_left == 0)
            if not calls:
                return
            await self._run(processor, turn, calls)

    async def _ask(
        self, processor: Any, turn: Turn, reply: Reply, tools: list[dict[str, Any]], *, is_last: bool
    ) -> AsyncGenerator[str, None]:
        """Read one response, piece by piece, none empty. While the context is too long for the model, shorten it."""
        extra: dict[str, Any] = {"tools": tools} if tools else {}
        if tools and is_last:
            extra["tool_choice"] = "none"
        while True:
            request = {"messages": as_request(self._settings.system, turn.messages()), **extra}
            try:
                async with aclosing(self._endpoint.read(reply, request)) as pieces:
                    async for piece in pieces:
                        if piece:
                            yield piece
            except failures.ContextTooLongError:
                if not reply.is_empty or not self._conversation(processor).forget_half():
                    raise
                logger.info("the context is too long for the model: the older half was dropped")
            else:
                return

    def _checked_calls(self, turn: Turn, reply: Reply, *, is_last: bool) -> tuple[ToolCall, ...]:
        """Judge how a response ended; give the calls to run. Raises ActionError when it is no answer."""
        if reply.dropped_calls:
            logger.warning("the model asked for %d tools too many at once; they were dropped", reply.dropped_calls)
        calls = reply.calls(turn.call_ids())
        failure = failures.judged(reply, has_said=turn.is_saying, has_text=turn.has_text, calls=calls)
        if failure is not None:
            raise failure
        if calls and is_last:
            logger.warning("the model asked for tools %d times in one answer", self._settings.max_tool_rounds + 1)
            raise ActionError(failures.NO_END, code="no-end")
        return calls

    async def _run(self, processor: Any, turn: Turn, calls: tuple[ToolCall, ...]) -> None:
        """Run the calls of one response at once; their results stand in the order of the calls."""
        turn.start_calls(calls)

        async def run(call: ToolCall) -> None:
            turn.finish_call(call, await self._result(processor, call))

        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(run(call))
        turn.end_round()

    async def _result(self, processor: Any, call: ToolCall) -> str:
        """Run one tool and give its result as JSON text; what goes wrong is a result too, for the model to react."""
        if not self._settings.tools:
            return _as_json({"error": "There are no tools"})
        try:
            return _as_json(as_heard(await processor.call_tool(call.name, call.parse(), call.id)))
        except (ActionError, UnfitError) as error:
            return _as_json(as_error(error))
        except Exception:
            logger.exception("a tool failed")
            return _as_json({"error": "The tool failed"})


async def forget(processor: Any) -> None:
    """Release what a session held, if it held anything."""
    state: _State | None = processor.session.state.pop(STATE, None)
    if state is not None:
        await state.endpoint.release()


def _as_json(result: Any) -> str:
    return well_formed(json.dumps(result, ensure_ascii=False))


def _is_parts(content: Any) -> bool:
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(part, dict) and isinstance(part.get("type"), str) for part in content)
    )


def _described(tools: Any) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": _accepted(tool.parameters)},
        }
        for tool in tools
    ]


_REFUSED: Final = frozenset({"allOf", "anyOf", "oneOf", "not", "enum"})
"""Words that OpenAI refuses at the top of a function's parameters. The model hears of a rule when it breaks one."""


def _accepted(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {key: held for key, held in parameters.items() if key not in _REFUSED}
