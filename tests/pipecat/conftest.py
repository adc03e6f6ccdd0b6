"""`async def` tests, each in a loop of its own; Pipecat's own log stays quiet."""

from __future__ import annotations

import pytest
from loguru import logger

from tests.coroutines import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    logger.remove()
