"""One client request on its way to its one answer, in whichever dialect it came.

A legacy request (`action`), the same name as `t` of a `client-message`, and the short form (`t: "knowledge.search"`)
differ only in how their answer is wrapped; `Request` knows that, so that nothing else has to.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import Category
from rtvi_plugins.protocol.messages import LABEL, ServerType, reply
from rtvi_plugins.schema import Fault, pointer

if TYPE_CHECKING:
    import asyncio

    from rtvi_plugins.processor.repeats import Attempt


# Plain text: a member of an enum takes orjson twice as long as the whole rest of an answer.
MAX_SHOWN: Final = 20
"""Faults that the text of a refusal names."""
MAX_TOLD: Final = 100
"""Faults that its `details` have."""

ACTION_RESPONSE: Final = ServerType.ACTION_RESPONSE.value
SERVER_RESPONSE: Final = ServerType.SERVER_RESPONSE.value


class Code(enum.StrEnum):
    """`data.code` of `error` and `error-response`: stable words for programs."""

    INVALID_MESSAGE = "invalid-message"
    UNSUPPORTED_TYPE = "unsupported-type"
    UNKNOWN_MESSAGE = "unknown-message"
    UNKNOWN_ACTION = "unknown-action"
    UNKNOWN_CALL = "unknown-call"
    INVALID_ARGUMENTS = "invalid-arguments"
    INVALID_CONFIGURATION = "invalid-configuration"
    INVALID_START = "invalid-start"
    OPTION_FAILED = "option-failed"
    ROLLBACK_FAILED = "rollback-failed"
    ACTION_FAILED = "action-failed"
    INVALID_RESULT = "invalid-result"
    STAGE_FAILED = "stage-failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    BUSY = "busy"
    NOT_READY = "not-ready"
    IDLE = "idle"
    UNANSWERED = "unanswered"
    NO_RESPONDER = "no-responder"
    INCOMPATIBLE_VERSION = "incompatible-version"
    SHUTTING_DOWN = "shutting-down"
    RESTARTING = "restarting"
    INTERNAL = "internal"


class Refusal(Exception):  # noqa: N818 - it is not an error of ours: the request cannot be done
    """A request cannot be done, and why, in words for the client."""

    def __init__(self, text: str, code: str, category: Category, details: Any = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.category = category
        self.details = details

    def as_data(self) -> dict[str, Any]:
        """Give `data` of the `error-response`."""
        data: dict[str, Any] = {"error": self.text, "code": str(self.code), "category": str(self.category)}
        if self.details is not None:
            data["details"] = self.details
        return data

    @classmethod
    def of_faults(cls, lead: str, faults: Sequence[Fault], code: Code, category: Category) -> Refusal:
        """Name every fault: `lead: place: what; place: what`; `details` has each with its JSON pointer.

        Every refusal that names places is made here, so that all name them in one way.
        """
        details = [{"pointer": fault.pointer, "where": fault.place, "text": fault.text} for fault in faults[:MAX_TOLD]]
        return cls(f"{lead}: {listed(faults)}", code, category, details)


def listed(faults: Sequence[Fault], most: int = MAX_SHOWN) -> str:
    """List faults for people, so many of them: `limit: must be at most 10; point.x: missing; and 3 more`."""
    more = f"; and {len(faults) - most} more" if len(faults) > most else ""
    return "; ".join(map(str, faults[:most])) + more


def invalid(text: str, *path: str | int) -> Refusal:
    """Refuse a message whose form is wrong at one place; the path leads into its data, or its envelope."""
    fault = Fault(pointer(path), text)
    return Refusal.of_faults("Invalid message", [fault], Code.INVALID_MESSAGE, Category.PROTOCOL)


class Request:
    """One request: where its answer goes, and what runs for it.

    t:          `t` of the `client-message` that carried it; None for a legacy request.
    is_short:   the answer to an action is the bare result.
    attempt:    set when the request has an idempotency key.
    is_detached: the job that it starts goes on when the client leaves.
    task, timer: set once the request is held up; `is_answered` guards that nothing is answered twice.
    timeout, deadline: seconds it may be held up, and the loop's time at which that ends.
    """

    __slots__ = (
        "attempt", "deadline", "id", "is_answered", "is_detached", "is_expired", "is_short", "t", "task", "timeout",
        "timer",
    )  # fmt: skip

    def __init__(self, id: str, t: str | None = None, is_short: bool = False) -> None:  # noqa: A002
        self.id = id
        self.t = t
        self.is_short = is_short
        self.is_answered = self.is_detached = self.is_expired = False
        self.deadline = math.inf
        self.attempt: Attempt | None = None
        self.timeout: float | None = None
        self.task: asyncio.Task[Any] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def answer(self, type_: str, data: Any) -> dict[str, Any]:
        """Wrap the data of a legacy answer for this request's dialect."""
        if self.t is None:
            return reply(type_, self.id, data)
        return reply(ServerType.SERVER_RESPONSE, self.id, {"t": self.t, "d": data})

    def answer_result(self, result: Any) -> dict[str, Any]:
        """Wrap the result of an action."""
        return answer_of(self.id, self.t, self.is_short, result)

    def answer_refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Wrap a refusal: an `error-response` in every dialect."""
        return reply(ServerType.ERROR_RESPONSE, self.id, refusal.as_data())


def answer_of(id_: str, t: str | None, is_short: bool, result: Any) -> dict[str, Any]:
    """Wrap the result of an action for the dialect of its request."""
    if t is None:
        return {"label": LABEL, "type": ACTION_RESPONSE, "id": id_, "data": {"result": result}}
    data = {"t": t, "d": result if is_short else {"result": result}}
    return {"label": LABEL, "type": SERVER_RESPONSE, "id": id_, "data": data}
