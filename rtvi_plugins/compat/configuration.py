"""Services and actions on the wire, as the pydantic models of Pipecat 0.0.x. Source: rtvi-protocol 4.

What declares a bot (`RTVIService`, `RTVIAction`, `RTVIConfig`, …) is this package's own and is not repeated here.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from rtvi_plugins.compat.exchange import BotReadyData, Labelled
from rtvi_plugins.processor.config import RTVIConfig, RTVIServiceConfig

ActionResult = bool | int | float | str | list[Any] | dict[str, Any]
"""What an action gives back."""


class RTVIUpdateConfig(RTVIConfig):
    """`data` of `update-config`."""

    interrupt: bool = False


class RTVIActionRunArgument(BaseModel):
    """One argument of a call."""

    name: str
    value: Any


RTVIActionArgumentData = RTVIActionRunArgument


class RTVIActionRun(BaseModel):
    """`data` of `action`: what to run, and with what."""

    service: str
    action: str
    arguments: list[RTVIActionRunArgument] | None = None

    def as_mapping(self) -> dict[str, Any]:
        """Return argument → value; of two with one name the later one counts."""
        return {argument.name: argument.value for argument in self.arguments or ()}


class RTVIBotReadyDataDeprecated(BotReadyData):
    """`data` of `bot-ready` for clients of 0.3."""

    config: list[RTVIServiceConfig] | None = None


class RTVIDescribeConfigData(BaseModel):
    """`data` of `config-available`; an entry is what `RTVIService.model_dump()` returns."""

    config: list[dict[str, Any]]


class RTVIDescribeConfig(Labelled):
    """`config-available`."""

    type: Literal["config-available"] = "config-available"
    id: str
    data: RTVIDescribeConfigData


class RTVIDescribeActionsData(BaseModel):
    """`data` of `actions-available`; an entry is what `RTVIAction.model_dump()` returns."""

    actions: list[dict[str, Any]]


class RTVIDescribeActions(Labelled):
    """`actions-available`."""

    type: Literal["actions-available"] = "actions-available"
    id: str
    data: RTVIDescribeActionsData


class RTVIConfigResponse(Labelled):
    """`config`."""

    type: Literal["config"] = "config"
    id: str
    data: RTVIConfig


class RTVIActionResponseData(BaseModel):
    """`data` of `action-response`."""

    result: ActionResult


class RTVIActionResponse(Labelled):
    """`action-response`."""

    type: Literal["action-response"] = "action-response"
    id: str
    data: RTVIActionResponseData
