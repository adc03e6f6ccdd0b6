"""For code written for Pipecat 0.0.76 to 0.0.108: every public name of its RTVI module, without Pipecat.

`docs/porting.md` says what became of each. In a Pipecat pipeline import from `rtvi_plugins.pipecat` instead, which has
the same names. A name that only a pipeline can serve says so when it is used.
"""

import enum
from typing import Any

from rtvi_plugins.compat import models as RTVI  # noqa: N812 - its name in Pipecat 1.0
from rtvi_plugins.compat.messages import (
    RTVI_MESSAGE_LABEL,
    RTVI_PROTOCOL_VERSION,
    AboutClientData,
    ActionResult,
    RTVIActionArgumentData,
    RTVIActionResponse,
    RTVIActionResponseData,
    RTVIActionRun,
    RTVIActionRunArgument,
    RTVIAppendToContext,
    RTVIAppendToContextData,
    RTVIAudioLevelMessageData,
    RTVIAudioMessageData,
    RTVIBotAudioLevelMessage,
    RTVIBotLLMStartedMessage,
    RTVIBotLLMStoppedMessage,
    RTVIBotLLMTextMessage,
    RTVIBotOutputMessage,
    RTVIBotOutputMessageData,
    RTVIBotReady,
    RTVIBotReadyData,
    RTVIBotReadyDataDeprecated,
    RTVIBotStartedSpeakingMessage,
    RTVIBotStoppedSpeakingMessage,
    RTVIBotTranscriptionMessage,
    RTVIBotTTSAudioMessage,
    RTVIBotTTSStartedMessage,
    RTVIBotTTSStoppedMessage,
    RTVIBotTTSTextMessage,
    RTVIClientReadyData,
    RTVIConfigResponse,
    RTVIDescribeActions,
    RTVIDescribeActionsData,
    RTVIDescribeConfig,
    RTVIDescribeConfigData,
    RTVIError,
    RTVIErrorData,
    RTVIErrorResponse,
    RTVIErrorResponseData,
    RTVILLMFunctionCallInProgressMessage,
    RTVILLMFunctionCallInProgressMessageData,
    RTVILLMFunctionCallMessage,
    RTVILLMFunctionCallMessageData,
    RTVILLMFunctionCallResultData,
    RTVILLMFunctionCallStartMessage,
    RTVILLMFunctionCallStartMessageData,
    RTVILLMFunctionCallStoppedMessage,
    RTVILLMFunctionCallStoppedMessageData,
    RTVIMessage,
    RTVIMessageLiteral,
    RTVIMetricsMessage,
    RTVIRawClientMessageData,
    RTVIRawServerResponseData,
    RTVISendTextData,
    RTVISendTextOptions,
    RTVIServerMessage,
    RTVIServerResponse,
    RTVISystemLogMessage,
    RTVITextMessageData,
    RTVIUpdateConfig,
    RTVIUserAudioLevelMessage,
    RTVIUserLLMTextMessage,
    RTVIUserMuteStartedMessage,
    RTVIUserMuteStoppedMessage,
    RTVIUserStartedSpeakingMessage,
    RTVIUserStoppedSpeakingMessage,
    RTVIUserTranscriptionMessage,
    RTVIUserTranscriptionMessageData,
)
from rtvi_plugins.errors import RTVIPluginsError
from rtvi_plugins.processor.config import RTVIConfig, RTVIServiceConfig, RTVIServiceOptionConfig
from rtvi_plugins.processor.core import RTVIProcessor
from rtvi_plugins.processor.tables import RTVIAction, RTVIActionArgument, RTVIService, RTVIServiceOption
from rtvi_plugins.protocol.frames import (
    FrameDirection,
    FunctionCallResultFrame,
    RTVIActionFrame,
    RTVIClientMessageFrame,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
)
from rtvi_plugins.protocol.frames import RTVIClientMessageFrame as RTVIClientMessage

