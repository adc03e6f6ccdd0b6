"""`rtvi describe`: from a manifest and from the running bot."""

from __future__ import annotations

import json
import re
import socket

import pytest

from .conftest import Running, Site

TABLE = """\
{name}{description}

service kitchen: The stove and what stands on it.
  option   type             default                 values      unit  mutable  client  description
  heat     integer          5{begins}                 1..9        bars  live     write   How hot.
  mode     string           gas                     gas, steam        live     write
  tags     array of string  []                                        live     write
  is_open  boolean          false                                     start    write
"""
ACTIONS = """\
action kitchen.add: Adds two numbers.
  argument   type    default   values  description
  a          number  required  <=1000
  b          number  1         <=1000  What comes on top.
  -> result  number                    The sum.

action kitchen.greet
  argument   type    default   values
  name       string  required  >=1 characters
  -> result  string

action kitchen.echo_back
  argument   type
  whole      integer
  list       array
  flag       boolean
  any        any
  -> result  any
"""


def words(text: str) -> str:
    """Make all gaps one space: how wide columns are is another matter."""
    return re.sub(" +", " ", text)


def test_manifest_as_table(shared: Site) -> None:
    done = shared.rtvi("describe", "kitchen.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    expected = TABLE.format(name="kitchen", description=": Cooks what is asked for.", begins=" (begins as 7)")
    assert words(done.stdout).startswith(words(expected).removesuffix("\n"))
    assert ACTIONS in done.stdout
    assert "pin string (secret) live none" in words(done.stdout)
    assert "message ping: Comes back.\n" in done.stdout
    assert "top-secret-pin" not in done.stdout


def test_columns_are_aligned(shared: Site) -> None:
    lines = shared.rtvi("describe", "kitchen.yaml").stdout.splitlines()
    start = lines.index("service kitchen: The stove and what stands on it.") + 1
    header, *rows = lines[start : start + 5]
    column = header.index("mutable")
    assert [row[column:].split()[0] for row in rows] == ["live", "live", "live", "start"]


def test_running_bot_as_table(shared: Site, bot: Running) -> None:
    done = shared.rtvi("describe", f"ws://{bot.address}/ws")
    assert (done.returncode, done.stderr) == (0, "")
    expected = TABLE.format(name="kitchen", description=": Cooks what is asked for.", begins="")
    assert words(done.stdout).startswith(words(expected))
    assert ACTIONS in done.stdout
    assert "message ping: Comes back.\n" in done.stdout
    assert "secret" not in done.stdout


def test_json(shared: Site, bot: Running) -> None:
    of_manifest = shared.rtvi("describe", "kitchen.yaml", "--format", "json")
    of_bot = shared.rtvi("describe", bot.address, "--format", "json")
    assert (of_manifest.returncode, of_bot.returncode) == (0, 0)
    assert "top-secret-pin" not in of_manifest.stdout + of_bot.stdout
    manifest, running = json.loads(of_manifest.stdout), json.loads(of_bot.stdout)
    assert (manifest["bot"], manifest["description"]) == ("kitchen", "Cooks what is asked for.")
    assert (running["bot"], running["description"]) == ("kitchen", "Cooks what is asked for.")
    for key in ("actions", "messages", "functions", "ui"):
        assert manifest[key] == running[key]
    assert [message["name"] for message in manifest["messages"]] == ["ping"]
    (service,), (told,) = manifest["services"], running["services"]
    heat, *_, pin = service["options"]
    assert (heat["default"], heat["initial"]) == (5, 7)
    assert pin == {
        "name": "pin",
        "type": "string",
        "schema": {"type": "string"},
        "client": "none",
        "secret": True,
    }
    shown = [{key: value for key, value in option.items() if key != "initial"} for option in service["options"][:-1]]
    assert told["options"] == shown


def test_problems_come_before_any_description(site: Site) -> None:
    site.add_manifest("bad.yaml", "manifest: 1\nbot: bad\n")
    done = site.rtvi("describe", "bad.yaml")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].endswith("[empty-bot]")
    assert done.stdout.splitlines()[-1] == "1 problem in 1 manifest; nothing was started"


def test_folder_of_several_is_bad_usage(site: Site) -> None:
    for name in ("a", "b"):
        site.add_manifest(
            f"x/{name}.yaml", f"manifest: 1\nbot: {name}\nservices: {{kitchen: {{actions: {{hang: {{}}}}}}}}\n"
        )
    done = site.rtvi("describe", "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "2 manifests in 'x'; name one of them" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param([], 2, id="nothing named"),
        pytest.param(["ftp://h"], 2, id="bad address"),
        pytest.param(["kitchen.yaml", "--format", "xml"], 2, id="unknown format"),
        pytest.param(["nothere.yaml"], 1, id="no such file"),
    ],
)
def test_exit_codes(shared: Site, arguments: list[str], code: int) -> None:
    assert shared.rtvi("describe", *arguments).returncode == code


def test_unreachable_bot(shared: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = shared.rtvi("describe", f":{port}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith("connection refused; is the bot running?\n")
