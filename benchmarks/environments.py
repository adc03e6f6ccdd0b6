"""The peers' environments: a venv each under `.bench/`, made from pinned requirements when missing or outdated."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parent / ".bench"

ORIGINAL, CURRENT = "pipecat-0.0.108", "pipecat-1.14.0"
PEERS = {
    ORIGINAL: "pipecat_processor.py",
    CURRENT: "pipecat_processor.py",
    "python-socketio": "socketio_event.py",
    "mcp": "mcp_tool.py",
    "ajsonrpc": "json_rpc.py",
}
"""Peer → the script that measures it in process. Its requirements are `peers/<peer>.txt`."""

OWN = "rtvi-plugins"
"""The environment that has this package, installed from this very folder, and what it needs, and nothing else."""

SMOKE_PEERS = frozenset({"ajsonrpc"})
"""Who takes part in the smoke run: the one that is two small packages, so that the way to a peer is walked."""


HOSTED = "rtvi-plugins-in-pipecat"
"""The current Pipecat as its peer has it, and this package in it."""


def python_of(name: str) -> Path:
    """Give the interpreter of a peer's environment."""
    return FOLDER / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def prepare(names: Iterable[str]) -> None:
    """Make the environments that are missing or were made from other requirements."""
    for name in sorted(names):
        source = HERE / "peers" / f"{CURRENT if name == HOSTED else name}.txt"
        needs = "" if name == OWN else source.read_text(encoding="utf-8")
        needs += _own_needs() if name in (OWN, HOSTED) else ""
        wanted = hashlib.sha256((needs + sys.version).encode()).hexdigest()
        mark = FOLDER / name / "made-from"
        if mark.exists() and mark.read_text() == wanted:
            continue
        print(f"making the environment of {name} ...", file=sys.stderr, flush=True)
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER / name)], check=True)
        command = [str(python_of(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        what = [] if name == OWN else ["--requirement", str(source)]
        what += ["--editable", str(HERE.parent)] if name in (OWN, HOSTED) else []
        subprocess.run([*command, *what], check=True)
        mark.write_text(wanted)


def _own_needs() -> str:
    """Give what this package needs: anything else of it may change without a new environment."""
    declared = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return "\n".join(declared["project"]["dependencies"])
