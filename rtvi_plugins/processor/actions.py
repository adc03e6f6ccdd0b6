"""Actions: finding one, checking its arguments, starting it. What comes then stands in `running`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from rtvi_plugins.errors import ActionError, Category, did_you_mean
from rtvi_plugins.processor import repeats
from rtvi_plugins.processor.ending import OF_ACTION, refusal_of
from rtvi_plugins.processor.requests import Code, Refusal, Request, invalid
from rtvi_plugins.processor.running import Call, checked, run, sound_result
from rtvi_plugins.processor.serial import lock_of
from rtvi_plugins.processor.stepping import is_from_outside
from rtvi_plugins.protocol.messages import LABEL, ClientType, ServerType

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.dispatching import Answering
    from rtvi_plugins.processor.tables import RTVIAction
    from rtvi_plugins.protocol.frames import RTVIActionFrame

logger = logging.getLogger(__name__)


def on_describe_actions(processor: RTVIProcessor, id_: str, _data: Any) -> None:
    """Answer `describe-actions`."""
    describe(processor, Request(id_))


def describe(processor: RTVIProcessor, request: Request) -> None:
    """Answer with all actions."""
    actions = processor._tables.actions_available
    processor.answer(request, request.answer(ServerType.ACTIONS_AVAILABLE, {"actions": actions}))


def on_action(processor: RTVIProcessor, id_: str, data: Any, t: str | None = None) -> Call | Answering | None:
    """Start `{service, action, arguments}`; arguments are RTVI's list of name and value, or a plain object.

    With an `idempotency_key` beside them, a repeat is answered like the first and not run again (None). With
    `detach: true`, a job goes on when the client leaves.
    t:      of the `client-message` that carried it; None for a legacy request.
    Raises Refusal.
    """
    try:
        action = processor._tables.by_name[data["service"], data["action"]]
        given = data["arguments"]
    except (KeyError, TypeError):
        action, given = _find(processor, data)
    if given.__class__ is list:
        arguments = {}
        try:
            for entry in given:  # before Python 3.12, a comprehension would be a call
                arguments[entry["name"]] = entry["value"]
        except (KeyError, TypeError):
            arguments = _read_arguments(given)
        if len(arguments) != len(given):
            raise invalid("a name stands twice", "arguments")
    else:
        arguments = _other_arguments(given)
    key = data.get("idempotency_key")
    if key is None and action.is_direct:
        return action, id_, t, False, arguments
    request = Request(id_, t)
    if action.is_job:
        request.is_detached = data.get("detach") is True
    if key is not None:
        return _start_keyed(processor, request, action, arguments, key)
    return start(processor, request, action, arguments)


def _find(processor: RTVIProcessor, data: Any) -> tuple[RTVIAction, Any]:
    """Find the action and its arguments, or say what is wrong; arguments may be left out."""
    if data is None:
        raise invalid("missing", "data")
    try:
        service, name = data["service"], data["action"]
    except KeyError as error:
        raise invalid("missing", error.args[0]) from None
    for key, value in (("service", service), ("action", name)):
        if value.__class__ is not str:
            raise invalid("expected string", key)
    action = processor._tables.by_name.get((service, name))
    if action is None:
        raise unknown(processor, service, name)
    return action, data.get("arguments")


def _other_arguments(given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise invalid("expected array of {name, value}", "arguments")
    return given or {}


def _start_keyed(
    processor: RTVIProcessor, request: Request, action: RTVIAction, arguments: dict[str, Any], key: object
) -> Answering | None:
    if not repeats.begin(processor, request, key, (action.service, action.action, arguments)):
        return None
    try:
        return start(processor, request, action, arguments)
    except Refusal:
        repeats.forget(processor, request)
        raise


def start(
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
    return run(processor, request, action, _invoke(processor, action, arguments))


def _read_arguments(given: list[Any]) -> dict[str, Any]:
    """Say what is wrong with an argument list; an entry without `value` means null."""
    arguments: dict[str, Any] = {}
    for index, entry in enumerate(given):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise invalid("expected object with name and value", "arguments", index)
        arguments[entry["name"]] = entry.get("value")
    return arguments


def unknown(processor: RTVIProcessor, service: str, name: str, *, is_short: bool = False) -> Refusal:
    """Say that there is no such action, and which is near, in the dialect of who asks (`is_short`: with a dot)."""
    known = processor._tables.actions
    here = [a for s, a in known if s == service]
    if is_short:
        hint = did_you_mean(f"{service}.{name}", [f"{service}.{action}" for action in here])
    else:
        hint = did_you_mean(name, here) if here else did_you_mean(service, {s for s, _ in known})
    text = f"Action {service[:100]}{'.' if is_short else ':'}{name[:100]} not registered"
    return Refusal(f"{text}; {hint}" if hint else text, Code.UNKNOWN_ACTION, Category.ACTION)


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
            await run(processor, request, action, _invoke(processor, action, arguments))
        finally:
            lock.release_in_time(action.timeout)
    finally:
        processor._running.discard(request)


async def run_frame(processor: RTVIProcessor, frame: RTVIActionFrame) -> None:
    """Run what an `RTVIActionFrame` asks for. With a `message_id` the client gets the answer."""
    asked = frame.rtvi_action_run
    arguments = [{"name": argument.name, "value": argument.value} for argument in asked.arguments or ()]
    if frame.message_id is not None:
        data = {"service": asked.service, "action": asked.action, "arguments": arguments}
        message = {"label": LABEL, "type": ClientType.ACTION.value, "id": frame.message_id, "data": data}
        await processor.handle_message(message)
        return
    try:
        await run_own(processor, asked.service, asked.action, _read_arguments(arguments))
    except ActionError as error:
        logger.warning("session %s: action %s.%s: %s", processor.session.id, asked.service, asked.action, error.text)


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
        lock.release_in_time(action.timeout)


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
    try:
        return sound_result(action, result)
    except Refusal as bad:
        raise ActionError(bad.text, code=bad.code) from None
