"""Members of uvicorn and websockets on which the server relies: all are listed, there, and called as before.

What they mean is held by the tests of what they are for: `test_connections`, `test_garbage`, `test_load`.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Mapping
from importlib.metadata import requires
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from packaging.requirements import Requirement
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from rtvi_plugins.server import http, run, seams, websocket

HTTP_PROTOCOLS = [H11Protocol, HttpToolsProtocol]
CYCLES = [inspect.getmodule(one).RequestResponseCycle for one in HTTP_PROTOCOLS]  # type: ignore[union-attr] # it has


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve nothing."""


def made(kind: type[Any], state: dict[str, Any]) -> Any:
    async def make() -> Any:
        return kind(uvicorn.Config(app), ServerState(), state, asyncio.get_running_loop())

    return asyncio.run(make())


def used(module: ModuleType, owner: str, *path: str) -> set[str]:
    """Find what a class uses of `self`, or of an attribute of it, and does not define itself."""
    tree = ast.parse(inspect.getsource(module))
    [body] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner]
    roots = {".".join(("self", *path)), *path[-1:]}  # also where it was given the name of its own
    found = {n.attr for n in ast.walk(body) if isinstance(n, ast.Attribute) and ast.unparse(n.value) in roots}
    own = {n.name for n in ast.walk(body) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name for name in found - own if not name.startswith("_")}


def overridden(module: ModuleType, owner: str, base: type[Any]) -> set[str]:
    mine = vars(getattr(module, owner))
    return {name for name, value in mine.items() if inspect.isfunction(value) and hasattr(base, name)} - {"__init__"}


def assert_methods(kind: type[Any], methods: Mapping[str, int]) -> None:
    for name, number in methods.items():
        parameters = list(inspect.signature(getattr(kind, name)).parameters.values())[1:]
        needed = [one for one in parameters if one.default is one.empty]
        assert len(needed) <= number <= len(parameters), name


def test_every_one_is_listed() -> None:
    own = {"bounds", "most_receiving"}
    assert used(http, "BoundedHTTP") - own == seams.HTTP
    assert used(http, "BoundedHTTP", "cycle") == seams.CYCLE
    assert used(http, "BoundedHTTP", "flow") == seams.FLOW
    assert used(websocket, "WebSocketProtocol") - own == seams.WEBSOCKET | {"scope"}
    assert used(websocket, "WebSocketProtocol", "conn") == seams.CONNECTION
    upgrade = {"handle_websocket_upgrade"}
    assert overridden(http, "BoundedHTTP", H11Protocol) == seams.HTTP_METHODS.keys() | upgrade
    assert overridden(websocket, "WebSocketProtocol", WebSocketsSansIOProtocol) == seams.WEBSOCKET_METHODS.keys()
    assert overridden(run, "Server", uvicorn.Server) == seams.SERVER_METHODS.keys()
    assert used(run, "Server") - {"stop_timeout"} <= seams.SERVER


@pytest.mark.parametrize("kind", HTTP_PROTOCOLS)
def test_http_protocols(kind: type[Any]) -> None:
    state: dict[str, Any] = {"mine": 1}
    protocol = made(kind, state)
    assert protocol.app_state == state
    assert all(hasattr(protocol, name) for name in seams.HTTP)
    assert callable(protocol.handle_websocket_upgrade)
    assert_methods(kind, seams.HTTP_METHODS)


@pytest.mark.parametrize("kind", CYCLES)
def test_requests_on_their_way(kind: type[Any]) -> None:
    source = inspect.getsource(kind.__init__)
    assert all(f"self.{name} = " in source for name in seams.CYCLE)


def test_flow() -> None:
    assert all(f"self.{name} = " in inspect.getsource(FlowControl.__init__) for name in seams.FLOW)


def test_websocket_protocol() -> None:
    protocol = made(WebSocketsSansIOProtocol, {})
    assert all(hasattr(protocol, name) for name in seams.WEBSOCKET)
    assert_methods(WebSocketsSansIOProtocol, seams.WEBSOCKET_METHODS)
    assert all(hasattr(protocol.conn, name) for name in seams.CONNECTION)
    assert len(protocol.conn.reader.buffer) == 0
    assert isinstance(protocol.queue, asyncio.Queue)


def test_server() -> None:
    server = uvicorn.Server(uvicorn.Config(app))
    assert all(hasattr(server, name) for name in seams.SERVER - {"servers"})
    assert "self.servers = " in inspect.getsource(uvicorn.Server.startup)
    assert_methods(uvicorn.Server, seams.SERVER_METHODS)


def test_versions_are_bounded() -> None:
    """By an upper bound in the distribution's own metadata."""
    needed = {one.name: one.specifier for one in map(Requirement, requires("rtvi-plugins") or ()) if not one.marker}
    for name in ("uvicorn", "websockets"):
        assert any(bound.operator in ("<", "==", "~=") for bound in needed[name]), name
