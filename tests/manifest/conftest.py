"""Loading manifests written inside tests."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rtvi_plugins.errors import Problem
from rtvi_plugins.manifest.load import LoadedManifest, load_manifests


@dataclass(frozen=True, slots=True)
class Outcome:
    """What loading gave; `lines` are the problems without the folder's name."""

    loaded: tuple[LoadedManifest, ...]
    problems: tuple[Problem, ...]
    lines: list[str]

    @property
    def only(self) -> LoadedManifest:
        assert len(self.loaded) == 1, self.lines
        return self.loaded[0]


Load = Callable[..., Outcome]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write files and load some of them: `bot.yaml` unless `paths` says otherwise."""

    def run(
        files: str | Mapping[str, str | bytes],
        *,
        paths: tuple[str, ...] = ("bot.yaml",),
        shipped: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Outcome:
        given = {"bot.yaml": files} if isinstance(files, str) else files
        for name, text in given.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        loaded, problems = load_manifests(
            [tmp_path / path for path in paths],
            shipped={Path(name).stem: tmp_path / name for name in shipped},
            environ=environ or {},
        )
        return Outcome(loaded, problems, [p.render().replace(f"{tmp_path}/", "") for p in problems])

    return run
