"""Functions and tools on a pipeline's LLM: the declarations clients see, as Pipecat function schemas with handlers.

The handler has the session run the tool, which announces it, checks arguments and result, keeps its time-out, and hears
of an interruption. Source: rtvi-protocol 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

try:  # moved in Pipecat 1.14
    from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
    from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
except ModuleNotFoundError:  # pragma: no cover - older releases
    from pipecat.adapters.schemas.function_schema import FunctionSchema
    from pipecat.adapters.schemas.tools_schema import ToolsSchema

from rtvi_plugins.errors import ActionError
from rtvi_plugins.llm.calls import UnfitError
from rtvi_plugins.llm.results import as_error, as_heard
from rtvi_plugins.pipecat.inlining import inlined

if TYPE_CHECKING:
    from pipecat.services.llm_service import FunctionCallParams, LLMService

    from rtvi_plugins.pipecat.processor import RTVIProcessor
    from rtvi_plugins.processor.tools import Tool

MARGIN_S: Final = 5.0
"""How much longer Pipecat waits for a tool than the session, whose time-out tells more."""
_NOT_PASSED_ON: Final = frozenset(
    {"$defs", "$id", "type", "properties", "required", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"}
)
"""What the schema says elsewhere; and rules that LLM services refuse at the top of a tool's parameters. The model hears
of those when a call breaks one."""


class _FunctionSchema(FunctionSchema):
    """A schema with what a tool's parameters say beside their properties: whether others may be given, and rules."""

    def __init__(self, name: str, description: str, parameters: dict[str, Any]) -> None:
        super().__init__(name, description, parameters.get("properties", {}), list(parameters.get("required", ())))
        self._beside = {key: held for key, held in parameters.items() if key not in _NOT_PASSED_ON}

    def to_default_dict(self) -> dict[str, Any]:
        whole = super().to_default_dict()
        whole["parameters"].update(self._beside)
        return dict(whole)


def register(rtvi: RTVIProcessor, llm: LLMService[Any]) -> ToolsSchema:
    """Register every tool of the bot on an LLM service, and give their schemas for its context."""
    session = rtvi.session_processor

    async def run(params: FunctionCallParams) -> None:
        unfit = rtvi.unfit_calls.pop(params.tool_call_id, "")
        if unfit:
            await params.result_callback(as_error(UnfitError(unfit)))
            return
        try:
            result = as_heard(await session.call_tool(params.function_name, params.arguments, params.tool_call_id))
        except (ActionError, UnfitError) as error:
            result = as_error(error)
        await params.result_callback(result)

    for tool in session.tools:
        llm.register_function(tool.name, run, cancel_on_interruption=True, timeout_secs=_timeout(rtvi, tool) + MARGIN_S)
    return ToolsSchema(standard_tools=[schema_of(tool) for tool in session.tools])


def _timeout(rtvi: RTVIProcessor, tool: Tool) -> float:
    tables = rtvi.session_processor._tables  # noqa: SLF001 - the session is this package's own
    return tables.functions[tool.name].timeout if tool.action is None else tables.actions[tool.action].timeout


def schema_of(tool: Tool) -> FunctionSchema:
    """Give the Pipecat schema of a tool: its own parameters, with what they refer to written in place."""
    return _FunctionSchema(tool.name, tool.description, inlined(tool.parameters))
