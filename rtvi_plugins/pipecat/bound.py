"""The options of a bot that are bound to stages (`bind:`), and what they begin with in a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from rtvi_plugins.processor.tables import NOTHING
from rtvi_plugins.schema import MISSING

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.pipecat.processor import RTVIProcessor


class Bound(NamedTuple):
    """One option with `bind:`. `is_live`: it may be changed while the bot runs."""

    service: str
    option: str
    stage: str
    field: str
    is_live: bool

    @property
    def name(self) -> str:
        """The option's whole name."""
        return f"{self.service}.{self.option}"


def bound_options(bot: Bot | None) -> Iterator[Bound]:
    """Give the bound options of a bot."""
    for name, service in () if bot is None else bot.tables.services.items():
        for option in service.named_options.values():
            if option.bind is not None:
                stage, _, field = option.bind.partition(".")
                yield Bound(name, option.name, stage, field, option.mutable == "live")


def bound_values(bot: Bot, rtvi: RTVIProcessor) -> dict[str, dict[str, Any]]:
    """Return what bound options begin with in this session: stage → field → value."""
    values = rtvi.session_processor.values
    found: dict[str, dict[str, Any]] = {}
    for one in bound_options(bot):
        value = values.get(one.service, NOTHING).get(one.option, MISSING)
        if value is not MISSING:
            found.setdefault(one.stage, {})[one.field] = value
    return found


def unattached(bot: Bot | None, stages: Mapping[str, Any]) -> list[str]:
    """Return the bound options whose stage is not there, each with the stage, for people."""
    return [f"{one.name} is bound to stage '{one.stage}'" for one in bound_options(bot) if one.stage not in stages]
