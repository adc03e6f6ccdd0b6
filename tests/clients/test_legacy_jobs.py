"""Jobs in the legacy client, which knows no `ui-job-group`: the same story comes by `onServerMessage`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pages import LegacyClient, Request

if TYPE_CHECKING:
    from .conftest import NewPage
    from .harness import Bot


def test_a_job_is_answered_and_reports(new_page: NewPage, whole: Bot) -> None:
    client = new_page(LegacyClient)
    client.ask(client.start(whole))
    job_id = client.ask(client.action("desk", "search", steps=1))["job_id"]
    client.event("onServerMessage", having="group_completed")
    told = client.events("onServerMessage")
    assert [one["kind"] for one in told] == ["group_started", "job_update", "job_completed", "group_completed"]
    assert {one["job_id"] for one in told} == {job_id}
    assert told[2]["response"] == {"best": "XY1"}
    assert client.events("onGenericMessage", "onMessageError") == []


def test_a_job_is_cancelled_by_message(new_page: NewPage, whole: Bot) -> None:
    client = new_page(LegacyClient)
    client.ask(client.start(whole))
    job_id = client.ask(client.action("desk", "search", then="wait"))["job_id"]
    client.ask(Request("sendMessage", ("ui-cancel-job-group", {"job_id": job_id})))
    assert client.event("onServerMessage", having="job_completed")["status"] == "cancelled"
    client.event("onServerMessage", having="group_completed")
    assert client.ask(client.action("desk", "add", a=1)) == 2


def test_without_a_connection_the_stream_holds_the_whole_story(new_page: NewPage, whole: Bot) -> None:
    client = new_page(LegacyClient)
    client.open(params={"baseUrl": whole.http}, headers={"accept": "text/event-stream"})
    job_id = client.ask(client.action("desk", "search", steps=1))["job_id"]
    client.event("onServerMessage", having="group_completed")
    told = client.events("onServerMessage")
    assert [one["kind"] for one in told] == ["group_started", "job_update", "job_completed", "group_completed"]
    assert {one["job_id"] for one in told} == {job_id}
