"""Actions over the wire: on time, in turn, bounded; a large result arrives."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .harness import Serving, Talk, serve, talk, until


@pytest.mark.parametrize("name", ["hang", "stubborn", "block"])
def test_a_time_out_is_answered_on_time_and_nothing_follows_it(serving: Serving, name: str) -> None:
    with talk(serving.ws) as client:
        before = time.monotonic()
        answer = client.action(name)
        took = time.monotonic() - before
        assert answer["data"]["code"] == "timeout"
        assert answer["data"]["error"] == "Timed out after 0.2 s"
        assert took > 0.15
        assert client.is_alive()
        if name == "stubborn":  # it swallows the cancellation and returns much later: that must not be a second answer
            with pytest.raises(TimeoutError):
                client.next(1)


def test_a_handler_that_blocks_holds_up_nobody(serving: Serving, client: Talk, other: Talk) -> None:
    id_ = client.send("action", {"service": "acts", "action": "block"})
    assert client.is_alive()
    assert other.is_alive()
    assert not serving.wild.unblock.is_set(), "it blocks until the server stops"
    assert client.reply(id_)["data"]["code"] == "timeout"


def test_serial_actions_run_one_after_the_other(serving: Serving, client: Talk) -> None:
    serving.wild.turns.clear()
    ids = [client.send("client-message", {"t": "acts.in_turn", "d": {"number": n}}) for n in range(30)]
    assert [client.reply(id_)["data"]["d"] for id_ in ids] == list(range(30))
    assert serving.wild.turns == [(what, n) for n in range(30) for what in ("begins", "ends")]


def test_actions_in_flight_are_bounded(folder: Path) -> None:
    with serve(folder, runtime={"limits": {"max_actions": 10}}) as serving, talk(serving.ws) as client:
        with talk(serving.ws) as other:
            ids = [client.send("client-message", {"t": "acts.wait", "d": {"key": f"k{n}"}}) for n in range(15)]
            refused = [client.next() for _ in range(5)]
            assert [answer["id"] for answer in refused] == ids[10:]
            assert {(a["type"], a["data"]["code"]) for a in refused} == {("error-response", "busy")}
            assert other.is_alive()
        assert client.action("add", a=1)["data"]["code"] == "busy"
        with talk(serving.ws) as another:
            assert another.is_alive()


def test_a_result_of_5_mb_arrives(client: Talk, other: Talk) -> None:
    for binary in (False, True):
        client.binary = binary
        assert len(client.action("huge", size=5_000_000)["data"]["result"]) == 5_000_000
    assert other.is_alive()


def test_leaving_cancels_what_runs_and_ends_the_session_once(folder: Path) -> None:
    with serve(folder) as serving:
        with talk(serving.ws) as client:
            client.send("client-message", {"t": "acts.wait", "d": {"key": "k"}})
            assert client.is_alive()
        assert until(lambda: len(serving.wild.sessions) == 2)
        assert serving.wild.cancelled == ["wait k"]
        (started, id_, _), (ended, same, reason) = serving.wild.sessions
        assert (started, ended, id_, reason) == ("started", "ended", same, "disconnected")


def test_disconnect_bot_closes_after_what_was_asked_before(serving: Serving) -> None:
    with talk(serving.ws) as client:
        ids = [client.send("get-config") for _ in range(5)]
        client.send("disconnect-bot")
        assert [client.next()["id"] for _ in ids] == ids
        with pytest.raises(Exception) as caught:  # noqa: PT011 - its code is looked at
            client.next()
        assert caught.value.rcvd.code == 1000  # type: ignore[attr-defined]
