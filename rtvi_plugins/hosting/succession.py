"""When another process takes over: what clients are told, and what of this process goes on in that one.

For `rtvi run --reload`. The listening sockets stay open, so nobody is refused; sessions end, and clients come again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.hosting.access import Dumped, Starts
from rtvi_plugins.processor import starting
from rtvi_plugins.processor.requests import Code, Refusal

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.hosting.answers import Receive, Send
    from rtvi_plugins.processor.core import RTVIProcessor

RESTARTING: Final = "The bot starts again; connect again"
SERVICE_RESTART: Final = 1012
"""The WebSocket close code by which a server asks its client to connect again (IANA's registry)."""
REASON: Final = "service restart"


class Successor:
    """The process that takes over, as far as this one deals with it; by default there is none.

    is_waiting: whether there is one, now that this process stops.
    inherited:  bot → its starts that wait for their session in the process before this one.
    starts:     bot → its starts that wait for their session in this one.
    """

    def __init__(
        self, is_waiting: Callable[[], bool] = lambda: False, inherited: Mapping[str, Sequence[Dumped]] | None = None
    ) -> None:
        self.is_waiting = is_waiting
        self.starts: dict[str, Starts] = {}
        self._inherited = inherited or {}

    def starts_for(self, bot: Bot) -> Starts:
        """Return the starts of a bot, with those of the process before this one that it would not refuse."""
        starts = self.starts[bot.name] = Starts()
        starts.restore(one for one in self._inherited.get(bot.name, ()) if _fits(bot, one))
        return starts

    def dump(self) -> Any:
        """Return what `inherited` is to be in the next process, as JSON values."""
        return {name: starts.dump() for name, starts in self.starts.items()}


def _fits(bot: Bot, dumped: Dumped) -> bool:
    start = Starts.read(dumped)
    auth = bot.manifest.runtime.auth
    if auth is not None and start.caller not in auth.tokens:
        return False
    try:
        starting.read_start(bot.tables, {}, over=starting.Start(start.config, start.data))
    except Refusal:
        return False
    return True


def tell(processor: RTVIProcessor) -> None:
    """Tell a client that it should connect again; no fatal error, after which clients give up."""
    processor.tell_error(RESTARTING, code=Code.RESTARTING)


async def refuse_for_now(receive: Receive, send: Send) -> None:
    """End a connection that came too late for this process: its client is asked to connect again."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": SERVICE_RESTART, "reason": REASON})
