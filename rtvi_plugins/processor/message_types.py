"""Declared messages, functions and UI events, as sessions look them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rtvi_plugins.schema import ArgumentsSchema, ValueSchema


@dataclass(frozen=True, slots=True)
class MessageType:
    """A declared `client-message` type. `handler` is `async (processor, data)`; `timeout` is in seconds."""

    name: str
    data: ValueSchema
    result: ValueSchema
    handler: Callable[..., Any]
    timeout: float = 30.0
    description: str = ""


@dataclass(frozen=True, slots=True)
class FunctionType:
    """A function the LLM calls and the client executes. `timeout` is in seconds."""

    name: str
    arguments: ArgumentsSchema
    result: ValueSchema
    timeout: float = 30.0
    description: str = ""


@dataclass(frozen=True, slots=True)
class UIEventType:
    """A declared `ui-event`. `handler` is `async (processor, payload)`; `timeout` is in seconds."""

    name: str
    payload: ValueSchema
    handler: Callable[..., Any]
    timeout: float = 30.0
    description: str = ""
