"""`rtvi call` with what takes long, what the bot sends, and what it asks of the client."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtvi_plugins.cli.following import portion_of, words_of

from .conftest import TIMEOUT_S, Running, Site, _new_site

OVEN = """
import asyncio
import pathlib
from rtvi_plugins import ActionError, Handlers, hookimpl

oven = Handlers("oven")

@oven.action("bake")
async def bake(processor, job, *, loaves: int) -> str:
    for number in range(loaves):
        await job.update({"done": number, "total": loaves, "doing": "baking"})
    return f"{loaves} loaves"

@oven.action("burn")
async def burn(processor, job):
    raise ActionError("It burnt", code="burnt")

@oven.action("roast")
async def roast(processor, job, *, notes: str):
    await job.update({"progress": 0.5, "doing": "roasting"})
    try:
        await asyncio.sleep(3600)
    finally:
        pathlib.Path(notes).write_text("ended")

@oven.action("smoke")
async def smoke(processor, job, *, notes: str):
    await job.update("smoking")
    while not pathlib.Path(notes + ".enough").exists():
        await asyncio.sleep(0.02)
    pathlib.Path(notes).write_text("done")

@oven.action("looks_like_one")
async def looks_like_one(processor):
    return {"job_id": "x"}

@oven.action("where")
async def where(processor):
    return await processor.call_function("locate", {"exact": True})

@hookimpl
def rtvi_handlers():
    return [oven]
"""

MANIFEST = """
manifest: 1
bot: oven
services:
  oven:
    actions:
      bake: {job: true, arguments: {loaves: {type: integer, default: 3}}, result: string}
      burn: {job: true}
      roast: {job: true, timeout: 1h, arguments: {notes: string}}
      smoke: {job: true, timeout: 1h, cancellable: false, arguments: {notes: string}}
      looks_like_one: {result: object}
      where: {}
functions:
  locate: {arguments: {exact: bool}, timeout: 20s}
"""


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = _new_site(tmp_path_factory.mktemp("oven"))
    site.add_plugin("oven", OVEN)
    site.add_manifest("oven.yaml", MANIFEST)
    return site


@pytest.fixture(scope="module")
def oven(kitchen: Site) -> Iterator[Running]:
    with kitchen.running("oven.yaml") as running:
        yield running


@pytest.mark.parametrize("more", [[], ["--legacy"]], ids=["new", "legacy"])
def test_a_job_is_followed_to_its_result(kitchen: Site, oven: Running, more: list[str]) -> None:
    done = kitchen.rtvi("call", oven.url, "oven.bake", "loaves=2", *more)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 loaves\n", "")


def test_a_job_that_fails(kitchen: Site, oven: Running) -> None:
    done = kitchen.rtvi("call", oven.url, "oven.burn")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rtvi: the job failed: It burnt")


def test_a_result_that_looks_like_a_job(kitchen: Site, oven: Running) -> None:
    done = kitchen.rtvi("call", oven.url, "oven.looks_like_one")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"job_id": "x"})


def _wait_for(path: Path) -> str:
    """Wait for a handler's note; the bound is for a handler that never writes one."""
    for _ in range(TIMEOUT_S * 20):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    pytest.fail(f"{path.name} was not written")


def _start_and_interrupt(kitchen: Site, oven: Running, action: str, notes: Path) -> tuple[int, str, str]:
    """Follow a job until it has reported, then press Ctrl-C."""
    with subprocess.Popen(
        kitchen.command("call", oven.url, action, f"notes={notes}", "--events"),
        cwd=kitchen.work,
        env=kitchen.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if "job_update" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, seen + rest, errors


def test_ctrl_c_cancels_the_job_and_says_so(kitchen: Site, oven: Running, tmp_path: Path) -> None:
    notes = tmp_path / "roast"
    code, out, errors = _start_and_interrupt(kitchen, oven, "oven.roast", notes)
    assert code == 130
    assert errors.splitlines() == [
        "rtvi: cancelling the job; Ctrl-C again leaves without waiting",
        "rtvi: the job was cancelled",
    ]
    assert '"status": "cancelled"' in out
    assert _wait_for(notes) == "ended"


def test_ctrl_c_leaves_a_job_that_cannot_be_cancelled(kitchen: Site, oven: Running, tmp_path: Path) -> None:
    notes = tmp_path / "smoke"
    code, _, errors = _start_and_interrupt(kitchen, oven, "oven.smoke", notes)
    assert (code, errors.splitlines()[0]) == (130, "rtvi: leaving; the job goes on")
    Path(f"{notes}.enough").touch()
    assert _wait_for(notes) == "done"


def test_a_detached_job_goes_on(kitchen: Site, oven: Running, tmp_path: Path) -> None:
    notes = tmp_path / "roast"
    done = kitchen.rtvi("call", oven.url, "oven.roast", f"notes={notes}", "--detach")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout).keys() == {"job_id"}
    kitchen.rtvi("call", oven.url, "oven.bake")  # a session more, so that the first one's end is past
    assert not notes.exists()


