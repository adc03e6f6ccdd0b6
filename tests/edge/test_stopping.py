"""The hard end: whatever plugin code does when it is asked to stop, the process ends; the log says what still ran."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.edge.conftest import Run
from tests.edge.talking import Talk, talk


def _call(name: str) -> Callable[[Talk], object]:
    return lambda client: client.send("client-message", {"t": name, "d": {}})


def _set_option(client: Talk) -> None:
    config = [{"service": "edge", "options": [{"name": "cling_option", "value": 1}]}]
    client.send("update-config", {"config": config})


CLINGING: Mapping[str, tuple[Callable[[Talk], object], str]] = {
    "action": (_call("edge.cling"), "cling"),
    "action in a thread": (_call("edge.cling_thread"), "cling_thread"),
    "job": (_call("edge.cling_job"), "cling_job"),
    "job in a thread": (_call("edge.cling_job_thread"), "cling_job_thread"),
    "option": (_set_option, "cling_option"),
    "message": (_call("cling"), "cling_message"),
    "event": (lambda client: client.send("ui-event", {"event": "cling", "payload": 1}), "cling_event"),
    "responder": (lambda client: client.send("send-text", {"content": "Hello"}), "Clinging.respond"),
}


def test_what_clings_does_not_keep_the_process(run: Run) -> None:
    runtime: dict[str, Any] = {"responder": "clinging", "limits": {"stop_timeout": "200ms"}}
    with run(runtime) as running, talk(running.ws) as client:
        for begin, _ in CLINGING.values():
            begin(client)
            assert client.is_alive()
        while client.next()["type"] != "bot-llm-text":
            pass
        assert running.end(signal.SIGTERM) == 0
    [said] = [line for line in running.err.all if "Still running: " in line]
    for _, name in CLINGING.values():
        assert f"{name} (rtvi_plugin_edge.py:" in said


def test_a_handler_that_blocks_the_event_loop_does_not_keep_the_process(run: Run) -> None:
    with run({"limits": {"stop_timeout": "200ms"}}) as running, talk(running.ws) as client:
        assert client.is_alive()
        client.send("client-message", {"t": "edge.block", "d": {}})
        running.out.wait("blocking")
        assert running.end(signal.SIGTERM) == 0
    assert any("Still running: block (rtvi_plugin_edge.py:" in line for line in running.err.all), running.err.all


def test_a_hook_that_clings_does_not_keep_the_process(run: Run) -> None:
    runtime = {"limits": {"stop_timeout": "200ms"}}
    with run(runtime, hang=True) as running, talk(running.ws) as client:
        assert client.is_alive()
        assert running.end(signal.SIGTERM) == 0
        assert any("rtvi_session_ended (rtvi_plugin_edge.py:" in line for line in running.err.all), running.err.all


def test_the_others_are_told_in_time(run: Run) -> None:
    with run({"limits": {"stop_timeout": "200ms"}}) as running, talk(running.ws) as client, talk(running.ws) as other:
        client.send("client-message", {"t": "edge.cling"})
        assert client.is_alive()
        assert other.is_alive()
        running.process.send_signal(signal.SIGTERM)
        for one in (client, other):
            told = one.next()
            while told["type"] != "error":
                told = one.next()
            assert (told["data"]["fatal"], told["data"]["error"]) == (True, "The server is shutting down")
        assert running.process.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_second_signal_does_not_wait_for_it(run: Run, number: signal.Signals) -> None:
    with run({"limits": {"stop_timeout": "1h"}}) as running, talk(running.ws) as client:
        client.send("client-message", {"t": "edge.cling"})
        assert client.is_alive()
        running.process.send_signal(number)
        running.err.wait("stopping")
        assert running.end(number) == 128 + number