__all__ = [
    "RTVI",
    "RTVI_MESSAGE_LABEL",
    "RTVI_PROTOCOL_VERSION",
    "AboutClientData",
    "ActionResult",
    "FrameDirection",
    "FunctionCallResultFrame",
    "RTVIAction",
    "RTVIActionArgument",
    "RTVIActionArgumentData",
    "RTVIActionFrame",
    "RTVIActionResponse",
    "RTVIActionResponseData",
    "RTVIActionRun",
    "RTVIActionRunArgument",
    "RTVIAppendToContext",
    "RTVIAppendToContextData",
    "RTVIAudioLevelMessageData",
    "RTVIAudioMessageData",
    "RTVIBotAudioLevelMessage",
    "RTVIBotLLMStartedMessage",
    "RTVIBotLLMStoppedMessage",
    "RTVIBotLLMTextMessage",
    "RTVIBotOutputMessage",
    "RTVIBotOutputMessageData",
    "RTVIBotReady",
    "RTVIBotReadyData",
    "RTVIBotReadyDataDeprecated",
    "RTVIBotStartedSpeakingMessage",
    "RTVIBotStoppedSpeakingMessage",
    "RTVIBotTTSAudioMessage",
    "RTVIBotTTSStartedMessage",
    "RTVIBotTTSStoppedMessage",
    "RTVIBotTTSTextMessage",
    "RTVIBotTranscriptionMessage",
    "RTVIClientMessage",
    "RTVIClientMessageFrame",
    "RTVIClientReadyData",
    "RTVIConfig",
    "RTVIConfigResponse",
    "RTVIConfigureObserverFrame",
    "RTVIDescribeActions",
    "RTVIDescribeActionsData",
    "RTVIDescribeConfig",
    "RTVIDescribeConfigData",
    "RTVIError",
    "RTVIErrorData",
    "RTVIErrorResponse",
    "RTVIErrorResponseData",
    "RTVIFunctionCallReportLevel",
    "RTVILLMFunctionCallInProgressMessage",
    "RTVILLMFunctionCallInProgressMessageData",
    "RTVILLMFunctionCallMessage",
    "RTVILLMFunctionCallMessageData",
    "RTVILLMFunctionCallResultData",
    "RTVILLMFunctionCallStartMessage",
    "RTVILLMFunctionCallStartMessageData",
    "RTVILLMFunctionCallStoppedMessage",
    "RTVILLMFunctionCallStoppedMessageData",
    "RTVIMessage",
    "RTVIMessageLiteral",
    "RTVIMetricsMessage",
    "RTVIObserver",
    "RTVIObserverParams",
    "RTVIProcessor",
    "RTVIRawClientMessageData",
    "RTVIRawServerResponseData",
    "RTVISendTextData",
    "RTVISendTextFrame",
    "RTVISendTextOptions",
    "RTVIServerMessage",
    "RTVIServerMessageFrame",
    "RTVIServerResponse",
    "RTVIServerResponseFrame",
    "RTVIService",
    "RTVIServiceConfig",
    "RTVIServiceOption",
    "RTVIServiceOptionConfig",
    "RTVISystemLogMessage",
    "RTVITextMessageData",
    "RTVIUpdateConfig",
    "RTVIUserAudioLevelMessage",
    "RTVIUserLLMTextMessage",
    "RTVIUserMuteStartedMessage",
    "RTVIUserMuteStoppedMessage",
    "RTVIUserStartedSpeakingMessage",
    "RTVIUserStoppedSpeakingMessage",
    "RTVIUserTranscriptionMessage",
    "RTVIUserTranscriptionMessageData",
]


class RTVIFunctionCallReportLevel(enum.StrEnum):
    """How much an observer tells of function calls. This host tells what the client needs, whatever the level."""

    DISABLED = "disabled"
    NONE = "none"
    NAME = "name"
    FULL = "full"


class _OfPipelines:
    """Base of names that need a pipeline: making one raises RTVIPluginsError, which says what to use."""

    instead = "import it from rtvi_plugins.pipecat"

    def __init__(self, *_arguments: Any, **_keywords: Any) -> None:
        raise RTVIPluginsError(f"{type(self).__name__} needs a Pipecat pipeline: {self.instead}")


class RTVIObserver(_OfPipelines):
    """What tells a client of a pipeline's frames."""

    instead = "import it from rtvi_plugins.pipecat; this host tells its clients by itself"


class RTVIObserverParams(_OfPipelines):
    """What an observer tells."""


class RTVIConfigureObserverFrame(_OfPipelines):
    """Changes what an observer tells."""


class RTVISendTextFrame(_OfPipelines):
    """Text that a client sent."""

    instead = "import it from rtvi_plugins.pipecat (Pipecat 1.13 or newer), or handle the event on_user_text"
