"""Every message and model under its name in Pipecat 0.0.76 to 0.0.107, which began with `RTVI`."""

from rtvi_plugins.compat.configuration import (
    ActionResult,
    RTVIActionArgumentData,
    RTVIActionResponse,
    RTVIActionResponseData,
    RTVIActionRun,
    RTVIActionRunArgument,
    RTVIBotReadyDataDeprecated,
    RTVIConfigResponse,
    RTVIDescribeActions,
    RTVIDescribeActionsData,
    RTVIDescribeConfig,
    RTVIDescribeConfigData,
    RTVIUpdateConfig,
)
from rtvi_plugins.compat.exchange import MESSAGE_LABEL as RTVI_MESSAGE_LABEL
from rtvi_plugins.compat.exchange import AppendToContext as RTVIAppendToContext
from rtvi_plugins.compat.exchange import AppendToContextData as RTVIAppendToContextData
from rtvi_plugins.compat.exchange import BotReady as RTVIBotReady
from rtvi_plugins.compat.exchange import BotReadyData as RTVIBotReadyData
from rtvi_plugins.compat.exchange import ClientReadyData as RTVIClientReadyData
from rtvi_plugins.compat.exchange import Error as RTVIError
from rtvi_plugins.compat.exchange import ErrorData as RTVIErrorData
from rtvi_plugins.compat.exchange import ErrorResponse as RTVIErrorResponse
from rtvi_plugins.compat.exchange import ErrorResponseData as RTVIErrorResponseData
from rtvi_plugins.compat.exchange import LLMFunctionCallInProgressMessage as RTVILLMFunctionCallInProgressMessage
from rtvi_plugins.compat.exchange import (
    LLMFunctionCallInProgressMessageData as RTVILLMFunctionCallInProgressMessageData,
)
from rtvi_plugins.compat.exchange import LLMFunctionCallMessage as RTVILLMFunctionCallMessage
from rtvi_plugins.compat.exchange import LLMFunctionCallMessageData as RTVILLMFunctionCallMessageData
from rtvi_plugins.compat.exchange import LLMFunctionCallResultData as RTVILLMFunctionCallResultData
from rtvi_plugins.compat.exchange import LLMFunctionCallStartMessage as RTVILLMFunctionCallStartMessage
from rtvi_plugins.compat.exchange import LLMFunctionCallStartMessageData as RTVILLMFunctionCallStartMessageData
from rtvi_plugins.compat.exchange import LLMFunctionCallStoppedMessage as RTVILLMFunctionCallStoppedMessage
from rtvi_plugins.compat.exchange import LLMFunctionCallStoppedMessageData as RTVILLMFunctionCallStoppedMessageData
from rtvi_plugins.compat.exchange import Message as RTVIMessage
from rtvi_plugins.compat.exchange import MessageLiteral as RTVIMessageLiteral
from rtvi_plugins.compat.exchange import MetricsMessage as RTVIMetricsMessage
from rtvi_plugins.compat.exchange import RawClientMessageData as RTVIRawClientMessageData
from rtvi_plugins.compat.exchange import RawServerResponseData as RTVIRawServerResponseData
from rtvi_plugins.compat.exchange import SendTextData as RTVISendTextData
from rtvi_plugins.compat.exchange import SendTextOptions as RTVISendTextOptions
from rtvi_plugins.compat.exchange import ServerMessage as RTVIServerMessage
from rtvi_plugins.compat.exchange import ServerResponse as RTVIServerResponse
from rtvi_plugins.compat.models import PROTOCOL_VERSION as RTVI_PROTOCOL_VERSION
from rtvi_plugins.compat.models import AboutClientData
from rtvi_plugins.compat.speech import AudioLevelMessageData as RTVIAudioLevelMessageData
from rtvi_plugins.compat.speech import AudioMessageData as RTVIAudioMessageData
from rtvi_plugins.compat.speech import BotAudioLevelMessage as RTVIBotAudioLevelMessage
from rtvi_plugins.compat.speech import BotLLMStartedMessage as RTVIBotLLMStartedMessage
from rtvi_plugins.compat.speech import BotLLMStoppedMessage as RTVIBotLLMStoppedMessage
from rtvi_plugins.compat.speech import BotLLMTextMessage as RTVIBotLLMTextMessage
from rtvi_plugins.compat.speech import BotOutputMessage as RTVIBotOutputMessage
from rtvi_plugins.compat.speech import BotOutputMessageData as RTVIBotOutputMessageData
from rtvi_plugins.compat.speech import BotStartedSpeakingMessage as RTVIBotStartedSpeakingMessage
from rtvi_plugins.compat.speech import BotStoppedSpeakingMessage as RTVIBotStoppedSpeakingMessage
from rtvi_plugins.compat.speech import BotTranscriptionMessage as RTVIBotTranscriptionMessage
from rtvi_plugins.compat.speech import BotTTSAudioMessage as RTVIBotTTSAudioMessage
from rtvi_plugins.compat.speech import BotTTSStartedMessage as RTVIBotTTSStartedMessage
from rtvi_plugins.compat.speech import BotTTSStoppedMessage as RTVIBotTTSStoppedMessage
from rtvi_plugins.compat.speech import BotTTSTextMessage as RTVIBotTTSTextMessage
from rtvi_plugins.compat.speech import SystemLogMessage as RTVISystemLogMessage
from rtvi_plugins.compat.speech import TextMessageData as RTVITextMessageData
from rtvi_plugins.compat.speech import UserAudioLevelMessage as RTVIUserAudioLevelMessage
from rtvi_plugins.compat.speech import UserLLMTextMessage as RTVIUserLLMTextMessage
from rtvi_plugins.compat.speech import UserMuteStartedMessage as RTVIUserMuteStartedMessage
from rtvi_plugins.compat.speech import UserMuteStoppedMessage as RTVIUserMuteStoppedMessage
from rtvi_plugins.compat.speech import UserStartedSpeakingMessage as RTVIUserStartedSpeakingMessage
from rtvi_plugins.compat.speech import UserStoppedSpeakingMessage as RTVIUserStoppedSpeakingMessage
from rtvi_plugins.compat.speech import UserTranscriptionMessage as RTVIUserTranscriptionMessage
from rtvi_plugins.compat.speech import UserTranscriptionMessageData as RTVIUserTranscriptionMessageData

__all__ = [
    "RTVI_MESSAGE_LABEL",
    "RTVI_PROTOCOL_VERSION",
    "AboutClientData",
    "ActionResult",
    "RTVIActionArgumentData",
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
    "RTVIClientReadyData",
    "RTVIConfigResponse",
    "RTVIDescribeActions",
    "RTVIDescribeActionsData",
    "RTVIDescribeConfig",
    "RTVIDescribeConfigData",
    "RTVIError",
    "RTVIErrorData",
    "RTVIErrorResponse",
    "RTVIErrorResponseData",
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
    "RTVIRawClientMessageData",
    "RTVIRawServerResponseData",
    "RTVISendTextData",
    "RTVISendTextOptions",
    "RTVIServerMessage",
    "RTVIServerResponse",
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
