"""`rtvi call --start`: start data from the command line, read as the bot describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .conftest import Running, Site

MANIFEST = """
manifest: 1
bot: shop
start:
  customer: {type: string, default: nobody}
  level: {type: integer, maximum: 9, required: false}
  tags: {type: array, items: {type: string}, required: false}
services:
  kitchen:
    plugin: shop
    actions: {started: {result: object}}
runtime: {auth: {tokens: {anna: anna-token-1}}}
"""
PLUGIN = """
from rtvi_plugins import Handlers, hookimpl

kitchen = Handlers("kitchen")

@kitchen.action("started")
async def started(processor):
    return dict(processor.session.start)

@hookimpl
def rtvi_handlers():
    return [kitchen]
"""
TOKEN = {"RTVI_TOKEN": "anna-token-1"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("starts")
    made = Site(folder / "site", folder / "work", TOKEN)
    made.path.mkdir()
    made.work.mkdir()
    made.add_plugin("shop", PLUGIN)
    made.add_manifest("shop.yaml", MANIFEST)
    return made


@pytest.fixture(scope="module")
def shop(place: Site) -> Iterator[Running]:
    with place.running("shop.yaml") as running:
        yield running


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([], {"customer": "nobody"}, id="none"),
        pytest.param(["customer=17"], {"customer": "17"}, id="text, as declared"),
        pytest.param(
            ["customer=c-17", "level=3", 'tags=["a"]'], {"customer": "c-17", "level": 3, "tags": ["a"]}, id="types"
        ),
    ],
)
def test_sent(place: Site, shop: Running, given: list[str], expected: object) -> None:
    starts = [part for pair in given for part in ("--start", pair)]
    done = place.rtvi("call", shop.url, "kitchen.started", *starts)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        pytest.param("level=12", 1, "Invalid start data: level: must be at most 9 [invalid-start]", id="refused"),
        pytest.param("levle=1", 1, "did you mean 'level'?", id="unknown"),
        pytest.param("level=x", 2, "level (integer): ", id="not of its type"),
        pytest.param("level", 2, "expected name=value", id="no pair"),
    ],
)
def test_refused(place: Site, shop: Running, given: str, code: int, text: str) -> None:
    done = place.rtvi("call", shop.url, "kitchen.started", "--start", given)
    assert done.returncode == code
    assert text in " ".join(done.stderr.replace("│", " ").split())


def test_a_socket_takes_none(place: Site, shop: Running) -> None:
    done = place.rtvi("call", f"ws://{shop.address}/ws", "kitchen.started", "--start", "level=1")
    assert done.returncode == 2
    assert "--start goes with the http address" in " ".join(done.stderr.replace("│", " ").split())
