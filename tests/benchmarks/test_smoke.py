"""The suite runs, measures every subject and writes its figures. How fast they say we are is for people."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.lines import HEADINGS, Line
from benchmarks.report import page
from benchmarks.report.plots import PLOTS

ROOT = Path(__file__).parents[2]
LINES = {
    (1, "dispatch"): 8,
    (2, "websocket"): 6,
    (2, "round trips"): 2,
    (2, "p99"): 2,
    (3, "sessions"): 3,
    (3, "set-up"): 2,
    (3, "growth"): 4,
    (4, "at once"): 2,
    (5, "start-up"): 4,
    (5, "large"): 6,
    (5, "plugins"): 1,
    (6, "linear"): 5,
    (8, "hostile"): 2,
}
"""Aim and subject → how many lines there are of it when no peer takes part."""

NEED_PEERS = {"round-trips"}
"""Plots that show nothing but a comparison with peers."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=800, check=False)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What a smoke run prints and writes, without peers: those would have to be downloaded."""
    path = tmp_path_factory.mktemp("figures") / "figures.json"
    done = run("--smoke", "--peers", "none", "--json", str(path))
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_every_subject_is_measured(smoke: tuple[str, dict[str, Any]]) -> None:
    lines = [Line.from_dict(given) for given in smoke[1]["lines"]]
    found: dict[tuple[int, str], int] = {}
    for line in lines:
        found[line.aim, line.subject] = found.get((line.aim, line.subject), 0) + 1
        assert line.ours is not None
        assert line.spread.low <= line.spread.median <= line.spread.high
        assert (line.bound is None) == (line.verdict == "")
    assert found == LINES


@pytest.mark.slow
def test_the_table_has_what_is_judged_first(smoke: tuple[str, dict[str, Any]]) -> None:
    _machine, headings, *rows = smoke[0].splitlines()
    assert headings.split("  ")[0] == HEADINGS[0]
    assert all(row[0].isdigit() or row[0] == "-" for row in rows[: sum(LINES.values())])
    assert "met" in smoke[0]
    assert "its figures and verdicts mean nothing" in smoke[0]


@pytest.mark.slow
def test_results_say_where_they_are_from_and_name_no_one(smoke: tuple[str, dict[str, Any]]) -> None:
    results = smoke[1]
    assert {"cpu", "cpus", "system", "python", "versions"} <= results["machine"].keys()
    assert results["is_smoke"]
    assert results["peers"] == []
    assert str(ROOT) not in json.dumps(results)


@pytest.mark.slow
def test_a_page_with_plots_is_written_from_the_results(smoke: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    folder = tmp_path / "performance"
    written = page.write(smoke[1], page=tmp_path / "performance.md", folder=folder)
    text = (tmp_path / "performance.md").read_text(encoding="utf-8")
    names = {path.stem for path in written if path.suffix == ".svg"}
    assert names == {f"{name}-{mode}" for name in PLOTS.keys() - NEED_PEERS for mode in ("light", "dark")}
    for name in names:
        assert f"performance/{name}.svg" in text
        root = ET.fromstring((folder / f"{name}.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own
        assert root.get("aria-label")
    again = {path: path.read_bytes() for path in written}
    page.write(smoke[1], page=tmp_path / "performance.md", folder=folder)
    assert {path: path.read_bytes() for path in written} == again


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--smoke", "dispach"], "unknown subject: dispach"),
        (["--peers", "pipecat"], "unknown peer: pipecat"),
        (["report", "dispatch"], "unknown subject: report"),
    ],
    ids=["subject", "peer", "report-and-subject"],
)
def test_a_wrong_name_is_refused(arguments: list[str], told: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_the_page_is_what_the_results_say(tmp_path: Path) -> None:
    """What lies in `docs/` was written from what lies in `benchmarks/results/`."""
    folder = tmp_path / "performance"
    page.write(page=tmp_path / "performance.md", folder=folder)
    assert (tmp_path / "performance.md").read_text(encoding="utf-8") == page.PAGE.read_text(encoding="utf-8")
    mine, theirs = ({path.name: path.read_text() for path in where.glob("*.svg")} for where in (folder, page.PLOTS))
    assert mine == theirs
