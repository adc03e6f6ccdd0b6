"""The command as a real process, with a plugin that a real distribution supplies: a module and its metadata."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

HERE = Path(__file__).parent
TIMEOUT_S = 240


@dataclass
class Site:
    """A folder that processes find on their path, with distributions in it, and a folder of manifests."""

    path: Path
    work: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def add_plugin(self, name: str, code: str, *, version: str = "1.0", module: str = "") -> Path:
        """Install a distribution `rtvi-plugin-<name>` of one module; gives the module's file."""
        module = module or f"rtvi_plugin_{name}"
        info = self.path / f"rtvi_plugin_{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: rtvi-plugin-{name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[rtvi_plugins]\n{name} = {module}\n")
        file = self.path / f"{module}.py"
        file.write_text(dedent(code))
        return file

    def add_manifest(self, name: str, text: str) -> Path:
        file = self.work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
        return file

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "rtvi_plugins", *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        # Written bytecode would let a module that changes twice in one second be taken for the old one.
        path = os.pathsep.join(filter(None, [str(self.path), os.environ.get("PYTHONPATH")]))
        mine = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "80"}
        kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "RTVI_TOKEN")}
        return {**kept, **mine, **self.env}

    def rtvi(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command to its end. Whatever it is asked, it never shows a traceback."""
        done = self.run(self.command(*arguments), env)
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        return done

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run any command to its end, here and with these plugins."""
        return subprocess.run(
            command,
            cwd=self.work,
            env=self.environment | dict(env or {}),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )

    @contextmanager
    def running(self, *arguments: str | Path, bots: int = 1) -> Iterator[Running]:
        """Run `rtvi run` on a free port until it says where it serves; it is killed at the end if it has not ended."""
        with subprocess.Popen(
            self.command("run", *arguments, "--port", "0"),
            cwd=self.work,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            running = Running(process)
            try:
                running.serving = [running.out.wait("serving ") for _ in range(bots)]
                yield running
            finally:
                process.kill()
                running.out.join()
                running.err.join()


class Lines:
    """The lines of a stream, read by a thread so that nobody's pipe runs full."""

    def __init__(self, stream: Sequence[str] | None) -> None:
        self.all: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(stream,))
        self._thread.start()

    def _read(self, stream: Sequence[str] | None) -> None:
        for line in stream or ():
            self.all.append(line.rstrip("\n"))
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def wait(self, part: str) -> str:
        """Wait for a new line that holds the part."""
        while (line := self._new.get(timeout=TIMEOUT_S)) is not None:
            if part in line:
                return line
        pytest.fail(f"the stream ended without {part!r}: {self.all}")

    def join(self) -> None:
        self._thread.join(TIMEOUT_S)


class Running:
    """A server process. `serving`: the lines in which it said where."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out = Lines(process.stdout)  # type: ignore[arg-type]
        self.err = Lines(process.stderr)  # type: ignore[arg-type]
        self.serving: list[str] = []

    @property
    def url(self) -> str:
        """The address of the first bot."""
        return self.serving[0].rpartition(" ")[2]

    @property
    def address(self) -> str:
        """`host:port`."""
        return self.url.removeprefix("http://").partition("/")[0]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; gives the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(TIMEOUT_S)
        self.out.join()
        self.err.join()
        assert not any("Traceback" in line for line in self.err.all), self.err.all
        return code


NewSite = Callable[[Path], Site]


def _new_site(folder: Path) -> Site:
    site, work = folder / "site", folder / "work"
    site.mkdir()
    work.mkdir()
    made = Site(site, work)
    made.add_plugin("kitchen", (HERE / "kitchen.py").read_text())
    return made


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A place of its own, with the plugin `kitchen` installed and no manifest."""
    return _new_site(tmp_path)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A place for tests that change nothing: the plugin `kitchen` and its manifest `kitchen.yaml`."""
    made = _new_site(tmp_path_factory.mktemp("cli"))
    made.add_manifest("kitchen.yaml", (HERE / "kitchen.yaml").read_text())
    return made


@pytest.fixture(scope="session")
def bot(shared: Site) -> Iterator[Running]:
    """The bot of `kitchen.yaml`, served for all tests."""
    with shared.running("kitchen.yaml") as running:
        yield running
