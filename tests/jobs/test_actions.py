"""Actions with `job: true`: the answer, the handler forms, results, deadlines, serial ones."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from rtvi_plugins.errors import ActionError
from rtvi_plugins.processor.requests import Refusal, Request
from rtvi_plugins.processor.tables import RTVIAction, RTVIActionArgument

SCRIPT = [RTVIActionArgument("script", {"type": "array", "items": {"type": "string"}}, required=True)]


async def typed(processor: Any, job: Any, *, script: list[str]) -> int:
    assert processor is not None
    for line in script:
        await job.update({"line": line})
    return len(script)


async def without_job(_processor: Any, *, script: list[str]) -> int:
    return len(script)


async def original(_processor: Any, service: str, arguments: dict[str, Any]) -> int:
    assert service == "stage"
    return len(arguments["script"])


def in_a_thread(_processor: Any, job: Any, *, script: list[str]) -> int:
    assert not job.cancelled
    assert threading.current_thread() is not threading.main_thread()
    return len(script)


async def renamed(_processor: Any, job: Any, *, the_class: str, class_: str) -> list[str]:
    return [job.id, the_class, class_]


REQUESTS = {
    "legacy": (Request("r1"), {"type": "action-response", "data": {"result": {"job_id": "ID"}}}),
    "client-message": (
        Request("r1", "action"),
        {"type": "server-response", "data": {"t": "action", "d": {"result": {"job_id": "ID"}}}},
    ),
    "short": (
        Request("r1", "stage.rehearse", is_short=True),
        {"type": "server-response", "data": {"t": "stage.rehearse", "d": {"job_id": "ID"}}},
    ),
}


@pytest.mark.parametrize(("dialect"), REQUESTS)
def test_the_request_is_answered_at_once_with_the_job_id(bench: Any, rules: Any, dialect: str) -> None:
    request, expected = REQUESTS[dialect]

    async def main() -> None:
        session = bench()
        action = session.action(typed, arguments=SCRIPT, result={"type": "integer"}, description="Reads aloud.")
        request.is_answered = False
        session.jobs.start_action(request, action, {"script": ["a", "b"]})
        answer, started = session.sent
        assert request.is_answered
        assert answer == {"label": "rtvi-ai", "id": "r1", **_with_id(expected, started["data"]["job_id"])}
        await session.jobs.wait_idle()
        rules(session.told[-5:])
        assert [{k: v for k, v in data.items() if k not in ("at", "job_id")} for data in session.told[-5:]] == [
            {"kind": "group_started", "workers": ["stage.rehearse"], "label": "Reads aloud.", "cancellable": True},
            {"kind": "job_update", "worker_name": "stage.rehearse", "data": {"line": "a"}},
            {"kind": "job_update", "worker_name": "stage.rehearse", "data": {"line": "b"}},
            {"kind": "job_completed", "worker_name": "stage.rehearse", "status": "completed", "response": 2},
            {"kind": "group_completed"},
        ]

    asyncio.run(main())


def _with_id(value: Any, job_id: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_id(item, job_id) for key, item in value.items()}
    return job_id if value == "ID" else value


@pytest.mark.parametrize("handler", [typed, without_job, original, in_a_thread], ids=lambda handler: handler.__name__)
def test_every_form_of_handler_may_be_a_job(bench: Any, handler: Any) -> None:
    async def main() -> None:
        session = bench()
        group = session.jobs.start_own(session.action(handler, arguments=SCRIPT), {"script": ["a", "b"]})
        assert (await group)["stage.rehearse"].response == 2
        assert not session.jobs.tasks

    asyncio.run(main())


def test_arguments_reach_parameters_whose_names_python_cannot_say(bench: Any) -> None:
    async def main() -> None:
        session = bench()
        arguments = [RTVIActionArgument("the-class"), RTVIActionArgument("class")]
        group = session.jobs.start_own(session.action(renamed, arguments=arguments), {"the-class": "a", "class": "b"})
        assert (await group)["stage.rehearse"].response == [group.id, "a", "b"]

    asyncio.run(main())


async def refuses(_processor: Any, service: str, arguments: Any) -> None:
    raise ActionError("The stage is taken", code="taken")


async def fails(_processor: Any, service: str, arguments: Any) -> None:
    raise RuntimeError("secret")


async def returns_text(_processor: Any, service: str, arguments: Any) -> str:
    return "text"


async def returns_object(_processor: Any, service: str, arguments: Any) -> Any:
    return object()


async def hangs(_processor: Any, service: str, arguments: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("handler", "status", "error"),
    [
        (refuses, "failed", "The stage is taken"),
        (fails, "error", "The job failed"),
        (returns_text, "error", "The action returned an invalid result"),
        (returns_object, "error", "The action returned an invalid result"),
        (hangs, "error", "Timed out after 0.05 s"),
    ],
    ids=["refuses", "fails", "wrong type", "not JSON", "too long"],
)
def test_what_goes_wrong_is_told_when_the_job_ends(
    bench: Any, rules: Any, caplog: Any, handler: Any, status: str, error: str
) -> None:
    async def main() -> None:
        session = bench()
        action = session.action(handler, result={"type": "integer"}, timeout=0.05 if handler is hangs else 60)
        session.jobs.start_action(Request("r1"), action, {})
        await session.jobs.wait_idle()
        rules(session.told)
        assert session.data[1:] == [
            {"kind": "job_completed", "worker_name": "stage.rehearse", "status": status, "response": {"error": error}},
            {"kind": "group_completed"},
        ]

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert bool(caplog.records) == (handler in (fails, returns_text, returns_object))


def test_faulty_arguments_and_a_full_session_are_refused_at_once(bench: Any) -> None:
    async def main() -> None:
        session = bench()
        action = session.action(typed, arguments=SCRIPT)
        request = Request("r1")
        with pytest.raises(Refusal, match=r"Invalid arguments for stage\.rehearse: script: expected array"):
            session.jobs.start_action(request, action, {"script": "a"})
        with pytest.raises(ActionError, match="Invalid arguments"):
            session.jobs.start_own(action, {})
        hanging = session.action(hangs)
        groups = [session.jobs.start_own(hanging, {}) for _ in range(32)]
        told = len(session.sent)
        with pytest.raises(Refusal, match="Too many jobs") as refused:
            session.jobs.start_action(request, action, {"script": []})
        assert refused.value.code == "busy"
        with pytest.raises(ActionError, match="Too many jobs"):
            session.jobs.start_own(action, {"script": []})
        assert not request.is_answered
        assert len(session.sent) == told
        await session.jobs.close()
        assert all(group.is_done for group in groups)
        assert len(session.jobs) == 0

    asyncio.run(main())


def test_serial_jobs_wait_for_each_other_and_may_be_cancelled_while_they_do(bench: Any, rules: Any) -> None:
    order: list[str] = []
    gates: dict[str, asyncio.Event] = {}

    async def acts(_processor: Any, service: str, arguments: dict[str, str]) -> None:
        order.append(arguments["name"])
        await gates.setdefault(arguments["name"], asyncio.Event()).wait()

    async def main() -> None:
        before = asyncio.all_tasks()
        session = bench()

        def start(name: str, timeout: float) -> Any:
            names = [RTVIActionArgument("name")]
            action = session.action(acts, arguments=names, serial=("stage",), timeout=timeout)
            return session.jobs.start_own(action, {"name": name})

        first, second, third = start("1", 30), start("2", 30), start("3", 0.2)
        gates["3"] = asyncio.Event()
        gates["3"].set()
        await asyncio.sleep(0.3)  # longer than the time limit of the third, whose clock starts when its turn comes
        assert order == ["1"]
        session.jobs.cancel(second.id)
        assert (await second)["stage.rehearse"].status == "cancelled"
        assert not third.is_done
        gates["1"].set()
        assert [(await group)["stage.rehearse"].status for group in (first, third)] == ["completed", "completed"]
        assert order == ["1", "3"]
        rules(session.told)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    asyncio.run(main())


def test_a_serial_job_may_run_others_of_its_kind_itself(bench: Any) -> None:
    async def helps(_processor: Any) -> str:
        return "helped"

    async def acts(processor: Any, job: Any) -> str:
        await job.update("begun")
        helped: str = await processor.run_action("stage", "help")
        return helped

    async def main() -> None:
        session = bench()
        session.processor.register_action(RTVIAction("stage", "help", handler=helps, serial=("stage",)))
        group = session.jobs.start_own(session.action(acts, serial=("stage",), timeout=5), {})
        assert (await group)["stage.rehearse"].response == "helped"
        assert await session.processor.run_action("stage", "help") == "helped"

    asyncio.run(main())


@pytest.mark.parametrize("ends", ["returns", "raises"])
def test_a_thread_counts_as_cancelled_only_once_it_has_stopped(bench: Any, ends: str) -> None:
    running, may_stop = threading.Event(), threading.Event()
    flags: list[bool] = []

    def works(_processor: Any, job: Any) -> str:
        running.set()
        may_stop.wait(10)
        flags.append(job.cancelled)
        if ends == "raises":
            raise ValueError("interrupted")
        return "done"

    async def main() -> None:
        session = bench()
        group = session.jobs.start_own(session.action(works), {})
        await asyncio.to_thread(running.wait, 10)
        group.cancel()
        await asyncio.sleep(0.02)
        assert not group.is_done
        may_stop.set()
        assert (await group)["stage.rehearse"].status == "cancelled"
        assert flags == [True]

    asyncio.run(main())
