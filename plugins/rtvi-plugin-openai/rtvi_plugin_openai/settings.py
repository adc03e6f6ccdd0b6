"""The settings of `openai`: what a manifest may write under `runtime.responder.settings`, and what that means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

OPENAI_HOST: Final = "api.openai.com"
"""The one host that is known to answer nobody without a key; a model on one's own machine often wants none."""

_SAMPLING: Final[Mapping[str, Any]] = {
    "temperature": {"type": "number", "minimum": 0, "maximum": 2, "description": "0 repeats itself, 2 rambles."},
    "top_p": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "Share of the likeliest words to pick from.",
    },
    "max_tokens": {"type": "integer", "minimum": 1, "description": "Longest answer of the model, in tokens."},
    "max_completion_tokens": {
        "type": "integer",
        "minimum": 1,
        "description": "The same under the name that OpenAI's reasoning models want; thinking counts too.",
    },
    "presence_penalty": {"type": "number", "minimum": -2, "maximum": 2, "description": "Above 0: new subjects."},
    "frequency_penalty": {"type": "number", "minimum": -2, "maximum": 2, "description": "Above 0: fewer repeats."},
    "seed": {"type": "integer", "description": "The same seed gives mostly the same answers."},
    "stop": {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 4},
        ],
        "description": "Text, or up to four of them, before which the model stops.",
    },
    "reasoning_effort": {"type": "string", "minLength": 1, "description": "How long a reasoning model thinks: low."},
    "extra_body": {
        "type": "object",
        "propertyNames": {"not": {"enum": ["messages", "model", "n", "stream", "tool_choice", "tools"]}},
        "description": "Further fields of the request that this provider knows.",
    },
}
"""Passed on as they are, and only when they are set: a provider refuses what it does not know."""

SETTINGS_SCHEMA: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "type": "object",
        "description": "Settings of the responder 'openai'.",
        "properties": {
            "base_url": {
                "type": "string",
                "default": f"https://{OPENAI_HOST}/v1",
                "description": "Where the API is, up to and with its /v1; without key or password.",
            },
            "model": {"type": "string", "minLength": 1, "description": "Name of the model, as the provider knows it."},
            "api_key": {
                "type": "string",
                "default": "",
                "description": 'The key; write "${env:OPENAI_API_KEY:-}". Empty for a server that wants none.',
            },
            "system": {"type": "string", "default": "", "description": "What the model is told before all else."},
            "tools": {
                "type": "boolean",
                "default": True,
                "description": "Whether the model may call actions with `tool: true` and the client's functions.",
            },
            "max_tool_rounds": {
                "type": "integer",
                "minimum": 1,
                "maximum": 64,
                "default": 8,
                "description": "How often in one answer the model may ask for tools; then it has to answer.",
            },
            "max_history": {
                "type": "integer",
                "minimum": 2,
                "maximum": 2000,
                "default": 100,
                "description": "Messages kept of a session, tool calls and results too; the oldest turns go first.",
            },
            "append_roles": {
                "type": "array",
                "items": {"enum": ["user", "assistant", "system", "developer"]},
                "uniqueItems": True,
                "default": ["user", "assistant"],
                "description": "Roles that clients may use in append-to-context.",
            },
            "request_timeout": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 3600,
                "default": 60,
                "description": "Seconds until an answer begins, retries included, and between two pieces of it.",
            },
            "max_retries": {
                "type": "integer",
                "minimum": 0,
                "maximum": 10,
                "default": 2,
                "description": "Repeats of a request that was not accepted: no connection, 408, 409, 429, 5xx.",
            },
            **_SAMPLING,
        },
        "required": ["model"],
        "additionalProperties": False,
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. `sampling` are the fields of the request that were set; times are in seconds."""

    base_url: str
    model: str
    api_key: str = field(repr=False)
    system: str
    tools: bool
    max_tool_rounds: int
    max_history: int
    append_roles: tuple[str, ...]
    request_timeout: float
    max_retries: int
    sampling: Mapping[str, Any]

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Settings:
        """Fill in the defaults; `given` fits `SETTINGS_SCHEMA`. Raises ValueError, naming no value."""
        known: Mapping[str, Mapping[str, Any]] = SETTINGS_SCHEMA["properties"]

        def value(name: str) -> Any:
            found = given.get(name, known[name].get("default"))
            return int(found) if known[name].get("type") == "integer" else found  # 5.0 is an integer to JSON Schema

        faults = [*_url_faults(value("base_url")), *_key_faults(value("api_key").strip())]
        if faults:
            raise ValueError("\n".join(faults))
        return cls(
            base_url=value("base_url"),
            model=value("model"),
            api_key=value("api_key").strip(),  # a key read from a file often ends in a line break
            system=value("system"),
            tools=value("tools"),
            max_tool_rounds=value("max_tool_rounds"),
            max_history=value("max_history"),
            append_roles=tuple(value("append_roles")),
            request_timeout=float(value("request_timeout")),
            max_retries=value("max_retries"),
            sampling=MappingProxyType({name: value(name) for name in _SAMPLING if name in given}),
        )

    @property
    def lacks_key(self) -> bool:
        """Whether it is plain, before asking, that nobody will answer."""
        return not self.api_key and urlsplit(self.base_url).hostname == OPENAI_HOST


def _url_faults(url: str) -> list[str]:
    expected = "expected http:// or https://, a host and a path"
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return [f"base_url: not a URL; {expected}"]
    faults = [] if is_sound and url.isascii() and url.isprintable() else [f"base_url: not a URL; {expected}"]
    if "@" in parts.netloc or parts.query or parts.fragment:
        # HTTP libraries write whole URLs into their logs.
        faults.append("base_url: holds more than an address; the key belongs into api_key")
    return faults


def _key_faults(key: str) -> list[str]:
    if all("!" <= character <= "~" for character in key):
        return []
    return ["api_key: holds spaces or characters beyond ASCII, which no HTTP header takes"]
