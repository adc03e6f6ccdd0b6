"""The types that hooks hand over: middleware, responders and the check of stages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
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


@dataclass(frozen=True, slots=True)
class StageCheck:
    """What a stage is asked about at start-up, when all that its annotations can tell has been checked.

    bot:       whole, its responder included.
    arguments: what the manifest gives its constructor, by name.
    settings:  what the manifest sets, by name.
    options:   setting → the option (`RTVIServiceOption`) that is bound to it.
    """

    bot: Any
    arguments: Mapping[str, Any]
    settings: Mapping[str, Any]
    options: Mapping[str, Any]


class Responder(Protocol):
    """What answers `send-text` on the standalone host. One object serves all sessions of a bot.

    settings_schema: JSON Schema of `runtime.responder.settings`; checked before `__init__` is called.

    A responder that keeps a context may also have `append(processor, role, content) -> None`: what `append-to-context`
    calls, and `send-text` with `run_immediately: false`; it raises `ActionError` to refuse. `respond` is then also
    called with an empty text, to answer what the context holds.
    """

    settings_schema: Mapping[str, Any]

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        """Make it from checked settings; raise `ValueError` with a text for people when they do not fit the bot."""

    def respond(self, processor: Any, text: str) -> AsyncGenerator[str, None]:
        """Answer one text of the user, as pieces of text in order; the pieces joined are the whole answer.

        Closed or cancelled when the client interrupts; the next answer may begin before this one has unwound.
        Raise `ActionError` to tell the client why there is no answer.
        """
        ...
