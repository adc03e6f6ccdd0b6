"""Jobs in the new client: answered at once, shown by `onUIJobGroup` in order, cancelled when they have stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .pages import Client, NewClient, Request

if TYPE_CHECKING:
    from .conftest import NewPage
    from .harness import Bot


@pytest.fixture
def client(new_page: NewPage, whole: Bot) -> Client:
    page = new_page(NewClient)
    page.ask(page.start(whole))
    return page


def short(name: str, /, **data: object) -> Request:
    return Request("sendClientRequest", (name, data))


def story(client: Client, job_id: str) -> list[dict[str, Any]]:
    """Wait for the end of a group and give what was told of it, in order, without the times, which may not go back."""
    client.event("onUIJobGroup", having=f'"group_completed","job_id":"{job_id}"')
    # One more request: whatever wrongly followed the end would be there before its answer.
    client.ask(short("desk.add", a=1))
    told = [data for data in client.events("onUIJobGroup") if data["job_id"] == job_id]
    times = [data.pop("at") for data in told]
    assert times == sorted(times)
    assert min(times) > 1_600_000_000_000
    return told


def test_a_job_reports_from_beginning_to_end(client: Client) -> None:
    job_id = client.ask(short("desk.search", steps=3))["job_id"]
    told = story(client, job_id)
    name = "desk.search"
    assert told[0] == {
        "kind": "group_started",
        "job_id": job_id,
        "workers": [name],
        "label": "Trip search",
        "cancellable": True,
    }
    updates = told[1:-2]
    assert {(one["kind"], one["worker_name"]) for one in updates} == {("job_update", name)}
    found = [one["data"]["found"] for one in updates]
    assert found == sorted(set(found))
    assert found[-1] == 3
    assert told[-2:] == [
        {
            "kind": "job_completed",
            "job_id": job_id,
            "worker_name": name,
            "status": "completed",
            "response": {"best": "XY1"},
        },
        {"kind": "group_completed", "job_id": job_id},
    ]
    assert client.events("onMessageError", "onError") == []


def test_the_answer_comes_before_the_story_in_both_forms(client: Client) -> None:
    whole = client.ask(client.action("desk", "search"))
    bare = client.ask(short("desk.search"))
    assert whole.keys() == bare.keys() == {"job_id"}
    assert whole != bare
    assert len(story(client, whole["job_id"])) >= 4
    assert len(story(client, bare["job_id"])) >= 4


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        pytest.param(short("desk.search", then="fail"), "failed", "No flights", id="refuses"),
        pytest.param(short("desk.search", then="misreport"), "error", "invalid result", id="wrong-result"),
        pytest.param(short("desk.hurry"), "error", "Timed out after 0.3 s", id="too-slow"),
    ],
)
def test_a_job_that_fails_says_so_in_its_story(client: Client, request_: Request, status: str, text: str) -> None:
    completed, _ = story(client, client.ask(request_)["job_id"])[-2:]
    assert completed["status"] == status
    assert text in completed["response"]["error"]


def test_a_job_is_cancelled_once_it_has_stopped(client: Client) -> None:
    job_id = client.ask(short("desk.search", then="wait"))["job_id"]
    client.event("onUIJobGroup", having='"job_update"')
    client.ask(Request("cancelUIJobGroup", (job_id, "changed my mind")))
    completed = client.event("onUIJobGroup", having='"cancelled"')
    assert "response" not in completed
    assert ["search", "stopped"] in client.ask(short("desk.heard"))
    assert [one["kind"] for one in story(client, job_id)[-2:]] == ["job_completed", "group_completed"]


def test_what_has_ended_keeps_its_status_when_the_group_is_cancelled(client: Client) -> None:
    job_id = client.ask(short("desk.fan_out", wait=True))
    for name in ("flights", "trains"):
        client.event("onUIJobGroup", having=f'"worker_name":"{name}","status"')
    client.ask(Request("cancelUIJobGroup", (job_id,)))
    told = story(client, job_id)
    assert told[0]["workers"] == ["flights", "hotels", "trains"]
    assert told[0]["label"] == "Everything"
    completed = {one["worker_name"]: one for one in told if one["kind"] == "job_completed"}
    assert {name: one["status"] for name, one in completed.items()} == {
        "flights": "completed",
        "hotels": "cancelled",
        "trains": "failed",
    }
    assert completed["flights"]["response"] == {"best": "XY1"}
    assert completed["trains"]["response"] == {"error": "No rails"}
    assert [one["kind"] for one in told].count("group_completed") == 1


def test_a_group_of_workers_ends_after_its_last_worker(client: Client) -> None:
    told = story(client, client.ask(short("desk.fan_out")))
    assert [one["kind"] for one in told if one["kind"] != "job_update"] == [
        "group_started",
        "job_completed",
        "job_completed",
        "job_completed",
        "group_completed",
    ]
    of_flights = [one["kind"] for one in told if one.get("worker_name") == "flights"]
    assert of_flights == ["job_update", "job_completed"]


def test_what_may_not_be_cancelled_goes_on(client: Client) -> None:
    job_id = client.ask(short("desk.keep", key="x"))["job_id"]
    assert client.event("onUIJobGroup")["cancellable"] is False
    client.ask(Request("cancelUIJobGroup", (job_id,)))
    client.ask(Request("cancelUIJobGroup", ("nobody knows it", "at all")))
    client.ask(short("desk.open", key="x"))
    completed, _ = story(client, job_id)[-2:]
    assert (completed["status"], completed["response"]) == ("completed", "x")
    heard = client.ask(short("desk.heard"))
    assert [data for kind, data in heard if kind == "RTVIUICancelJobGroupFrame"] == [
        {"job_id": job_id, "reason": None},
        {"job_id": "nobody knows it", "reason": "at all"},
    ]
    assert client.events("onMessageError") == []


def test_many_jobs_keep_their_stories_apart(client: Client) -> None:
    requests = [short("desk.search", steps=number % 4, then="fail" if number % 2 else "finish") for number in range(12)]
    ids = [outcome.value["job_id"] for outcome in client.together(requests)]
    assert len(set(ids)) == 12
    for number, job_id in enumerate(ids):
        told = story(client, job_id)
        assert told[0]["kind"] == "group_started"
        assert told[-2]["status"] == ("failed" if number % 2 else "completed")
        assert told[-1]["kind"] == "group_completed"


def test_leaves_while_jobs_run(client: Client, new_page: NewPage, whole: Bot) -> None:
    """`run_bot` checks the other side: nothing there may trip over it."""
    for _ in range(3):
        client.ask(short("desk.search", then="wait"))
    client.ask(short("desk.keep", key="never"))
    client.ask(client.disconnect())
    other = new_page(NewClient)
    other.ask(other.start(whole))
    assert other.ask(short("desk.add", a=1)) == 2
    assert other.events("onUIJobGroup") == []
