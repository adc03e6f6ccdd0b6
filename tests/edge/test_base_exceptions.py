"""No exception of a handler ends a session, is counted for ever, or ends the server; signals are obeyed as ever."""

from __future__ import annotations

import signal
import time

import httpx
import pytest

from tests.edge.conftest import EdgeRunning, Run
from tests.edge.plugin import RAISED
from tests.edge.talking import talk

RUNTIME = {"limits": {"max_sessions": 3}}


def sessions(running: EdgeRunning) -> int:
    return int(httpx.get(f"http://{running.address}/ready", trust_env=False).json()["sessions"]["edge"])


def await_sessions(running: EdgeRunning, number: int) -> None:
    """Wait until so many sessions run, the ones that have ended not counted; the test's own time limit ends it."""
    while sessions(running) > number:
        time.sleep(0.05)


@pytest.mark.parametrize("kind", RAISED)
def test_sessions_and_server_live_on(shared_run: EdgeRunning, kind: str) -> None:
    with talk(shared_run.ws) as other:
        for _ in range(5):  # more than there is room for
            await_sessions(shared_run, 1)
            with talk(shared_run.ws) as client:
                for action in ("raise_at_once", "raise_later", "raise_in_thread"):
                    code = client.ask(f"edge.{action}", {"kind": kind})["data"]["code"]
                    assert code == ("cancelled" if kind == "CancelledError" else "action-failed")
                client.send("client-message", {"t": "edge.raise_later", "d": {"kind": kind}})  # and leave
        assert other.is_alive()
    await_sessions(shared_run, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signals_are_obeyed(run: Run, number: signal.Signals) -> None:
    with run() as running, talk(running.ws) as client:
        for kind in RAISED:
            client.ask("edge.raise_at_once", {"kind": kind})
        client.send("client-message", {"t": "edge.hold", "d": {"seconds": 0.5}})
        running.process.send_signal(number)
        assert running.process.wait(30) == 0
