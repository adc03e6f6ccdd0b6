"""The types that hooks hand over: middleware and responders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Call:
    """One option change or action, as a middleware sees it.

    kind:      `option` or `action`.
    arguments: the checked arguments of an action, defaults filled in; `{"value": …}` for an option.
    """

    processor: Any
    kind: str
    service: str
    name: str
    arguments: dict[str, Any]


CallNext = Callable[[Call], Awaitable[Any]]
Middleware = Callable[[Call, CallNext], Awaitable[Any]]


class Responder(Protocol):
    """What answers `send-text` on the standalone host. One object serves all sessions of a bot.

    settings_schema: JSON Schema of `runtime.responder.settings`; checked before `__init__` is called.
    """

    settings_schema: Mapping[str, Any]

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        """Make it from checked settings; raise `ValueError` with a text for people when they do not fit the bot."""

    def respond(self, processor: Any, text: str) -> AsyncIterator[str]:
        """Answer one text of the user, as pieces of text in order; the pieces joined are the whole answer.

        Cancelled when the client interrupts. Raise `ActionError` to tell the client why there is no answer.
        """
        ...
