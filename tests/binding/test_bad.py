"""Every broken manifest and plugin of `tests/data/bad`: the right lines, all of them, and nothing started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from rtvi_plugins.binding.bot import load_bots
from rtvi_plugins.errors import SLUGS, sort_problems
from tests.binding.conftest import BAD, CASES, Case, relative

ROOT = Path(__file__).parent.parent.parent
NAMES_WHAT_IS_INSTALLED = {"missing-handler", "unknown-plugin", "unknown-responder", "unresolved-use"}
"""Problems whose text depends on the plugins of this environment, which the command sees and the cases do not."""
OF_RUN = {"duplicate-bot", "token-of-two-bots"}
"""Cases that are faulty only where their bots run together; `rtvi check` takes each by itself."""
OF_OTHERS = {*OF_RUN, "duplicate-supplies", "two-plugins-of-one-name", "unmet-requirement"}
"""Cases where the manifest itself is sound and has all its handlers; it is another file that is at fault."""
WARNINGS_ONLY = {"ignored-bind", "missing-host", "unknown-formats"}
"""Cases in which nothing keeps the bot from starting."""


@pytest.fixture(autouse=True)
def in_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_problems(case: Case) -> None:
    with case.host() as host:
        bots, problems = load_bots([case.target], host=host, environ={})
        assert [relative(problem.render()) for problem in problems] == case.expected
        assert problems == sort_problems(problems)
        assert bool(bots) == (case.name in OF_OTHERS | WARNINGS_ONLY)
        assert all(problem.is_warning for problem in problems) == (case.name in WARNINGS_ONLY)


def test_every_case_has_its_expectation() -> None:
    paths = [path for path in BAD.iterdir() if path.name[0] != "."]
    cases = {path.stem for path in paths if path.is_dir() or path.suffix == ".yaml"}
    assert cases == {case.name for case in CASES}
    assert len(CASES) >= 40


def test_every_slug_has_a_case() -> None:
    covered = {slug for case in CASES for slug in case.slugs}
    assert covered <= set(SLUGS)
    assert set(SLUGS) == covered


def test_every_line_says_where_and_what() -> None:
    """A place is missing only where nothing of a plugin could be found, and then the plugin is named."""
    for case in CASES:
        assert case.expected, case.name
        for line in case.expected:
            assert line.startswith((case.target.partition("/")[0], "plugin '")), line
            assert "Traceback" not in line, line
            assert " got None" not in line, line


def test_no_secret_is_told() -> None:
    for case in CASES:
        assert "hunter2" not in "\n".join(case.expected), case.name


def run(*arguments: str, path: Iterable[Path] = ()) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RTVI_")} | {
        "PYTHONPATH": os.pathsep.join(filter(None, [*map(str, path), str(ROOT), os.environ.get("PYTHONPATH")])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }
    command = [sys.executable, "-m", "rtvi_plugins", *arguments]
    return subprocess.run(command, cwd=BAD, env=environment, capture_output=True, text=True, timeout=300, check=False)


def independent(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if NAMES_WHAT_IS_INSTALLED.isdisjoint(case.slugs)]


def test_command_on_all_manifests_at_once() -> None:
    cases = independent(case for case in CASES if not case.has_plugins and case.name not in OF_RUN)
    done = run("check", *(case.target for case in cases))
    assert done.returncode == 1, done.stderr
    *lines, closing = done.stdout.splitlines()
    assert sorted(map(relative, lines)) == sorted(line for case in cases for line in case.expected)
    warnings = sum(": warning: " in line for line in lines)
    assert closing.startswith(f"{len(lines) - warnings} problems and {warnings} warnings in ")
    assert closing.endswith("; nothing was started")
    assert "Traceback" not in done.stdout + done.stderr


def test_command_on_all_plugins_at_once() -> None:
    cases = independent(case for case in CASES if case.has_plugins)
    done = run("check", "--format", "json", *(case.target for case in cases), path=[case.plugins for case in cases])
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    problems = told["problems"] + told["warnings"]
    given = {(relative(p["path"]), p["line"], p["column"], p["slug"]) for p in problems}
    for case in cases:
        for line, slug in zip(case.expected, case.slugs, strict=True):
            assert any(
                p[3] == slug and line.startswith(":".join(str(part) for part in p[:3] if part)) for p in given
            ), line
    assert len(problems) == sum(len(case.expected) for case in cases)
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["rules-with-faults", "broken-import", "handler-types"])
def test_command_on_one_plugin(name: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    done = run("check", case.target, path=[case.plugins])
    assert done.returncode == 1, done.stderr
    *lines, closing = done.stdout.splitlines()
    assert [relative(line) for line in lines] == case.expected
    assert closing.endswith("; nothing was started")
    assert done.stderr == ""


@pytest.mark.parametrize("name", sorted(OF_RUN))
def test_bots_that_cannot_run_together_are_fine_one_by_one(name: str) -> None:
    assert run("check", name).returncode == 0
    done = run("run", name, "--port", "0")
    (case,) = (case for case in CASES if case.name == name)
    assert (done.returncode, done.stderr) == (1, "")
    assert relative(done.stdout).splitlines()[:-1] == case.expected


@pytest.mark.parametrize("name", ["bad-defaults", "broken-import"])
def test_run_starts_nothing(name: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    done = run("run", case.target, "--port", "0", path=[case.plugins] if case.has_plugins else [])
    assert done.returncode == 1, done.stdout
    assert all(line in relative(done.stdout + done.stderr) for line in case.expected)
    assert "Traceback" not in done.stdout + done.stderr
