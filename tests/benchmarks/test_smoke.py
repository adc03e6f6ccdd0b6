"""The benchmarks run, measure every subject and write their figures. How fast they say we are is for people."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rtvi_plugins

ROOT = Path(__file__).parents[2]
SUBJECTS = {"dispatch": 8, "ws": 4, "sessions": 1, "imports": 3, "check": 5}
"""Subject → its lines in the table."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, Any]]:
    path = tmp_path_factory.mktemp("figures") / "figures.json"
    done = run("--smoke", "--json", str(path))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), json.loads(path.read_text(encoding="utf-8"))


def test_the_table_has_ratios_first(smoke: tuple[list[str], dict[str, Any]]) -> None:
    machine, headings, *rows = smoke[0]
    assert "rounds, garbage collector" in machine
    assert headings.split() == ["ratio", "aim", "verdict", "subject", "case", "ours", "reference"]
    assert len(rows) == sum(SUBJECTS.values())
    assert all(float(row.split()[0]) for row in rows)


@pytest.mark.parametrize(("subject", "lines"), SUBJECTS.items(), ids=SUBJECTS)
def test_every_subject_is_measured(smoke: tuple[list[str], dict[str, Any]], subject: str, lines: int) -> None:
    results = [result for result in smoke[1]["results"] if result["subject"] == subject]
    assert len(results) == lines
    assert all(result["ours"] and result["reference"] for result in results)
    assert any(result["verdict"] in ("met", "missed") for result in results)
    assert len([row for row in smoke[0] if f" {subject} " in row]) == lines


def test_an_unknown_subject_is_refused() -> None:
    done = run("--smoke", "dispach")
    assert done.returncode == 2
    assert "unknown subject: dispach" in done.stderr


def test_public_names_are_those_that_type_checkers_see() -> None:
    source = Path(rtvi_plugins.__file__).read_text(encoding="utf-8")
    block = next(node for node in ast.parse(source).body if isinstance(node, ast.If))
    seen = {name.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names}
    homes = {name: f"rtvi_plugins.{module}" for name, module in rtvi_plugins._HOMES.items()}
    assert homes == seen
    assert rtvi_plugins.__all__ == sorted(seen)
    assert all(getattr(rtvi_plugins, name) is not None for name in rtvi_plugins.__all__)
