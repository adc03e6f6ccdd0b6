"""The Pipecat host: a bot's processor inside real Pipecat pipelines.

Needs the extra: `pip install 'rtvi-plugins[pipecat]'`. The names of the host-neutral package that an application uses
beside its pipeline stand here too, so that code written for either imports from one place; frames are Pipecat's own.
"""

from pipecat.frames.frames import FunctionCallResultFrame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.processors.frameworks.rtvi import (
    RTVIClientMessageFrame,
    RTVIObserverParams,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
    RTVIUICancelJobGroupFrame,
    RTVIUICommandFrame,
    RTVIUIEventFrame,
    RTVIUIJobGroupFrame,
    RTVIUISnapshotFrame,
)

from rtvi_plugins.errors import ActionError, StartupError
from rtvi_plugins.pipecat.bot import bot_from_manifest, make_worker
from rtvi_plugins.pipecat.observer import RTVIObserver
from rtvi_plugins.pipecat.processor import RTVIProcessor, processor_for
from rtvi_plugins.processor.port import Caller, Session
from rtvi_plugins.processor.tables import (
    RTVIAction,
    RTVIActionArgument,
    RTVIConfig,
    RTVIService,
    RTVIServiceConfig,
    RTVIServiceOption,
    RTVIServiceOptionConfig,
)

__all__ = [
    "ActionError",
    "Caller",
    "FrameDirection",
    "FunctionCallResultFrame",
    "RTVIAction",
    "RTVIActionArgument",
    "RTVIClientMessageFrame",
    "RTVIConfig",
    "RTVIObserver",
    "RTVIObserverParams",
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
    "Session",
    "StartupError",
    "bot_from_manifest",
    "make_worker",
    "processor_for",
]
