"""The wire's messages about text and speech, as pydantic models. Source: rtvi-protocol 5."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from rtvi_plugins.compat.exchange import Labelled

__all__ = [
    "AudioLevelMessageData",
    "AudioMessageData",
    "BotAudioLevelMessage",
    "BotLLMStartedMessage",
    "BotLLMStoppedMessage",
    "BotLLMTextMessage",
    "BotOutputMessage",
    "BotOutputMessageData",
    "BotStartedSpeakingMessage",
    "BotStoppedSpeakingMessage",
    "BotTTSAudioMessage",
    "BotTTSStartedMessage",
    "BotTTSStoppedMessage",
    "BotTTSTextMessage",
    "BotTranscriptionMessage",
    "SystemLogMessage",
    "TextMessageData",
    "UserAudioLevelMessage",
    "UserLLMTextMessage",
    "UserMuteStartedMessage",
    "UserMuteStoppedMessage",
    "UserStartedSpeakingMessage",
    "UserStoppedSpeakingMessage",
    "UserTranscriptionMessage",
    "UserTranscriptionMessageData",
]


class TextMessageData(BaseModel):
    """`data` of every message that carries text."""

    text: str


class BotOutputMessageData(TextMessageData):
    """`data` of `bot-output`. `aggregated_by`: sentence, word, or a kind of the application's own."""

    spoken: bool = False
    aggregated_by: str


class AudioMessageData(BaseModel):
    """`data` of `bot-tts-audio`: PCM in base64, `sample_rate` in Hz."""

    audio: str
    sample_rate: int
    num_channels: int


class AudioLevelMessageData(BaseModel):
    """`data` of audio levels: 0 to 1."""

    value: float


class UserTranscriptionMessageData(TextMessageData):
    """`data` of `user-transcription`. `timestamp` is ISO 8601."""

    user_id: str
    timestamp: str
    final: bool


class BotLLMStartedMessage(Labelled):
    """`bot-llm-started`."""

    type: Literal["bot-llm-started"] = "bot-llm-started"


class BotLLMStoppedMessage(Labelled):
    """`bot-llm-stopped`."""

    type: Literal["bot-llm-stopped"] = "bot-llm-stopped"


class BotTTSStartedMessage(Labelled):
    """`bot-tts-started`."""

    type: Literal["bot-tts-started"] = "bot-tts-started"


class BotTTSStoppedMessage(Labelled):
    """`bot-tts-stopped`."""

    type: Literal["bot-tts-stopped"] = "bot-tts-stopped"


class UserStartedSpeakingMessage(Labelled):
    """`user-started-speaking`."""

    type: Literal["user-started-speaking"] = "user-started-speaking"


class UserStoppedSpeakingMessage(Labelled):
    """`user-stopped-speaking`."""

    type: Literal["user-stopped-speaking"] = "user-stopped-speaking"


class UserMuteStartedMessage(Labelled):
    """`user-mute-started`."""

    type: Literal["user-mute-started"] = "user-mute-started"


class UserMuteStoppedMessage(Labelled):
    """`user-mute-stopped`."""

    type: Literal["user-mute-stopped"] = "user-mute-stopped"


class BotStartedSpeakingMessage(Labelled):
    """`bot-started-speaking`."""

    type: Literal["bot-started-speaking"] = "bot-started-speaking"


class BotStoppedSpeakingMessage(Labelled):
    """`bot-stopped-speaking`."""

    type: Literal["bot-stopped-speaking"] = "bot-stopped-speaking"


class BotTranscriptionMessage(Labelled):
    """`bot-transcription`."""

    type: Literal["bot-transcription"] = "bot-transcription"
    data: TextMessageData


class BotLLMTextMessage(Labelled):
    """`bot-llm-text`."""

    type: Literal["bot-llm-text"] = "bot-llm-text"
    data: TextMessageData


class BotTTSTextMessage(Labelled):
    """`bot-tts-text`."""

    type: Literal["bot-tts-text"] = "bot-tts-text"
    data: TextMessageData


class UserLLMTextMessage(Labelled):
    """`user-llm-text`."""

    type: Literal["user-llm-text"] = "user-llm-text"
    data: TextMessageData


class SystemLogMessage(Labelled):
    """`system-log`."""

    type: Literal["system-log"] = "system-log"
    data: TextMessageData


class UserAudioLevelMessage(Labelled):
    """`user-audio-level`."""

    type: Literal["user-audio-level"] = "user-audio-level"
    data: AudioLevelMessageData


class BotAudioLevelMessage(Labelled):
    """`bot-audio-level`."""

    type: Literal["bot-audio-level"] = "bot-audio-level"
    data: AudioLevelMessageData


class BotOutputMessage(Labelled):
    """`bot-output`."""

    type: Literal["bot-output"] = "bot-output"
    data: BotOutputMessageData


class BotTTSAudioMessage(Labelled):
    """`bot-tts-audio`."""

    type: Literal["bot-tts-audio"] = "bot-tts-audio"
    data: AudioMessageData


class UserTranscriptionMessage(Labelled):
    """`user-transcription`."""

    type: Literal["user-transcription"] = "user-transcription"
    data: UserTranscriptionMessageData
