"""Values for options, in the form in which RTVI sends them and applications give them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class RTVIServiceOptionConfig(BaseModel):
    """A value for one option; what option handlers receive."""

    name: str
    value: Any


class RTVIServiceConfig(BaseModel):
    """Values for options of one service."""

    service: str
    options: list[RTVIServiceOptionConfig]


class RTVIConfig(BaseModel):
    """Values for a whole bot, in the order in which they are applied."""

    config: list[RTVIServiceConfig] = []

    def as_mapping(self) -> dict[str, dict[str, Any]]:
        """Give service → option → value; later entries win."""
        values: dict[str, dict[str, Any]] = {}
        for service in self.config:
            values.setdefault(service.service, {}).update({o.name: o.value for o in service.options})
        return values
