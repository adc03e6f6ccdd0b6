"""Bots assembled from YAML manifests, speaking RTVI.

The names below are the public API; importing this package loads no plugin and reads no environment. Each name is
imported when it is first used, so that a plugin's `from rtvi_plugins import Handlers, hookimpl` pays for nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot, load_bots
    from rtvi_plugins.errors import ActionError, Location, Problem, RTVIPluginsError, StartupError
    from rtvi_plugins.handlers import Handlers
    from rtvi_plugins.hooks.contracts import Call, CallNext, Middleware, Responder
    from rtvi_plugins.hooks.hookspecs import hookimpl
    from rtvi_plugins.jobs.base import Job
    from rtvi_plugins.jobs.group import JobGroup, JobResult
    from rtvi_plugins.processor.config import RTVIConfig, RTVIServiceConfig, RTVIServiceOptionConfig
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.port import Caller, Port, Session
    from rtvi_plugins.processor.tables import RTVIAction, RTVIActionArgument, RTVIService, RTVIServiceOption
    from rtvi_plugins.processor.tools import Tool
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
        UIJobCompletedData,
        UIJobGroupCompletedData,
        UIJobGroupStartedData,
        UIJobUpdateData,
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
    "Job",
    "JobGroup",
    "JobResult",
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
    "Tool",
    "UIJobCompletedData",
    "UIJobGroupCompletedData",
    "UIJobGroupStartedData",
    "UIJobUpdateData",
    "hookimpl",
    "load_bots",
]

_HOMES = {
    "ActionError": "errors",
    "Bot": "binding",
    "Call": "hooks.contracts",
    "CallNext": "hooks.contracts",
    "Caller": "processor.port",
    "Frame": "protocol.frames",
    "FrameDirection": "protocol.frames",
    "FunctionCallResultFrame": "protocol.frames",
    "Handlers": "handlers",
    "Job": "jobs.base",
    "JobGroup": "jobs.group",
    "JobResult": "jobs.group",
    "Location": "errors",
    "Middleware": "hooks.contracts",
    "Port": "processor.port",
    "Problem": "errors",
    "RTVIAction": "processor.tables",
    "RTVIActionArgument": "processor.tables",
    "RTVIClientMessageFrame": "protocol.frames",
    "RTVIConfig": "processor.config",
    "RTVIPluginsError": "errors",
    "RTVIProcessor": "processor.core",
    "RTVIServerMessageFrame": "protocol.frames",
    "RTVIServerResponseFrame": "protocol.frames",
    "RTVIService": "processor.tables",
    "RTVIServiceConfig": "processor.config",
    "RTVIServiceOption": "processor.tables",
    "RTVIServiceOptionConfig": "processor.config",
    "RTVIUICancelJobGroupFrame": "protocol.frames",
    "RTVIUICommandFrame": "protocol.frames",
    "RTVIUIEventFrame": "protocol.frames",
    "RTVIUIJobGroupFrame": "protocol.frames",
    "RTVIUISnapshotFrame": "protocol.frames",
    "Responder": "hooks.contracts",
    "Session": "processor.port",
    "StartupError": "errors",
    "SystemFrame": "protocol.frames",
    "Tool": "processor.tools",
    "UIJobCompletedData": "protocol.frames",
    "UIJobGroupCompletedData": "protocol.frames",
    "UIJobGroupStartedData": "protocol.frames",
    "UIJobUpdateData": "protocol.frames",
    "hookimpl": "hooks.hookspecs",
    "load_bots": "binding",
}
"""Public name → the module it comes from; the same as above for type checkers, which a test compares."""

if not TYPE_CHECKING:  # a type checker would take it to mean that every name exists

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
