"""Both hosts for the same tests: the processor alone, and in a real Pipecat pipeline; a client in memory talks to it.

Tests meant for both have a `conftest` that imports the hooks and the fixture of this module; they get their processors
from `make` and their sessions from `connect`. What only one host can do carries the mark `standalone`, with the reason.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from loguru import logger
from pipecat.frames.frames import EndWorkerFrame, Frame, FunctionCallResultFrame, InterruptionFrame
from pipecat.processors.frameworks.rtvi import frames as theirs

from rtvi_plugins import Bot, RTVIConfig, RTVIProcessor
from rtvi_plugins import testing as standalone
from rtvi_plugins.pipecat import RTVIProcessor as PipecatProcessor
from rtvi_plugins.pipecat import processor_for
from rtvi_plugins.pipecat.border import from_pipecat
from rtvi_plugins.pipecat.session import PipelineSession
from rtvi_plugins.processor.port import Caller, Session
from rtvi_plugins.testing import Client
from tests.pipecat import memory

HOSTS = ("standalone", "pipecat")
SHOWN = (
    theirs.RTVIClientMessageFrame,
    theirs.RTVIUIEventFrame,
    theirs.RTVIUISnapshotFrame,
    theirs.RTVIUICancelJobGroupFrame,
    FunctionCallResultFrame,
)
"""Frames that a session pushes into its host."""


class _Current:
    host = "standalone"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "standalone(reason): what only the standalone host does, or only it can show")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every asynchronous test on each host that it is meant for."""
    if inspect.iscoroutinefunction(metafunc.function):
        mark = metafunc.definition.get_closest_marker("standalone")
        assert mark is None or mark.args, "say why the test is for one host only"
        metafunc.parametrize("on_host", HOSTS[:1] if mark else HOSTS, indirect=True)


@pytest.fixture(autouse=True)
def on_host(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let `make` and `connect` give the named host."""
    logger.remove()  # Pipecat's own log, to the terminal
    _Current.host = getattr(request, "param", "standalone")
    yield _Current.host
    _Current.host = "standalone"


async def settle(client: Any) -> None:
    """Wait until what the host itself tells the client has arrived."""
    if _Current.host == "pipecat":
        await client.settle()


def make(cls: type[RTVIProcessor] = RTVIProcessor, /, config: RTVIConfig | None = None) -> Any:
    """Make a processor of a host-neutral class, for the host of the running test."""
    if _Current.host == "standalone":
        return cls(config)
    return pipecat_class(cls)(config).session_processor


def pipecat_class(cls: type[RTVIProcessor]) -> type[PipecatProcessor]:
    """Derive the Pipecat processor whose session behaves as a host-neutral class."""
    session_class = type(cls.__name__, (PipelineSession, cls), {"__slots__": ()})
    return type(cls.__name__, (PipecatProcessor,), {"session_class": session_class})


class PipelineView:
    """What a session did to its pipeline, in the words of `testing.MemoryPort`."""

    def __init__(self, output: memory.Output) -> None:
        self._output = output

    @property
    def frames(self) -> list[Any]:
        """The frames it pushed, as this project's."""
        return [_as_pushed(frame) for frame in self._output.frames if isinstance(frame, SHOWN)]

    @property
    def interruptions(self) -> int:
        """How often it interrupted."""
        return len(self._output.of(InterruptionFrame))

    @property
    def is_ended(self) -> bool:
        """Whether it ended the pipeline."""
        return bool(self._output.of(EndWorkerFrame))


def _as_pushed(frame: Frame) -> Any:
    return from_pipecat(frame)


def connect(bot: Bot | RTVIProcessor, **keywords: Any) -> AbstractAsyncContextManager[Client]:
    """Open a session on the host of the running test; keywords as those of `rtvi_plugins.testing.connect`."""
    return standalone.connect(bot, **keywords) if _Current.host == "standalone" else _in_pipeline(bot, **keywords)


@asynccontextmanager
async def _in_pipeline(bot: Bot | RTVIProcessor, *, caller: str = "", **keywords: Any) -> AsyncIterator[Client]:
    if isinstance(bot, Bot):
        rtvi = processor_for(bot)(session=Session("memory", Caller(caller)))
    else:
        assert isinstance(bot, PipelineSession), "processors of tests for both hosts come from `make`"
        rtvi = bot.rtvi
    async with memory.connect(rtvi, is_direct=True, **keywords) as client:
        client.port = PipelineView(client.output)  # type: ignore[attr-defined]
        yield client
