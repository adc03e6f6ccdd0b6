"""A bot and a session as the responders see them: a real manifest, real argument schemas, recorded calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from rtvi_plugins.manifest.model import Manifest
from rtvi_plugins.schema import ArgumentSource, compile_arguments

ARGUMENTS: Mapping[tuple[str, str], Mapping[str, ArgumentSource]] = {
    ("room", "set_device"): {
        "device": ArgumentSource({"type": "string", "enum": ["lamp", "tv", "living room fan"]}),
        "on": ArgumentSource({"type": "boolean"}, has_default=True, default=True),
    },
    ("room", "set_level"): {
        "level": ArgumentSource({"type": "number", "minimum": -40}),
        "scene": ArgumentSource({"$ref": "#/$defs/Scene"}, required=False),
        "tags": ArgumentSource({"type": "array"}, required=False),
    },
    ("knowledge", "search"): {"query": ArgumentSource({"type": "string"})},
}


@dataclass
class Session:
    """Takes the place of the processor: answers each action with `results`, in the contract's own terms."""

    results: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    async def run_action(self, service: str, action: str, arguments: dict[str, Any]) -> Any:
        self.calls.append((service, action, arguments))
        result = self.results.get(action, True)
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def bot() -> Any:
    shared = {"Scene": {"type": "string", "enum": ["Movie Night", "reading"]}}
    manifest = Manifest.model_validate({"manifest": 1, "bot": "test", "$defs": shared})
    actions = {pair: SimpleNamespace(arguments=compile_arguments(given, shared)) for pair, given in ARGUMENTS.items()}
    return SimpleNamespace(manifest=manifest, actions=actions)


@pytest.fixture
def make_session() -> Callable[..., Session]:
    return Session
