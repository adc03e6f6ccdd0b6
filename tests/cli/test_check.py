"""`rtvi check`: what it looks at, its three formats, and where it points."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .conftest import Site

SOUND = "manifest: 1\nbot: {name}\nservices: {{kitchen: {{options: {{pin: {{type: string, mutable: never}}}}}}}}\n"
FAULTY = """\
manifest: 1
bot: faulty
services:
  kitchen:
    plugin: kitchen
    options:
      heat: {type: strng}
    actions:
      ad: {}
"""


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        pytest.param(["a.yaml"], ["a.yaml"], "1 manifest is fine", id="one file"),
        pytest.param(["a.yaml", "b.yml"], ["a.yaml", "b.yml"], "2 manifests are fine", id="files"),
        pytest.param(["x/a.yaml", "x/b.yaml", "c.yaml"], ["x"], "2 manifests are fine", id="folder"),
        pytest.param(["manifests/a.yaml", "b.yaml", "c.yaml"], [], "1 manifest is fine", id="default folder"),
        pytest.param(["a.yaml", "b.yaml"], [], "2 manifests are fine", id="current folder"),
        pytest.param(["a.yaml"], ["--format", "github"], "1 manifest is fine", id="github"),
    ],
)
def test_all_is_fine(site: Site, files: list[str], arguments: list[str], said: str) -> None:
    for file in files:
        site.add_manifest(file, SOUND.format(name=Path(file).stem))
    done = site.rtvi("check", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{said}\n", "")


def test_every_problem_is_one_line_and_counted(site: Site) -> None:
    site.add_manifest("faulty.yaml", FAULTY + "messages: {tomorrow: {plugin: late}}\n")
    site.add_plugin("late", "raise RuntimeError('not today')\n")
    done = site.rtvi("check", "faulty.yaml", "gone.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    *problems, last = done.stdout.splitlines()
    assert problems[-1] == "gone.yaml: no such file or folder [unreadable-file]"
    slugs = {line.rpartition(" ")[2]: line for line in problems}
    broken = f"{site.path / 'rtvi_plugin_late.py'}:1: plugin 'late' (rtvi-plugin-late 1.0): cannot load "
    assert slugs["[broken-plugin]"].startswith(broken)
    kind = slugs["[unknown-type]"]
    assert kind.startswith("faulty.yaml:7:20: services.kitchen.options.heat.type: ")
    assert kind.endswith("did you mean 'string'? [unknown-type]")
    assert slugs["[missing-handler]"].startswith("faulty.yaml:9:7: services.kitchen.actions.ad: ")
    handlers = [line for line in problems if line.endswith("[unknown-handler]")]
    assert handlers
    assert all(line.startswith(f"{site.path / 'rtvi_plugin_kitchen.py'}:") for line in handlers)
    assert last == f"{len(problems)} problems in 2 manifests and 2 plugins; nothing was started"


def test_json(site: Site) -> None:
    site.add_manifest("a.yaml", SOUND.format(name="a"))
    site.add_manifest("b.yaml", "manifest: 2\nbot: b\n")
    done = site.rtvi("check", "a.yaml", "b.yaml", "--format", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["bots"] == ["a"]
    (problem,) = told["problems"]
    assert problem.keys() == {"slug", "severity", "path", "line", "column", "where", "text", "expected", "hint"}
    place = [problem[key] for key in ("slug", "path", "line", "column", "where")]
    assert place == ["bad-version", "b.yaml", 1, 11, "manifest"]
    assert problem["severity"] == "error"
    fine = site.rtvi("check", "a.yaml", "--format", "json")
    assert json.loads(fine.stdout) == {"bots": ["a"], "problems": [], "warnings": []}


WARNED = """\
manifest: 1
bot: warned
services: {post: {options: {to: {type: string, format: emial, mutable: never}}}}
"""
WARNING = "services.post.options.to.format: unknown format 'emial'; did you mean 'email'? [unknown-format]"


def test_a_warning_is_printed_and_no_problem(site: Site) -> None:
    site.add_manifest("a.yaml", SOUND.format(name="a"))
    site.add_manifest("warned.yaml", WARNED)
    done = site.rtvi("check", "a.yaml", "warned.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"warned.yaml:3:56: warning: {WARNING}", "2 manifests are fine, with 1 warning"]
    done = site.rtvi("check", "warned.yaml", "--format", "github")
    assert done.returncode == 0
    lead = "::warning file=warned.yaml,line=3,col=56,title=unknown-format::"
    assert done.stdout.splitlines()[0] == lead + WARNING
    told = json.loads(site.rtvi("check", "warned.yaml", "--format", "json").stdout)
    assert (told["bots"], told["problems"]) == (["warned"], [])
    assert [(one["severity"], one["slug"]) for one in told["warnings"]] == [("warning", "unknown-format")]


def test_strict_makes_a_problem_of_every_warning(site: Site) -> None:
    site.add_manifest("a.yaml", SOUND.format(name="a"))
    site.add_manifest("warned.yaml", WARNED)
    assert site.rtvi("check", "a.yaml", "--strict").returncode == 0
    done = site.rtvi("check", "warned.yaml", "--strict")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [f"warned.yaml:3:56: {WARNING}", "1 problem in 1 manifest; nothing was started"]
    told = json.loads(site.rtvi("check", "warned.yaml", "--strict", "--format", "json").stdout)
    assert ([one["slug"] for one in told["problems"]], told["warnings"]) == (["unknown-format"], [])


def test_warnings_beside_problems_are_counted_apart(site: Site) -> None:
    site.add_manifest("both.yaml", WARNED.replace("}}}}", "}, at: {type: strng, mutable: never}}}}"))
    done = site.rtvi("check", "both.yaml")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 problem and 1 warning in 1 manifest; nothing was started"


def test_describe_and_run_serve_a_bot_with_warnings(site: Site) -> None:
    site.add_manifest("warned.yaml", WARNED)
    assert site.rtvi("describe", "warned.yaml").returncode == 0
    with site.running("warned.yaml") as running:
        assert running.err.wait("unknown-format").endswith(f"warned.yaml:3:56: warning: {WARNING}")
        assert running.end() == 0


def test_github_annotations(site: Site) -> None:
    site.add_manifest("50%,off:now.yaml", "manifest: 1\nbot: b\nservices: {kitchen: {use: ./no%such.yaml}}\n")
    done = site.rtvi("check", "50%,off:now.yaml", "--format", "github")
    assert done.returncode == 1
    problem, last = done.stdout.splitlines()
    lead, _, text = problem.partition("::error ")[2].partition("::")
    assert lead == "file=50%25%2Coff%3Anow.yaml,line=3,col=27,title=unresolved-use"
    assert text.startswith("services.kitchen.use: './no%25such.yaml': ")
    assert last == "1 problem in 1 manifest; nothing was started"


def test_github_annotation_of_a_plugin_inside_the_folder_is_relative(site: Site) -> None:
    (site.work / "inside").mkdir()
    inside = Site(site.work / "inside", site.work)
    inside.add_plugin("inner", "1 / 0\n")
    site.add_manifest("a.yaml", SOUND.format(name="a"))
    path = f"{site.environment['PYTHONPATH']}:{site.work / 'inside'}"
    done = site.rtvi("check", "a.yaml", "--format", "github", env={"PYTHONPATH": path})
    lead = "::warning file=inside/rtvi_plugin_inner.py,line=1,title=broken-plugin::plugin 'inner'"
    assert done.stdout.startswith(lead)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(b"a: &a [*a]\n", id="alias of itself"),
        pytest.param(b"- " * 5000, id="deep"),
        pytest.param(b'bot: "\\x1b[31mred\\n"\n', id="terminal codes"),
        pytest.param(b"manifest: 1\nbot: !!python/object:os.system x\n", id="tag"),
        pytest.param(b"services: {a: {use: '\\0'}}\n", id="odd file name"),
    ],
)
def test_bad_input_is_a_problem_in_plain_text(site: Site, content: bytes) -> None:
    (site.work / "bad.yaml").write_bytes(content)
    done = site.rtvi("check", "bad.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[0].startswith("bad.yaml")
    assert "\x1b" not in done.stdout


def test_file_name_that_is_no_text(site: Site) -> None:
    done = site.rtvi("check", "\udcff\n.yaml", env={"PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "\\udcff\\n.yaml: no such file or folder [unreadable-file]"


@pytest.mark.parametrize("arguments", [["--bad"], ["--format", "xml"]], ids=["unknown option", "unknown format"])
def test_bad_usage(site: Site, arguments: list[str]) -> None:
    done = site.rtvi("check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: rtvi check" in done.stderr


def test_nothing_heavy_is_imported(site: Site) -> None:
    site.add_manifest("a.yaml", SOUND.format(name="a"))
    code = """if True:
        import sys
        from rtvi_plugins.cli import main
        try:
            main()
        except SystemExit as end:
            assert end.code == 0, end.code
        heavy = {"uvicorn", "starlette", "httpx", "websockets", "watchfiles", "rich", "google", "uvloop"}
        print(sorted(heavy & sys.modules.keys()))
    """
    done = site.run([sys.executable, "-c", code, "check", "a.yaml"])
    assert done.stdout == "1 manifest is fine\n[]\n", done.stderr


def test_importing_the_command_line_loads_no_part_of_a_bot(site: Site) -> None:
    code = """if True:
        import sys
        import rtvi_plugins.cli
        heavy = {"asyncio", "pydantic", "yaml", "pluggy", "jsonschema_rs", "rtvi_plugins.binding.bot"}
        print(sorted(heavy & sys.modules.keys()))
    """
    assert site.run([sys.executable, "-c", code]).stdout == "[]\n"


def test_variants_of_one_bot_are_checked_side_by_side(site: Site) -> None:
    for name in ("a.yaml", "b.yaml"):
        site.add_manifest(name, SOUND.format(name="one"))
    done = site.rtvi("check", "a.yaml", "b.yaml")
    assert (done.returncode, done.stdout) == (0, "2 manifests are fine\n")
    assert json.loads(site.rtvi("check", ".", "--format", "json").stdout)["bots"] == ["one", "one"]
    done = site.rtvi("run", "a.yaml", "b.yaml", "--port", "0")
    assert done.returncode == 1
    assert "b.yaml:2:6: bot: the bot 'one' is declared in a.yaml:2:6 too" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "a.yaml", "--allow-origin", "desk.example"], "'desk.example' never matches: it has no scheme"),
        (["run", "a.yaml", "--allow-host", "https://bot.example"], "a host name has no scheme"),
        (["describe", "127.0.0.1:9", "--token", "  "], "the token is blank"),
        (["call", "127.0.0.1:9", "a.b", "--token", "hunter2-hunter2\n"], "the token holds white space"),
    ],
)
def test_who_may_come_in_is_checked_on_the_command_line_too(site: Site, arguments: list[str], said: str) -> None:
    site.add_manifest("a.yaml", SOUND.format(name="a"))
    done = site.rtvi(*arguments, env={"COLUMNS": "200"})
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "hunter2" not in done.stderr
