"""The values that options begin with: of those that are offered, the first that an option takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from rtvi_plugins.schema import MISSING, ValueSchema, check


class Option(Protocol):
    """What counts of an option."""

    default: Any
    schema: ValueSchema


Offers = tuple[Mapping[str, Any], ...]
"""Values by the names of a service's options: what a session begins with, then what the bot itself begins with."""


def initial_values(name: str, option: Option, offers: Offers) -> Iterator[Any]:
    """Yield the values that an option may begin with, the preferred one first: what is offered, then its default."""
    for value in (*(offer.get(name, MISSING) for offer in offers), option.default):
        if value is not MISSING and not check(option.schema, value):
            yield value


def begin(options: Mapping[str, Option], offers: Offers) -> dict[str, Any]:
    """Return the initial values of a service: those with a default first, then as they are offered."""
    names = dict.fromkeys(name for name, option in options.items() if option.default is not MISSING)
    names |= dict.fromkeys(name for name in offers[0] if name in options)
    found = {name: next(initial_values(name, options[name], offers), MISSING) for name in names}
    return {name: value for name, value in found.items() if value is not MISSING}
