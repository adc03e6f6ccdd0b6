"""`async def` tests, each in a loop of its own."""

from __future__ import annotations

from tests.coroutines import pytest_pyfunc_call
from tests.hosts import on_host, pytest_configure, pytest_generate_tests

__all__ = ["on_host", "pytest_configure", "pytest_generate_tests", "pytest_pyfunc_call"]
