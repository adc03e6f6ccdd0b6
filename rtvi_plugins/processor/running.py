"""An action's handler on its way from its first step to the answer.

Most handlers are done without waiting for anything, and nobody needs to know more of them: `reading` answers those
itself, and only one that has to wait or fails gets a `Request`.
"""

from __future__ import annotations

import logging
import types
from collections.abc import Awaitable, Generator
from typing import TYPE_CHECKING, Any

from rtvi_plugins.errors import Category
from rtvi_plugins.processor.ending import OF_ACTION, not_foreseen, refuse_failed
from rtvi_plugins.processor.fitting import fitted_or_why
from rtvi_plugins.processor.requests import Code, Refusal, Request, answer_of
from rtvi_plugins.processor.stepping import rest_thrown_into
from rtvi_plugins.protocol.messages import NotJSONError
from rtvi_plugins.schema import check

if TYPE_CHECKING:
    from rtvi_plugins.processor.dispatching import DispatchingMessages
    from rtvi_plugins.processor.tables import RTVIAction

logger = logging.getLogger(__name__)

Call = tuple["RTVIAction", str, str | None, bool, dict[str, Any]]
"""An action, `id`, `t` and `is_short` of its `Request`, and arguments that are not checked yet.

A plain tuple: every message has one, and reads it once.
"""


def start_call(processor: DispatchingMessages, call: Call) -> Awaitable[None] | None:
    """Check the arguments and give what runs the action and answers; None when it is answered already."""
    action, id_, t, is_short, arguments = call
    try:
        arguments = checked(action, arguments)
        typed = action.typed
        handling = action.invoke(processor, arguments) if typed is None else typed(processor, **arguments)
    except Refusal as refusal:
        processor.refuse(Request(id_, t, is_short), refusal)
    except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
        fail(processor, Request(id_, t, is_short), action, error)
    else:
        return run_started(processor, call, handling)
    return None


def run_started(processor: DispatchingMessages, call: Call, handling: Awaitable[Any]) -> Awaitable[None]:
    """Give what awaits a handler, whatever it gave, and answers."""
    action, id_, t, is_short, _ = call
    request = processor._starting = Request(id_, t, is_short)
    request.timeout = action.timeout
    return run(processor, request, action, handling)


def hold_up(processor: DispatchingMessages, call: Call, rest: Any, awaited: Any) -> Awaitable[None]:
    """Make a request of a handler that has to wait; give what is left of it.

    rest: what is left of its coroutine; awaited: what that waits for.
    """
    action, id_, t, is_short, _ = call
    request = processor._starting = Request(id_, t, is_short)
    request.timeout = action.timeout
    return _go_on(processor, request, action, rest, awaited)


def fail(processor: DispatchingMessages, request: Request, action: RTVIAction, error: BaseException) -> None:
    """Answer with what a handler raised; raise it again when it is not the handler's own."""
    refuse_failed(processor, request, error, OF_ACTION, f"action {action.service}.{action.action}")


def answer(processor: DispatchingMessages, request: Request, action: RTVIAction, result: Any) -> None:
    """Check what the handler returned and answer with it."""
    if request.is_answered:
        return
    check = action.check_result
    try:
        if check is None or check(result):
            processor._port.send(answer_of(request.id, request.t, request.is_short, result))
        else:
            result = answer_plain(processor, request, action, result)
    except (NotJSONError, ValueError):
        result = answer_plain(processor, request, action, result)
    except BaseException as error:  # noqa: BLE001 - nobody is left without an answer
        processor.refuse(request, not_foreseen(error, action.action))
    if not request.is_answered:
        request.is_answered = True
        if request.attempt is not None:
            request.attempt.settle(processor, result, None)


def answer_plain(processor: DispatchingMessages, request: Request, action: RTVIAction, result: Any) -> Any:
    """Answer with the JSON form of a result that does not do as it stands; return that form. Raises nothing."""
    try:
        plain = sound_result(action, result)
        processor._port.send(answer_of(request.id, request.t, request.is_short, plain))
    except Refusal as refusal:
        processor.refuse(request, refusal)
    except BaseException as error:  # noqa: BLE001 - nobody is left without an answer
        processor.refuse(request, not_foreseen(error, action.action))
    else:
        return plain
    return None


@types.coroutine
def _go_on(
    processor: DispatchingMessages, request: Request, action: RTVIAction, handling: Any, awaited: Any
) -> Generator[Any, Any, None]:
    """Run a handler that had to wait to its end, and answer. Every outcome answers this request and ends here.

    handling: what is left of the handler's coroutine; awaited: what it waits for.
    """
    try:
        try:
            yield awaited
        except BaseException as error:  # noqa: BLE001 - thrown in by the task (cancellation): it is the handler's
            result = yield from rest_thrown_into(handling, error)
        else:
            result = yield from handling  # as in `stepping.rest_of`
    except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
        fail(processor, request, action, error)
    else:
        answer(processor, request, action, result)
    finally:
        processor._running.discard(request)
        if request.is_expired:
            processor.untrack(request)


def checked(action: RTVIAction, arguments: dict[str, Any]) -> dict[str, Any]:
    """Compare arguments with what is declared; give them with defaults filled in. Raises Refusal naming every fault."""
    try:
        if action.are_valid(arguments):
            for name in action.integers:
                if arguments.get(name).__class__ is float:  # JSON's 5.0 is an integer; handlers want it as one
                    arguments = {**arguments, name: int(arguments[name])}
            return action.arguments.with_defaults(arguments) if action.has_defaults else arguments
    except ValueError:
        pass  # nested beyond what the validator takes; the faults say so
    raise unfit(action, arguments)


def unfit(action: RTVIAction, arguments: dict[str, Any]) -> Refusal:
    """Give the refusal that names every fault of the arguments."""
    lead = f"Invalid arguments for {action.service}.{action.action}"
    return Refusal.of_faults(lead, check(action.arguments, arguments), Code.INVALID_ARGUMENTS, Category.ACTION)


async def run(processor: DispatchingMessages, request: Request, action: RTVIAction, handling: Awaitable[Any]) -> None:
    """Await what a handler gave, whatever it is, and answer."""
    try:
        result = await handling
    except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
        fail(processor, request, action, error)
    else:
        answer(processor, request, action, result)
    finally:
        if request.task is not None:
            processor.untrack(request)


def sound_result(action: RTVIAction, result: Any) -> Any:
    """Return a result as it can be sent. Raises Refusal, which does not say why: that concerns the author alone."""
    result, why = fitted_or_why(action.result, result)
    if why:
        logger.error("action %s.%s returned what its declaration rules out: %s", action.service, action.action, why)
        raise Refusal("The action returned an invalid result", Code.INVALID_RESULT, Category.ACTION)
    return result
