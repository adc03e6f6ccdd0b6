"""What the browser tests stand on: the bundled pages, the server of those pages, and the bot."""

from __future__ import annotations

import hashlib
import http.server
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest

HERE = Path(__file__).parent


def absent(what: str) -> NoReturn:
    """Skip, naming what is missing; where `CI` is set nothing may be missing, so fail."""
    text = f"the real-client tests did not run: {what}"
    if os.environ.get("CI"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def bundle_pages() -> Path:
    """Install the npm packages unless they are there as the lock file says, bundle both pages, give their folder."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        absent("Node.js with npm is not installed")
    wanted = hashlib.sha256(b"".join((HERE / n).read_bytes() for n in ("package.json", "package-lock.json", ".npmrc")))
    stamp = HERE / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_text() != wanted.hexdigest():
        _run([npm, "ci"])
        stamp.write_text(wanted.hexdigest())
    _run([node, "build.mjs"])
    return HERE / "dist"


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=800, check=False)
    if done.returncode:
        pytest.fail(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}", pytrace=False)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve files on a free loopback port; gives the origin."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Bot:
    """A running bot: `http` is its address, `ws` that of its socket."""

    http: str
    path: str = "/ws"

    @property
    def ws(self) -> str:
        return self.http.replace("http", "ws", 1) + self.path

    @property
    def is_pipecat(self) -> bool:
        """Whether it runs on Pipecat's runner."""
        return self.path != "/ws"


PIPELINE = """
pipeline:
  idle_timeout: never
"""
"""What makes a bot a Pipecat one; its responder stands where the LLM would."""


@contextmanager
def run_on(host: str, manifest: Path, folder: Path, **keywords: Any) -> Iterator[Bot]:
    """Run a bot on a host: the standalone server, or the same manifest with `pipeline:` on Pipecat's runner."""
    if host == "standalone":
        with run_bot(manifest, **keywords) as running:
            yield running
        return
    written = folder / manifest.name
    written.write_text(manifest.read_text() + PIPELINE)
    with run_bot(written, **keywords) as running:
        yield replace(running, path="/ws-client")


@contextmanager
def run_bot(manifest: Path, *, origin: str, plugins: Path | None = None, port: int = 0) -> Iterator[Bot]:
    """Run the real command; afterwards it has to end by SIGINT with exit code 0 and without a traceback on its way.

    plugins: a folder of installed distributions, for the bot alone.
    """
    command = [
        sys.executable,
        "-m",
        "rtvi_plugins",
        "run",
        str(manifest),
        "--port",
        str(port),
        "--allow-origin",
        origin,
    ]
    path = filter(None, [str(plugins or ""), os.environ.get("PYTHONPATH")])
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environ) as process,
    ):
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for line in process.stdout or ():
                lines.put(line)
            lines.put(None)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield Bot(_address(lines, log))
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=120)
        finally:
            process.kill()
            reader.join()
        log.seek(0)
        said = log.read()
        assert code == 0, f"the bot ended with exit code {code}:\n{said}"
        assert "Traceback" not in said, said


def _address(lines: queue.Queue[str | None], log: IO[str]) -> str:
    while (line := lines.get(timeout=300)) is not None:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    log.seek(0)
    pytest.fail(f"the bot did not start:\n{log.read()}", pytrace=False)
