"""Real installed distributions, written the way an installer leaves them."""

from __future__ import annotations

import importlib
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_numbers = itertools.count()


SOUND = """
    from rtvi_plugins.handlers import Handlers
    from rtvi_plugins.hooks.hookspecs import hookimpl

    parrot = Handlers("parrot")

    @parrot.action("say")
    async def say(processor, *, text: str) -> bool:
        return True

    @hookimpl
    def rtvi_handlers():
        return [parrot]
"""


class Site:
    """A folder on `sys.path` that distributions are installed into. `sound` is the code of a plugin without faults."""

    sound = SOUND

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        name: str,
        code: str | None = None,
        *,
        distribution: str | None = None,
        version: str = "1.0",
        requires: tuple[str, ...] = (),
        entry_points: str | None = None,
        files: dict[str, str] | None = None,
    ) -> str:
        """Install plugin `name` with this code; returns its module's name, which no other test uses."""
        distribution = distribution or f"rtvi-plugin-{name}"
        module = f"{distribution.replace('-', '_')}_{next(_numbers)}"
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{needs}\nText.\n"
        )
        (info / "entry_points.txt").write_text(entry_points or f"[rtvi_plugins]\n{name} = {module}\n")
        record = [f"{info.name}/METADATA,,", f"{info.name}/entry_points.txt,,"]
        for path, text in {f"{module}.py": code, **(files or {})}.items():
            if text is not None:
                target = self.folder / path.replace("MODULE", module)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(textwrap.dedent(text))
                record.append(f"{path},,")
        (info / "RECORD").write_text("\n".join(record))
        importlib.invalidate_caches()
        return module


@pytest.fixture
def make_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Site]]:
    before = set(sys.modules)

    def make(folder: str) -> Site:
        (tmp_path / folder).mkdir()
        monkeypatch.syspath_prepend(tmp_path / folder)
        return Site(tmp_path / folder)

    yield make
    for name in set(sys.modules) - before:
        if name.startswith("rtvi_plugin_"):
            del sys.modules[name]


@pytest.fixture
def site(make_site: Callable[[str], Site]) -> Site:
    return make_site("site")
