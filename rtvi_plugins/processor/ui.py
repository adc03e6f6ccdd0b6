"""UI: events and snapshots from the page, commands to it. Source: rtvi-protocol 6.1 to 6.3."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import Category, did_you_mean
from rtvi_plugins.processor.ending import OF_EVENT, refuse_failed
from rtvi_plugins.processor.fitting import fitted
from rtvi_plugins.processor.keeping import keep_snapshot
from rtvi_plugins.processor.requests import Code, Refusal, Request, invalid, listed
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.frames import (
    FrameDirection,
    RTVIUICancelJobGroupFrame,
    RTVIUIEventFrame,
    RTVIUISnapshotFrame,
)
from rtvi_plugins.protocol.messages import NotJSONError, ServerType, event
from rtvi_plugins.protocol.versions import Generation
from rtvi_plugins.schema import ValueSchema, check, compile_value

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.dispatching import Answering
    from rtvi_plugins.processor.message_types import UIEventType

FromPage = RTVIUIEventFrame | RTVIUISnapshotFrame | RTVIUICancelJobGroupFrame

_TEXT: Final = {"type": ["string", "null"]}
_WHOLE: Final = {"type": ["integer", "null"]}
_TARGET: Final = {"ref": _TEXT, "target_id": _TEXT}


def _payload(required: tuple[str, ...], **properties: Any) -> ValueSchema:
    return compile_value({"type": "object", "properties": properties, "required": list(required)})


STANDARD_COMMANDS: Final[Mapping[str, ValueSchema]] = MappingProxyType(
    {
        "toast": _payload(
            ("title",),
            title={"type": "string"},
            subtitle=_TEXT,
            description=_TEXT,
            image_url=_TEXT,
            duration_ms=_WHOLE,
        ),
        "navigate": _payload(("view",), view={"type": "string"}, params={"type": ["object", "null"]}),
        "scroll_to": _payload((), **_TARGET, behavior=_TEXT),
        "highlight": _payload((), **_TARGET, duration_ms=_WHOLE),
        "focus": _payload((), **_TARGET),
        "click": _payload((), **_TARGET),
        "set_input_value": _payload(
            ("value",), **_TARGET, value={"type": "string"}, replace={"type": ["boolean", "null"]}
        ),
        "select_text": _payload((), **_TARGET, start_offset=_WHOLE, end_offset=_WHOLE),
    }
)
"""The commands that pages have stock handlers for, with the schemas of their payloads (rtvi-protocol 6.2)."""


# -- to the page ------------------------------------------------------------------------------------------------------


def send_command(processor: RTVIProcessor, command: str, payload: Any) -> None:
    """Send `ui-command`; clients of generation 0, which do not know it, are spared."""
    if processor.generation is not Generation.LEGACY:
        processor.send(
            event(ServerType.UI_COMMAND, {"command": command, "payload": {} if payload is None else payload})
        )


def checked_payload(processor: RTVIProcessor, command: str, payload: Any) -> Any:
    """Compare a command with what is declared, or with the standard ones; return its payload as it can be sent.

    Raises ValueError: the plugin is wrong.
    """
    declared = processor._tables.ui_commands
    schema = declared.get(command) or STANDARD_COMMANDS.get(command)
    if schema is None:
        if declared:
            raise ValueError(f"no ui command {command!r} is declared; {did_you_mean(command, declared)}".rstrip("; "))
        return payload
    try:
        payload, faults = fitted(schema, {} if payload is None else payload)
    except NotJSONError as error:
        raise ValueError(f"the payload of ui command {command!r} is not JSON: {error}") from None
    if faults:
        raise ValueError(f"the payload of ui command {command!r} does not fit: {listed(faults)}")
    return payload


# -- from the page ----------------------------------------------------------------------------------------------------


def on_ui_event(processor: RTVIProcessor, id_: str, data: Any) -> Answering:
    """Take a `ui-event`. Raises Refusal when it is malformed or its payload is not what was declared."""
    name = data.get("event") if data else None
    if not isinstance(name, str):
        raise invalid("expected string", "event")
    payload = data.get("payload")
    declared = processor._tables.ui_events.get(name)
    if declared is not None and (faults := check(declared.payload, payload, is_read=True)):
        lead = f"Invalid payload for {name}"
        raise Refusal.of_faults(lead, faults, Code.INVALID_MESSAGE, Category.PROTOCOL)
    frame = RTVIUIEventFrame(id_, name, payload)
    if declared is None:
        return _start_delivery(processor, frame)
    request = Request(id_)
    request.timeout = declared.timeout
    processor._starting = request
    return _run_event(processor, request, declared, frame)


def _start_delivery(processor: RTVIProcessor, frame: FromPage) -> Answering:
    """Hand on what nobody answers. It counts as a request, so that handlers that hang stay within the bound."""
    request = processor._starting = Request(frame.msg_id)
    return _deliver_counted(processor, request, frame)


async def _deliver_counted(processor: RTVIProcessor, request: Request, frame: FromPage) -> None:
    try:
        await _deliver(processor, frame)
    finally:
        processor.untrack(request)


async def _deliver(processor: RTVIProcessor, frame: FromPage) -> None:
    """Hand something from the page on: to the pipeline first, then to `on_ui_message`."""
    await processor.port.push_frame(frame, FrameDirection.DOWNSTREAM)
    await processor.fire("on_ui_message", frame)


async def _run_event(
    processor: RTVIProcessor, request: Request, declared: UIEventType, frame: RTVIUIEventFrame
) -> None:
    """Run the declared handler. There is no positive answer to a `ui-event`; what fails is told."""
    try:
        await _deliver(processor, frame)
        await declared.handler(processor, frame.payload)
        request.is_answered = True
    except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
        refuse_failed(processor, request, error, OF_EVENT, f"the handler of ui event {declared.name}")
    finally:
        if request.task is not None:
            processor.untrack(request)


def on_ui_snapshot(processor: RTVIProcessor, id_: str, data: Any) -> Answering:
    """Take a `ui-snapshot`: the newest is kept at `processor.session.snapshot`. Raises Refusal."""
    tree = data.get("tree") if data else None
    if not isinstance(tree, dict) or not isinstance(tree.get("root"), dict):
        raise invalid("expected object with root", "tree")
    keep_snapshot(processor, wire.encode(tree))
    return _start_delivery(processor, RTVIUISnapshotFrame(id_, tree))


def on_ui_cancel(processor: RTVIProcessor, id_: str, data: Any) -> Answering | None:
    """Take a `ui-cancel-job-group`: a known, cancellable group is cancelled, any other ignored. Raises Refusal."""
    job_id, reason = (data or {}).get("job_id"), (data or {}).get("reason")
    if not isinstance(job_id, str):
        raise invalid("expected string", "job_id")
    if not isinstance(reason, str | None):
        raise invalid("expected string", "reason")
    if processor._jobs is not None:
        processor._jobs.cancel(job_id, reason or "")
    if len(processor._running) >= processor._max_running:  # cancelling is always possible, telling of it is not
        return None
    return _start_delivery(processor, RTVIUICancelJobGroupFrame(id_, job_id, reason))
