"""Files → manifests: each file is read, takes in what it uses, gets its environment, and is compared with the models.

Nothing here raises on bad input. A file with faults still gives what is sound of it, so that the faults of binding can
be told in the same run; whoever checks further leaves alone what is `omitted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

import orjson

from rtvi_plugins.errors import Location, Problem, sort_problems
from rtvi_plugins.manifest.access import check_together
from rtvi_plugins.manifest.collecting import collector_paused
from rtvi_plugins.manifest.env import OPENING, fill_in, read_types
from rtvi_plugins.manifest.files import (
    ROOT_HINT,
    ManifestFile,
    OutsideRootError,
    find_files,
    outside,
    read_bytes,
    reason_of,
)
from rtvi_plugins.manifest.form import SERVICE_KEYS, check_form, check_version
from rtvi_plugins.manifest.model import Manifest
from rtvi_plugins.manifest.paths import KeyPath
from rtvi_plugins.manifest.source import Source, read_source
from rtvi_plugins.manifest.use import Uses


@dataclass(frozen=True, slots=True)
class LoadedManifest:
    """One manifest and where its parts are written.

    path:    the file, as the user wrote it.
    root:    the folder, links resolved, that it and all it uses lie in.
    omitted: parts taken out because they were faulty or could not be taken in; each has its problem already. A missing
             or wrong `bot` is among them as `("bot",)`; `manifest.bot` then is a stand-in.
    used:    service name → what its `use:` said.
    added:   paths of options that stand beside a `use:` and are not in what it takes.
    """

    manifest: Manifest
    source: Source
    path: str
    omitted: frozenset[tuple[str, ...]]
    used: Mapping[str, str]
    added: frozenset[KeyPath] = frozenset()
    root: str = ""


def load_manifests(
    paths: Iterable[str | Path],
    *,
    shipped: Mapping[str, Traversable],
    environ: Mapping[str, str],
    root: str | Path | None = None,
    together: bool = True,
    shipped_for: Mapping[str, Mapping[str, Traversable]] = MappingProxyType({}),
) -> tuple[tuple[LoadedManifest, ...], tuple[Problem, ...]]:
    """Load manifest files; a folder stands for the `*.yaml` and `*.yml` files directly in it.

    shipped: service manifests that plugins ship, by name, for `use:`.
    shipped_for: the same for manifests that have plugins of their own, by file.
    environ: what `${env:NAME}` looks into.
    together: whether one server is to serve them all, so that what one has the others may not.
    root:    the folder that all files must lie in; left out, that of each manifest, or the folder that was named.
    Returns: what is usable, in the order of the files, and every problem of every file by place. Raises nothing.
    """
    files, not_found = find_files(paths, root)
    problems = list(not_found)
    uses = Uses(shipped, environ)
    own = {path: Uses(theirs, environ) for path, theirs in shipped_for.items()}
    loaded: list[LoadedManifest] = []
    with collector_paused():
        for file in files:
            manifest, found = _load(file, own.get(file.path, uses), environ)
            problems += found
            if manifest is not None:
                loaded.append(manifest)
    shared = check_together(loaded) if together else ()
    told = [problem for one in (uses, *own.values()) for problem in one.problems]
    return tuple(loaded), sort_problems([*problems, *told, *shared])


def load_files(
    paths: Iterable[str | Path], *, environ: Mapping[str, str], root: str | Path | None = None
) -> tuple[tuple[LoadedManifest, ...], tuple[Problem, ...], tuple[str, ...]]:
    """Load manifest files as `load_manifests` does, without knowing what plugins ship.

    Returns: what is usable, the problems, and each `use:` that names neither a file nor anything else that is known
             here: its service is left out, and that is no problem.
    """
    files, not_found = find_files(paths, root)
    problems = list(not_found)
    uses = Uses(None, environ)
    loaded: list[LoadedManifest] = []
    with collector_paused():
        for file in files:
            manifest, found = _load(file, uses, environ)
            problems += found
            loaded += [] if manifest is None else [manifest]
    return tuple(loaded), sort_problems([*problems, *uses.problems]), tuple(uses.unknown)


def _load(
    file: ManifestFile, uses: Uses, environ: Mapping[str, str]
) -> tuple[LoadedManifest | None, tuple[Problem, ...]]:
    path = file.path
    try:
        content = read_bytes(Path(path), file.root)
    except OutsideRootError:
        text = outside("what this link leads to" if Path(path).is_symlink() else "this file", file.root)
        return None, (Problem("outside-root", text, Location(path), hint=ROOT_HINT),)
    except (OSError, ValueError) as error:
        return None, (Problem("unreadable-file", reason_of(error), Location(path)),)
    source, found = read_source(path, content)
    problems = list(found)
    if source is None:
        return None, tuple(problems)
    version_problems, is_ours = check_version(source)
    problems += version_problems
    if not is_ours:
        return None, tuple(problems)
    if _is_service(source):
        hint = "it looks like a service file: keep those in a folder of their own and name them in 'use:'"
        problems.append(Problem("missing-key", "missing key 'bot'", source.locate(()), hint=hint))
        return None, tuple(problems)
    uses.added.clear()
    source, used, lost = uses.take_in(source, file.root)
    added = frozenset(uses.added)
    try:
        raw = orjson.dumps(source.value)
        if OPENING.encode() in raw:
            source, found = fill_in(source, environ)
            source, unfit = read_types(source)
            problems += [*found, *unfit]
            raw = orjson.dumps(source.value)
    except orjson.JSONEncodeError:
        # Only the parser without libyaml lets half a surrogate pair through.
        problems.append(Problem("bad-yaml", "text that is not Unicode", Location(path)))
        return None, tuple(problems)
    checked = check_form(source, raw, lost)
    problems += checked.problems
    if checked.manifest is None:
        return None, tuple(problems)
    taken = MappingProxyType(used)
    return LoadedManifest(checked.manifest, source, path, checked.omitted, taken, added, file.root), tuple(problems)


def _is_service(source: Source) -> bool:
    keys = source.value.keys()
    return "bot" not in keys and "services" not in keys and bool(keys & SERVICE_KEYS)
