"""What a session keeps for its client beyond a message's time: bounded in bytes, the oldest answers go first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rtvi_plugins.errors import Category
from rtvi_plugins.processor.memory import COUNTED, size_of, size_when_read
from rtvi_plugins.processor.requests import Code, Refusal
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import NotJSONError

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.memory import Hold


def hold(processor: RTVIProcessor, size: int) -> Hold | None:
    """Count so many bytes that are to be kept; remembered answers make room. None when that is not enough."""
    if size > processor.kept_bytes.limit:
        return None  # whatever goes would go for nothing
    while (held := processor.kept_bytes.hold(size)) is None:
        if not forget_oldest_answer(processor):
            return None
    return held


def keep(processor: RTVIProcessor, size: int, what: str) -> Hold:
    """Count so many bytes that are to be kept. Raises Refusal, which says that there is no room for `what`."""
    held = hold(processor, size)
    if held is None:
        raise Refusal(f"There is no room to keep {what} of {size} bytes", Code.BUSY, Category.PROTOCOL)
    return held


def forget_oldest_answer(processor: RTVIProcessor) -> bool:
    """Forget the answer that was remembered first; False when there is none."""
    attempts = processor._attempts
    if not attempts:
        return False
    oldest = next((key for key, attempt in attempts.items() if attempt.is_settled), None)
    if oldest is None:
        return False
    del attempts[oldest]
    return True


def keep_snapshot(processor: RTVIProcessor, text: bytes) -> None:
    """Keep a page's snapshot in place of the one before. Raises Refusal, and keeps that one, when it is too large."""
    session = processor.session
    before, session.snapshot_hold = session.snapshot_hold, None
    size = 0 if before is None else before.size
    if before is not None:
        before.release()
    try:
        session.snapshot_hold = keep(processor, len(text), "a snapshot")
    except Refusal:
        session.snapshot_hold = processor.kept_bytes.hold(size)
        raise
    session.keep_snapshot(text)


def hold_value(processor: RTVIProcessor, service: str, option: str, value: Any) -> Hold | None:
    """Count an option's value that is to be kept, unless it is small. Raises Refusal."""
    size = _size_of(value)
    return None if size <= COUNTED else keep(processor, size, f"a value of {service}.{option}")


def _size_of(value: Any) -> int:
    if isinstance(value, str):
        return size_of(value)
    return size_when_read(wire.encode(value)) if isinstance(value, dict | list) else 0


def keep_values(processor: RTVIProcessor, holds: dict[tuple[str, str], Hold | None]) -> None:
    """Keep the counts of values, by service and option, in place of the values before."""
    kept = processor.value_holds or {}
    kept.update({key: held for key, held in holds.items() if held is not None})
    for key, held in holds.items():
        if held is None:
            kept.pop(key, None)
    processor.value_holds = kept or None


def hold_initial(
    processor: RTVIProcessor, values: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Count the values that a session begins with; return those for which there is room, and what to tell of others."""
    kept: dict[str, dict[str, Any]] = {}
    texts: list[str] = []
    for service, options in values.items():
        for name, value in options.items():
            try:
                keep_values(processor, {(service, name): hold_value(processor, service, name, value)})
            except Refusal as refusal:
                texts.append(refusal.text)
                continue
            except NotJSONError:
                pass  # from the application; it is told when it is applied
            kept.setdefault(service, {})[name] = value
    return kept, texts


def release_all(processor: RTVIProcessor) -> None:
    """Forget what was kept for a client that has left; the snapshot stays for the hooks of the session's end."""
    for attempt in (processor._attempts or {}).values():
        if attempt.hold is not None:
            attempt.hold.release()  # at once, whoever still knows the request
    processor._attempts = processor._held_back = processor.value_holds = None
    if processor.session.snapshot_hold is not None:
        processor.session.snapshot_hold.release()
