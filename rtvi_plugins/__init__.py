"""Bots assembled from YAML manifests, speaking RTVI.

The names below are the public API; importing this package loads no plugin and reads no environment.
"""

from rtvi_plugins.binding import Bot, load_bots
from rtvi_plugins.errors import ActionError, Location, Problem, RTVIPluginsError, StartupError
from rtvi_plugins.handlers import Handlers
from rtvi_plugins.hooks.contracts import Call, CallNext, Middleware, Responder
from rtvi_plugins.hooks.hookspecs import hookimpl
from rtvi_plugins.processor.core import RTVIProcessor
from rtvi_plugins.processor.port import Caller, Port, Session
from rtvi_plugins.processor.tables import (
    RTVIAction,
    RTVIActionArgument,
    RTVIConfig,
    RTVIService,
    RTVIServiceConfig,
    RTVIServiceOption,
    RTVIServiceOptionConfig,
)
from rtvi_plugins.protocol.frames import (
    Frame,
    FrameDirection,
    FunctionCallResultFrame,
    RTVIClientMessageFrame,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
    RTVIUICancelJobGroupFrame,
    RTVIUICommandFrame,
    RTVIUIEventFrame,
    RTVIUIJobGroupFrame,
    RTVIUISnapshotFrame,
    SystemFrame,
)

__all__ = [
    "ActionError",
    "Bot",
    "Call",
    "CallNext",
    "Caller",
    "Frame",
    "FrameDirection",
    "FunctionCallResultFrame",
    "Handlers",
    "Location",
    "Middleware",
    "Port",
    "Problem",
    "RTVIAction",
    "RTVIActionArgument",
    "RTVIClientMessageFrame",
    "RTVIConfig",
    "RTVIPluginsError",
    "RTVIProcessor",
    "RTVIServerMessageFrame",
    "RTVIServerResponseFrame",
    "RTVIService",
    "RTVIServiceConfig",
    "RTVIServiceOption",
    "RTVIServiceOptionConfig",
    "RTVIUICancelJobGroupFrame",
    "RTVIUICommandFrame",
    "RTVIUIEventFrame",
    "RTVIUIJobGroupFrame",
    "RTVIUISnapshotFrame",
    "Responder",
    "Session",
    "StartupError",
    "SystemFrame",
    "hookimpl",
    "load_bots",
]
