"""`import rtvi_plugins`, and what a plugin imports, as whole processes against an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.timing import Plan, Result, compare

AIM_MS = 150
CASES = {
    "import rtvi_plugins": ("import rtvi_plugins", AIM_MS),
    "what a plugin imports": ("from rtvi_plugins import Handlers, hookimpl", AIM_MS),
    "everything public": ("from rtvi_plugins import *", None),
}
"""What is measured, and its aim: no aim where everything is wanted and so everything is loaded."""


def _milliseconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
    return (time.perf_counter() - start) * 1e3


def measure(plan: Plan) -> list[Result]:
    """Measure each case; byte code is written by the round that is not counted."""
    return [
        compare(
            "imports",
            case,
            lambda code=code: _milliseconds(code),  # type: ignore[misc]
            lambda: _milliseconds("pass"),
            plan=plan,
            unit="ms",
            judged="more",
            aim=aim,
        )
        for case, (code, aim) in CASES.items()
    ]
