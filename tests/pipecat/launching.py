"""`rtvi run` as a real process, on the Pipecat host."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
TEXT_BOT = REPOSITORY / "manifests/text-pipecat.yaml"
PATIENCE_S = 240


@dataclass
class Process:
    """A running bot. `address`: `http://…`; `said`: what came before; `errors`: what it logged, once it has ended."""

    process: subprocess.Popen[str]
    address: str
    said: list[str]
    errors: str = ""

    @property
    def ws(self) -> str:
        return self.address.replace("http", "ws", 1)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal, wait for the end, and give the exit code."""
        self.process.send_signal(number)
        self.process.wait(PATIENCE_S)
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()
        return self.process.returncode


def rtvi(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "rtvi_plugins", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@contextmanager
def running(*arguments: str | Path, cwd: Path | None = None) -> Iterator[Process]:
    """Run `rtvi run` on a free port until it says where it serves; it is killed at the end if it has not ended."""
    command = [sys.executable, "-m", "rtvi_plugins", "run", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(
        command, cwd=cwd, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            for line in process.stdout or ():
                lines.put(line)
            lines.put("")

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        said: list[str] = []
        try:
            while not (said and said[-1].startswith("serving ")):
                line = lines.get(timeout=PATIENCE_S)
                assert line, process.stderr and process.stderr.read()
                said.append(line.strip())
            yield Process(process, said[-1].rpartition(" ")[2], said)
        finally:
            process.kill()
            process.wait()
            reading.join()
