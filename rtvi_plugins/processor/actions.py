"""Actions: finding one, checking its arguments, running it, checking its result."""

from __future__ import annotations

import asyncio
import logging
import types
from collections.abc import Awaitable, Generator
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from rtvi_plugins.errors import ActionError, Category, did_you_mean
from rtvi_plugins.processor import repeats
from rtvi_plugins.processor.ending import OF_ACTION, refusal_of, refuse_failed
from rtvi_plugins.processor.requests import Code, Refusal, Request, answer_of
from rtvi_plugins.processor.serial import lock_of
from rtvi_plugins.processor.stepping import is_from_outside, rest_thrown_into
from rtvi_plugins.protocol.messages import NotJSONError, ServerType

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.loop import Answering
    from rtvi_plugins.processor.tables import RTVIAction

logger = logging.getLogger(__name__)


def on_describe_actions(processor: RTVIProcessor, id_: str, _data: Any) -> None:
    """Answer `describe-actions`."""
    describe(processor, Request(id_))


def describe(processor: RTVIProcessor, request: Request) -> None:
    """Answer with all actions."""
    actions = processor._tables.actions_available
    processor.answer(request, request.answer(ServerType.ACTIONS_AVAILABLE, {"actions": actions}))


def on_action(processor: RTVIProcessor, id_: str, data: Any, t: str | None = None) -> Answering | None:
    """Start `{service, action, arguments}`; arguments are RTVI's list of name and value, or a plain object.

    With an `idempotency_key` beside them, a repeat is answered like the first and not run again (None).
    t:      of the `client-message` that carried it; None for a legacy request.
    Raises Refusal.
    """
    if data is None:
        raise _invalid("data: missing")
    try:
        service, name, given = data["service"], data["action"], data.get("arguments")
    except KeyError as error:
        raise _invalid(f"{error.args[0]}: missing") from None
    if service.__class__ is not str or name.__class__ is not str:
        raise _invalid("service and action: expected strings")
    action = processor._tables.actions.get((service, name))
    if action is None:
        raise unknown(processor, service, name)
    if given.__class__ is list:
        try:
            arguments = {entry["name"]: entry["value"] for entry in given}
        except (KeyError, TypeError):
            arguments = _read_arguments(given)
        if len(arguments) != len(given):
            raise _invalid("arguments: a name stands twice")
    else:
        arguments = _other_arguments(given)
    if "idempotency_key" in data and data["idempotency_key"] is not None:
        return _start_keyed(processor, Request(id_, t), action, arguments, data["idempotency_key"])
    return start(processor, id_, t, False, action, arguments)


