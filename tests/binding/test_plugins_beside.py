"""Plugins beside a manifest: found, checked, kept apart, and refused where they cannot be."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from rtvi_plugins import Bot, StartupError
from rtvi_plugins.testing import connect

MANIFEST = "manifest: 1\nbot: shop\nplugins: [{said}]\nservices: {{till: {{plugin: {name}, actions: {{add: {{}}}}}}}}\n"
SHOP = """
from rtvi_plugins import Handlers, hookimpl
from .helper import WORD
till = Handlers("till")
@till.action("add")
async def add(processor): return WORD
@hookimpl
def rtvi_handlers(): return [till]
"""


def write(folder: Path, files: dict[str, str], said: str = "./shop.py", name: str = "shop") -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dedent(text))
    (folder / "bot.yaml").write_text(MANIFEST.format(said=said, name=name))
    return folder / "bot.yaml"


def is_compiled(folder: Path) -> bool:
    return any(folder.rglob("__pycache__"))


FOUND = {
    "module": ({"shop.py": SHOP, "helper.py": "WORD = 'here'"}, "./shop.py", "shop"),
    "without dot": ({"shop.py": SHOP, "helper.py": "WORD = 'here'"}, "shop.py", "shop"),
    "package": ({"shop/__init__.py": SHOP, "shop/helper.py": "WORD = 'here'"}, "./shop", "shop"),
    "in a folder": ({"lib/shop.py": SHOP, "lib/helper.py": "WORD = 'here'"}, "./lib/shop.py", "shop"),
    "hyphen": ({"my-shop.py": SHOP, "helper.py": "WORD = 'here'"}, "./my-shop.py", "my-shop"),
}


@pytest.mark.parametrize(("files", "said", "name"), FOUND.values(), ids=FOUND.keys())
async def test_found(tmp_path: Path, files: dict[str, str], said: str, name: str) -> None:
    before = list(sys.path)
    path = write(tmp_path, files, said, name)
    async with connect(Bot.load(path)) as client:
        assert await client.call("till.add") == "here"
    assert sys.path == before
    assert not {"shop", "helper"} & sys.modules.keys()
    assert not is_compiled(tmp_path)


async def test_files_of_one_name_do_not_clash(tmp_path: Path) -> None:
    bots = []
    for word in ("one", "two"):
        folder = tmp_path / word
        folder.mkdir()
        bots.append(Bot.load(write(folder, {"shop.py": SHOP, "helper.py": f"WORD = {word!r}"})))
    for bot, word in zip(bots, ("one", "two"), strict=True):
        async with connect(bot) as client:
            assert await client.call("till.add") == word


REFUSED = {
    "missing": ({"shop_.py": ""}, "./shop.py", "no such file or folder; did you mean 'shop_.py'? [unreadable-file]"),
    "folder": ({"shop/a.py": ""}, "./shop", "is a folder without '__init__.py'"),
    "no Python": ({"shop.txt": ""}, "./shop.txt", "is no Python file"),
    "outside": ({}, "../shop.py", "[outside-root]"),
    "absolute": ({}, "/etc/shop.py", "[outside-root]"),
    "name": ({"2shop.py": ""}, "./2shop.py", "[bad-name]"),
    "syntax": ({"shop.py": "x = 1\ndef f(:\n"}, "./shop.py", "shop.py:2:7: plugin 'shop' (./shop.py): cannot load"),
    "exit": ({"shop.py": "raise SystemExit(0)\n"}, "./shop.py", "SystemExit: 0 [broken-plugin]"),
    "sibling": (
        {"shop.py": "import helper_of_mine\n", "helper_of_mine.py": ""},
        "./shop.py",
        "what lies beside is imported by 'from . import helper_of_mine' [broken-plugin]",
    ),
    "hook": ({"shop.py": "def rtvi_handlers(): return []\n"}, "./shop.py", "put @hookimpl on it [unknown-hook]"),
}


@pytest.mark.parametrize(("files", "said", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, files: dict[str, str], said: str, told: str) -> None:
    with pytest.raises(StartupError) as caught:
        Bot.load(write(tmp_path, files, said))
    assert told in str(caught.value)


def test_a_link_leads_nowhere_outside(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "shop.py").write_text("raise RuntimeError('was imported')\n")
    (inside / "shop.py").symlink_to(tmp_path / "shop.py")
    path = write(inside, {})
    with pytest.raises(StartupError, match="outside-root"):
        Bot.load(path)
    with pytest.raises(StartupError, match="was imported"):
        Bot.load(path, root=tmp_path)


def test_the_name_of_an_installed_plugin_is_taken(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"its name is taken by plugin 'builtin'.*rename the file"):
        Bot.load(write(tmp_path, {"builtin.py": ""}, "./builtin.py"))


STAGE = """
from pipecat.processors.frame_processor import FrameProcessor
class Stage(FrameProcessor): ...
"""


def test_a_stage_is_found_beside_the_manifest(tmp_path: Path) -> None:
    before = list(sys.path)
    (tmp_path / "stages_beside.py").write_text(STAGE)
    stages = "  stages: [transport.input, {use: 'NAME:Stage'}, transport.output]\n"
    text = f"manifest: 1\nbot: b\nfunctions: {{f: {{}}}}\npipeline:\n{stages}"
    (tmp_path / "bot.yaml").write_text(text.replace("NAME", "stages_beside"))
    assert Bot.load(tmp_path / "bot.yaml").pipeline is not None
    (tmp_path / "bot.yaml").write_text(text.replace("NAME", "stages_elsewhere"))
    with pytest.raises(StartupError, match="there is no module 'stages_elsewhere'"):
        Bot.load(tmp_path / "bot.yaml")
    assert sys.path == before
    assert "stages_beside" not in sys.modules
