"""Jobs through whole sessions: every generation and dialect, cancellation, repeats, middleware, leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rtvi_plugins import Call, RTVIAction, RTVIActionArgument, RTVIProcessor
from rtvi_plugins.binding.wrapping import wrap_action
from rtvi_plugins.testing import Client, RequestError
from tests.hosts import HOSTS, connect, make, on_host

__all__ = ["on_host"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test on both hosts."""
    metafunc.parametrize("on_host", HOSTS, indirect=True)


async def rehearse(_processor: Any, job: Any, *, script: list[str]) -> int:
    """Report every line; with none, wait for ever."""
    for line in script:
        await job.update({"line": line})
    if not script:
        await asyncio.Event().wait()
    return len(script)


def made(**settings: Any) -> RTVIProcessor:
    processor: RTVIProcessor = make()
    script = RTVIActionArgument("script", {"type": "array"}, required=True)
    processor.register_action(RTVIAction("stage", "rehearse", [script], "number", rehearse, is_job=True, **settings))
    return processor


async def ended() -> None:
    """Let what was cancelled come to its end; Pipecat's tasks take a few turns."""
    for _ in range(5):
        await asyncio.sleep(0)


def told(client: Client) -> list[dict[str, Any]]:
    return [m["data"] for m in client.received if m["type"] in ("ui-job-group", "server-message")]


@pytest.fixture
def whole(rules: Callable[..., None]) -> Callable[..., None]:
    """Run a test in a session; hold what was told against the rules, and see that no task is left."""

    def run(test: Callable[..., Awaitable[None]], version: str | None = "2.1.0", **settings: Any) -> None:
        async def main() -> None:
            before = asyncio.all_tasks()
            async with connect(made(**settings), version=version) as client:
                await test(client, client.processor)  # type: ignore[attr-defined]
            rules(told(client), complete=False)
            await ended()
            assert asyncio.all_tasks() == before

        asyncio.run(main())

    return run


@pytest.mark.parametrize(
    ("version", "carrier"),
    [("2.1.0", "ui-job-group"), ("1.2.0", "ui-job-group"), (None, "server-message")],
    ids=["2.x", "1.x", "legacy"],
)
def test_an_action_reports_to_every_generation(whole: Any, version: str | None, carrier: str) -> None:
    async def test(client: Client, processor: RTVIProcessor) -> None:
        result = await client.call("stage.rehearse", script=["a"])
        await processor.wait_idle()
        assert [data["kind"] for data in told(client)] == [
            "group_started",
            "job_update",
            "job_completed",
            "group_completed",
        ]
        assert {data["job_id"] for data in told(client)} == {result["job_id"]}
        assert carrier in client.types()
        with pytest.raises(RequestError, match="script: missing"):
            await client.call("stage.rehearse")

    whole(test, version)


def test_the_client_cancels_by_message(whole: Any) -> None:
    async def test(client: Client, processor: RTVIProcessor) -> None:
        answer = await client.ask("stage.rehearse", {"script": []})
        assert list(answer) == ["job_id"]
        await client.send("ui-cancel-job-group", {"job_id": "stranger"})
        await client.send("ui-cancel-job-group", {"job_id": answer["job_id"], "reason": "changed my mind"})
        await processor.wait_idle()
        assert [data.get("status") for data in told(client)] == [None, "cancelled", None]
        assert "error-response" not in client.types()

    whole(test)


def test_a_repeat_by_idempotency_key_names_the_same_job(whole: Any) -> None:
    async def test(client: Client, _processor: RTVIProcessor) -> None:
        data = {"service": "stage", "action": "rehearse", "arguments": {"script": []}, "idempotency_key": "k"}
        first = await client.ask("action", data)
        assert await client.ask("action", data) == first
        assert len(told(client)) == 1

    whole(test)


def test_the_bot_runs_jobs_of_its_own(whole: Any) -> None:
    async def test(client: Client, processor: RTVIProcessor) -> None:
        group = await processor.run_action("stage", "rehearse", {"script": ["a", "b"]})
        assert (await group)["stage.rehearse"].response == 2
        tool = await processor.call_tool("stage_rehearse", {"script": []}, "call_7")
        assert processor.jobs.tasks
        await client.send("ui-cancel-job-group", tool)
        await processor.wait_idle()
        await processor.job_group(workers={"one": lambda job: job.update(1)}, label="Own")
        assert told(client)[-4]["label"] == "Own"

    whole(test, is_tool=True)


@pytest.mark.parametrize("cancellable", [True, False], ids=["cancellable", "not cancellable"])
def test_nothing_is_sent_to_a_client_that_left(cancellable: bool) -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        processor = made(cancellable=cancellable, timeout=0.1)
        async with connect(processor) as client:
            await client.call("stage.rehearse", script=[])
        assert len(processor.jobs) == (not cancellable)
        await processor.wait_idle()
        await ended()
        assert asyncio.all_tasks() == before
        assert [data["kind"] for data in told(client)] == ["group_started"]

    asyncio.run(main())


def test_middleware_is_around_a_job_too(whole: Any) -> None:
    seen: list[Any] = []

    async def doubling(call: Call, call_next: Any) -> Any:
        seen.append((call.kind, call.service, call.name, call.arguments))
        return 2 * await call_next(call)

    async def test(_client: Client, processor: RTVIProcessor) -> None:
        action = processor._tables.actions["stage", "rehearse"]
        action.invoke = wrap_action([doubling], action)
        group = await processor.run_action("stage", "rehearse", {"script": ["a"]})
        assert (await group)["stage.rehearse"].response == 2
        assert seen == [("action", "stage", "rehearse", {"script": ["a"]})]

    whole(test)
