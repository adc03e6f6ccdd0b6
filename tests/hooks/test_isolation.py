"""Plugins of others that are installed beside this package change nothing in its tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.console import make_environment

ROOT = Path(__file__).parent.parent.parent
SEES_PLUGINS = (
    "tests/cli/test_plugins.py",
    "tests/hooks/test_host.py",
    "tests/binding/test_bot.py",
    "tests/meta/test_habits.py",
)

EAGER = """
from rtvi_plugins import Handlers, hookimpl

pytestmark = pytest.mark.slow

voice = Handlers("voice")

@voice.option("voice_id")
async def set_voice(processor, service, option):
    raise AssertionError("a foreign plugin ran")

@hookimpl
def rtvi_handlers():
    return [voice]

@hookimpl
def rtvi_middleware():
    async def refuse(call, call_next):
        raise AssertionError("a foreign plugin ran")
    return [refuse]

@hookimpl
def rtvi_session_started(processor):
    raise AssertionError("a foreign plugin ran")
"""
PLUGINS = {"eager": EAGER, "failing": "1 / 0\n", "leaving": "raise SystemExit(3)\n", "absent": None}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the interpreter of an environment in which strangers' plugins are installed, broken ones among them."""
    folder = tmp_path_factory.mktemp("crowded") / "venv"
    make_environment(folder, pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for name, code in PLUGINS.items():
        info = site / f"stranger_{name}-2.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: stranger-{name}\nVersion: 2.0\n")
        (info / "entry_points.txt").write_text(f"[rtvi_plugins]\n{name} = stranger_{name}\n")
        if code is not None:
            (site / f"stranger_{name}.py").write_text(code)
    return folder / "bin" / "python"


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(
        [python, *arguments], cwd=ROOT, env=kept, capture_output=True, text=True, timeout=800, check=False
    )


def test_the_strangers_are_there(python: Path) -> None:
    said = run(python, "-m", "rtvi_plugins", "plugins").stdout
    assert all(f"stranger-{name}" in said for name in PLUGINS)


def test_the_suite_does_not_see_them(python: Path) -> None:
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SEES_PLUGINS)
    assert done.returncode == 0, done.stdout[-4_000:]


def test_what_is_hidden_is_told(python: Path) -> None:
    done = run(python, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", SEES_PLUGINS[0])
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("hidden from these tests: ")]
    assert all(f"stranger-{name} 2.0" in line for name in PLUGINS)
