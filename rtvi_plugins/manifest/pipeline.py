"""`pipeline:` as frozen models: which stages the Pipecat host runs, and with what. No Pipecat here: it checks later."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from rtvi_plugins.manifest.primitives import Choice, Model, Name, Seconds, Table, nothing

SampleRate = Annotated[int, Field(ge=8_000, le=192_000)]


class Part(Choice):
    """Something the pipeline is given: a voice activity detector, a turn strategy.

    use:  a short name, or a class as `module:Class`.
    args: what its constructor takes, by name; `{use: …}` in it stands for an object made in the same way.
    params: what its `params` object takes, by name.
    """

    use: str = Field(min_length=1)
    args: Table[str, Any] = Field(default_factory=nothing, repr=False)
    params: Table[str, Any] = Field(default_factory=nothing, repr=False)


class Stage(Part):
    """One stage of the pipeline.

    use: a short name, a class as `module:Class`, or a stage that a plugin supplies.
    id:  what `bind:` calls it; left out, `stt`, `llm` or `tts` for such a service, or else its `use`.
    settings: what its `Settings` take, by name: what can be changed while it runs.
    """

    id: Name | None = None
    settings: Table[str, Any] = Field(default_factory=nothing, repr=False)


class Audio(Model):
    """Sample rates, in Hz.

    input:  what the stages are given.
    output: what the stages give.
    """

    input: SampleRate = Field(default=16_000, alias="in")
    output: SampleRate = Field(default=24_000, alias="out")


class Turns(Model):
    """When the user's turn begins and ends. What is left out is as Pipecat has it.

    use:   a set of strategies: `external`, `filter_incomplete`, `eager`, or a class as `module:Class`.
    args:  what the set takes besides `start` and `stop`.
    start: strategies that notice that the user begins to speak.
    stop:  strategies that notice that the user has finished.
    mute:  strategies that say when the user is not listened to.
    stop_timeout: the longest wait for the end of a turn after the user fell silent.
    idle_timeout: silence of the user after which `on_user_turn_idle` happens; left out, never.
    """

    use: str | None = None
    args: Table[str, Any] = Field(default_factory=nothing, repr=False)
    start: tuple[Part, ...] = ()
    stop: tuple[Part, ...] = ()
    mute: tuple[Part, ...] = ()
    stop_timeout: Seconds | None = None
    idle_timeout: Seconds | None = None


class ContextMessage(Model):
    """One message that the conversation begins with.

    role:    who says it.
    content: what is said: text, or a list of parts as the LLM takes them.
    """

    role: Literal["developer", "user", "assistant"]
    content: Any = Field(repr=False)


class Context(Model):
    """The conversation that the LLM sees.

    system:   who the bot is; becomes the LLM's `system_instruction`.
    messages: what was said before.
    user:     further fields of Pipecat's `LLMUserAggregatorParams`.
    assistant: further fields of Pipecat's `LLMAssistantAggregatorParams`.
    """

    system: str | None = Field(default=None, repr=False)
    messages: tuple[ContextMessage, ...] = ()
    user: Table[str, Any] = Field(default_factory=nothing, repr=False)
    assistant: Table[str, Any] = Field(default_factory=nothing, repr=False)


class Pipeline(Model):
    """How the Pipecat host runs the bot: either `stages`, or `stt`, `llm` and `tts`, whose order is known.

    stt:     what makes text of speech.
    llm:     what answers; left out, `runtime.responder` does.
    tts:     what makes speech of text.
    stages:  every stage in its order, `transport.input` and the like included.
    audio:   sample rates.
    vad:     what tells speech from silence: `silero`, `none` or a class; left out, `silero` where there is `stt:`.
    turns:   when the user's turn begins and ends.
    context: the conversation that the LLM sees.
    metrics: send clients how long stages took and what they used.
    idle_timeout: silence on both sides after which the session ends, or `never`; left out, `5m` for a bot that listens.
    """

    stt: Stage | None = None
    llm: Stage | None = None
    tts: Stage | None = None
    stages: tuple[Stage, ...] | None = None
    audio: Audio = Field(default_factory=Audio)
    vad: Part | None = None
    turns: Turns = Field(default_factory=Turns)
    context: Context = Field(default_factory=Context)
    metrics: bool = False
    idle_timeout: Seconds | Literal["never"] | None = None
