"""`async def` tests, each in a loop of its own."""

from __future__ import annotations

from tests.coroutines import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
