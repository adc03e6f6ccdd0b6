"""Preflights of pages that may not come in: what browsers ask before they send a page's request to another origin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from rtvi_plugins.hosting.admission import Admission, Denied
from rtvi_plugins.hosting.answers import Receive, Scope, Send, send_json

App = Callable[[Scope, Receive, Send], Awaitable[None]]
STATUS: Final = 400
"""What other servers answer to a preflight that they refuse."""


class Preflight:
    """ASGI middleware that tells why a preflight is refused: to whoever looks at it in the browser, and in the log.

    admissions: of the bots behind the application; what one of them admits passes.
    """

    def __init__(self, app: App, admissions: Sequence[Admission]) -> None:
        self._app = app
        self._admissions = admissions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection."""
        denied = self._refusal(scope)
        if denied is None:
            await self._app(scope, receive, send)
        else:
            await send_json(send, STATUS, denied.body)

    def _refusal(self, scope: Scope) -> Denied | None:
        if scope["type"] != "http" or scope["method"] != "OPTIONS":
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if "origin" not in headers or "access-control-request-method" not in headers:
            return None
        if not self._admissions or any(one.is_admitted(headers, scope["scheme"]) for one in self._admissions):
            return None
        try:
            self._admissions[0].admit(headers, scope["scheme"])
        except Denied as denied:
            return denied
        return None
