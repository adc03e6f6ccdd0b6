"""`--reload`: which files decide what is served, and waiting for one of them to change."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rtvi_plugins.hooks.beside import PREFIX

if TYPE_CHECKING:
    from rtvi_plugins.errors import Problem
    from rtvi_plugins.hooks.host import PluginHost
    from rtvi_plugins.manifest.places import Place

logger = logging.getLogger(__name__)

_LOOK_EVERY_MS: Final = 500
_SUFFIXES: Final = (".py", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Files:
    """What to watch.

    folders: they are watched, because editors replace files by new ones.
    stamps:  file → when it was last changed as it was read, 0 where there is none.
    """

    folders: tuple[Path, ...]
    stamps: Mapping[Path, int]

    def concerns(self, _change: object, path: str) -> bool:
        """Whether a change of this path is a reason to start again: a file that was read, or one like it."""
        return Path(path) in self.stamps or path.endswith(_SUFFIXES)

    def tell_changed(self, seen: Iterable[tuple[object, str]]) -> bool:
        """Whether something changed since it was read; what did is logged. `seen`: what the watcher saw."""
        names = {Path(path).name for _, path in seen}
        names |= {file.name for file, stamp in self.stamps.items() if _stamp(file) != stamp}
        if names:
            logger.info("%s changed", ", ".join(sorted(names)))
        return bool(names)

    def as_now(self) -> Files:
        """Give the same files with what changes from now on as changes."""
        return replace(self, stamps={file: _stamp(file) for file in self.stamps})

    def with_those(self, others: Files | None) -> Files:
        """Give these files and others, which were read later."""
        if others is None:
            return self
        folders = tuple(sorted({*self.folders, *others.folders}))
        return Files(folders, {**self.stamps, **others.stamps})

    def as_text(self) -> bytes:
        """Write them down for another process."""
        stamps = {str(file): stamp for file, stamp in self.stamps.items()}
        return json.dumps({"folders": list(map(str, self.folders)), "stamps": stamps}).encode()

    @classmethod
    def from_text(cls, text: bytes) -> Files:
        """Read what `as_text` wrote."""
        read = json.loads(text)
        return cls(tuple(map(Path, read["folders"])), {Path(file): stamp for file, stamp in read["stamps"].items()})


def _stamp(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def files_behind(
    paths: Iterable[str],
    plugins: PluginHost,
    problems: Iterable[Problem],
    *,
    since_ns: int,
    root: str | None = None,
) -> Files:
    """Find the files that decide what is served: manifests, what they use, the plugins' modules, what is faulty.

    root:     as for `load_bots`.
    since_ns: when reading began; a file that was changed after that may have been read before.
    """
    named = [Path(path) for path in paths]
    files = {path.resolve() for path in (*named, *_manifest_files(named, plugins, root), *_modules(plugins))}
    files |= {Path(problem.location.path).resolve() for problem in problems if problem.location.path}
    folders = {path if path.is_dir() else path.parent for path in files}
    now_ns = time.time_ns()
    stamps = {file: _stamp(file) for file in files if not file.is_dir()}
    stamps |= {file: -1 for file, stamp in stamps.items() if since_ns <= stamp <= now_ns}
    return Files(tuple(sorted(folder for folder in folders if folder.is_dir())), stamps)


def _manifest_files(paths: Iterable[Path], plugins: PluginHost, root: str | None) -> Iterator[Path]:
    from rtvi_plugins.manifest.load import load_manifests  # noqa: PLC0415 - loaded already by whoever comes here

    shipped = {name: file for name, (_, file) in plugins.manifests().items()}
    loaded, _ = load_manifests(paths, shipped=shipped, environ=os.environ, root=root)
    names: set[str] = set()
    for manifest in loaded:
        _collect(manifest.source.place, names)
    yield from map(Path, names)
    yield from (Path(str(file)) for file in shipped.values())


def _collect(place: Place, names: set[str]) -> None:
    """Add the files in which the parts of a document are written."""
    if not isinstance(place, tuple):
        names.add(place.name)
        return
    mark, inside = place
    names.add(mark.name)
    for part in [value for _, value in inside.values()] if isinstance(inside, dict) else inside:
        _collect(part, names)


def _modules(plugins: PluginHost) -> Iterator[Path]:
    yield from (Path(plugin.location.path) for plugin in plugins.beside)
    packages = {plugin.value.partition(":")[0].partition(".")[0] for plugin in plugins.plugins}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        top = name.partition(".")[0]
        if file and (top in packages or top.startswith(PREFIX)):
            yield Path(file)


async def next_change(files: Files) -> None:
    """Return on the first change since the files were read."""
    from watchfiles import awatch  # noqa: PLC0415 - only with --reload

    # It yields nothing, too, from time to time: what changed before it began to watch is seen then.
    async for changes in awatch(
        *files.folders,
        watch_filter=files.concerns,
        recursive=False,
        rust_timeout=_LOOK_EVERY_MS,
        yield_on_timeout=True,
    ):
        if files.tell_changed(changes):
            return


def stop_by_signal() -> threading.Event:
    """Give an event that SIGINT and SIGTERM set."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def wait_for_change(files: Files, stopping: threading.Event) -> bool:
    """Wait until a file changes; False when `stopping` was set first."""
    from watchfiles import watch  # noqa: PLC0415 - only with --reload

    for changes in watch(
        *files.folders,
        watch_filter=files.concerns,
        recursive=False,
        rust_timeout=_LOOK_EVERY_MS,
        yield_on_timeout=True,
        stop_event=stopping,
    ):
        if stopping.is_set():
            break
        if files.tell_changed(changes):
            return True
    return False
