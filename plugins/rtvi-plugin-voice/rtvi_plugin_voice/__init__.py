"""The service `voice`: options that say how the bot sounds, and an action that shows their effect.

The manifest has already checked every value, so the handlers only keep it. What was applied stands in
`processor.session.state["voice"]`: option name → value. A speech engine reads it from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from rtvi_plugin_voice.timing import speaking_seconds
from rtvi_plugins import ActionError, Handlers, RTVIProcessor, RTVIServiceOptionConfig, hookimpl

STATE: Final = "voice"
"""Our key in `processor.session.state`."""

voice = Handlers("voice", optional=True)


@voice.option("voice_id")
@voice.option("rate")
@voice.option("pitch")
@voice.option("greeting")
@voice.option("api_key")
async def apply_option(processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:  # noqa: ARG001 - the form of option handlers
    """Keep the new value; one handler serves every option."""
    processor.session.state.setdefault(STATE, {})[option.name] = option.value


def current_value(processor: RTVIProcessor, option: str) -> Any:
    """Give the value in force: what a handler applied, else what the session began with, else None."""
    initial = processor.config.get("voice", {}).get(option)
    return processor.session.state.get(STATE, {}).get(option, initial)


@voice.action("preview")
async def preview(processor: RTVIProcessor, *, text: str) -> float:
    """Say how long a text takes to speak at the current rate, in seconds.

    Errors: `ActionError` `no-rate` when the manifest's `voice` declares this action but no option `rate`.
    """
    rate = current_value(processor, "rate")
    if rate is None:
        raise ActionError("this bot's voice has no option 'rate'", code="no-rate")
    return speaking_seconds(text, rate)


@hookimpl
def rtvi_handlers() -> Iterable[Handlers]:
    """Supply the options' handler and `preview`."""
    return [voice]


@hookimpl
def rtvi_manifests() -> Mapping[str, Traversable]:
    """Ship the service for `use: voice`."""
    return {"voice": files(__name__) / "voice.yaml"}
