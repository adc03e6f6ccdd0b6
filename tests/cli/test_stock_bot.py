"""`rtvi call` and a bot that runs on Pipecat alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Site

HERE = Path(__file__).parent
PATIENCE_S = 100


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a stock bot that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    log = tmp_path_factory.mktemp("stock") / "log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, HERE / "stock.py", "--port", str(port), "--host", "127.0.0.1"],
            cwd=log.parent,
            env=dict(os.environ),
            stdout=out,
            stderr=out,
        ) as process,
    ):
        try:
            for _ in range(PATIENCE_S * 10):
                if process.poll() is not None:
                    pytest.fail(log.read_text())
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield port
        finally:
            process.kill()


@pytest.mark.parametrize("form", [":{port}", "ws://127.0.0.1:{port}/ws-client"])
def test_a_message_and_its_answer(shared: Site, stock: int, form: str) -> None:
    done = shared.rtvi("call", form.format(port=stock), "custom", "a=1")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"heard": {"a": 1}}


def test_talking(shared: Site, stock: int) -> None:
    done = shared.rtvi("call", f":{stock}", "--text", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello!\n", "")


def test_it_does_not_describe_itself(shared: Site, stock: int) -> None:
    done = shared.rtvi("describe", f":{stock}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"rtvi: http://127.0.0.1:{stock} is a bot that does not describe itself\n"
