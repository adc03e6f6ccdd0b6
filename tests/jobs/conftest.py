"""A session made by hand: a processor, its jobs, and a host in memory that notes what a client would read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rtvi_plugins.processor.core import RTVIProcessor
from rtvi_plugins.processor.jobs import SessionJobs
from rtvi_plugins.processor.tables import RTVIAction
from rtvi_plugins.protocol.versions import Generation
from rtvi_plugins.testing.memory import MemoryPort


class Bench:
    """One session. `sent` is every message; `data` what the job groups told, without `at`."""

    def __init__(self, executor: Any = None, generation: Generation = Generation.V2) -> None:
        self.sent: list[dict[str, Any]] = []
        self.heard = asyncio.Event()
        self.processor = RTVIProcessor(port=MemoryPort(self._hear))
        self.processor.generation = generation
        self.jobs = SessionJobs(self.processor, executor)

    def _hear(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        self.heard.set()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [m["data"] for m in self.sent if m["type"] in ("ui-job-group", "server-message")]

    @property
    def data(self) -> list[dict[str, Any]]:
        """What was told, without times and the one group's id."""
        return [{k: v for k, v in d.items() if k not in ("at", "job_id")} for d in self.told]

    @property
    def kinds(self) -> list[str]:
        return [d["kind"] for d in self.told]

    async def hear(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait for the nth message of a kind; gives its data."""
        while len(found := [d for d in self.told if d["kind"] == kind]) < count:
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 10)
        return found[count - 1]

    def action(self, handler: Callable[..., Any], **settings: Any) -> RTVIAction:
        return RTVIAction("stage", "rehearse", handler=handler, is_job=True, **settings)


def check_groups(told: list[dict[str, Any]], *, complete: bool = True) -> None:
    """Hold what a client was told against the rules of rtvi-protocol 6.5, whatever groups are in it."""
    groups: dict[str, dict[str, Any]] = {}
    for data in told:
        kind, group = data["kind"], groups.get(data["job_id"])
        assert isinstance(data["at"], int)
        if kind == "group_started":
            assert group is None, "a group starts once"
            assert isinstance(data["workers"], list)
            assert isinstance(data["cancellable"], bool)
            groups[data["job_id"]] = {"open": set(data["workers"]), "at": data["at"], "done": False}
            continue
        assert group is not None, "nothing comes before group_started"
        assert not group["done"], "nothing comes after group_completed"
        assert data["at"] >= group["at"], "times never go back"
        group["at"] = data["at"]
        if kind == "group_completed":
            assert not group["open"], "every worker is completed first"
            group["done"] = True
        else:
            assert data["worker_name"] in group["open"], "nothing of a worker comes after its end"
            if kind == "job_completed":
                assert ("response" in data) == (data["status"] != "cancelled")
                group["open"].discard(data["worker_name"])
    if complete:
        assert all(group["done"] for group in groups.values())


@pytest.fixture
def rules() -> Callable[..., None]:
    return check_groups


@pytest.fixture
def bench() -> Callable[..., Bench]:
    """Make a session; call it inside the running loop."""
    return Bench
