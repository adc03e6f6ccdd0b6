"""`rtvi plugins` and `rtvi schema`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import jsonschema_rs
import pytest
import yaml

from .conftest import HERE, Site

COLUMNS = ["plugin", "distribution", "version", "state", "hooks", "supplies"]


def rows(text: str) -> dict[str, Sequence[str]]:
    """Take a table apart: its rows by their first cell."""
    cells = [re.split(r" {2,}", line) for line in text.splitlines()]
    return {row[0]: row[1:] for row in cells}


def test_table(shared: Site) -> None:
    done = shared.rtvi("plugins")
    assert (done.returncode, done.stderr) == (0, "")
    table = rows(done.stdout)
    assert table["plugin"] == COLUMNS[1:]
    supplies = "12 handlers for kitchen, 1 handler for messages, responder parrot"
    assert table["kitchen"] == ["rtvi-plugin-kitchen", "1.0", "ok", "handlers responders", supplies]
    assert table["builtin"][-1] == "responders echo rules"


def test_every_thing_a_plugin_can_supply(site: Site) -> None:
    site.add_plugin(
        "shop",
        """
        from pathlib import Path
        from rtvi_plugins import hookimpl

        @hookimpl
        def rtvi_manifests():
            return {"shop": Path(__file__)}

        @hookimpl
        def rtvi_middleware():
            return [audit]

        async def audit(call, call_next):
            return await call_next(call)

        @hookimpl
        def rtvi_session_started(processor):
            pass
        """,
        version="2.5",
    )
    hooks = "manifests middleware session_started"
    listed = ["rtvi-plugin-shop", "2.5", "ok", hooks, "manifest shop, middleware"]
    assert rows(site.rtvi("plugins").stdout)["shop"] == listed


BROKEN = {
    "import": ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    "exit": ("import sys\nsys.exit(0)\n", "SystemExit: 0"),
    "hook": (
        "from rtvi_plugins import hookimpl\n@hookimpl\ndef rtvi_handler(): pass\n",
        "did you mean 'rtvi_handlers'?",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_plugin(site: Site, kind: str) -> None:
    code, reason = BROKEN[kind]
    file = site.add_plugin("broken", code)
    done = site.rtvi("plugins")
    assert (done.returncode, done.stderr) == (1, "")
    table, _, problems = done.stdout.partition("\n\n")
    assert rows(table)["broken"][:3] == ["rtvi-plugin-broken", "1.0", "broken"]
    assert rows(table)["kitchen"][2] == "ok"
    problem, last = problems.splitlines()
    assert problem.startswith(f"{file}:")
    assert reason in problem
    assert re.fullmatch(r"1 problem in [0-9]+ plugins", last)


def test_json(site: Site) -> None:
    file = site.add_plugin("broken", "1 / 0\n")
    done = site.rtvi("plugins", "--format", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    by_name = {plugin["name"]: plugin for plugin in told["plugins"]}
    kitchen = by_name["kitchen"]
    assert (kitchen["distribution"], kitchen["version"], kitchen["problems"]) == ("rtvi-plugin-kitchen", "1.0", [])
    assert kitchen["path"] == str(site.path / "rtvi_plugin_kitchen.py")
    assert {"kind": "message", "service": None, "name": "ping"}.items() <= kitchen["handlers"][-1].items()
    assert kitchen["handlers"][-1]["line"] > 0
    assert kitchen["responders"] == ["parrot"]
    (problem,) = told["problems"]
    assert by_name["broken"]["problems"] == [problem]
    assert (problem["slug"], problem["path"], problem["line"]) == ("broken-plugin", str(file), 1)


def test_schema(shared: Site) -> None:
    done = shared.rtvi("schema")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    validator = jsonschema_rs.validator_for(schema)
    manifest = yaml.safe_load((HERE / "kitchen.yaml").read_text())
    assert validator.is_valid(manifest)
    assert not validator.is_valid(manifest | {"servces": {}})


def test_schema_to_file(site: Site) -> None:
    done = site.rtvi("schema", "--output", "out.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (site.work / "out.json").read_text() == site.rtvi("schema").stdout


@pytest.mark.parametrize("output", ["no/such/folder.json", "."])
def test_schema_to_nowhere(site: Site, output: str) -> None:
    done = site.rtvi("schema", "--output", output)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: rtvi schema" in done.stderr


def test_schema_proposes_what_is_installed(site: Site) -> None:
    bare = json.loads(site.rtvi("schema", "--no-plugins").stdout)
    full = json.loads(site.rtvi("schema").stdout)
    assert bare != full
    service = next(
        form for form in (full["$defs"]["Service"], *full["$defs"]["Service"].get("anyOf", ())) if "properties" in form
    )
    proposed, as_before = service["properties"]["plugin"]["anyOf"]
    assert "kitchen" in proposed["enum"]
    assert "anyOf" in as_before or as_before["type"] == "string"
    assert "parrot" in full["$defs"]["ResponderChoice"]["anyOf"][0]["enum"]
    site.add_manifest("m.yaml", "manifest: 1\nbot: a\nservices: {kitchen: {plugin: elsewhere}}\n")
    for schema in (bare, full):
        jsonschema_rs.Draft202012Validator(schema).validate(
            {"manifest": 1, "bot": "a", "services": {"k": {"plugin": "elsewhere"}}}
        )
