"""The settings of `rules` as JSON Schema: what a manifest may write under `runtime.responder.settings`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_RULE: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "What is said, what is done, what is answered.",
    "properties": {
        "say": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {"type": "string", "minLength": 1, "maxLength": 1000},
            "description": "Phrases, each matched against the whole text word by word. {name} takes one or more words, "
            "[words] may be left out.",
        },
        "captures": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties": {"type": ["string", "object"]},
            "description": "Value schemas of the captures: only words that read as such a value match. "
            "A capture that is not named here takes any words.",
        },
        "call": {
            "type": "string",
            "pattern": r"^[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_-]*$",
            "description": "The action to run, as service.action.",
        },
        "with": {
            "type": "object",
            "description": "The action's arguments. Text may hold {captures}; a text that is one capture "
            "and nothing else is read as the argument's type.",
        },
        "answer": {
            "type": "string",
            "minLength": 1,
            "description": "What the bot says: text with {captures}, {result} and {result.path.0.to} its parts.",
        },
        "empty": {
            "type": "string",
            "minLength": 1,
            "description": "What the bot says instead when a placeholder of the answer leads nowhere.",
        },
    },
    "required": ["say", "answer"],
    "dependentRequired": {"with": ["call"]},
    "additionalProperties": False,
}

DEFAULT_OTHERWISE: Final = "I did not understand that."

SETTINGS_SCHEMA: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "type": "object",
        "description": "Settings of the responder 'rules'.",
        "properties": {
            "rules": {
                "type": "array",
                "minItems": 1,
                "maxItems": 500,
                "items": _RULE,
                "description": "The rules; the first that matches answers.",
            },
            "otherwise": {
                "type": "string",
                "minLength": 1,
                "default": DEFAULT_OTHERWISE,
                "description": "What the bot says when no rule matches.",
            },
        },
        "additionalProperties": False,
    }
)
