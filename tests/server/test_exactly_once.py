"""Every request is answered exactly once, in both dialects, whatever it holds and however many there are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .harness import Serving, Talk, talk
from .wild import JUNK, SECRET

REPLIES = {"action-response", "actions-available", "config", "config-available", "error-response", "server-response"}


def assert_each_answered_once(client: Talk, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Take messages until all ids were answered, then see that nothing more comes."""
    wanted, start = set(ids), len(client.heard)
    answers: dict[str, dict[str, Any]] = {}
    while wanted - set(answers):
        message = client.next()
        if "id" in message:
            answers[message["id"]] = message
    client.drain()
    told = Counter(message["id"] for message in client.heard[start:-1] if "id" in message)
    assert told == Counter(ids)
    for message in answers.values():
        assert message["type"] in REPLIES
        if message["type"] == "error-response":
            data = message["data"]
            assert data["error"]
            assert SECRET not in str(data)
            assert {"error", "code", "category"} <= set(data) <= {"error", "code", "category", "details"}
    return answers


# Action, arguments, and what comes: the result itself, or the code of the error-response.
ACTIONS: list[Any] = [
    pytest.param("echo", {}, None, None, id="null"),
    pytest.param("echo", {"value": 0}, 0, None, id="zero"),
    pytest.param("echo", {"value": ""}, "", None, id="empty-text"),
    pytest.param("echo", {"value": [None, {"a": False}]}, [None, {"a": False}], None, id="nested"),
    pytest.param("echo", {"value": 2**53 + 1}, 2**53 + 1, None, id="big-integer"),
    pytest.param("add", {"a": 1}, 2, None, id="default"),
    pytest.param("add", {"a": 1, "b": 4}, 5, None, id="all-arguments"),
    pytest.param("add", {}, None, "invalid-arguments", id="missing"),
    pytest.param("add", {"a": "1"}, None, "invalid-arguments", id="wrong-type"),
    pytest.param("add", {"a": True}, None, "invalid-arguments", id="bool-for-integer"),
    pytest.param("add", {"a": 1.5}, None, "invalid-arguments", id="no-integer"),
    pytest.param("add", {"a": 1, "c": 2}, None, "invalid-arguments", id="unknown-argument"),
    pytest.param("sub", {}, None, "unknown-action", id="unknown-action"),
    pytest.param("fail", {}, None, "action-failed", id="raises"),
    pytest.param("leave", {}, None, "action-failed", id="calls-sys-exit"),
    pytest.param("leave_thread", {}, None, "action-failed", id="calls-sys-exit-in-a-plain-def"),
    pytest.param("refuse", {}, None, "no-room", id="refuses"),
    pytest.param("refuse", {"details": False}, None, "no-room", id="refuses-with-junk"),
    pytest.param("cancel_itself", {}, None, "cancelled", id="cancels-itself"),
    pytest.param("hang", {}, None, "timeout", id="hangs"),
    pytest.param("stubborn", {}, None, "timeout", id="hangs-and-will-not-be-cancelled"),
    pytest.param("block", {}, None, "timeout", id="blocks-in-a-plain-def"),
    pytest.param("wrong_type", {}, None, "invalid-result", id="wrong-type-of-result"),
    *(pytest.param("junk", {"kind": kind}, None, "invalid-result", id=f"returns-{kind}") for kind in JUNK),
    pytest.param("guarded", {"how": "pass"}, 1, None, id="middleware-passes"),
    pytest.param("guarded", {"how": "change"}, 42, None, id="middleware-changes"),
    pytest.param("guarded", {"how": "refuse"}, None, "forbidden", id="middleware-refuses"),
    pytest.param("guarded", {"how": "raise"}, None, "action-failed", id="middleware-raises"),
    pytest.param("guarded", {"how": "spoil"}, None, "invalid-result", id="middleware-spoils"),
    pytest.param("guarded", {"how": "junk"}, None, "invalid-result", id="middleware-gives-junk"),
]

DIALECTS = ["legacy", "message", "short"]


