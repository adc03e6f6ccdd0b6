"""`async def` tests: each in a loop of its own, in which it may leave no task behind. For `conftest`s to import."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from tests.virtual_time import VirtualLoop


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests, and let none leave a task behind."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        await pyfuncitem.obj(**arguments)
        for _ in range(5):  # Pipecat's tasks take a few turns to end after they are cancelled
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    is_virtual = pyfuncitem.get_closest_marker("virtual_time") is not None
    with asyncio.Runner(loop_factory=VirtualLoop if is_virtual else None) as runner:
        runner.run(run())
    return True
