"""Bytes that wait to be written by a pipeline's transport are bounded; what was written makes room again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.pipecat import memory
from tests.processor.conftest import quick


async def burst(processor: Any, count: int) -> None:
    """Send messages without giving the transport its turn."""
    for _ in range(count):
        await processor.send_server_message("x" * 4_000)


@pytest.mark.parametrize("on_host", ["pipecat"], indirect=True)
@pytest.mark.parametrize("count", [1, 30])
def test_a_client_that_does_not_read_is_dropped(on_host: str, count: int) -> None:
    async def main() -> None:
        processor: Any = quick(max_outgoing_bytes=40_000)()
        async with memory.connect(processor.rtvi) as client:
            for _ in range(5):
                client.received.clear()
                await burst(processor, 8)  # with what else is said, under the bound
                await client.settle()
                assert len(client.server_messages) == 8
            client.received.clear()
            await burst(processor, 9 + count)
            async with asyncio.timeout(120):
                while not client.worker.has_finished():
                    await asyncio.sleep(0.001)
            assert len(client.server_messages) <= 9

    asyncio.run(main())
