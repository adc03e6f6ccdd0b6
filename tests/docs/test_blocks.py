"""Every block that is no command: manifests are bound, code runs, exchanges are held, JavaScript is read by Node."""

from __future__ import annotations
import __future__

import ast
import asyncio
import inspect
import json
import os
import re
import shutil
import subprocess
import tomllib
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from rtvi_plugins import Bot, load_bots
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.manifest.model import Manifest
from rtvi_plugins.testing import MemoryPort

from .blocks import LANGUAGES, PAGES, ROOT, Step, blocks_of, items_of, matches, parameters

BY_HAND = "by-hand.yaml"
"""The manifest of a bot whose pipeline a program makes: `rtvi check` warns that nothing else can serve it."""
MAY_NOT_RUN = 2
"""Blocks that are only read; more than these few would be too many."""


def pages_with(language: str) -> list[Any]:
    found = [page for page in PAGES if any(block.language == language for block in blocks_of(page))]
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in found]


def test_every_block_is_of_a_language_that_is_tested() -> None:
    blocks = [block for page in PAGES for block in blocks_of(page)]
    assert {block.place: block.language for block in blocks if block.language not in LANGUAGES} == {}
    assert len([block.place for block in blocks if block.not_run]) <= MAY_NOT_RUN
    assert sum(page.read_text(encoding="utf-8").count("\n```") for page in PAGES) == 2 * len(blocks)


@pytest.mark.parametrize("block", parameters("yaml"))
def test_manifest_is_sound(block: Any, tmp_path: Path) -> None:
    """A part of a manifest is completed, a service file is used; then it is bound to the plugins of this repository."""
    given = yaml.safe_load(block.text)
    if not isinstance(given, dict):
        assert given is None or "rtvi check" in str(given)  # a comment for editors, or a step of a workflow
        return
    text = block.text
    if "manifest" not in given:
        assert given.keys() <= Manifest.model_fields.keys()
        text = f"manifest: 1\nbot: example\n{text}"
    elif "bot" not in given:
        (tmp_path / "service.yaml").write_text(text, encoding="utf-8")
        text = "manifest: 1\nbot: example\nservices: {taken: {use: ./service.yaml}}\n"
    (tmp_path / "bot.yaml").write_text(text, encoding="utf-8")
    bots, problems = load_bots([tmp_path / "bot.yaml"])
    told = [problem.render() for problem in problems if not (problem.is_warning and block.file == BY_HAND)]
    assert told == []
    assert len(bots) == 1


@pytest.mark.parametrize("page", pages_with("toml"))
def test_toml_is_read(page: Path) -> None:
    for block in blocks_of(page):
        if block.language == "toml":
            assert "rtvi_plugins" in tomllib.loads(block.text)["project"]["entry-points"]


@pytest.mark.parametrize("page", pages_with("python"))
def test_python_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks run in order, in a folder that holds the page's files; what has hooks is taken for a plugin, and sound."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for block in blocks_of(page):
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        if block.language != "python" or block.not_run:
            continue
        # Hooks show their signatures, whose names need not be there; examples may await, as in a coroutine.
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | __future__.annotations.compiler_flag
        code = compile("\n" * (block.line - 1) + block.text, str(page), "exec", flags=flags, dont_inherit=True)
        if block.file or block.name:
            continue  # run by the commands of the page, or imported by a block further down
        module = types.ModuleType("example")
        function = types.FunctionType(code, vars(module))
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(function())
        else:
            function()
        if "@hookimpl" in block.text:
            host = PluginHost.discover({"example": module}, only=())
            host.stages()
            assert [problem.render() for problem in host.problems] == []
            assert [hook for plugin in host.plugins for hook in plugin.hooks]


@pytest.mark.parametrize("page", pages_with("text"))
def test_exchanges_are_held(page: Path) -> None:
    """The text blocks of a page are one session with the concierge: `→` is sent, `←` has to come, and nothing else."""

    async def hold() -> list[str]:
        bot = Bot.load(ROOT / "manifests" / "concierge.yaml")
        came: asyncio.Queue[Any] = asyncio.Queue()
        processor = bot.processor_class(port=MemoryPort(came.put_nowait))
        await bot.session_started(processor)
        wrong = []
        for block in blocks_of(page):
            for number, line in enumerate(block.text.splitlines() if block.language == "text" else (), block.line):
                arrow, _, text = line.partition(" ")
                if arrow == "→":
                    assert came.empty(), came.get_nowait()
                    await processor.handle_message(json.loads(text))
                else:
                    assert arrow == "←", f"{block.place}: neither sent nor received: {line}"
                    actual = json.dumps(await asyncio.wait_for(came.get(), 5), ensure_ascii=False)
                    if not matches(text, actual):
                        wrong.append(f"{page.name}:{number}:\nexpected: {text}\nactual:   {actual}")
        assert came.empty(), came.get_nowait()
        await processor.close()
        await bot.session_ended(processor, "ended")
        return wrong

    wrong = asyncio.run(hold())
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("block", parameters("javascript"))
def test_javascript_is_read(block: Any, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("Node.js is not installed")
        pytest.skip("Node.js is not installed")
    (tmp_path / "page.mjs").write_text(block.text, encoding="utf-8")
    done = subprocess.run(
        [node, "--check", tmp_path / "page.mjs"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


def anchors_of(page: Path) -> set[str]:
    """Give the anchors of headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    lost = []
    for link in LINK.finditer(text):
        target = (page.parent / link["path"]).resolve() if link["path"] else page
        if not target.exists() or (link["anchor"] and link["anchor"] not in anchors_of(target)):
            lost.append(link[0])
    assert lost == []


def test_comments_are_steps_that_are_known() -> None:
    """A comment with a slip in it would be no comment to the tests, and its block would be taken for another."""
    known = re.compile(r"(generated: |/generated$|(file|name|needs|not run|save|play|edit|figures): )")
    for page in PAGES:
        comments = re.findall(r"<!-- (.*?) -->", page.read_text(encoding="utf-8"), re.DOTALL)
        assert [comment for comment in comments if not known.match(comment)] == [], page.name
        items = items_of(page)
        taken = [one for one in items if isinstance(one, Step) or one.file or one.name or one.needs or one.not_run]
        said = [comment for comment in comments if not comment.startswith(("generated", "/generated", "figures"))]
        assert len(taken) == len(said), page.name
