"""Runs the console blocks of a page, as a reader would type them: one shell's worth of state, one server at a time."""

from __future__ import annotations

import importlib.util
import os
import queue
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Final, Self

from .blocks import ROOT, Block, matches

TIMEOUT_S: Final = 300
PORT: Final = "7860"
"""The port the pages speak of; servers run on a free one instead."""
ENVIRONMENT: Final = re.compile(r"python3? -m venv (?P<folder>\S+)")
SERVERS: Final = re.compile(r"(make|rtvi) run\b")
CHECKOUT: Final = (
    "Makefile",
    "README.md",
    "benchmarks",
    "docs",
    "manifests",
    "plugins",
    "pyproject.toml",
    "requirements",
    "rtvi_plugins",
)


def commands_of(text: str) -> list[tuple[str, str]]:
    """Split a console block into commands with their expected output; a line that begins with `> ` goes on."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> ") and found and not found[-1][1]:
            found[-1] = (found[-1][0] + line[2:], "")
        else:
            command, output = found[-1]  # an IndexError: the block does not begin with a command
            found[-1] = (command, output + line)
    return found


def make_environment(folder: Path, *, pip: bool) -> None:
    """Make what `make run` makes, without a network: a virtual environment that borrows what is installed here.

    Its `rtvi run` picks a free port, whichever it was told, and its `pip install` asks no index.
    """
    subprocess.run(
        [sys.executable, "-m", "venv", *([] if pip else ["--without-pip"]), folder], check=True, timeout=TIMEOUT_S
    )
    site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    borrowed = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    # `addsitedir`, not the bare paths: editable installs are found through the .pth files in there.
    (site / "borrowed.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in borrowed))
    python = shlex.quote(str(folder / "bin" / "python"))
    _write_script(
        folder / "bin" / "rtvi", f'[ "$1" = run ] && set -- "$@" --port 0\nexec {python} -m rtvi_plugins "$@"'
    )
    if pip:
        absent = [
            name
            for name in ("hatchling", "hatch_fancy_pypi_readme", "editables")
            if importlib.util.find_spec(name) is None
        ]
        assert not absent, f"{' and '.join(absent)} must be installed: the extra `test` has them"
        offline = "--no-index --no-build-isolation --no-deps --disable-pip-version-check"
        # What is installed may bring an `rtvi` of its own, which would take the port it is told.
        shutil.copy(folder / "bin" / "rtvi", folder / "rtvi")
        keep = f"cp {shlex.quote(str(folder / 'rtvi'))} {shlex.quote(str(folder / 'bin' / 'rtvi'))}"
        run = f'{python} -m pip "$command" {offline} "$@"; ended=$?'
        _write_script(folder / "bin" / "pip", f"command=$1; shift\n{run}\n{keep}\nexit $ended")
    for stamp in (".installed", ".installed-voice", ".installed-test"):
        (folder / stamp).touch()


def _write_script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)


class Console:
    """A checkout with an environment in it, and the shell that stands there."""

    def __init__(self, folder: Path, *, pip: bool) -> None:
        self.checkout = folder / "rtvi-plugins"
        self.checkout.mkdir()
        for name in CHECKOUT:
            (self.checkout / name).symlink_to(ROOT / name)
        make_environment(self.checkout / ".venv", pip=pip)
        self._state = folder / "state"
        self._server: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._said: list[str] = []
        self._reader: threading.Thread | None = None
        self._port = PORT
        unwanted = ("FORCE_COLOR", "NO_COLOR", "RTVI_TOKEN", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")
        kept = {key: value for key, value in os.environ.items() if key not in unwanted}
        self._environment = {**kept, "PYTHONDONTWRITEBYTECODE": "1"}
        self._state.write_text(
            f"cd {shlex.quote(str(self.checkout))}\nexport PATH={shlex.quote(str(self.checkout / '.venv/bin'))}:$PATH\n"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """Where the shell stands."""
        return Path(self._bash("pwd").strip())

    def play(self, block: Block) -> list[str]:
        """Run a block's commands; tell where what they print is not what the page says."""
        wrong = []
        for command, expected in commands_of(block.text):
            actual = self.run(command.strip())
            if not matches(expected, actual):
                wrong.append(f"{block.place}: $ {command}expected:\n{expected}\nactual:\n{actual}")
        return wrong

    def write(self, name: str, text: str) -> None:
        """Write a file below the folder the shell stands in."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def edit(self, what: str) -> None:
        """Replace a text that stands once in a file: `FILE: OLD -> NEW`."""
        name, _, change = what.partition(": ")
        old, _, new = change.partition(" -> ")
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} holds {old!r} {text.count(old)} times"
        self.write(name, text.replace(old, new))

    def run(self, command: str) -> str:
        """Run one command and give what it prints, on either stream; a server goes on running."""
        if SERVERS.match(command):
            return self._serve(command)
        if made := ENVIRONMENT.fullmatch(command):
            make_environment(self.folder / made["folder"], pip=True)
            return ""
        return self._bash(command.replace(PORT, self._port)).replace(self._port, PORT)

    def _script(self, command: str) -> list[str]:
        state = shlex.quote(str(self._state))
        keep = f'{{ export -p; printf "cd %q\\n" "$PWD"; }} > {state}'
        return ["bash", "-c", f"source {state}\n{command}\n{keep}"]

    def _bash(self, command: str) -> str:
        done = subprocess.run(
            self._script(command),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.stdout

    def _serve(self, command: str) -> str:
        self.stop()
        # A session of its own, so that a signal to its group reaches the server and nothing else.
        self._server = subprocess.Popen(
            ["bash", "-c", f"source {shlex.quote(str(self._state))}\nexec {command}"],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._lines, self._said = queue.Queue(), []
        self._reader = threading.Thread(target=self._read, args=(self._server, self._lines, self._said))
        self._reader.start()
        printed = ""
        while (line := self._lines.get(timeout=TIMEOUT_S)) is not None:
            printed += line
            if found := re.search(r"serving \S+ on http://127\.0\.0\.1:(\d+)", line):
                self._port = found[1]
                return printed.replace(self._port, PORT)
        return printed

    @staticmethod
    def _read(server: subprocess.Popen[str], lines: queue.Queue[str | None], said: list[str]) -> None:
        for line in server.stdout or ():
            said.append(line)
            lines.put(line)
        lines.put(None)

    def stop(self) -> None:
        """End the server, if one runs, as Ctrl-C would."""
        server, self._server = self._server, None
        if server is None:
            return
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(TIMEOUT_S)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
            if self._reader is not None:
                self._reader.join(TIMEOUT_S)
            if server.stdout is not None:
                server.stdout.close()
        assert not any("Traceback" in line for line in self._said), "".join(self._said)
