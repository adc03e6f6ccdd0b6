"""Whoever is refused for an origin or a host name learns why; the log says which flag would allow it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from rtvi_plugins.hosting.notices import EVERY_S, MOST, Notices
from tests.edge.conftest import EdgeRunning
from tests.edge.talking import talk

RUNTIME: dict[str, Any] = {"origins": ["https://fine.example"], "hosts": ["fine.example"]}


@pytest.fixture
def http(shared_run: EdgeRunning) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{shared_run.address}", trust_env=False) as client:
        yield client


def told(running: EdgeRunning, part: str) -> list[str]:
    """Wait for a line of the log that holds a part, and give all that do."""
    running.err.wait(part)
    return [line for line in running.err.all if part in line]


def test_requests(shared_run: EdgeRunning, http: httpx.Client) -> None:
    for _ in range(3):
        for path in ("/start", "/connect"):
            answer = http.post(path, json={}, headers={"origin": "https://request.example"})
            assert answer.status_code == 403
            assert "--allow-origin" in answer.json()["error"]
    [line] = told(shared_run, "https://request.example")
    assert "--allow-origin https://request.example" in line
    assert "runtime.origins" in line


def test_handshakes(shared_run: EdgeRunning) -> None:
    for _ in range(3):
        with pytest.raises(InvalidStatus) as refused, talk(shared_run.ws, origin="https://socket.example"):
            pass
        assert refused.value.response.status_code == 403
        assert b"--allow-origin" in refused.value.response.body
    [line] = told(shared_run, "https://socket.example")
    assert "--allow-origin https://socket.example" in line


def test_preflights(shared_run: EdgeRunning, http: httpx.Client) -> None:
    headers = {"origin": "https://asks.example", "access-control-request-method": "POST"}
    for _ in range(3):
        answer = http.options("/start", headers=headers)
        assert answer.status_code == 400
        assert "--allow-origin" in answer.json()["error"]
    [line] = told(shared_run, "https://asks.example")
    assert "--allow-origin https://asks.example" in line
    allowed = http.options("/start", headers={**headers, "origin": "https://fine.example"})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://fine.example")


def test_host_names(shared_run: EdgeRunning, http: httpx.Client) -> None:
    for _ in range(3):
        for path in ("/", "/ready", "/assets/x.js"):
            http.get(path, headers={"host": "names.example"})
        answer = http.post("/start", json={}, headers={"host": "names.example:80"})
        assert answer.status_code == 403
        assert "--allow-host" in answer.json()["error"]
    with suppress(InvalidStatus), talk(shared_run.ws, additional_headers={"Host": "names.example"}):
        pass
    [line] = told(shared_run, "names.example")
    assert "--allow-host names.example" in line
    assert "runtime.hosts" in line


def test_what_strangers_write_takes_one_line(shared_run: EdgeRunning, http: httpx.Client) -> None:
    http.post(
        "/start",
        json={},
        headers={b"origin": b"https://evil.example/\x9b2J'; rm -rf /".decode("latin-1").encode("latin-1")},
    )
    [line] = told(shared_run, "https://evil.example")
    assert "\x9b" not in line
    assert "allow-origin 'https://evil.example/" in line


def test_a_line_a_minute_for_each_and_a_bound_on_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = [0.0]
    notices = Notices(lambda: now[0])
    for _ in range(3):
        for number in range(1000):
            notices.tell(f"cause {number}", f"text {number}")
    assert [record.getMessage() for record in caplog.records] == [f"text {number}" for number in range(MOST)]
    caplog.clear()
    now[0] = EVERY_S
    notices.tell("cause 1", "text\n1")
    assert [record.getMessage() for record in caplog.records] == [
        f"refused {3 * (1000 - MOST)} more requests, which were not logged",
        "text\\n1",
    ]