def test_events_are_printed_as_they_come(kitchen: Site, oven: Running) -> None:
    done = kitchen.rtvi("call", oven.url, "oven.bake", "loaves=1", "--events")
    assert done.returncode == 0
    *events, result = done.stdout.splitlines()
    assert result == "1 loaves"
    types = [json.loads(event)["type"] for event in events]
    assert types[0] == "bot-ready"
    assert types.count("ui-job-group") == 4


def test_events_alone_until_ctrl_c(kitchen: Site, oven: Running) -> None:
    with subprocess.Popen(
        kitchen.command("call", oven.url, "--events"),
        cwd=kitchen.work,
        env=kitchen.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "bot-ready"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize("more", [[], ["--legacy"]], ids=["new", "legacy"])
@pytest.mark.parametrize(("given", "result"), [('{"lat": 1}', {"lat": 1}), ("here", "here"), ("3", 3)])
def test_a_function_is_answered(kitchen: Site, oven: Running, more: list[str], given: str, result: object) -> None:
    done = kitchen.rtvi("call", oven.url, "oven.where", "--answer", f"locate={given}", *more, "--json-arguments", "{}")
    assert (done.returncode, done.stderr) == (0, "")
    assert (done.stdout == f"{result}\n") if isinstance(result, str) else (json.loads(done.stdout) == result)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--answer", "locate"], "'locate' is no answer; expected name=value", id="no value"),
        pytest.param(["--answer", "locate={"], "--answer locate: not JSON", id="no JSON"),
        pytest.param(["--detach"], "--detach needs an action", id="nothing to detach"),
    ],
)
def test_bad_usage(kitchen: Site, oven: Running, arguments: list[str], said: str) -> None:
    done = kitchen.rtvi("call", oven.url, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_on_a_terminal_there_is_a_bar_and_a_prompt(kitchen: Site, oven: Running) -> None:
    leader, follower = pty.openpty()
    environment = kitchen.environment | {"TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(
        kitchen.command("call", oven.url, "oven.where"),
        cwd=kitchen.work,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        written = b""
        while b'locate({"exact": true}) = ' not in written:
            written += os.read(leader, 65536)
        os.write(leader, b'{"here": 1}\n')
        try:
            while piece := os.read(leader, 65536):
                written += piece
        except OSError:  # Linux tells the end of a terminal in this way
            pass
        finally:
            os.close(leader)
        assert process.wait(TIMEOUT_S) == 0
    assert '"here": 1' in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.decode())


@pytest.mark.parametrize(
    ("data", "portion"),
    [
        ({"progress": 0.25}, 0.25),
        ({"progress": 25}, 0.25),
        ({"percent": 50}, 0.5),
        ({"done": 1, "total": 4}, 0.25),
        ({"step": 9, "of": 3}, 1.0),
        (0.5, 0.5),
        ({"progress": True}, None),
        ({"done": 1}, None),
        ({"done": 1, "total": 0}, None),
        ("words", None),
        (7, None),
        (None, None),
    ],
)
def test_how_far_a_report_says_the_job_is(data: object, portion: float | None) -> None:
    assert portion_of(data) == portion


def test_what_a_report_says_in_words() -> None:
    assert words_of({"progress": 1, "doing": "the\x1b[31m bed"}) == "the\\x1b[31m bed"
    assert words_of({"progress": 1}) == '{"progress": 1}'
    assert words_of("two\nlines") == "two\\nlines"
    assert len(words_of("x" * 500)) == 80
