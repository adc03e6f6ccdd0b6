"""`client-message`: the legacy requests by their names, actions by `service.action`, declared types, and the rest.

The rest goes to `on_client_message`. Somebody should answer it; when nobody does in time, an `error-response` is sent,
because the client cannot be told apart from one that waits (rtvi-protocol 2.2).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from rtvi_plugins.errors import ActionError, Category, did_you_mean
from rtvi_plugins.processor import actions, configuration, describing
from rtvi_plugins.processor.ending import OF_MESSAGE, refuse_failed
from rtvi_plugins.processor.fitting import fitted_or_why
from rtvi_plugins.processor.requests import Code, Refusal, Request, invalid
from rtvi_plugins.protocol.frames import FrameDirection, RTVIClientMessageFrame
from rtvi_plugins.protocol.messages import REQUESTS, ClientType, NotJSONError, ServerType, reply
from rtvi_plugins.schema import check

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.dispatching import Answering
    from rtvi_plugins.processor.memory import Hold
    from rtvi_plugins.processor.message_types import MessageType
    from rtvi_plugins.processor.running import Call

logger = logging.getLogger(__name__)


def on_client_message(processor: RTVIProcessor, id_: str, data: Any) -> Call | Answering | None:
    """Start what a `client-message` asks for. Raises Refusal."""
    try:
        t = data["t"]
        action = processor._tables.by_short_form[t]
    except (KeyError, TypeError):
        return _start_other(processor, id_, data)
    try:
        d = data["d"]
    except KeyError:
        d = None
    if d.__class__ is not dict:
        d = _as_arguments(d)
    if action.is_direct:
        return action, id_, t, True, d
    return actions.start(processor, Request(id_, t, is_short=True), action, d)


def _start_other(processor: RTVIProcessor, id_: str, data: Any) -> Call | Answering | None:
    t = data.get("t") if data else None
    if t.__class__ is not str:
        raise invalid("expected string", "t")
    d = data.get("d")
    if t in REQUESTS:
        return _start_request(processor, id_, t, d)
    declared = processor._tables.messages.get(t)
    if declared is not None:
        return _start_declared(processor, Request(id_, t), declared, d)
    return _start_undeclared(processor, id_, t, d)


def _as_arguments(d: Any) -> dict[str, Any]:
    if d is None:
        return {}
    if not isinstance(d, dict):
        raise invalid("expected object", "d")
    return d


def _start_request(processor: RTVIProcessor, id_: str, t: str, d: Any) -> Call | Answering | None:
    """Start a legacy request that came as `t`, with the same data in `d`."""
    if d is not None and not isinstance(d, dict):
        raise invalid("expected object", "d")
    if t == ClientType.ACTION:
        return actions.on_action(processor, id_, d, t)
    request = Request(id_, t)
    if t == ClientType.UPDATE_CONFIG:
        return configuration.start_update(processor, request, d)
    if t == ClientType.GET_CONFIG:
        return configuration.read(processor, request)
    if t == ClientType.DESCRIBE_ACTIONS:
        actions.describe(processor, request)
    elif t == ClientType.DESCRIBE_BOT:
        describing.answer(processor, request)
    else:
        configuration.describe(processor, request)
    return None


# -- declared under `messages:` ---------------------------------------------------------------------------------------


def _start_declared(processor: RTVIProcessor, request: Request, declared: MessageType, d: Any) -> Answering:
    if faults := check(declared.data, d, is_read=True):
        lead = f"Invalid data for {declared.name}"
        raise Refusal.of_faults(lead, faults, Code.INVALID_MESSAGE, Category.PROTOCOL)
    processor._starting = request
    request.timeout = declared.timeout
    return _run_declared(processor, request, declared, d)


async def _run_declared(processor: RTVIProcessor, request: Request, declared: MessageType, d: Any) -> None:
    try:
        await processor.port.push_frame(RTVIClientMessageFrame(request.id, declared.name, d), FrameDirection.DOWNSTREAM)
        result, why = fitted_or_why(declared.result, await declared.handler(processor, d))
        if why:
            logger.error("the handler of message %s returned what its declaration rules out: %s", declared.name, why)
            refusal = Refusal("The bot gave an invalid answer", Code.INVALID_RESULT, Category.INTERNAL)
            processor.refuse(request, refusal)
        else:
            answer = {"t": declared.name, "d": result}
            processor.answer(request, reply(ServerType.SERVER_RESPONSE, request.id, answer))
    except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
        refuse_failed(processor, request, error, OF_MESSAGE, f"the handler of message {declared.name}")
    finally:
        if request.task is not None:
            processor.untrack(request)


# -- undeclared: on_client_message ------------------------------------------------------------------------------------


class Waiting(NamedTuple):
    """One undeclared client message that nobody has answered yet."""

    frame: RTVIClientMessageFrame
    request: Request
    hold: Hold | None


class Done(NamedTuple):
    """One message that was answered or given up; what it held is not kept for that."""

    frame: weakref.ref[RTVIClientMessageFrame]
    id_digest: bytes


def _digest(id_: object) -> bytes:
    """Return what tells ids apart; they may be long."""
    return hashlib.blake2b(str(id_).encode("utf-8", "replace"), digest_size=16).digest()


class Unanswered:
    """The undeclared client messages without an answer, oldest first; several may share one id.

    done: messages answered or given up lately, so that a late or second answer is dropped.
    """

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.done: deque[Done] = deque(maxlen=256)

    def take(self, message: RTVIClientMessageFrame | str) -> Request | None:
        """Take a request off the list: that of this very frame, or the oldest one of this id.

        None when it is not there.
        """
        for entry in self.waiting:
            if entry.frame is message or (isinstance(message, str) and entry.request.id == message):
                return self._off(entry)
        if isinstance(message, str) or any(done.frame() is message for done in self.done):
            return None
        # Not a frame of ours: somebody made it anew from what it knows of the message.
        return next((self._off(e) for e in self.waiting if e.request.id == str(message.msg_id)), None)

    def is_done(self, message: RTVIClientMessageFrame | str) -> bool:
        """Whether a message was answered or given up."""
        if isinstance(message, str):
            digest = _digest(message)
            return any(done.id_digest == digest for done in self.done)
        return any(done.frame() is message for done in self.done) or self.is_done(str(message.msg_id))

    def _off(self, entry: Waiting) -> Request:
        self.waiting.remove(entry)
        self.done.append(Done(weakref.ref(entry.frame), _digest(entry.frame.msg_id)))
        if entry.request.timer is not None:
            entry.request.timer.cancel()
        return entry.request

    def clear(self) -> None:
        """Forget everything."""
        for entry in self.waiting:
            if entry.request.timer is not None:
                entry.request.timer.cancel()
        self.waiting.clear()

    def __len__(self) -> int:
        return len(self.waiting)


def _start_undeclared(processor: RTVIProcessor, id_: str, t: str, d: Any) -> Answering:
    """Hand the message to the application, with a clock for its answer. Raises Refusal when nobody listens."""
    if not processor.has_event_handler("on_client_message") and (
        not processor.hands_on or _is_of_service(processor, t)
    ):
        raise _unknown(processor, t)
    if processor._unanswered is None:
        processor._unanswered = Unanswered()
    unanswered = processor._unanswered
    if len(unanswered) >= processor.limits["max_actions"]:
        raise Refusal("Too many unanswered messages", Code.BUSY, Category.PROTOCOL)
    request, frame = Request(id_, t), RTVIClientMessageFrame(id_, t, d)
    hold, processor.arriving = processor.arriving, None
    unanswered.waiting.append(Waiting(frame, request, hold))
    timeout = processor.limits["message_timeout"]
    request.timer = asyncio.get_running_loop().call_later(timeout, _give_up, processor, frame)
    processor._starting = request
    return _deliver(processor, request, frame)


async def _deliver(processor: RTVIProcessor, request: Request, frame: RTVIClientMessageFrame) -> None:
    """Hand the message on: to the pipeline first, then to the handlers, who count as running while they take."""
    try:
        await processor.port.push_frame(frame, FrameDirection.DOWNSTREAM)
        error = await processor.fire_all("on_client_message", frame)
        if error is not None and processor._unanswered is not None and processor._unanswered.take(frame):
            processor.refuse(request, _refusal_of_handler(error))  # nobody else will answer it
    finally:
        processor.untrack(request)


def _refusal_of_handler(error: BaseException) -> Refusal:
    """Return what the client is told of a handler of `on_client_message` that raised; the log has it already."""
    if isinstance(error, ActionError):
        return Refusal(error.text, error.code, Category.ACTION, error.details)
    if isinstance(error, asyncio.CancelledError):
        return Refusal(OF_MESSAGE.cancelled, Code.CANCELLED, OF_MESSAGE.category)
    return Refusal(OF_MESSAGE.failed, Code.ACTION_FAILED, OF_MESSAGE.category)


def _is_of_service(processor: RTVIProcessor, t: str) -> bool:
    """Whether a `t` has the short form of an action, of a service that has actions."""
    service, dot, _ = t.partition(".")
    return bool(dot) and any(service == known for known, _ in processor._tables.actions)


def _unknown(processor: RTVIProcessor, t: str) -> Refusal:
    if _is_of_service(processor, t):
        service, _, action = t.partition(".")
        return actions.unknown(processor, service, action, is_short=True)
    known = [*processor._tables.messages, *REQUESTS, *(f"{s}.{a}" for s, a in processor._tables.actions)]
    hint = did_you_mean(t, known)
    text = f"Unknown message '{t[:100]}'"
    return Refusal(f"{text}; {hint}" if hint else text, Code.UNKNOWN_MESSAGE, Category.PROTOCOL)


def _give_up(processor: RTVIProcessor, frame: RTVIClientMessageFrame) -> None:
    request = processor._unanswered.take(frame) if processor._unanswered is not None else None
    if request is not None:
        text = f"Nobody answered message '{frame.type[:100]}'"
        processor.refuse(request, Refusal(text, Code.UNANSWERED, Category.PROTOCOL))


def respond(processor: RTVIProcessor, client_msg: RTVIClientMessageFrame | str, data: Any) -> None:
    """Answer an undeclared message; a late or second answer is dropped. Raises NotJSONError."""
    id_ = client_msg if isinstance(client_msg, str) else str(client_msg.msg_id)
    request = _taken(processor, client_msg)
    if request is not None:
        t = request.t if isinstance(client_msg, str) else client_msg.type
        answer = {"t": t} if data is None else {"t": t, "d": data}
        try:
            processor.answer(request, reply(ServerType.SERVER_RESPONSE, id_, answer))
        except NotJSONError:
            processor.refuse(request, Refusal("The bot gave an invalid answer", Code.INVALID_RESULT, Category.INTERNAL))
            raise


def respond_error(processor: RTVIProcessor, client_msg: RTVIClientMessageFrame | str, text: str) -> None:
    """Refuse a request by its message or id."""
    request = _taken(processor, client_msg)
    if request is not None:
        processor.refuse(request, Refusal(text, Code.ACTION_FAILED, Category.ACTION))


def _taken(processor: RTVIProcessor, client_msg: RTVIClientMessageFrame | str) -> Request | None:
    """Take the waiting request of a message; None for one that has its answer.

    A request that was never handed out is the application's own business: it gets what it is given.
    """
    id_ = client_msg if isinstance(client_msg, str) else str(client_msg.msg_id)
    unanswered = processor._unanswered
    if unanswered is None:
        return Request(id_)
    request = unanswered.take(client_msg)
    if request is None and unanswered.is_done(client_msg):
        logger.warning("dropped an answer to a request that was answered or given up already")
        return None
    return request or Request(id_)
