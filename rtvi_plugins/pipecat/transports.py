"""Transports of a bot's sessions: made by Pipecat for whatever its runner says, with parameters from the manifest."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from pipecat.transports.base_transport import BaseTransport, TransportParams
from pydantic import ValidationError

from rtvi_plugins.pipecat import names
from rtvi_plugins.pipecat.gate import INBOUND
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import LABEL

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.pipecat.plan import Plan
    from rtvi_plugins.pipecat.serializing import Serializer

_CLASSES: Final[Mapping[str, str]] = {
    "webrtc": "pipecat.transports.base_transport:TransportParams",
    "daily": "pipecat.transports.daily.transport:DailyParams",
    "livekit": "pipecat.transports.livekit.transport:LiveKitParams",
    "moq": "pipecat.transports.base_transport:TransportParams",
    "vonage": "pipecat.transports.vonage.video_connector:VonageVideoConnectorTransportParams",
    "websocket": "pipecat.transports.websocket.fastapi:FastAPIWebsocketParams",
    "twilio": "pipecat.transports.websocket.fastapi:FastAPIWebsocketParams",
    "telnyx": "pipecat.transports.websocket.fastapi:FastAPIWebsocketParams",
    "plivo": "pipecat.transports.websocket.fastapi:FastAPIWebsocketParams",
    "exotel": "pipecat.transports.websocket.fastapi:FastAPIWebsocketParams",
    "eval": "pipecat.evals.transport:EvalTransportParams",
}
"""A transport of the runner → the class of its parameters, imported when it is wanted."""

_MADE_BY: Final[Mapping[str, str]] = {
    "webrtc": "pipecat.transports.smallwebrtc.transport:SmallWebRTCTransport",
    "moq": "pipecat.transports.moq.transport:MOQTransport",
}
"""Transports whose parameters are those of any, and what makes them."""

_TELEPHONES: Final = frozenset({"twilio", "telnyx", "plivo", "exotel"})
_OF_TELEPHONES: Final = frozenset({"event", "start", "stream_id", "streamId"})
"""Keys of which telephone companies have at least one in every message."""
_EVAL_CONNECT: Final = "eval-connect"
"""By this `client-message` Pipecat's eval harness says who it is."""


def cannot_serve(name: str) -> str:
    """Say what a transport of the runner lacks here, and how it is had; empty when it lacks nothing."""
    found = names.load(_MADE_BY.get(name) or _CLASSES[name])
    return "; ".join(filter(None, (found.text, found.hint))) if isinstance(found, names.Unusable) else ""


async def make_transport(bot: Bot, runner_args: Any) -> tuple[BaseTransport, Serializer | None]:
    """Make the transport of one session, and the serializer that wants to be told its session, if it has one.

    runner_args: what the runner, or Pipecat Cloud, hands to `bot()`.
    Raises whatever Pipecat raises: ValueError for what no transport takes, ImportError for a missing extra.
    """
    from pipecat.runner.utils import create_transport  # noqa: PLC0415 - of the runner: not for whoever brings a transport

    websocket = getattr(runner_args, "websocket", None)
    if websocket is not None and runner_args.transport_type is None and await _speaks_rtvi(websocket):
        runner_args.transport_type = "websocket"
    serializers: list[Serializer] = []
    is_telephone = websocket is not None and runner_args.transport_type is None
    try:
        transport = await create_transport(
            runner_args, {name: partial(_params, bot, name, serializers) for name in _CLASSES}
        )
    except (AttributeError, KeyError, TypeError, ValidationError) as error:
        if is_telephone:  # Pipecat reads what a telephone company says without a look at its form
            raise ValueError("the first messages are those of no telephone company known here") from error
        raise
    return transport, serializers[0] if serializers else None


def sent_with(runner_args: Any) -> Mapping[str, Any]:
    """Give what the client sent with its start: the runner's body, or what a telephone company adds to a call."""
    body = getattr(runner_args, "body", None)
    call = getattr(runner_args, "call_data", None)
    if not body and call is not None and is_telephone(runner_args):
        body = call.body
    return body if isinstance(body, Mapping) else {}


def is_telephone(runner_args: Any) -> bool:
    """Whether somebody calls by telephone: no RTVI message comes from there, no `client-ready` either."""
    return getattr(runner_args, "transport_type", None) in _TELEPHONES


async def _speaks_rtvi(websocket: Any) -> bool:
    """Whether the client of a path that telephone companies share is an RTVI client. Looks ahead, behind a gate.

    The others say who they are by their first message; one that cannot be read is answered as it is on other paths.
    """
    inbound = websocket.scope.get(INBOUND)
    first = None if inbound is None else await inbound.peek()
    if first is None:
        return False
    if isinstance(first, bytes):
        return True  # telephone companies and the eval harness begin with text
    try:
        message = wire.decode(first)
    except wire.InvalidJSONError as error:
        message = error.value
    if not isinstance(message, dict):
        return True
    if message.get("label") != LABEL:
        return not _OF_TELEPHONES & message.keys()
    data = message.get("data")
    return not (isinstance(data, dict) and data.get("t") == _EVAL_CONNECT)


def _params(bot: Bot, name: str, serializers: list[Serializer]) -> TransportParams:
    module, _, class_name = _CLASSES[name].partition(":")
    extra: dict[str, Any] = {}
    if name == "websocket":
        from rtvi_plugins.pipecat.serializing import Serializer  # noqa: PLC0415 - protobuf, only where it is spoken

        serializers.append(Serializer(bot.manifest.runtime.limits))
        extra["serializer"] = serializers[0]
        extra["allowed_origins"] = []  # the gate has decided, by the manifest
    plan = cast("Plan", bot.pipeline)  # Pipecat's own check has made it
    made: TransportParams = getattr(importlib.import_module(module), class_name)(
        audio_in_enabled=plan.hears, audio_out_enabled=plan.speaks, **extra
    )
    return made
