"""Broken manifests and plugins (`tests/data/bad`), and manifests written inside tests."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import importlib_metadata
import pytest

from rtvi_plugins import Bot, Handlers, Problem, StartupError, hookimpl
from rtvi_plugins.binding.bot import BUILT_IN, load_bots
from rtvi_plugins.hooks.host import PluginHost

BAD = Path(__file__).parent.parent / "data" / "bad"
VERSION = importlib_metadata.version("rtvi-plugins")
_ENTRY_POINT = re.compile(r"^([\w-]+)\s*=", re.MULTILINE)


class Case:
    """One case of `tests/data/bad`: `<name>.yaml`, or a folder `<name>/` that may have `plugins/`."""

    def __init__(self, expected: Path) -> None:
        self.name = expected.stem
        self.expected = expected.read_text(encoding="utf-8").splitlines()
        folder = BAD / self.name
        self.target = self.name if folder.is_dir() else f"{self.name}.yaml"
        self.plugins = folder / "plugins"

    @property
    def has_plugins(self) -> bool:
        return self.plugins.is_dir()

    @property
    def slugs(self) -> list[str]:
        return [line.rpartition("[")[2].removesuffix("]") for line in self.expected]

    @contextmanager
    def host(self) -> Iterator[PluginHost]:
        """Discover the case's own plugins, and none of those installed here."""
        files = self.plugins.glob("*.dist-info/entry_points.txt")
        names = {name for file in files for name in _ENTRY_POINT.findall(file.read_text(encoding="utf-8"))}
        own = {path.stem for path in self.plugins.glob("*")}
        writes = sys.dont_write_bytecode
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(self.plugins))
        importlib.invalidate_caches()
        try:
            yield PluginHost.discover(BUILT_IN, only=names)
        finally:
            sys.path.remove(str(self.plugins))
            sys.dont_write_bytecode = writes
            for module in [name for name in sys.modules if name.partition(".")[0] in own]:
                del sys.modules[module]  # the next case may have another of that name


CASES = [Case(path) for path in sorted(BAD.glob("*.expected"))]


def relative(text: str) -> str:
    """Write the paths inside `tests/data/bad` as seen from there, and our own version as a word."""
    return text.replace(f"{BAD}/", "").replace(f"rtvi-plugins {VERSION}", "rtvi-plugins VERSION")


def plugin(*collections: Handlers, **hooks: object) -> object:
    """Make a plugin that supplies these handlers, and other hooks by name."""

    @hookimpl
    def rtvi_handlers() -> list[Handlers]:
        return list(collections)

    return SimpleNamespace(rtvi_handlers=rtvi_handlers, **hooks)


class Bind:
    """Binds manifests written inside tests to plugins made inside tests; nothing installed takes part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str, name: str = "bot.yaml") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
        return path

    def load(
        self, text: str, plugins: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> tuple[Bot | None, tuple[Problem, ...]]:
        host = PluginHost.discover({**BUILT_IN, **(plugins or {})}, only=())
        bots, problems = load_bots([self.write(text)], host=host, environ=environ or {})
        return (bots[0] if bots else None), problems

    def bot(
        self, text: str, plugins: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> Bot:
        bot, problems = self.load(text, plugins, environ)
        if problems or bot is None:
            raise StartupError(problems)
        return bot

    def problems(self, text: str, plugins: Mapping[str, object] | None = None) -> list[str]:
        """Give the problems as lines, without the folder and without what precedes a plugin's line number."""
        bot, problems = self.load(text, plugins)
        assert bot is None
        return [_without_place(problem) for problem in problems]


def _without_place(problem: Problem) -> str:
    where = f"{problem.where}: " if problem.where else ""
    tail = "".join(f"; {part}" for part in (problem.expected and f"expected {problem.expected}", problem.hint) if part)
    return f"{where}{problem.text}{tail} [{problem.slug}]"


@pytest.fixture
def binding(tmp_path: Path) -> Bind:
    return Bind(tmp_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests, each in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
