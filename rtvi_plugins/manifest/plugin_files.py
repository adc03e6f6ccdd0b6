"""What a manifest says about plugins, read before they are loaded: files beside it, and what it leaves out.

The plugins may ship what the manifest uses, so this has to be known first. What is wrong with a file is told when it is
loaded; here it only says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rtvi_plugins.errors import Location
from rtvi_plugins.manifest.env import fill_in
from rtvi_plugins.manifest.files import ManifestFile, find_files, read_bytes
from rtvi_plugins.manifest.merging import part_at
from rtvi_plugins.manifest.source import Source, read_source

KEY: Final = "plugins"


@dataclass(frozen=True, slots=True)
class PluginFile:
    """One entry of `plugins:`.

    manifest: the manifest's file, as the user wrote it; said: the entry, as it stands there.
    root:     the folder, links resolved, that the file must lie in.
    location, where: of the entry.
    """

    manifest: str
    said: str
    root: str
    location: Location
    where: str


@dataclass(frozen=True, slots=True)
class PluginChoice:
    """What one manifest says about plugins; `path` is its file, as the user wrote it."""

    path: str
    files: tuple[PluginFile, ...] = ()
    disabled: frozenset[str] = frozenset()


def plugin_choices(
    paths: Iterable[str | Path], *, environ: Mapping[str, str], root: str | Path | None = None
) -> tuple[PluginChoice, ...]:
    """Return what each manifest says about plugins. Raises nothing."""
    files, _ = find_files(paths, root)
    return tuple(_choice(file, environ) for file in files)


def _choice(file: ManifestFile, environ: Mapping[str, str]) -> PluginChoice:
    try:
        content = read_bytes(Path(file.path), file.root)
    except (OSError, ValueError):
        return PluginChoice(file.path)
    if KEY.encode() not in content:  # most manifests: they need not be read twice
        return PluginChoice(file.path)
    source, _ = read_source(file.path, content)
    if source is None or not isinstance(source.value, dict):
        return PluginChoice(file.path)
    listed = _texts(source, (KEY,), environ)
    files = tuple(
        PluginFile(file.path, said, file.root, source.locate((KEY, index)), f"{KEY}[{index}]")
        for index, said in listed.items()
    )
    disabled = frozenset(_texts(source, ("runtime", KEY, "disabled"), environ).values())
    return PluginChoice(file.path, files, disabled)


def _texts(source: Source, path: tuple[str, ...], environ: Mapping[str, str]) -> dict[int, str]:
    """Return the texts of a list, by their numbers; none where there is no list."""
    here: Any = source.value
    for key in path:
        here = here.get(key) if isinstance(here, dict) else None
    if not isinstance(here, list):
        return {}
    filled, _ = fill_in(part_at(source, path), environ)
    return {index: said for index, said in enumerate(filled.value) if isinstance(said, str) and said}


def folder_of(path: str) -> Path:
    """Return the folder of a manifest."""
    return Path(os.path.dirname(path) or os.curdir)  # noqa: PTH120
