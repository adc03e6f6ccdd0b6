"""Plugin code beside a manifest, by every command that reads one: it needs no installation, whatever runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Site
from .test_reload import HOSTS, Lenient, session, ws_of

MANIFEST = """\
manifest: 1
bot: {name}
plugins: [./shop.py]
services:
  shop: {{actions: {{which: {{description: Says which one it is., result: string}}}}}}
"""
SHOP = """
from rtvi_plugins import Handlers, hookimpl
from .words import WHICH

shop = Handlers("shop")

@shop.action("which")
async def which(processor):
    return WHICH

@hookimpl
def rtvi_handlers():
    return [shop]
"""
SERVE = """
from pathlib import Path
from pipecat.runner.types import RunnerArguments
from rtvi_plugins.pipecat import bot_from_manifest

bot = bot_from_manifest(Path(__file__).with_name("bot.yaml"))
print("loaded", bot.__name__)
"""


def write(site: Site, folder: str, word: str, more: str = "") -> Path:
    """Write a bot and its plugin; returns the module that the plugin imports."""
    site.add_manifest(f"{folder}/bot.yaml", MANIFEST.format(name="one") + more)
    site.add_manifest(f"{folder}/shop.py", SHOP)
    return site.add_manifest(f"{folder}/words.py", f"WHICH = '{word}'\n")


@pytest.mark.parametrize(("more", "path"), HOSTS)
def test_a_change_of_what_the_plugin_imports_is_served(site: Site, more: str, path: str) -> None:
    words = write(site, "bots/a", "first", more)
    place = Lenient(site.path, site.work) if more else site
    with place.running("bots/a/bot.yaml", "--reload") as running:
        with session(ws_of(running, path)) as old:
            assert old.call("which") == "first"
            words.write_text("WHICH = nothing\n")
            assert "words.py" in running.out.wait("broken-plugin")
            running.err.wait("what was served before goes on")
            assert old.call("which") == "first"
            words.write_text("WHICH = 'second'\n")
            assert old.end()[1] == 1012
        running.out.wait("serving one")
        with session(ws_of(running, path)) as new:
            assert new.call("which") == "second"
        assert running.end() == 0


def test_commands_that_only_read(site: Site) -> None:
    write(site, "bots/a", "first")
    for folder in (site.work, site.work / "bots", site.work / "bots" / "a"):
        here = Site(site.path, folder)
        manifest = (site.work / "bots" / "a" / "bot.yaml").relative_to(folder)
        assert here.rtvi("check", manifest).returncode == 0
        described = here.rtvi("describe", manifest)
        assert "action shop.which: Says which one it is." in described.stdout
    assert not list(site.work.rglob("__pycache__"))


def test_a_bot_of_a_program(site: Site) -> None:
    write(site, "bots/a", "first", "pipeline: {}\nruntime: {responder: echo}\n")
    site.add_manifest("bots/a/serve.py", SERVE)
    place = Lenient(site.path, site.work)
    done = place.run([*place.command()[:1], "bots/a/serve.py"])
    assert done.returncode == 0, done.stderr
    assert "loaded bot" in done.stdout
