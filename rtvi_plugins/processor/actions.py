"""Actions: finding one, checking its arguments, running it, checking its result."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Literal

from rtvi_plugins.errors import ActionError, Category, did_you_mean
from rtvi_plugins.processor import repeats
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.processor.stepping import is_from_outside
from rtvi_plugins.protocol.messages import NotJSONError, ServerType

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.loop import Answering
    from rtvi_plugins.processor.tables import RTVIAction

logger = logging.getLogger(__name__)

_FAILED: Final = "The action failed"


def on_describe_actions(processor: RTVIProcessor, id_: str, _data: Any) -> None:
    """Answer `describe-actions`."""
    describe(processor, Request(id_))


def describe(processor: RTVIProcessor, request: Request) -> None:
    """Answer with all actions."""
    actions = processor._tables.actions_available
    processor.answer(request, request.answer(ServerType.ACTIONS_AVAILABLE, {"actions": actions}))


def on_action(processor: RTVIProcessor, id_: str, data: Any) -> Answering | None:
    """Start the action a legacy `action` message asks for."""
    return start_described(processor, Request(id_), data)


def start_described(processor: RTVIProcessor, request: Request, data: Any) -> Answering | None:
    """Start `{service, action, arguments}`; arguments are RTVI's list of name and value, or a plain object.

    With an `idempotency_key` beside them, a repeat is answered like the first and not run again (None).
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
    key = data.get("idempotency_key")
    if key is None:
        return start(processor, request, action, arguments)
    return _start_keyed(processor, request, action, arguments, key)


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
    return _run(processor, request, action, arguments)


def checked(action: RTVIAction, arguments: dict[str, Any]) -> dict[str, Any]:
    """Compare arguments with what is declared; give them with defaults filled in. Raises Refusal naming every fault."""
    declared = action.arguments
    try:
        if declared.is_valid(arguments):
            for name in action.integers:
                if arguments.get(name).__class__ is float:  # JSON's 5.0 is an integer; handlers want it as one
                    arguments = {**arguments, name: int(arguments[name])}
            return declared.with_defaults(arguments) if declared.defaults else arguments
    except ValueError:
        pass  # nested beyond what the validator takes; the faults say so
    faults = [(_where(fault.pointer), fault) for fault in declared.faults(arguments)]
    lead = f"Invalid arguments for {action.service}.{action.action}"
    raise Refusal.of_faults(lead, faults, Code.INVALID_ARGUMENTS, Category.ACTION)


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


async def _run(  # noqa: C901 - the hot path, written out
    processor: RTVIProcessor, request: Request, action: RTVIAction, arguments: dict[str, Any]
) -> None:
    """Run the handler, check what it returns, answer. Every outcome answers this request and ends here."""
    try:
        result = await action.invoke(processor, arguments)
    except ActionError as error:
        processor.refuse(request, Refusal(error.text, error.code, Category.ACTION, error.details))
    except asyncio.CancelledError:
        if not request.is_expired and processor.must_end():
            raise
        processor.refuse(request, Refusal("The action was cancelled", Code.CANCELLED, Category.ACTION))
    except (Exception, SystemExit):  # sys.exit() in a handler must not end the server
        logger.exception("action %s.%s failed", action.service, action.action)
        processor.refuse(request, Refusal(_FAILED, Code.ACTION_FAILED, Category.ACTION))
    else:
        if not request.is_answered:
            check = action.check_result
            try:
                if check is None or check(result):
                    processor._port.send(request.answer_result(result))
                    request.is_answered = True
                    if request.attempt is not None:
                        request.attempt.settle(processor, result, None)
            except (NotJSONError, ValueError):
                pass  # the refusal says it
            if not request.is_answered:  # the result is no JSON, or not what was declared: the server's fault
                processor.refuse(request, _bad_result(action, result))
    finally:
        if request.task is not None:
            processor.untrack(request)


async def _run_serially(
    processor: RTVIProcessor, request: Request, action: RTVIAction, arguments: dict[str, Any]
) -> None:
    """Run the action once those before it with the same key have ended; its clock starts then."""
    lock = _lock(processor, action.serial or ())
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
            await _run(processor, request, action, arguments)
        finally:
            lock.release()
            lock.bound -= action.timeout
    finally:
        processor._running.discard(request)


GRACE_S: Final = 5.0
"""How long an action may go on after its time-out before those that wait for it are refused."""


class SerialLock(asyncio.Lock):
    """The lock of serial actions. It knows who holds it, so that an action may run others of its kind itself."""

    def __init__(self) -> None:
        super().__init__()
        self._owner: asyncio.Task[Any] | None = None
        self.bound = 0.0
        """The time-outs of those that hold it and wait for it, in seconds; others may hold it without telling."""

    async def acquire_in_time(self, timeout: float) -> bool:  # noqa: ASYNC109 - what its holder will take at most
        """Wait for it, as long as those before it may take; False when one of them does not even end by then.

        Whoever gets it takes `timeout` off `bound` again once it is done.
        """
        wait = self.bound + GRACE_S if self.bound else None
        self.bound += timeout
        try:
            async with asyncio.timeout(wait):
                await self.acquire()
        except BaseException as error:
            self.bound -= timeout
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    @property
    def is_ours(self) -> bool:
        """Whether the current task holds it."""
        return self._owner is not None and self._owner is asyncio.current_task()

    async def acquire(self) -> Literal[True]:
        """Wait for it."""
        await super().acquire()
        self._owner = asyncio.current_task()
        return True

    def release(self) -> None:
        """Let the next one have it."""
        self._owner = None
        super().release()


def _lock(processor: RTVIProcessor, key: tuple[str, ...]) -> SerialLock:
    if processor._locks is None:
        processor._locks = {}
    lock = processor._locks.get(key)
    if lock is None:
        lock = processor._locks[key] = SerialLock()
    return lock


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
    lock = None if action.serial is None else _lock(processor, action.serial)
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
    except asyncio.CancelledError:
        if is_from_outside():
            raise
        raise ActionError("The action was cancelled", code=Code.CANCELLED) from None
    except (Exception, SystemExit) as error:
        if isinstance(error, TimeoutError) and clock.expired():
            raise ActionError(f"Timed out after {action.timeout:g} s", code=Code.TIMEOUT) from None
        logger.exception("action %s.%s failed", action.service, action.action)
        raise ActionError(_FAILED, code=Code.ACTION_FAILED) from error
    if action.result.faults(result):
        bad = _bad_result(action, result)
        raise ActionError(bad.text, code=bad.code)
    return result
