"""`rtvi run` on both hosts, in processes of their own, with a plugin that does what it should not."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Running, Site
from tests.hosts import HOSTS

HERE = Path(__file__).parent
CALLED = (
    "add", "raise_at_once", "raise_later", "raise_in_thread", "raise_text", "refuse", "cling", "cling_thread", "block",
    "hold",
)  # fmt: skip
ARGUMENTS: Mapping[str, Any] = {
    "add": {"a": "number", "b": "number"},
    **{name: {"kind": "string"} for name in ("raise_at_once", "raise_later", "raise_in_thread")},
    **{name: {"text": "string"} for name in ("raise_text", "refuse")},
    "hold": {"seconds": "number"},
}


class EdgeSite(Site):
    """Pipecat warns of its own use of other libraries, so that warnings are no errors here."""

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "rtvi_plugins", *map(str, arguments)]


class EdgeRunning(Running):
    """One bot on one host."""

    host = ""

    @property
    def ws(self) -> str:
        return f"ws://{self.address}{'/ws' if self.host == 'standalone' else '/ws-client'}"


def manifest(host: str, runtime: Mapping[str, Any], *, hang: bool = False) -> str:
    """Write the manifest of the careless bot for a host."""
    whole: dict[str, Any] = {
        "manifest": 1,
        "bot": "edge",
        "services": {
            "edge": {
                "plugin": "edge",
                "options": {
                    "cling_option": {"type": "number", "default": 0},
                    "fails_at": {"type": "number", "default": 0},
                    "hang": {"type": "boolean", "default": hang, "client": "none"},
                },
                "actions": {
                    **{name: {"arguments": ARGUMENTS.get(name, {})} for name in CALLED},
                    "cling_job": {"job": True},
                    "cling_job_thread": {"job": True, "cancellable": False},
                },
            }
        },
        "messages": {"cling": {"plugin": "edge", "data": True}},
        "ui": {"events": {"cling": {"plugin": "edge", "payload": True}}},
        "runtime": {"responder": "echo", **runtime},
    }
    if host == "pipecat":
        whole["pipeline"] = {}
    return json.dumps(whole)


Run = Callable[..., AbstractContextManager[EdgeRunning]]


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _site(folder: Path) -> EdgeSite:
    site, work = folder / "site", folder / "work"
    site.mkdir()
    work.mkdir()
    made = EdgeSite(site, work)
    made.add_plugin("edge", (HERE / "plugin.py").read_text())
    return made


def start(
    folder: Path, host: str, runtime: Mapping[str, Any], *arguments: str, hang: bool = False
) -> AbstractContextManager[EdgeRunning]:
    """Run the bot on a host with these `runtime:` settings. `hang`: the hook of a session's end never returns."""
    shutil.rmtree(folder / "site", ignore_errors=True)
    shutil.rmtree(folder / "work", ignore_errors=True)
    site = _site(folder)
    site.add_manifest("edge.yaml", manifest(host, runtime, hang=hang))
    return _serving(site, host, arguments)


@contextmanager
def _serving(site: EdgeSite, host: str, arguments: tuple[str, ...]) -> Iterator[EdgeRunning]:
    with site.running("edge.yaml", *arguments) as running:
        running.__class__ = EdgeRunning
        assert isinstance(running, EdgeRunning)
        running.host = host
        yield running


@pytest.fixture
def run(host: str, tmp_path: Path) -> Run:
    """Give what runs the bot: `run({"limits": …}, "--log-level", "debug")`."""
    return lambda runtime=None, *arguments, **keywords: start(tmp_path, host, runtime or {}, *arguments, **keywords)


@pytest.fixture(scope="module", params=HOSTS)
def shared_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeRunning]:
    """Serve one bot for all tests of a module, with the module's `RUNTIME`."""
    folder = tmp_path_factory.mktemp(f"edge-{request.param}")
    with start(folder, request.param, request.module.RUNTIME) as running:
        yield running
