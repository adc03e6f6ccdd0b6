"""What a person sees: colours and tables on a terminal, none of that elsewhere; and the command inside Pipecat's."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

from .conftest import TIMEOUT_S, Running, Site

COMMANDS = ["run", "check", "describe", "plugins", "schema", "call"]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(site: Site, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run the command on a pseudo-terminal; gives the exit code and all that it wrote."""
    leader, follower = pty.openpty()
    environment = site.environment | {"TERM": "xterm-256color", "COLUMNS": "100"} | dict(env or {})
    with subprocess.Popen(
        site.command(*arguments), cwd=site.work, env=environment, stdin=follower, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        written = b""
        try:
            while piece := os.read(leader, 65536):
                written += piece
        except OSError:  # Linux tells the end of a terminal in this way
            pass
        finally:
            os.close(leader)
        return process.wait(TIMEOUT_S), written.decode()


FAULTY = "manifest: 1\nbot: 3\nservices: {}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        pytest.param(["check", "faulty.yaml"], 1, "[wrong-type]", id="check"),
        pytest.param(["describe", "kitchen.yaml"], 0, "begins as 7", id="describe"),
        pytest.param(["plugins"], 0, "rtvi-plugin-kitchen", id="plugins"),
        pytest.param(["call", "{url}", "kitchen.greet", "name=Ada"], 0, '"Hello, Ada!"', id="call"),
        pytest.param(["call", "{url}"], 0, '"heat": 7', id="call for configuration"),
    ],
)
def test_colours_on_a_terminal_only(shared: Site, bot: Running, arguments: list[str], code: int, part: str) -> None:
    shared.add_manifest("faulty.yaml", FAULTY)
    arguments = [argument.format(url=bot.url) for argument in arguments]
    ended, coloured = on_terminal(shared, *arguments)
    assert ended == code
    assert COLOUR.search(coloured)
    assert part in COLOUR.sub("", coloured)
    _, plain = on_terminal(shared, *arguments, env={"NO_COLOR": "1"})
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][;m]", plain), "a colour in spite of NO_COLOR"
    assert part in COLOUR.sub("", plain)
    assert "\x1b" not in shared.rtvi(*arguments).stdout


def test_streamed_text_cannot_steer_the_terminal(shared: Site, bot: Running) -> None:
    code, said = on_terminal(shared, "call", bot.url, "--text", "\x1b]0;mine\x07")
    assert code == 0
    assert said == "\\x1b]0;mine\\x07! \r\n"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "piped"])
def test_help_is_complete(shared: Site, command: str, is_terminal: bool) -> None:
    if is_terminal:
        code, text = on_terminal(shared, command, "--help", env={"NO_COLOR": "1"})
        text = COLOUR.sub("", text)
        assert "─" in text
    else:
        done = shared.rtvi(command, "--help")
        code, text = done.returncode, done.stdout
        assert text.isascii()
    assert code == 0
    assert f"Example: rtvi {command}" in text
    assert "Exit codes: 0" in text


def test_overview(shared: Site) -> None:
    done = shared.rtvi("--help")
    assert done.returncode == 0
    listed = re.findall(r"^  ([a-z]+) +(.*)$", done.stdout.partition("Commands:\n")[2], re.MULTILINE)
    assert [name for name, _ in listed] == COMMANDS
    assert not any(text.endswith("...") for _, text in listed)


@pytest.mark.parametrize("arguments", [["bake"], ["--bake"]], ids=["unknown command", "unknown option"])
def test_bad_usage(shared: Site, arguments: list[str]) -> None:
    done = shared.rtvi(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: rtvi" in done.stderr


def test_mounted_as_pipecats_cli_mounts_extensions(shared: Site) -> None:
    code = """if True:
        from importlib.metadata import entry_points
        import typer

        host = typer.Typer(name="pipecat")
        host.command("init")(lambda: None)
        for entry_point in entry_points(group="pipecat_cli.extensions", name="rtvi"):
            host.add_typer(entry_point.load(), name=entry_point.name)
        host()
    """
    run = [sys.executable, "-c", code, "rtvi"]
    checked = shared.run([*run, "check", "kitchen.yaml"])
    assert (checked.returncode, checked.stdout) == (0, "1 manifest is fine\n"), checked.stderr
    refused = shared.run([*run, "check", "nothere.yaml"])
    assert (refused.returncode, refused.stdout.count("[unreadable-file]")) == (1, 1)
    overview = shared.run([*run, "--help"]).stdout
    assert all(f" {command} " in overview for command in COMMANDS)
