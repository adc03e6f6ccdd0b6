"""The built-in responders: what answers `send-text` on the standalone host with no key and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtvi_plugins.hooks.hookspecs import hookimpl
from rtvi_plugins.responders.echo import EchoResponder
from rtvi_plugins.responders.rules import RulesResponder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtvi_plugins.hooks.contracts import Responder

__all__ = ["EchoResponder", "RulesResponder"]


@hookimpl
def rtvi_responders() -> Mapping[str, type[Responder]]:
    """Supply `echo` and `rules`, as any plugin would."""
    return {"echo": EchoResponder, "rules": RulesResponder}
