"""`update-config` is all or nothing, in order, and told to the handlers exactly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .harness import Serving, Talk, serve, talk
from .wild import SECRET

DIALECTS = ["legacy", "message"]


@pytest.fixture
def serving(folder: Path) -> Iterator[Serving]:
    """A server of its own for each test: what the handlers were told is compared exactly."""
    with serve(folder, runtime={"limits": {"option_timeout": "200ms"}}) as running:
        yield running


def request(client: Talk, dialect: str, type_: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    if dialect == "legacy":
        return client.request(type_, data or {})
    return client.ask(type_, data)


def update(**values: Any) -> dict[str, Any]:
    return {"config": [{"service": "desk", "options": [{"name": n, "value": v} for n, v in values.items()]}]}


def values_in(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer["data"]["d"] if answer["type"] == "server-response" else answer["data"]
    (desk,) = [entry for entry in data["config"] if entry["service"] == "desk"]
    return {option["name"]: option["value"] for option in desk["options"]}


def told_after_start(serving: Serving) -> list[tuple[str, Any]]:
    """What the handlers were told after the initial values: three options, begun and done."""
    assert serving.wild.told[:6] == [
        ("first", "one"), ("first done", "one"), ("second", 2), ("second done", 2), ("third", "three"),
        ("third done", "three"),
    ]  # fmt: skip
    return serving.wild.told[6:]


OLD = {"first": "one", "second": 2, "third": "three"}

FAILING: list[Any] = [
    pytest.param("boom", "failed", "failed", "option-failed", id="raises"),
    pytest.param("leave", "failed", "failed", "option-failed", id="calls-sys-exit"),
    pytest.param("no", "was refused: Not today", "Not today", "closed", id="refuses"),
    pytest.param("hang", "failed: timed out after 0.2 s", "timed out after 0.2 s", "option-failed", id="hangs"),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("value", "text", "why", "code"), FAILING)
def test_a_failing_handler_undoes_the_whole_update(
    serving: Serving, value: str, text: str, why: str, code: str, dialect: str
) -> None:
    with talk(serving.ws, version=None if dialect == "legacy" else "2.1.0") as client:
        answer = request(client, dialect, "update-config", update(first="new", second=7, third=value))
        assert answer["type"] == "error-response"
        assert answer["data"] == {
            "error": f"Option desk.third {text}",
            "code": code,
            "category": "configuration",
            "details": [{"pointer": "/config/0/options/2", "where": "desk.third:", "text": why}],
        }
        assert SECRET not in str(client.heard)
        assert told_after_start(serving) == [
            ("first", "new"), ("first done", "new"), ("second", 7), ("second done", 7), ("third", value),
            ("second", 2), ("second done", 2), ("first", "one"), ("first done", "one"),
        ]  # fmt: skip
        assert values_in(request(client, dialect, "get-config")) == OLD
        assert values_in(request(client, dialect, "update-config", update(first="later"))) == OLD | {"first": "later"}


BAD: list[Any] = [
    pytest.param(update(first="new", second="7"), ["desk.second"], id="wrong-type"),
    pytest.param(update(first="new", second=101), ["desk.second"], id="out-of-range"),
    pytest.param(update(first="new", fourth=1), ["desk.fourth"], id="unknown-option"),
    pytest.param(update(first=1, second=-1, third=[]), ["desk.first", "desk.second", "desk.third"], id="all-wrong"),
    pytest.param(
        {"config": [*update(first="new")["config"], {"service": "desc", "options": [{"name": "x", "value": 1}]}]},
        ["desc", "did you mean 'desk'?"],
        id="unknown-service",
    ),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("data", "named"), BAD)
def test_a_bad_update_reaches_no_handler(
    serving: Serving, data: dict[str, Any], named: list[str], dialect: str
) -> None:
    with talk(serving.ws) as client:
        answer = request(client, dialect, "update-config", data)
        assert answer["type"] == "error-response"
        assert answer["data"]["code"] == "invalid-configuration"
        assert answer["data"]["category"] == "configuration"
        for name in named:
            assert name in answer["data"]["error"]
        assert told_after_start(serving) == []
        assert values_in(request(client, dialect, "get-config")) == OLD


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_read_right_after_an_update_sees_the_new_values(serving: Serving, dialect: str) -> None:
    with talk(serving.ws) as client:
        for number in range(20):
            if dialect == "legacy":
                client.send("update-config", update(first=f"v{number}", second=number))
                id_ = client.send("get-config")
            else:
                client.send("client-message", {"t": "update-config", "d": update(first=f"v{number}", second=number)})
                id_ = client.send("client-message", {"t": "get-config"})
            assert values_in(client.reply(id_)) == OLD | {"first": f"v{number}", "second": number}


def test_updates_of_one_session_never_interleave(serving: Serving) -> None:
    with talk(serving.ws) as client:
        ids = [client.send("update-config", update(first=f"v{n}", second=n, third="t")) for n in range(30)]
        answers = [client.reply(id_) for id_ in ids]
        assert [values_in(answer)["second"] for answer in answers] == list(range(30))
        expected: list[tuple[str, Any]] = []
        for n in range(30):
            for name, value in (("first", f"v{n}"), ("second", n), ("third", "t")):
                expected += [(name, value), (f"{name} done", value)]
        assert told_after_start(serving) == expected


def test_an_update_of_one_session_is_not_seen_by_another(serving: Serving) -> None:
    with talk(serving.ws) as one, talk(serving.ws) as two:
        one.request("update-config", update(first="mine"))
        assert values_in(two.request("get-config")) == OLD


def test_an_update_with_interrupt_is_told_first(serving: Serving) -> None:
    with talk(serving.ws) as client:
        client.send("update-config", update(first="new") | {"interrupt": True}, "x")
        assert [client.next()["type"], client.next()["type"]] == ["bot-interrupted", "config"]


def test_other_requests_go_on_during_an_update(serving: Serving) -> None:
    with talk(serving.ws) as client:
        slow = client.send("update-config", update(first="hang"))
        assert client.is_alive()
        assert client.reply(slow)["data"]["code"] == "option-failed"
