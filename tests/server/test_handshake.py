"""The RTVI handshake: every generation of client gets the bot-ready it expects (rtvi-protocol 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .harness import Serving, Talk, serve, talk

ABOUT = {"library": "test"}

HELLOS = [
    pytest.param(None, "0.3.0", False, id="no-data"),
    pytest.param({}, "0.3.0", False, id="legacy"),
    pytest.param({"version": "0.3.0"}, "0.3.0", False, id="0.3.0"),
    pytest.param({"version": "0.2"}, "0.3.0", False, id="two-numbers"),
    pytest.param({"version": ""}, "0.3.0", False, id="empty"),
    pytest.param({"version": "latest"}, "0.3.0", False, id="text"),
    pytest.param({"version": 7, "about": ABOUT}, "0.3.0", False, id="number"),
    pytest.param({"version": None, "about": ABOUT}, "0.3.0", False, id="null"),
    pytest.param({"version": ["2"]}, "0.3.0", False, id="list"),
    pytest.param({"version": "1.2.0", "about": ABOUT}, "1.2.0", False, id="1.2.0"),
    pytest.param({"version": "2.0", "about": ABOUT}, "2.2.0", False, id="2.0"),
    pytest.param({"version": "2.1.0", "about": ABOUT}, "2.2.0", False, id="2.1.0"),
    pytest.param({"version": "2.3.0", "about": ABOUT}, "2.2.0", False, id="newer-minor"),
    pytest.param({"version": "2.1.0-beta", "about": ABOUT}, "2.2.0", False, id="beta"),
    pytest.param({"version": "2.1.0"}, "2.2.0", False, id="no-about"),
    pytest.param({"version": "2.1.0", "about": 7}, "2.2.0", False, id="about-a-number"),
    pytest.param({"version": "2.1.0", "about": {"platform": []}}, "2.2.0", False, id="about-junk"),
    pytest.param({"version": "3.0.0", "about": ABOUT}, "2.2.0", True, id="newer-major"),
    pytest.param({"version": "999999.0.0"}, "2.2.0", True, id="much-newer"),
]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "protobuf"])
@pytest.mark.parametrize(("data", "version", "warned"), HELLOS)
def test_bot_ready_fits_the_generation(serving: Serving, data: Any, version: str, warned: bool, binary: bool) -> None:
    with talk(serving.ws, ready=False, binary=binary) as client:
        id_ = client.send("client-ready", data)
        if warned:
            warning = client.reply(id_)
            assert warning["type"] == "error-response"
            assert warning["data"]["code"] == "incompatible-version"
        ready = client.reply(id_)
        assert ready["type"] == "bot-ready"
        told = ready["data"]
        assert told["version"] == version
        assert {entry["service"] for entry in told["config"]} == {"desk", "acts"}
        assert {(a["service"], a["action"]) for a in told["actions"]} >= {("acts", "add")}
        if version.startswith("0."):
            assert "about" not in told
            assert "capabilities" not in told
        else:
            assert told["about"]["library"] == "rtvi-plugins"
        assert ("capabilities" in told) == version.startswith("2.")
        assert client.is_alive()


def test_every_client_ready_is_answered(client: Talk) -> None:
    ids = [client.send("client-ready", {"version": v}) for v in ("2.1.0", "0.3.0", "1.1.0")]
    assert [client.reply(id_)["data"]["version"] for id_ in ids] == ["2.2.0", "0.3.0", "1.1.0"]


def test_early_requests_are_answered_after_bot_ready_in_order(serving: Serving) -> None:
    with talk(serving.ws, ready=False) as client:
        early = [client.send("describe-actions") for _ in range(20)]
        ready = client.send("client-ready", {"version": "2.1.0"})
        late = [client.send("get-config") for _ in range(20)]
        client.reply(late[-1])
        assert [m["id"] for m in client.heard] == [ready, *early, *late]
        assert client.heard[0]["type"] == "bot-ready"


def test_too_many_early_requests_are_refused(folder: Path) -> None:
    with serve(folder, runtime={"limits": {"max_waiting": 8}}) as serving, talk(serving.ws, ready=False) as client:
        early = [client.send("get-config") for _ in range(20)]
        refused = [client.next() for _ in early[8:]]
        assert [m["id"] for m in refused] == early[8:]
        assert {(m["type"], m["data"]["code"]) for m in refused} == {("error-response", "busy")}
        assert client.ready()["type"] == "bot-ready"
        assert [client.next()["id"] for _ in early[:8]] == early[:8]
        assert client.is_alive()


def test_requests_of_a_client_that_is_never_ready_are_refused_in_time(folder: Path) -> None:
    runtime = {"limits": {"ready_timeout": "100ms"}}
    with serve(folder, runtime=runtime) as serving, talk(serving.ws, ready=False) as client:
        early = [client.send("get-config"), client.send("action", {"service": "acts", "action": "add"})]
        refused = [client.next() for _ in early]
        assert [(m["id"], m["type"], m["data"]["code"]) for m in refused] == [
            (id_, "error-response", "not-ready") for id_ in early
        ]
        assert client.ready()["type"] == "bot-ready"
        assert client.is_alive()
