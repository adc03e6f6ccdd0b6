"""The frames plugins push and receive: names, fields and defaults of Pipecat's RTVI frames.

Source: rtvi-protocol 8. These need no Pipecat; the Pipecat host translates them at its border.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel


class FrameDirection(enum.Enum):
    """Which way a frame travels through a pipeline."""

    DOWNSTREAM = 1
    UPSTREAM = 2


@dataclass
class Frame:
    """Base of every frame."""


@dataclass
class SystemFrame(Frame):
    """A frame that is not queued behind others and survives interruptions."""


@dataclass
class RTVIActionFrame(Frame):
    """An action to run, as Pipecat 0.0.x had it: for what asks for one from inside the application.

    rtvi_action_run: has `service`, `action` and `arguments`, a list of objects with `name` and `value`, or None.
    message_id:      the request that the client gets an answer to; None: nobody is told.
    """

    rtvi_action_run: Any
    message_id: str | None = None


class UIJobGroupStartedData(BaseModel):
    """A job group begins. `at` is epoch milliseconds, here and below."""

    kind: Literal["group_started"] = "group_started"
    job_id: str
    workers: list[str] = []
    label: str | None = None
    cancellable: bool = True
    at: int = 0


class UIJobUpdateData(BaseModel):
    """A worker reports progress."""

    kind: Literal["job_update"] = "job_update"
    job_id: str
    worker_name: str
    data: Any = None
    at: int = 0


class UIJobCompletedData(BaseModel):
    """A worker ended. `status`: completed, cancelled, failed or error."""

    kind: Literal["job_completed"] = "job_completed"
    job_id: str
    worker_name: str
    status: str
    response: Any = None
    at: int = 0


class UIJobGroupCompletedData(BaseModel):
    """The whole group ended; nothing follows it."""

    kind: Literal["group_completed"] = "group_completed"
    job_id: str
    at: int = 0


UIJobGroupData = UIJobGroupStartedData | UIJobUpdateData | UIJobCompletedData | UIJobGroupCompletedData


@dataclass
class RTVIServerMessageFrame(SystemFrame):
    """Send `server-message` with `data` as it stands."""

    data: Any


@dataclass
class RTVIUICommandFrame(SystemFrame):
    """Send `ui-command {command, payload}`."""

    command: str = ""
    payload: Any = None


@dataclass
class RTVIUIJobGroupFrame(SystemFrame):
    """Send `ui-job-group` with one of the four kinds; nothing when `data` is None."""

    data: UIJobGroupData | None = None


@dataclass
class RTVIUIEventFrame(SystemFrame):
    """A client's `ui-event` arrived."""

    msg_id: str = ""
    event: str = ""
    payload: Any = None


@dataclass
class RTVIUISnapshotFrame(SystemFrame):
    """A client's `ui-snapshot` arrived; `tree` is its accessibility tree as a dict."""

    msg_id: str = ""
    tree: Any = None


@dataclass
class RTVIUICancelJobGroupFrame(SystemFrame):
    """A client wants a job group cancelled."""

    msg_id: str = ""
    job_id: str = ""
    reason: str | None = None


@dataclass
class RTVIClientMessageFrame(SystemFrame):
    """A client's `client-message` arrived: `type` is its `t`, `data` its `d`."""

    msg_id: str
    type: str
    data: Any | None = None


@dataclass
class RTVIServerResponseFrame(SystemFrame):
    """Answer a `client-message`: `server-response`, or `error-response` when `error` is not None."""

    client_msg: RTVIClientMessageFrame
    data: Any | None = None
    error: str | None = None


@dataclass
class FunctionCallResultFrame(SystemFrame):
    """A function the client executed gave its result."""

    function_name: str
    tool_call_id: str
    arguments: Any
    result: Any
