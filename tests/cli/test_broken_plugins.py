"""A broken plugin keeps no bot from starting that does not need it: `run`, `check`, `--strict`, and leaving it out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Site

PLAIN = "manifest: 1\nbot: plain\nservices: {{desk: {{options: {{pin: {{type: string, mutable: never}}}}}}}}\n{more}"
RAISES = "from rtvi_plugins import hookimpl\n@hookimpl\ndef {hook}({parameters}):\n    raise {what}\n"
LAMP = """
from rtvi_plugins import Handlers, hookimpl
lamp = Handlers("lamp")
@lamp.action("on")
async def on(processor) -> bool:
    return True
@hookimpl
def rtvi_handlers():
    return [lamp]
"""


def plain(site: Site, more: str = "") -> Path:
    return site.add_manifest("plain.yaml", PLAIN.format(more=more))


def _module(code: str) -> Callable[[Site], None]:
    return lambda site: _add(site, code)


def _add(site: Site, code: str) -> None:
    site.add_plugin("bad", code)


def _gone(site: Site) -> None:
    site.add_plugin("bad", "").unlink()


def _without_metadata(site: Site) -> None:
    site.add_plugin("bad", LAMP)
    (site.path / "rtvi_plugin_bad-1.0.dist-info" / "METADATA").write_bytes(b"\xff\xfe\xfa")


def _without_value(site: Site) -> None:
    site.add_plugin("bad", LAMP)
    (site.path / "rtvi_plugin_bad-1.0.dist-info" / "entry_points.txt").write_text("[rtvi_plugins]\nbad =\n")


def _no_name(site: Site) -> None:
    site.add_plugin("bad", LAMP)
    (site.path / "rtvi_plugin_bad-1.0.dist-info" / "entry_points.txt").write_text(
        "[rtvi_plugins]\nno name = rtvi_plugin_bad\n"
    )


def _twice(site: Site) -> None:
    site.add_plugin("bad", LAMP)
    info = site.path / "rtvi_plugin_other-1.0.dist-info"
    shutil.copytree(site.path / "rtvi_plugin_bad-1.0.dist-info", info)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rtvi-plugin-other\nVersion: 1.0\n")


def _needy(site: Site) -> None:
    site.add_plugin("bad", LAMP)
    (site.path / "rtvi_plugin_bad-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: rtvi-plugin-bad\nVersion: 1.0\nRequires-Dist: no-such-library-at-all\n"
    )


BROKEN: dict[str, Callable[[Site], None]] = {
    "import": _module("import nothing_of_this_name\n"),
    "syntax": _module("def (:\n"),
    "exit": _module("raise SystemExit(0)\n"),
    "exit by sys": _module("import sys\nsys.exit('bye')\n"),
    "interrupt": _module("raise KeyboardInterrupt\n"),
    "generator exit": _module("raise GeneratorExit\n"),
    "base exception": _module("class Panic(BaseException): pass\nraise Panic('a\\nb')\n"),
    "group": _module("raise BaseExceptionGroup('x', [SystemExit()])\n"),
    "recursion": _module("def f(): f()\nf()\n"),
    "folder gone": _gone,
    "hook": _module(RAISES.format(hook="rtvi_handlers", parameters="", what="RuntimeError('no')")),
    "hook exits": _module(RAISES.format(hook="rtvi_manifests", parameters="", what="SystemExit(1)")),
    "hook of responders": _module(RAISES.format(hook="rtvi_responders", parameters="", what="KeyboardInterrupt")),
    "bad results": _module(
        "from rtvi_plugins import hookimpl\n@hookimpl\ndef rtvi_handlers(): return 3\n"
        "@hookimpl\ndef rtvi_manifests(): return 4\n@hookimpl\ndef rtvi_responders(): return 5\n"
    ),
    "unknown hook": _module("from rtvi_plugins import hookimpl\n@hookimpl\ndef rtvi_handler(): pass\n"),
    "unreadable metadata": _without_metadata,
    "no value": _without_value,
    "no name": _no_name,
    "name taken": _twice,
    "requirement": _needy,
}
ALL = pytest.mark.parametrize("breaks", BROKEN.values(), ids=BROKEN.keys())


@ALL
def test_check_warns_in_one_line(site: Site, breaks: Callable[[Site], None]) -> None:
    plain(site)
    breaks(site)
    done = site.rtvi("check", "plain.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    warning, last = done.stdout.splitlines()
    assert "warning: " in warning
    assert "bad" in warning
    assert last == "1 manifest is fine, with 1 warning"


def test_strict_makes_it_a_problem(site: Site) -> None:
    plain(site)
    site.add_plugin("bad", "1 / 0\n")
    warning = site.rtvi("check", "plain.yaml").stdout.splitlines()[0]
    strict = site.rtvi("check", "plain.yaml", "--strict")
    assert strict.returncode == 1
    assert strict.stdout.splitlines()[0] == warning.replace("warning: ", "")
    listed = site.rtvi("plugins")
    assert listed.returncode == 1
    assert "kitchen" in listed.stdout


@pytest.mark.parametrize("kind", ["import", "interrupt", "hook exits", "bad results", "unreadable metadata"])
def test_run_serves_and_warns_in_one_line(site: Site, kind: str) -> None:
    plain(site)
    BROKEN[kind](site)
    with site.running("plain.yaml") as running:
        assert running.end() == 0
    warnings = [line for line in running.err.all if "bad" in line]
    assert len(warnings) == 1
    assert "[broken-plugin]" in warnings[0] or "[bad-hook]" in warnings[0]


NEEDED = {
    "service": ("services: {lamp: {plugin: bad, actions: {on: {}}}}", "import x_y_z\n"),
    "service of that name": ("services: {bad: {actions: {on: {}}}}", "import x_y_z\n"),
    "service of another name": ("services: {torch: {actions: {on: {}}}}", "import x_y_z\n"),
    "use": ("services: {lamp: {use: bad}}", "import x_y_z\n"),
    "use of another name": ("services: {lamp: {use: torch}}", "import x_y_z\n"),
    "message": ("messages: {shout: {plugin: bad}}", "import x_y_z\n"),
    "message of anybody": ("messages: {shout: {}}", "import x_y_z\n"),
    "event": ("ui: {events: {clicked: {plugin: bad}}}", "import x_y_z\n"),
    "responder": ("messages: {}\nruntime: {responder: bad}\nfunctions: {f: {}}", "import x_y_z\n"),
    "handlers, and a fault beside": (
        "services: {lamp: {actions: {on: {}}}}",
        LAMP + "@hookimpl\ndef rtvi_midleware(): return []\n",
    ),
}


@pytest.mark.parametrize(("declared", "code"), NEEDED.values(), ids=NEEDED.keys())
def test_what_a_manifest_needs_is_a_problem(site: Site, declared: str, code: str) -> None:
    site.add_manifest("needy.yaml", f"manifest: 1\nbot: needy\n{declared}\n")
    site.add_plugin("bad", code)
    done = site.rtvi("check", "needy.yaml", "--format", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert "plugin 'bad' (rtvi-plugin-bad 1.0)" in [p["text"][:34] for p in told["problems"]]
    assert not [warning for warning in told["warnings"] if "'bad'" in warning["text"]]


def test_run_starts_nothing_that_needs_it(site: Site) -> None:
    site.add_manifest("needy.yaml", "manifest: 1\nbot: needy\nmessages: {shout: {plugin: bad}}\n")
    site.add_plugin("bad", "1 / 0\n")
    done = site.rtvi("run", "needy.yaml", "--port", "0")
    assert done.returncode == 1
    assert "nothing was started" in done.stdout


def test_what_nobody_supplies_names_the_broken_plugins(site: Site) -> None:
    text = "manifest: 1\nbot: b\nservices: {torch: {actions: {on: {}}}}\nruntime: {responder: torch}\n"
    site.add_manifest("lacking.yaml", text)
    for name in ("one", "two"):
        site.add_plugin(name, "1 / 0\n")
    done = site.rtvi("check", "lacking.yaml")
    lines = done.stdout.splitlines()
    suspicion = "; plugins 'one' and 'two' are broken and may supply it ["
    assert [slug for slug in ("missing-handler", "unknown-responder") if any(f"{suspicion}{slug}]" in x for x in lines)]
    assert len([line for line in lines if suspicion in line]) == 2
    assert len([line for line in lines if line.endswith("[broken-plugin]") and "warning" not in line]) == 2


def test_a_sound_plugin_that_lacks_a_handler_accuses_nobody_else(site: Site) -> None:
    site.add_manifest(
        "lacking.yaml", "manifest: 1\nbot: b\nservices: {lamp: {plugin: lamp, actions: {on: {}, off: {}}}}\n"
    )
    site.add_plugin("lamp", LAMP)
    site.add_plugin("bad", "1 / 0\n")
    lines = site.rtvi("check", "lacking.yaml").stdout.splitlines()
    assert [line for line in lines if "[missing-handler]" in line and "may supply" not in line]
    assert [line for line in lines if "[broken-plugin]" in line and "warning: " in line]


POLICY = {
    "middleware": RAISES.format(hook="rtvi_middleware", parameters="", what="RuntimeError"),
    "bad middleware": "from rtvi_plugins import hookimpl\n@hookimpl\ndef rtvi_middleware(): return [print]\n",
    "misspelt": "from rtvi_plugins import hookimpl\n@hookimpl\ndef rtvi_midleware(): return []\n",
    "unmarked": "def rtvi_middleware(): return []\n",
    "session hook": "from rtvi_plugins import hookimpl\n@hookimpl\ndef rtvi_session_started(sesion): pass\n",
}


@pytest.mark.parametrize("code", POLICY.values(), ids=POLICY.keys())
def test_what_works_for_every_bot_is_needed_by_every_bot(site: Site, code: str) -> None:
    plain(site)
    site.add_plugin("policy", code)
    done = site.rtvi("check", "plain.yaml")
    assert done.returncode == 1
    assert "warning" not in done.stdout
    assert site.rtvi("check", "plain.yaml", env={"RTVI_DISABLED_PLUGINS": "policy"}).stdout == "1 manifest is fine\n"


@pytest.mark.parametrize("kind", ["import", "no value", "name taken", "requirement"])
def test_a_disabled_plugin_is_not_told_of(site: Site, kind: str) -> None:
    BROKEN[kind](site)
    plain(site)
    done = site.rtvi("check", "plain.yaml", env={"RTVI_DISABLED_PLUGINS": " bad, kitchen ,"})
    assert (done.returncode, done.stdout) == (0, "1 manifest is fine\n")
    plain(site, "runtime: {plugins: {disabled: [bad]}}\n")
    done = site.rtvi("check", "plain.yaml")
    assert (done.returncode, done.stdout) == (0, "1 manifest is fine\n")


@pytest.mark.parametrize("by", ["environment", "manifest", "one of two manifests"])
def test_left_out_means_never_imported(site: Site, by: str) -> None:
    mark = site.work / "imported"
    site.add_plugin("noisy", f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n")
    more = "" if by == "environment" else "runtime: {plugins: {disabled: [noisy]}}\n"
    plain(site, more)
    paths = ["plain.yaml"]
    if by == "one of two manifests":
        paths.append("other.yaml")
        site.add_manifest("other.yaml", PLAIN.format(more="").replace("bot: plain", "bot: other"))
    done = site.rtvi("check", *paths, env={"RTVI_DISABLED_PLUGINS": "noisy"} if by == "environment" else {})
    assert done.returncode == 0
    assert mark.exists() == (by == "one of two manifests")


def test_state_of_a_disabled_plugin(site: Site) -> None:
    site.add_plugin("bad", "1 / 0\n")
    done = site.rtvi("plugins", "--format", "json", env={"RTVI_DISABLED_PLUGINS": "bad"})
    assert done.returncode == 0
    told = {plugin["name"]: plugin["state"] for plugin in json.loads(done.stdout)["plugins"]}
    assert (told["bad"], told["kitchen"], told["builtin"]) == ("disabled", "ok", "ok")


def test_a_manifest_that_needs_what_is_disabled(site: Site) -> None:
    site.add_manifest("lamp.yaml", "manifest: 1\nbot: b\nservices: {lamp: {plugin: lamp, actions: {on: {}}}}\n")
    site.add_plugin("lamp", LAMP)
    assert site.rtvi("check", "lamp.yaml").returncode == 0
    done = site.rtvi("check", "lamp.yaml", env={"RTVI_DISABLED_PLUGINS": "lamp"})
    assert done.returncode == 1
    assert "plugin 'lamp' is disabled; by RTVI_DISABLED_PLUGINS" in done.stdout


def test_two_manifests_of_which_one_leaves_a_plugin_out(site: Site) -> None:
    site.add_plugin("lamp", LAMP)
    lamp = "manifest: 1\nbot: {name}\nservices: {{lamp: {{actions: {{on: {{}}}}}}}}\n"
    site.add_manifest("on.yaml", lamp.format(name="on"))
    site.add_manifest("off.yaml", lamp.format(name="off") + "runtime: {plugins: {disabled: [lamp]}}\n")
    told = json.loads(site.rtvi("check", "on.yaml", "off.yaml", "--format", "json").stdout)
    assert told["bots"] == ["on"]
    assert [(p["slug"], p["path"]) for p in told["problems"]] == [("missing-handler", "off.yaml")]


def test_unknown_names_are_suggested(site: Site) -> None:
    plain(site, "runtime: {plugins: {disabled: [kichen, builtin]}}\n")
    done = site.rtvi("check", "plain.yaml", env={"RTVI_DISABLED_PLUGINS": "kitchn"})
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    text = "names 'kitchn', which is not installed; did you mean 'kitchen'? [unknown-plugin]"
    assert lines[0] == f"warning: RTVI_DISABLED_PLUGINS {text}"
    place = "warning: runtime.plugins.disabled[0]: plugin 'kichen' is not installed; did you mean 'kitchen'?"
    assert lines[1] == f"plain.yaml:4:32: {place} [unknown-plugin]"
    assert "disabled[1]: plugin 'builtin' is not installed" in lines[2]
    assert lines[3:] == ["1 manifest is fine, with 3 warnings"]
