"""Tools: what an LLM may call, from the same declarations clients see: actions with `tool: true`, and functions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import ActionError, did_you_mean
from rtvi_plugins.jobs.group import JobGroup
from rtvi_plugins.llm.calls import UnfitError, as_arguments
from rtvi_plugins.processor import actions, functions
from rtvi_plugins.processor.requests import Code

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor


MAX_TOOL_NAME: Final = 64
"""Characters in the name of a tool; LLM services refuse longer ones."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool, as LLM libraries want it.

    name:       letters, digits, `_` and `-`: a function's own, or an action's `service_action`.
    parameters: the JSON Schema that also checks the call; read-only.
    action:     the action behind it; None for a function, which the client executes.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    action: tuple[str, str] | None


def tool_name(service: str, action: str) -> str:
    """Give the name under which an LLM knows an action."""
    return f"{service}_{action}"


def of(processor: RTVIProcessor) -> tuple[Tool, ...]:
    """Give the tools of a session's bot."""
    tables = processor._tables
    own = [
        Tool(tool_name(*key), action.description, action.arguments.document, key)
        for key, action in tables.actions.items()
        if action.is_tool
    ]
    theirs = [Tool(f.name, f.description, f.arguments.document, None) for f in tables.functions.values()]
    return (*own, *theirs)


async def call(processor: RTVIProcessor, name: str, given: Any, tool_call_id: str) -> Any:
    """Run a tool: an action here, or a function at the client, who is told of both. Raises ActionError.

    given: the arguments; None stands for none.
    """
    tools = {tool.name: tool for tool in of(processor)}
    tool = tools.get(name)
    if tool is None:
        hint = did_you_mean(name, tools)
        text = f"There is no tool {name[:100]!r}"
        raise ActionError(f"{text}; {hint}" if hint else text, code=Code.UNKNOWN_CALL)
    try:
        arguments = as_arguments(given)
    except UnfitError as error:
        raise ActionError(str(error), code=Code.INVALID_ARGUMENTS) from None
    if tool.action is None:
        return await functions.call_function(processor, name, arguments, tool_call_id)
    functions.announce_own(processor, tool_call_id)
    try:
        result = await actions.run_own(processor, *tool.action, arguments)
    except (ActionError, asyncio.CancelledError):
        functions.announce_end(processor, tool_call_id, cancelled=True)
        raise
    functions.announce_end(processor, tool_call_id, cancelled=False)
    return {"job_id": result.id} if isinstance(result, JobGroup) else result
