"""Repeated requests: an `action` whose data carries an `idempotency_key` runs once for its session and key.

Message ids are no such keys: some clients send the same id every time.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from rtvi_plugins.errors import Category
from rtvi_plugins.processor import keeping, memory
from rtvi_plugins.processor.requests import Code, Refusal, Request, invalid
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import NotJSONError

if TYPE_CHECKING:
    from rtvi_plugins.processor.answering import AnsweringRequests
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.memory import Hold

MAX_KEPT: Final = 128
"""How many answers a session keeps; the oldest settled one goes first."""

MAX_WAITING: Final = 16
"""How many repeats may wait for one running action."""

MAX_KEY_LENGTH: Final = 200

ATTEMPT: Final = 1024
"""What an answer that is remembered takes beside its text: the key, and what is noted of the call."""


class Attempt:
    """One keyed action: what it asked for, its outcome once there is one, and the repeats that wait for that."""

    __slots__ = ("asked", "hold", "is_settled", "refusal", "text", "waiting")

    def __init__(self, asked: bytes) -> None:
        self.asked = asked
        self.is_settled = False
        self.text = b"null"
        self.hold: Hold | None = None
        self.refusal: Refusal | None = None
        self.waiting: list[Request] = []

    def settle(self, processor: AnsweringRequests, result: Any, refusal: Refusal | None) -> None:
        """Keep the outcome and answer the repeats with it."""
        # As text: a handler may go on using what it returned.
        self.text, self.refusal = wire.encode(result), refusal
        waiting, self.waiting = self.waiting, []
        for request in waiting:
            self.answer(processor, request)
        self._keep(cast("RTVIProcessor", processor))

    def _keep(self, processor: RTVIProcessor) -> None:
        """Count the outcome. One that is too large is dropped: a repeat is refused then, and not run again."""
        size = len(self.text) if self.refusal is None else memory.size_when_read(wire.encode(_plain(self.refusal)))
        self.hold = keeping.hold(processor, size + ATTEMPT)
        self.is_settled = True
        if self.hold is None:
            text = "The answer to this idempotency_key was too large to be kept"
            self.text, self.refusal = b"null", Refusal(text, Code.BUSY, Category.PROTOCOL)
        self.text = memory.compact(self.text)

    def answer(self, processor: AnsweringRequests, request: Request) -> None:
        """Answer a repeat as the first was answered."""
        if self.refusal is not None:
            processor.refuse(request, self.refusal)
        else:
            processor.answer(request, request.answer_result(memory.read(self.text)))


def _plain(refusal: Refusal) -> Any:
    """Return what a refusal says; without its details where these are not JSON."""
    data = refusal.as_data()
    try:
        wire.encode(data)
    except NotJSONError:
        refusal.details = None
    return refusal.as_data()


def begin(processor: RTVIProcessor, request: Request, key: object, asked: tuple[str, str, dict[str, Any]]) -> bool:
    """Note a keyed action, or answer it as a repeat. True when it is to be run. Raises Refusal."""
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_LENGTH:
        raise invalid(f"expected string of 1 to {MAX_KEY_LENGTH} characters", "idempotency_key")
    if processor._attempts is None:
        processor._attempts = OrderedDict()
    attempts = processor._attempts
    digest = hashlib.sha256(_written(asked)).digest()
    first = attempts.get(key)
    if first is None:
        if len(attempts) >= MAX_KEPT and not keeping.forget_oldest_answer(processor):
            raise Refusal("Too many keyed actions at once", Code.BUSY, Category.PROTOCOL)
        attempts[key] = request.attempt = Attempt(digest)
        return True
    if first.asked != digest:
        raise Refusal("This idempotency_key was used for another call", Code.INVALID_MESSAGE, Category.PROTOCOL)
    if first.is_settled:
        first.answer(processor, request)
    elif len(first.waiting) < MAX_WAITING:
        first.waiting.append(request)
    else:
        raise Refusal("Too many repeats wait for this action", Code.BUSY, Category.PROTOCOL)
    return False


def _written(asked: tuple[str, str, dict[str, Any]]) -> bytes:
    try:
        return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # nested beyond what it writes
        return json.dumps(asked, sort_keys=True).encode()


def forget(processor: RTVIProcessor, request: Request) -> None:
    """Forget a keyed action that was never started, so that it can be tried again."""
    if processor._attempts is not None and request.attempt is not None:
        for key, attempt in tuple(processor._attempts.items()):
            if attempt is request.attempt:
                del processor._attempts[key]
        request.attempt = None