def _other_arguments(given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise _invalid("arguments: expected array of {name, value}")
    return given or {}


def _start_keyed(
    processor: RTVIProcessor, request: Request, action: RTVIAction, arguments: dict[str, Any], key: object
) -> Answering | None:
    if not repeats.begin(processor, request, key, (action.service, action.action, arguments)):
        return None
    try:
        return _start_request(processor, request, action, arguments)
    except Refusal:
        repeats.forget(processor, request)
        raise


def start(  # noqa: C901 - the hot path, written out
    processor: RTVIProcessor,
    id_: str,
    t: str | None,
    is_short: bool,
    action: RTVIAction,
    arguments: dict[str, Any],
) -> Answering | None:
    """Check the arguments and run the action up to where it first has to wait.

    id_, t, is_short: as in `Request`. Most actions are done before anybody needs to know more of theirs: only one that
                      has to wait or fails gets a `Request`.
    Returns: what is left of it, to be awaited by the task that called; None when it is answered.
    Raises Refusal.
    """
    if not action.is_direct:
        return _start_request(processor, Request(id_, t, is_short), action, arguments)
    # What `checked`, `begin` and `_answer` do, written out: the calls would cost every message half a microsecond.
    try:
        is_fit = action.are_valid(arguments)
    except ValueError:
        is_fit = False
    if not is_fit:
        raise _unfit(action, arguments)
    for name in action.integers:
        if arguments.get(name).__class__ is float:
            arguments = {**arguments, name: int(arguments[name])}
    if action.has_defaults:
        arguments = action.arguments.with_defaults(arguments)
    typed = action.typed
    try:
        handling = action.invoke(processor, arguments) if typed is None else typed(processor, **arguments)
        if handling.__class__ is not CoroutineType:
            request = processor._starting = Request(id_, t, is_short)
            request.timeout = action.timeout
            return _run(processor, request, action, handling)
        try:
            awaited = handling.send(None)
        except StopIteration as stop:
            result = stop.value
        else:
            request = processor._starting = Request(id_, t, is_short)
            request.timeout = action.timeout
            return _go_on(processor, request, action, handling, awaited)
    except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
        _fail(processor, Request(id_, t, is_short), action, error)
        return None
    check = action.check_result
    try:
        if check is None or check(result):
            processor._port.send(answer_of(id_, t, is_short, result))
            return None
    except (NotJSONError, ValueError):
        pass  # the refusal says it
    processor.refuse(Request(id_, t, is_short), _bad_result(action, result))
    return None


def _start_request(
    processor: RTVIProcessor, request: Request, action: RTVIAction, arguments: dict[str, Any]
) -> Answering | None:
    """Check the arguments and give the coroutine that runs the action and answers; a job is answered here.

    Raises Refusal.
    """
    if action.is_job:
        processor.jobs.start_action(request, action, arguments)
        return None
    arguments = checked(action, arguments)
    processor._starting = request
    if action.serial is not None:
        return _run_serially(processor, request, action, arguments)
    request.timeout = action.timeout
    return _run(processor, request, action, _invoke(processor, action, arguments))


def checked(action: RTVIAction, arguments: dict[str, Any]) -> dict[str, Any]:
    """Compare arguments with what is declared; give them with defaults filled in. Raises Refusal naming every fault."""
    try:
        if action.are_valid(arguments):
            for name in action.integers:
                if arguments.get(name).__class__ is float:  # JSON's 5.0 is an integer; handlers want it as one
                    arguments = {**arguments, name: int(arguments[name])}
            return action.arguments.with_defaults(arguments)
    except ValueError:
        pass  # nested beyond what the validator takes; the faults say so
    raise _unfit(action, arguments)


def _unfit(action: RTVIAction, arguments: dict[str, Any]) -> Refusal:
    faults = [(_where(fault.pointer), fault) for fault in action.arguments.faults(arguments)]
    lead = f"Invalid arguments for {action.service}.{action.action}"
    return Refusal.of_faults(lead, faults, Code.INVALID_ARGUMENTS, Category.ACTION)


def _where(pointer: str) -> str:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return ".".join(parts) + ":" if parts else ""


def _read_arguments(given: list[Any]) -> dict[str, Any]:
    """Say what is wrong with an argument list; an entry without `value` means null."""
    arguments: dict[str, Any] = {}
    for index, entry in enumerate(given):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise _invalid(f"arguments[{index}]: expected object with name and value")
        arguments[entry["name"]] = entry.get("value")
    return arguments


def _invalid(text: str) -> Refusal:
    return Refusal(f"Invalid message: {text}", Code.INVALID_MESSAGE, Category.PROTOCOL)


def unknown(processor: RTVIProcessor, service: str, name: str) -> Refusal:
    """Say that there is no such action, and which is near."""
    known = processor._tables.actions
    here = [a for s, a in known if s == service]
    hint = did_you_mean(name, here) if here else did_you_mean(service, {s for s, _ in known})
    text = f"Action {service[:100]}:{name[:100]} not registered"
    return Refusal(f"{text}; {hint}" if hint else text, Code.UNKNOWN_ACTION, Category.ACTION)


def _answer(processor: RTVIProcessor, request: Request, action: RTVIAction, result: Any) -> None:
    """Check what the handler returned and answer with it."""
    if request.is_answered:
        return
    check = action.check_result
    try:
        if check is None or check(result):
            processor._port.send(answer_of(request.id, request.t, request.is_short, result))
            request.is_answered = True
            if request.attempt is not None:
                request.attempt.settle(processor, result, None)
            return
    except (NotJSONError, ValueError):
        pass  # the refusal says it
    processor.refuse(request, _bad_result(action, result))  # no JSON, or not what was declared: the server's fault


def _fail(processor: RTVIProcessor, request: Request, action: RTVIAction, error: BaseException) -> None:
    """Answer with what the handler raised; raise it again when it is not the handler's own."""
    refuse_failed(processor, request, error, OF_ACTION, f"action {action.service}.{action.action}")


@types.coroutine
def _go_on(
    processor: RTVIProcessor, request: Request, action: RTVIAction, handling: CoroutineType[Any, Any, Any], awaited: Any
) -> Generator[Any, Any, None]:
    """Run a handler that had to wait to its end, and answer. Every outcome answers this request and ends here.

    awaited: what the handler waits for.
    """
    try:
        try:
            yield awaited
        except BaseException as error:  # noqa: BLE001 - thrown in by the task (cancellation): it is the handler's
            result = yield from rest_thrown_into(handling, error)
        else:
            result = yield from handling  # type: ignore[misc] # as in `stepping.rest_of`
    except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
        _fail(processor, request, action, error)
    else:
        _answer(processor, request, action, result)
    finally:
        processor._running.discard(request)
        if request.is_expired:
            processor.untrack(request)


async def _run(processor: RTVIProcessor, request: Request, action: RTVIAction, handling: Awaitable[Any]) -> None:
    """Await what a handler gave, whatever it is, and answer."""
    try:
        result = await handling
    except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
        _fail(processor, request, action, error)
    else:
        _answer(processor, request, action, result)
    finally:
        if request.task is not None:
            processor.untrack(request)


async def _invoke(processor: RTVIProcessor, action: RTVIAction, arguments: dict[str, Any]) -> Any:
    return await action.invoke(processor, arguments)


async def _run_serially(
    processor: RTVIProcessor, request: Request, action: RTVIAction, arguments: dict[str, Any]
) -> None:
    """Run the action once those before it with the same key have ended; its clock starts then."""
    lock = lock_of(processor, action.serial or ())
    try:
        if not await lock.acquire_in_time(action.timeout):
            text = f"Actions before it keep {action.service}.{action.action} from running"
            processor.refuse(request, Refusal(text, Code.TIMEOUT, Category.ACTION))
            return
        try:
            if request.task is None:
                request.timeout = action.timeout
            else:
                processor.start_clock(request, action.timeout)
            await _run(processor, request, action, _invoke(processor, action, arguments))
        finally:
            lock.release()
            lock.bound -= action.timeout
    finally:
        processor._running.discard(request)


def _bad_result(action: RTVIAction, result: Any) -> Refusal:
    faults = action.result.faults(result)
    told = "; ".join(f"{_where(f.pointer)} {f.text}".strip() for f in faults[:5]) or "it is not JSON"
    logger.error("action %s.%s returned what its declaration rules out: %s", action.service, action.action, told)
    return Refusal("The action returned an invalid result", Code.INVALID_RESULT, Category.ACTION)


async def run_own(processor: RTVIProcessor, service: str, name: str, arguments: dict[str, Any]) -> Any:
    """Run an action for the bot itself and give its result, or its group when it is a job. Raises ActionError."""
    action = processor._tables.actions.get((service, name))
    try:
        if action is None:
            raise unknown(processor, service, name)
        arguments = checked(action, arguments)
    except Refusal as refusal:
        raise ActionError(refusal.text, code=refusal.code, details=refusal.details) from None
    return (
        processor.jobs.start_own(action, arguments) if action.is_job else await _run_own(processor, action, arguments)
    )


async def _run_own(processor: RTVIProcessor, action: RTVIAction, arguments: dict[str, Any]) -> Any:
    lock = None if action.serial is None else lock_of(processor, action.serial)
    if lock is None or lock.is_ours:
        return await _run_now(processor, action, arguments)
    if not await lock.acquire_in_time(action.timeout):
        text = f"Actions before it keep {action.service}.{action.action} from running"
        raise ActionError(text, code=Code.TIMEOUT)
    try:
        return await _run_now(processor, action, arguments)
    finally:
        lock.release()
        lock.bound -= action.timeout


async def _run_now(processor: RTVIProcessor, action: RTVIAction, arguments: dict[str, Any]) -> Any:
    try:
        async with asyncio.timeout(action.timeout) as clock:
            result = await action.invoke(processor, arguments)
    except ActionError:
        raise
    except BaseException as error:
        if isinstance(error, TimeoutError) and clock.expired():
            raise ActionError(f"Timed out after {action.timeout:g} s", code=Code.TIMEOUT) from None
        refusal = refusal_of(error, OF_ACTION, f"action {action.service}.{action.action}", must_end=is_from_outside)
        raise ActionError(refusal.text, code=refusal.code) from error
    if action.result.faults(result):
        bad = _bad_result(action, result)
        raise ActionError(bad.text, code=bad.code)
    return result
