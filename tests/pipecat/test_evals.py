"""The text bot under Pipecat's own eval runner, which compares texts: no judge, no key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.pipecat.launching import TEXT_BOT, running

SCENARIOS = Path(__file__).parent / "evals" / "text-pipecat.yaml"


def evaluate(scenarios: Path, logs: Path) -> subprocess.CompletedProcess[str]:
    """Run scenarios against the bot."""
    with running(TEXT_BOT) as process:
        command = ["-m", "pipecat.evals", "run", str(scenarios), "--bot-url", f"{process.ws}/ws"]
        return subprocess.run(
            [sys.executable, *command, "--logs-dir", str(logs)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def test_scenarios_pass(tmp_path: Path) -> None:
    done = evaluate(SCENARIOS, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1/1 passed" in done.stdout


def test_scenario_that_is_not_met_fails(tmp_path: Path) -> None:
    """The runner does compare."""
    scenarios = tmp_path / "wrong.yaml"
    scenarios.write_text(
        SCENARIOS.read_text().replace("The lamp is now on.", "The lamp is now off.").replace("10000", "500")
    )
    done = evaluate(scenarios, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
