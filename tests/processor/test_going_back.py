"""Which value an option has when a handler failed: no value that itself failed is tried twice, and none is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import RTVIProcessor
from rtvi_plugins.processor.tables import Tables
from rtvi_plugins.testing import RequestError
from tests.hosts import make
from tests.processor.conftest import Told, config, service, session


@pytest.mark.parametrize(
    ("given", "default", "fails", "tried", "current"),
    [
        ("x", "d", ["x"], ["x", "d"], "d"),
        ("x", "d", ["x", "d"], ["x", "d"], "d"),  # where all fail, the default is there all the same
        ("d", "d", ["d"], ["d"], "d"),
        ("x", "d", [], ["x"], "x"),
    ],
)
async def test_an_initial_value_that_fails(
    given: str, default: str, fails: list[str], tried: list[str], current: str
) -> None:
    told = Told()
    told.fail_on = fails

    class Bot(RTVIProcessor):
        tables = Tables().with_service(service("s", told.option, o={"type": "string", "default": default}))

    async with session(make(Bot, config({"s": {"o": given}}))) as client:
        assert [value for _, _, value in told] == tried
        assert await client.get_config() == {"s": {"o": current}}


async def test_without_a_default_a_failed_value_leaves_none() -> None:
    told = Told()
    told.fail_on = ["x"]
    rtvi = make(config=config({"s": {"o": "x"}}))
    rtvi.register_service(service("s", told.option, o="string"))
    async with session(rtvi) as client:
        assert await client.get_config() == {"s": {}}
        assert len(told) == 1


async def test_going_back_to_a_value_that_itself_failed_is_told() -> None:
    """The default failed at first; an update that has to be undone gives it to the handler again, and says so."""
    told = Told()
    told.fail_on = ["d", "bad"]
    rtvi = make(config=config({"s": {"first": "1", "last": "2"}}))
    rtvi.register_service(
        service("s", told.option, first="string", o={"type": "string", "default": "d"}, last="string")
    )
    async with session(rtvi) as client:
        told.clear()
        with pytest.raises(RequestError, match=r"; the old value of s\.o could not be restored") as refused:
            await client.update_config({"s": {"first": "10", "o": "e", "last": "bad"}})
        assert refused.value.code == "rollback-failed"
        assert [(name, value) for _, name, value in told] == [
            ("first", "10"),
            ("o", "e"),
            ("last", "bad"),
            ("o", "d"),
            ("first", "1"),
        ]
        assert await client.get_config() == {"s": {"first": "1", "o": "d", "last": "2"}}
        # What failed is not the current value: the next update goes back to the old one.
        told.fail_on = ["bad"]
        told.clear()
        with pytest.raises(RequestError) as failed:
            await client.update_config({"s": {"last": "3", "first": "bad"}})
        assert failed.value.code == "option-failed"
        assert [(name, value) for _, name, value in told] == [("last", "3"), ("first", "bad"), ("last", "2")]
        assert await client.get_config() == {"s": {"first": "1", "o": "d", "last": "2"}}
        assert (await client.update_config({"s": {"o": "e"}}))["s"]["o"] == "e"


@pytest.mark.virtual_time
@pytest.mark.standalone("a pipeline is cancelled from its own task")
async def test_a_result_callback_may_end_the_session() -> None:
    ended = asyncio.Event()
    others: list[Any] = []
    began = asyncio.get_running_loop().time()
    rtvi = make()

    async def end(result: Any) -> None:
        await rtvi.close()
        rtvi.finish("ended")
        ended.set()

    async with session(rtvi) as client:
        await rtvi.handle_function_call("f", "other", {}, result_callback=others.append)
        await rtvi.handle_function_call("f", "call", {}, result_callback=end)
        await client.send("llm-function-call-result", {"tool_call_id": "call", "result": 1})
        await ended.wait()
        assert others == [{"error": "The client has gone"}]
        assert asyncio.get_running_loop().time() - began == pytest.approx(0, abs=1e-6)
