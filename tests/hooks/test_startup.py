"""The start while plugins are imported and asked: who is named when it hangs, and how Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rtvi_plugins.hooks import startup
from rtvi_plugins.hooks.host import PluginHost

if TYPE_CHECKING:
    from tests.hooks.conftest import Site

SLOW = "import time\ntime.sleep(0.9)\n"
HOOK = """
import time
from rtvi_plugins import hookimpl
@hookimpl
def rtvi_handlers():
    time.sleep(0.9)
    return []
"""


@pytest.mark.parametrize(
    ("code", "doing"), [(SLOW, "importing '{}'"), (HOOK, "hook 'rtvi_handlers'")], ids=["import", "hook"]
)
def test_what_keeps_the_start_waiting_is_named(
    site: Site, code: str, doing: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "PATIENCE_S", 0.2)
    monkeypatch.setattr(startup._Step.__init__, "__defaults__", (0.2,))
    module = site.install("slow", code)
    site.install("quick", site.sound)
    assert PluginHost.discover(only=["slow", "quick"]).problems == ()
    told = [record.getMessage() for record in caplog.records]
    assert told
    lead = f"the start waits for plugin 'slow' (rtvi-plugin-slow 1.0): {doing.format(module)} since "
    assert all(line.startswith(lead) for line in told)
    assert len(told) <= 3  # at 0.2, 0.4 and 0.8 s, and not with every look


def test_a_quick_start_says_nothing_and_leaves_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    before = signal.getsignal(signal.SIGINT)
    site.install("quick", site.sound)
    PluginHost.discover(only=["quick"])
    assert caplog.records == []
    assert signal.getsignal(signal.SIGINT) is before
    assert not [thread for thread in threading.enumerate() if thread.name == "rtvi-start"]


def test_the_start_may_happen_in_any_thread(site: Site) -> None:
    site.install("quick", site.sound)
    found: list[PluginHost] = []
    thread = threading.Thread(target=lambda: found.append(PluginHost.discover(only=["quick"])))
    thread.start()
    thread.join()
    assert [plugin.name for plugin in found[0].plugins] == ["quick"]


LOOPS = {
    "import": "while True: pass\n",
    "hook": "from rtvi_plugins import hookimpl\n@hookimpl\ndef rtvi_manifests():\n    while True: pass\n",
    "swallows": "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n",
}


COMMANDS = [
    pytest.param("import", ["check"], id="check-import"),
    pytest.param("hook", ["check"], id="check-hook"),
    pytest.param("swallows", ["check"], id="check-swallows"),
    pytest.param("import", ["run", "--port", "0"], id="run-import"),
    pytest.param("hook", ["plugins"], id="plugins-hook"),
]


@pytest.mark.parametrize(("kind", "command"), COMMANDS)
def test_commands_name_a_plugin_that_loops_and_end_by_ctrl_c(tmp_path: Path, kind: str, command: list[str]) -> None:
    info = tmp_path / "rtvi_plugin_loop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rtvi-plugin-loop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rtvi_plugins]\nloop = rtvi_plugin_loop\n")
    (tmp_path / "rtvi_plugin_loop.py").write_text(textwrap.dedent(LOOPS[kind]))
    (tmp_path / "a.yaml").write_text("manifest: 1\nbot: a\nfunctions: {f: {}}\n")
    arguments = command if command == ["plugins"] else [command[0], "a.yaml", *command[1:]]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "rtvi_plugins", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "the start waits for plugin 'loop' (rtvi-plugin-loop 1.0): " in line:
                    break
            else:
                pytest.fail("the plugin was never named")
            for _ in range(3 if kind == "swallows" else 1):
                process.send_signal(signal.SIGINT)
                if kind == "swallows":
                    process.poll()
                    threading.Event().wait(0.3)
            rest = process.stderr.read()
            code = process.wait(30)
        finally:
            process.kill()
    assert code == 130
    assert "interrupted while plugin 'loop' (rtvi-plugin-loop 1.0) was at work: " in rest
    assert "Traceback" not in rest
