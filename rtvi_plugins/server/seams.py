"""Members of uvicorn and websockets on which this package relies beyond what they document, all in one place.

`websocket`, `http` and `run` use them by name; `tests/server/test_seams.py` holds these lists against that code, and
tells when one of the members moves. `pyproject.toml` bounds the versions: tried with uvicorn 0.54, websockets 15 to 17.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HTTP: Final = frozenset({"client", "cycle", "flow", "loop", "transport"})
"""Attributes of uvicorn's HTTP protocols, of h11 and of httptools."""
HTTP_METHODS: Final[Mapping[str, int]] = {
    "connection_made": 1,
    "connection_lost": 1,
    "data_received": 1,
    "on_response_complete": 0,
    "resume_writing": 0,
}
"""Methods of these that are overridden, with the number of their arguments; `handle_websocket_upgrade` takes any."""
CYCLE: Final = frozenset({"disconnected", "message_event", "more_body", "response_complete", "response_started"})
"""Attributes of a request on its way (`cycle`)."""
FLOW: Final = frozenset({"write_paused"})
"""Attributes of `flow`."""

WEBSOCKET: Final = frozenset(
    {
        "app", "close_sent", "close_timeout", "conn", "curr_msg_data_type", "disconnected", "frames",
        "handle_parser_exception", "handshake_complete", "initial_response", "loop", "queue", "read_paused",
        "transport", "writable",
    }
)  # fmt: skip
"""Attributes of uvicorn's WebSocket protocol; `scope` is there once the handshake was understood."""
WEBSOCKET_METHODS: Final[Mapping[str, int]] = {
    "connection_lost": 1,
    "data_received": 1,
    "handle_connect": 1,
    "handle_cont": 1,
    "handle_ping": 0,
    "keepalive_timeout": 0,
    "pause_writing": 0,
    "resume_writing": 0,
    "run_asgi": 0,
    "send_receive_event_to_app": 0,
}
"""Methods of it that are overridden, with the number of their arguments."""
CONNECTION: Final = frozenset({"close_sent", "data_to_send", "extensions", "fail", "reader", "send_close"})
"""Attributes of a connection of websockets (`conn`); of its `reader`, the `buffer`."""

SERVER: Final = frozenset({"force_exit", "server_state", "servers", "should_exit", "started"})
"""Attributes of uvicorn's server; `servers` is there once it listens."""
SERVER_METHODS: Final[Mapping[str, int]] = {"startup": 1, "shutdown": 1}
"""Methods of it that are overridden, with the number of their arguments."""