def put_action(client: Talk, dialect: str, name: str, arguments: dict[str, Any]) -> str:
    listed = [{"name": key, "value": value} for key, value in arguments.items()]
    data = {"service": "acts", "action": name, "arguments": listed}
    if dialect == "legacy":
        return client.send("action", data)
    if dialect == "message":
        return client.send("client-message", {"t": "action", "d": data})
    return client.send("client-message", {"t": f"acts.{name}", "d": arguments})


def read_result(dialect: str, answer: dict[str, Any]) -> Any:
    if dialect == "legacy":
        assert answer["type"] == "action-response"
        return answer["data"]["result"]
    assert answer["type"] == "server-response"
    return answer["data"]["d"]["result"] if dialect == "message" else answer["data"]["d"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("name", "arguments", "result", "code"), ACTIONS)
def test_every_outcome_of_an_action_is_one_answer(
    serving: Serving, name: str, arguments: dict[str, Any], result: Any, code: str | None, dialect: str
) -> None:
    with talk(serving.ws) as client:
        id_ = put_action(client, dialect, name, arguments)
        answer = assert_each_answered_once(client, [id_])[id_]
        if code is None:
            assert read_result(dialect, answer) == result
        else:
            assert answer["type"] == "error-response"
            assert answer["data"]["code"] == code
            assert answer["data"]["category"] == "action"
        assert client.is_alive()


def test_all_outcomes_at_once_are_each_answered_once(client: Talk, other: Talk) -> None:
    ids, expected = [], {}
    for dialect in DIALECTS:
        for row in ACTIONS:
            name, arguments, _, code = row.values
            ids.append(put_action(client, dialect, name, arguments))
            expected[ids[-1]] = code
    answers = assert_each_answered_once(client, ids)
    assert {id_: answer["data"].get("code") for id_, answer in answers.items()} == expected
    assert other.is_alive()


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
)
NAMES = st.sampled_from(
    ["acts", "desk", "add", "echo", "first", "second", "third", "boom", "no", "a", "b", "value", ""]
)
VALUES = st.recursive(
    SCALARS | NAMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
PAIRS = st.lists(st.fixed_dictionaries({"name": NAMES | VALUES, "value": VALUES}), max_size=3)
ACTION = st.fixed_dictionaries(
    {}, optional={"service": NAMES | VALUES, "action": NAMES | VALUES, "arguments": PAIRS | VALUES}
)
UPDATE = st.fixed_dictionaries(
    {},
    optional={
        "config": st.lists(st.fixed_dictionaries({"service": NAMES, "options": PAIRS}), max_size=3) | VALUES,
        "interrupt": st.booleans() | VALUES,
    },
)
REQUEST_TYPES = ["describe-config", "get-config", "update-config", "describe-actions", "action"]
LEGACY = st.tuples(st.sampled_from([*REQUEST_TYPES, "client-message", "nonsense"]), ACTION | UPDATE | VALUES)
MESSAGES = st.tuples(
    st.just("client-message"),
    st.fixed_dictionaries(
        {
            "t": st.sampled_from([*REQUEST_TYPES, "acts.add", "acts.echo", "desk.add", "shout"]) | NAMES | VALUES,
            "d": ACTION | UPDATE | VALUES,
        }
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LEGACY | MESSAGES, min_size=1, max_size=30))
def test_any_list_of_requests_is_answered_item_by_item(client: Talk, requests: list[tuple[str, Any]]) -> None:
    assert_each_answered_once(client, [client.send(type_, data) for type_, data in requests])
    assert client.is_alive()


def test_fifty_at_once_are_told_apart(client: Talk) -> None:
    ids = {put_action(client, DIALECTS[n % 3], "wait", {"key": f"k{n}"}): n for n in range(50)}
    for n in reversed(range(50)):
        put_action(client, "short", "open", {"key": f"k{n}"})
    seen: dict[int, Any] = {}
    while len(seen) < 50:
        message = client.next()
        if message["id"] in ids:
            n = ids[message["id"]]
            seen[n] = read_result(DIALECTS[n % 3], message)
    assert seen == {n: f"k{n}" for n in range(50)}


def test_one_id_used_twice_is_answered_twice(client: Talk) -> None:
    for _ in range(3):
        client.send("get-config", id_="same")
    assert [client.next()["id"] for _ in range(3)] == ["same"] * 3
