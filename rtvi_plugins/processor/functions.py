"""Functions the client executes: announced by generation, the result checked, timed, delivered once.

Source: rtvi-protocol 5. Clients below 1.2 are told by `llm-function-call`, all others by `llm-function-call-started`,
`-in-progress` and `-stopped`; never both, since each makes a client run the function.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import ActionError, Category, did_you_mean
from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.llm.calls import UnfitError, as_arguments
from rtvi_plugins.processor.fitting import fitted
from rtvi_plugins.processor.message_types import FunctionType
from rtvi_plugins.processor.requests import Code, Refusal, invalid
from rtvi_plugins.processor.stepping import is_from_outside
from rtvi_plugins.processor.tables import NOTHING
from rtvi_plugins.protocol.frames import FunctionCallResultFrame
from rtvi_plugins.protocol.messages import NotJSONError, ServerType, event
from rtvi_plugins.protocol.versions import Version
from rtvi_plugins.schema import MISSING, check, compile_arguments, compile_value

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.dispatching import Answering

logger = logging.getLogger(__name__)

OBSERVED_SINCE: Final = Version(1, 2)
"""From here on clients are told by started, in-progress and stopped."""

DEFAULT_TIMEOUT_S: Final = 30.0
"""How long a function that no manifest declares may take."""

LEAVING_S: Final = 5.0
"""How long those who wait for a function may take to hear that the client has gone."""

Deliver = Callable[[Any], Coroutine[Any, Any, None]]
ResultCallback = Callable[[Any], Awaitable[None] | None]


class FunctionCall:
    """One call that waits for the client.

    deliver:     what takes the outcome: the result, or an ActionError.
    delivery:    the task that hands the outcome over, once there is one.
    is_observed: the client was told by started and in-progress, so it has to hear of the end.
    """

    __slots__ = ("arguments", "deliver", "delivery", "function", "is_observed", "timer", "tool_call_id")

    def __init__(self, function: FunctionType, tool_call_id: str, arguments: Any, deliver: Deliver) -> None:
        self.function = function
        self.tool_call_id = tool_call_id
        self.arguments = arguments
        self.deliver = deliver
        self.delivery: asyncio.Task[None] | None = None
        self.is_observed = False
        self.timer: asyncio.TimerHandle | None = None


# -- announcing -------------------------------------------------------------------------------------------------------


def is_observer(processor: RTVIProcessor) -> bool:
    """Whether the client is told by started, in-progress and stopped."""
    return processor.version >= OBSERVED_SINCE


def announce(processor: RTVIProcessor, name: str, tool_call_id: str, arguments: Any) -> None:
    """Tell the client to execute a function."""
    if not is_observer(processor):
        data = {"function_name": name, "tool_call_id": tool_call_id, "args": arguments}
        processor.send(event(ServerType.LLM_FUNCTION_CALL, data))
        return
    if processor.begins_call(tool_call_id):
        processor.send(event(ServerType.LLM_FUNCTION_CALL_STARTED, {"function_name": name}))
    data = {"tool_call_id": tool_call_id, "function_name": name, "arguments": arguments}
    processor.send(event(ServerType.LLM_FUNCTION_CALL_IN_PROGRESS, data))


def announce_own(processor: RTVIProcessor, tool_call_id: str) -> None:
    """Tell the client that the bot runs a tool: without its name, which would make the client run it too."""
    if is_observer(processor):
        if processor.begins_call(tool_call_id):
            processor.send(event(ServerType.LLM_FUNCTION_CALL_STARTED, {}))
        processor.send(event(ServerType.LLM_FUNCTION_CALL_IN_PROGRESS, {"tool_call_id": tool_call_id}))


def announce_end(
    processor: RTVIProcessor, tool_call_id: str, name: str | None = None, *, cancelled: bool, result: Any = MISSING
) -> None:
    """Tell the client that a call is over."""
    if is_observer(processor):
        data: dict[str, Any] = {"tool_call_id": tool_call_id, "cancelled": cancelled}
        if name is not None:
            data["function_name"] = name
        if result is not MISSING:
            data["result"] = result
        processor.send(event(ServerType.LLM_FUNCTION_CALL_STOPPED, data))


# -- calling ----------------------------------------------------------------------------------------------------------


def start(
    processor: RTVIProcessor,
    function: FunctionType,
    tool_call_id: str,
    arguments: Any,
    deliver: Deliver,
) -> FunctionCall:
    """Announce a call and wait for its result, or its time-out. Raises ActionError when it cannot begin."""
    if processor._ended is not None and processor._ended.done():
        raise _gone()
    if processor._calls is None:
        processor._calls = {}
    if tool_call_id in processor._calls:
        raise ActionError(f"Function call {tool_call_id[:100]} is already waiting", code=Code.BUSY)
    if len(processor._calls) >= processor.limits["max_actions"]:
        raise ActionError("Too many function calls at once", code=Code.BUSY)
    call = FunctionCall(function, tool_call_id, arguments, deliver)
    call.is_observed = is_observer(processor)
    try:
        announce(processor, function.name, tool_call_id, arguments)
    except NotJSONError as error:
        _announce_end(processor, call, cancelled=True)
        raise _not_json(function, error) from None
    processor._calls[tool_call_id] = call
    call.timer = asyncio.get_running_loop().call_later(function.timeout, _expire, processor, call)
    return call


def _not_json(function: FunctionType, error: NotJSONError) -> ActionError:
    logger.error("the arguments of function %s are not JSON: %s", function.name, error)
    return ActionError(f"The arguments for {function.name} are not JSON", code=Code.INVALID_ARGUMENTS)


def _gone() -> ActionError:
    return ActionError("The client has gone", code=Code.CANCELLED)


def _announce_end(processor: RTVIProcessor, call: FunctionCall, *, cancelled: bool, result: Any = MISSING) -> None:
    """Tell of the end whoever was told of the beginning, even if its version became known, or another, meanwhile."""
    if call.is_observed:
        announce_end(processor, call.tool_call_id, call.function.name, cancelled=cancelled, result=result)


def _take(processor: RTVIProcessor, tool_call_id: str) -> FunctionCall | None:
    call = processor._calls.pop(tool_call_id, None) if processor._calls else None
    if call is not None and call.timer is not None:
        call.timer.cancel()
    return call


def _expire(processor: RTVIProcessor, call: FunctionCall) -> None:
    text = f"The client did not answer {call.function.name} within {call.function.timeout:g} s"
    _fail(processor, call, ActionError(text, code=Code.TIMEOUT))


def _fail(processor: RTVIProcessor, call: FunctionCall, error: ActionError) -> None:
    if _take(processor, call.tool_call_id) is not None:
        _announce_end(processor, call, cancelled=True)
        _begin_delivery(processor, call, error)


def _begin_delivery(processor: RTVIProcessor, call: FunctionCall, outcome: Any) -> asyncio.Task[None]:
    """Hand the outcome of a call that was taken out to whoever waits for it.

    In a task of its own: who waits has to hear of it, even when the session ends at this moment. Until it is done the
    call stands under a key that is no `tool_call_id`, so that `end_all` waits for it and the bound holds for it too.
    """
    calls = processor._calls = {} if processor._calls is None else processor._calls
    key = f"\0{id(call)}"
    calls[key] = call
    call.delivery = asyncio.get_running_loop().create_task(_deliver_safely(call, outcome))
    call.delivery.add_done_callback(lambda _: calls.pop(key, None))
    return call.delivery


async def _deliver_safely(call: FunctionCall, outcome: Any) -> None:
    try:
        await call.deliver(outcome)
    except BaseException as error:
        pass_on(error)
        logger.exception("delivering the outcome of function call %s failed", call.tool_call_id)


def cancel(processor: RTVIProcessor, call: FunctionCall) -> bool:
    """Give up a call: the client is told, its late result will be refused. False when it was over already."""
    if processor._calls is None or processor._calls.get(call.tool_call_id) is not call:
        return False
    _take(processor, call.tool_call_id)
    _announce_end(processor, call, cancelled=True)
    return True


async def end_all(processor: RTVIProcessor) -> None:
    """End every call, because the client has gone: whoever waits is told, and has some time to take it in."""
    for call in tuple((processor._calls or {}).values()):
        if call.delivery is None:
            _take(processor, call.tool_call_id)
            _begin_delivery(processor, call, _gone())
    deliveries = {call.delivery for call in (processor._calls or {}).values() if call.delivery is not None}
    deliveries.discard(asyncio.current_task())  # the session is ended from a result_callback
    if deliveries:
        # One that hangs must not keep the others, or the end of the session, from coming.
        _, late = await asyncio.wait(deliveries, timeout=LEAVING_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=LEAVING_S)


def undeclared(name: str) -> FunctionType:
    """Describe a function that no manifest declares: any arguments, any result."""
    return FunctionType(name, compile_arguments({}, NOTHING), compile_value(True), DEFAULT_TIMEOUT_S)


def _checked(function: FunctionType, arguments: dict[str, Any]) -> dict[str, Any]:
    """Compare arguments with what is declared; give them with defaults filled in. Raises ActionError."""
    try:
        arguments, faults = fitted(function.arguments, arguments)
    except NotJSONError as error:
        raise _not_json(function, error) from None
    if faults:
        lead = f"Invalid arguments for {function.name}"
        refusal = Refusal.of_faults(lead, faults, Code.INVALID_ARGUMENTS, Category.FUNCTION_CALL)
        raise ActionError(refusal.text, code=refusal.code, details=refusal.details)
    return function.arguments.with_defaults(arguments)


def _as_arguments(given: Any) -> dict[str, Any]:
    """Return what an LLM gives as arguments. Raises ActionError."""
    try:
        return as_arguments(given)
    except UnfitError as error:
        raise ActionError(str(error), code=Code.INVALID_ARGUMENTS) from None


async def call_function(
    processor: RTVIProcessor, name: str, arguments: dict[str, Any], tool_call_id: str | None = None
) -> Any:
    """Have the client execute a declared function; gives its checked result. Raises ActionError."""
    function = processor._tables.functions.get(name)
    if function is None:
        hint = did_you_mean(name, processor._tables.functions)
        text = f"Function {name[:100]} is not declared"
        raise ActionError(f"{text}; {hint}" if hint else text, code=Code.UNKNOWN_CALL)
    arguments = _checked(function, arguments)
    outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def deliver(result: Any) -> None:
        if not outcome.done():
            outcome.set_result(result)

    call = start(processor, function, tool_call_id or f"call_{uuid.uuid4().hex}", arguments, deliver)
    try:
        result = await outcome
    except asyncio.CancelledError:
        cancel(processor, call)
        raise
    if isinstance(result, ActionError):
        raise result
    return result


async def handle_function_call(
    processor: RTVIProcessor, name: str, tool_call_id: str, arguments: Any, result_callback: ResultCallback | None
) -> None:
    """Announce a call that an LLM made; its outcome goes to `result_callback` and on as a `FunctionCallResultFrame`.

    Returns once the client is told. When the client fails, or the LLM's arguments are not what a manifest declares, the
    outcome is `{"error": text}`, so that the LLM can go on.
    """
    declared = processor._tables.functions.get(name)

    async def deliver(result: Any) -> None:
        outcome = {"error": result.text} if isinstance(result, ActionError) else result
        try:
            if result_callback is not None:
                answered = result_callback(outcome)
                if inspect.isawaitable(answered):
                    await answered
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError) or is_from_outside():
                pass_on(error)
            logger.exception("the result_callback of function call %s failed", tool_call_id)
        await processor.push_frame(FunctionCallResultFrame(name, tool_call_id, arguments, outcome))

    try:
        if declared is not None:
            arguments = _checked(declared, _as_arguments(arguments))
        start(processor, declared or undeclared(name), tool_call_id, arguments, deliver)
    except ActionError as error:
        await deliver(error)


def on_result(processor: RTVIProcessor, id_: str, data: Any) -> Answering:
    """Take the client's `llm-function-call-result`. Raises Refusal when nobody waits for it, or it does not fit."""
    del id_
    given = data or {}
    tool_call_id = given.get("tool_call_id")
    if not isinstance(tool_call_id, str):
        raise invalid("expected string", "tool_call_id")
    waiting = processor._calls.get(tool_call_id) if processor._calls else None
    if waiting is None or waiting.delivery is not None:
        text = f"No function call {tool_call_id[:100]!r} is waiting for a result"
        raise Refusal(text, Code.UNKNOWN_CALL, Category.FUNCTION_CALL)
    function = waiting.function
    if given.get("function_name", function.name) != function.name:
        text = f"Function call {tool_call_id[:100]!r} is one of {function.name}"
        raise Refusal(text, Code.UNKNOWN_CALL, Category.FUNCTION_CALL)
    result = given.get("result")  # missing where the client's handler gave nothing
    if faults := check(function.result, result, is_read=True):
        lead = f"Invalid result of {function.name}"
        refusal = Refusal.of_faults(lead, faults, Code.INVALID_RESULT, Category.FUNCTION_CALL)
        _fail(processor, waiting, ActionError(refusal.text, code=refusal.code))
        raise refusal
    _take(processor, tool_call_id)
    _announce_end(processor, waiting, cancelled=False, result=result)
    return _until_delivered(_begin_delivery(processor, waiting, result))


async def _until_delivered(delivery: asyncio.Task[None]) -> None:
    await asyncio.wait((delivery,))  # not the task itself: who waits here may be cancelled without it
