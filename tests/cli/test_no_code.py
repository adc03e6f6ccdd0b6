"""`rtvi check --no-code`: the files alone are read; nothing of a stranger's runs."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Site

TELLTALE = """\
import pathlib, sys
pathlib.Path({path!r}).write_text(__name__)
"""
MANIFEST = """\
manifest: 1
bot: stranger
plugins: ["./shop.py"]
services:
  kitchen:
    plugin: telltale
    options: {heat: {type: integer, default: 3}}
    actions: {add: {arguments: {what: string}}}
  pantry: {use: pantry}
messages: {echo: {plugin: telltale}}
runtime: {responder: telltale}
pipeline: {stages: [transport.input, {use: "stage_beside:Stage"}, transport.output]}
config: {pantry: {shelf: 3}}
"""
RUN = """\
import json, sys
before = set(sys.modules)
from rtvi_plugins.cli import main
sys.argv = ["rtvi", "check", *{arguments!r}]
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""


def test_nothing_is_imported(site: Site) -> None:
    written = site.work / "imported.txt"
    telltale = TELLTALE.format(path=str(written))
    site.add_plugin("telltale", telltale)
    (site.path / "stage_beside.py").write_text(telltale)
    (site.work / "shop.py").write_text(telltale)
    (site.work / "stage_beside.py").write_text(telltale)
    site.add_manifest("bot.yaml", MANIFEST)
    done = site.run([*site.command()[:1], "-c", RUN.format(arguments=["bot.yaml", "--no-code"])])
    code, modules = json.loads(done.stderr)
    assert (code, done.stdout.splitlines()[0]) == (0, "1 manifest is fine")
    ours = {"rtvi_plugin_telltale", "shop", "stage_beside", "pipecat", "rtvi_plugins.pipecat"}
    assert ours & set(modules) == set()
    assert not any(name.startswith("rtvi_plugin_") for name in modules)
    assert not written.exists()
    # The same files with their code, so that this test would notice.
    site.run([*site.command()[:1], "-m", "rtvi_plugins", "check", "bot.yaml"])
    assert written.exists()


def test_it_says_what_it_could_not_check(site: Site) -> None:
    site.add_manifest("bot.yaml", MANIFEST)
    done = site.rtvi("check", "bot.yaml", "--no-code")
    assert (done.returncode, done.stderr) == (0, "")
    fine, unchecked = done.stdout.splitlines()
    assert fine == "1 manifest is fine"
    assert unchecked.removeprefix("not checked, for that takes code: ").split("; ") == [
        "handlers",
        "the plugins beside a manifest",
        "the stages of a pipeline, and what is bound to them",
        "the settings of a responder",
        "what 'use: pantry' takes",
    ]
    told = json.loads(site.rtvi("check", "bot.yaml", "--no-code", "--format", "json").stdout)
    assert (told["bots"], told["problems"], len(told["unchecked"])) == (["stranger"], [], 5)


FAULTY = """\
manifest: 1
bot: stranger
services:
  kitchen:
    plugin: kitchen
    options:
      heat: {type: strng}
      rate: {type: integer, default: fast}
      key: {type: string, default: "${env:RTVI_TEST_NONE}"}
    actions: {add: {arguments: {what: {type: object, requird: [a]}}}}
  other: {use: ../outside.yaml}
functions: {f: {arguments: {x: {type: integer, default: y}}, timeout: soon}}
config: {kitchen: {rat: 5}}
runtime: {auth: }
"""


def test_form_schemas_defaults_and_references_are_checked(site: Site) -> None:
    site.add_manifest("bot.yaml", FAULTY)
    done = site.rtvi("check", "bot.yaml", "--no-code", "--format", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["bots"] == []
    assert {(problem["slug"], problem["line"]) for problem in told["problems"]} == {
        ("unknown-type", 7), ("bad-default", 8), ("unset-env", 9), ("unknown-key", 10), ("outside-root", 11),
        ("bad-default", 12), ("bad-duration", 12), ("unknown-option", 13), ("bad-auth", 14),
    }  # fmt: skip


def test_the_shipped_bots_are_fine_by_their_files(site: Site) -> None:
    manifests = Path(__file__).parent.parent.parent / "manifests"
    done = site.rtvi("check", manifests, "--no-code")
    assert (done.returncode, done.stdout.count("are fine")) == (0, 1)
