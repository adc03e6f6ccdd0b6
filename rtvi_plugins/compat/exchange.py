"""The wire's messages as pydantic models, under the names that Pipecat 0.0.108 and later give them.

Code that was written for Pipecat builds these and hands them to `push_transport_message` or `handle_message`. Nothing
here is used by this package itself, which sends plain dictionaries. Source: rtvi-protocol 3 to 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel

__all__ = [
    "MESSAGE_LABEL",
    "PROTOCOL_VERSION",
    "AboutClientData",
    "AppendToContext",
    "AppendToContextData",
    "BotReady",
    "BotReadyData",
    "ClientReadyData",
    "Error",
    "ErrorData",
    "ErrorResponse",
    "ErrorResponseData",
    "LLMFunctionCallInProgressMessage",
    "LLMFunctionCallInProgressMessageData",
    "LLMFunctionCallMessage",
    "LLMFunctionCallMessageData",
    "LLMFunctionCallResultData",
    "LLMFunctionCallStartMessage",
    "LLMFunctionCallStartMessageData",
    "LLMFunctionCallStoppedMessage",
    "LLMFunctionCallStoppedMessageData",
    "Labelled",
    "Message",
    "MessageLiteral",
    "MetricsMessage",
    "RawClientMessageData",
    "RawServerResponseData",
    "SendTextData",
    "SendTextOptions",
    "ServerMessage",
    "ServerResponse",
]

MessageLiteral = Literal["rtvi-ai"]
MESSAGE_LABEL: Final[MessageLiteral] = "rtvi-ai"
PROTOCOL_VERSION: Final = "1.2.0"
"""The protocol version that Pipecat 0.0.108 spoke; a session's own is `processor.version`."""


class Labelled(BaseModel):
    """Base of every message."""

    label: MessageLiteral = MESSAGE_LABEL


class Message(Labelled):
    """Any message of a client. `data` is an object or absent."""

    type: str
    id: str
    data: dict[str, Any] | None = None


# -- what clients send ------------------------------------------------------------------------------------------------


class RawClientMessageData(BaseModel):
    """`data` of a `client-message`: its type and its content."""

    t: str
    d: Any = None


class AboutClientData(BaseModel):
    """Which software the client is."""

    library: str
    library_version: str | None = None
    platform: str | None = None
    platform_version: str | None = None
    platform_details: Any = None


class ClientReadyData(BaseModel):
    """`data` of `client-ready`."""

    version: str
    about: AboutClientData


class LLMFunctionCallResultData(BaseModel):
    """`data` of `llm-function-call-result`."""

    function_name: str
    tool_call_id: str
    arguments: dict[str, Any]
    result: dict[str, Any] | str


class SendTextOptions(BaseModel):
    """`options` of `send-text`."""

    run_immediately: bool = True
    audio_response: bool = True


class SendTextData(BaseModel):
    """`data` of `send-text`."""

    content: str
    options: SendTextOptions | None = None


class AppendToContextData(BaseModel):
    """`data` of `append-to-context`."""

    role: str
    content: Any
    run_immediately: bool = False


class AppendToContext(Labelled):
    """`append-to-context`."""

    type: Literal["append-to-context"] = "append-to-context"
    data: AppendToContextData


# -- what bots send ---------------------------------------------------------------------------------------------------


class RawServerResponseData(BaseModel):
    """`data` of `server-response`: the type of the request, and the answer."""

    t: str
    d: Any = None


class ServerResponse(Labelled):
    """`server-response`."""

    type: Literal["server-response"] = "server-response"
    id: str
    data: RawServerResponseData


class ErrorResponseData(BaseModel):
    """`data` of `error-response`."""

    error: str


class ErrorResponse(Labelled):
    """`error-response`."""

    type: Literal["error-response"] = "error-response"
    id: str
    data: ErrorResponseData


class ErrorData(BaseModel):
    """`data` of `error`."""

    error: str
    fatal: bool = False


class Error(Labelled):
    """`error`."""

    type: Literal["error"] = "error"
    data: ErrorData


class BotReadyData(BaseModel):
    """`data` of `bot-ready`."""

    version: str
    about: Mapping[str, Any] | None = None


class BotReady(Labelled):
    """`bot-ready`."""

    type: Literal["bot-ready"] = "bot-ready"
    id: str
    data: BotReadyData


class ServerMessage(Labelled):
    """`server-message`: any JSON value."""

    type: Literal["server-message"] = "server-message"
    data: Any


class MetricsMessage(Labelled):
    """`metrics`."""

    type: Literal["metrics"] = "metrics"
    data: Mapping[str, Any]


class LLMFunctionCallMessageData(BaseModel):
    """`data` of `llm-function-call`."""

    function_name: str
    tool_call_id: str
    args: Mapping[str, Any]


class LLMFunctionCallMessage(Labelled):
    """`llm-function-call`: a client of 0.3 executes the function."""

    type: Literal["llm-function-call"] = "llm-function-call"
    data: LLMFunctionCallMessageData


class LLMFunctionCallStartMessageData(BaseModel):
    """`data` of `llm-function-call-started`."""

    function_name: str | None = None


class LLMFunctionCallStartMessage(Labelled):
    """`llm-function-call-started`."""

    type: Literal["llm-function-call-started"] = "llm-function-call-started"
    data: LLMFunctionCallStartMessageData


class LLMFunctionCallInProgressMessageData(BaseModel):
    """`data` of `llm-function-call-in-progress`."""

    tool_call_id: str
    function_name: str | None = None
    arguments: Mapping[str, Any] | None = None


class LLMFunctionCallInProgressMessage(Labelled):
    """`llm-function-call-in-progress`."""

    type: Literal["llm-function-call-in-progress"] = "llm-function-call-in-progress"
    data: LLMFunctionCallInProgressMessageData


class LLMFunctionCallStoppedMessageData(BaseModel):
    """`data` of `llm-function-call-stopped`."""

    tool_call_id: str
    cancelled: bool
    function_name: str | None = None
    result: Any = None


class LLMFunctionCallStoppedMessage(Labelled):
    """`llm-function-call-stopped`."""

    type: Literal["llm-function-call-stopped"] = "llm-function-call-stopped"
    data: LLMFunctionCallStoppedMessageData
