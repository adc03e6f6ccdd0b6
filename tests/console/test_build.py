"""The committed files are what the sources make."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtvi_plugins.console.page import ASSETS
from tests.console.harness import SOURCE, run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]


def test_the_same_sources_give_the_same_bytes(npm: str, tmp_path: Path) -> None:
    run("node", "build.mjs", str(tmp_path))
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_bytes() for path in ASSETS.iterdir()}
    assert built.keys() == committed.keys(), "run `make console` and commit what it builds"
    assert [name for name in built if built[name] != committed[name]] == [], "run `make console`"


def test_types_and_rules_hold(npm: str) -> None:
    run(npm, "run", "--silent", "check")


def test_every_bundled_package_has_its_licence() -> None:
    notices = (ASSETS / "licences.txt").read_text(encoding="utf-8").split("-" * 80)[1:]
    names = {notice.split()[0] for notice in notices}
    assert {"react", "react-dom", "@rjsf/core", "@rjsf/utils", "@pipecat-ai/client-js"} <= names
    assert {"@pipecat-ai/websocket-transport", "@cfworker/json-schema"} <= names
    assert [notice.split()[0] for notice in notices if "copyright" not in notice.lower()] == []


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (SOURCE / "package-lock.json").read_text()
