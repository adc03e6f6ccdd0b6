"""Fixtures: one bot for the folder, for tests that leave it as it was, and folders for bots of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import Serving, Talk, serve, talk


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server for all tests of a module: each finds it usable after the last."""
    with serve(tmp_path_factory.mktemp("bot")) as running:
        yield running


@pytest.fixture
def client(serving: Serving) -> Iterator[Talk]:
    """A client with the handshake done."""
    with talk(serving.ws) as connected:
        yield connected


@pytest.fixture
def other(serving: Serving) -> Iterator[Talk]:
    """Another session, which must notice nothing."""
    with talk(serving.ws) as connected:
        yield connected
        assert connected.is_alive()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
