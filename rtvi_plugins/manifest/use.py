"""`use:`: a service taken from a file, with what stands beside `use:` laid over it.

Mappings are merged key by key at every level, anything else is replaced, and what is new is added. So an overlay that
gives only `type` changes the type and keeps the other keywords of that value schema. Every part keeps the place where
it is written, so problems point into the right file.

A service file holds `manifest: 1`, optionally `$defs`, and what would stand under `services.<name>`, `use:` included.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from rtvi_plugins.errors import Problem, did_you_mean
from rtvi_plugins.manifest.arguments import conflicts
from rtvi_plugins.manifest.definitions import KEY, join_definitions
from rtvi_plugins.manifest.env import fill_in
from rtvi_plugins.manifest.files import ROOT_HINT, SUFFIXES, is_within, outside, read_bytes, reason_of
from rtvi_plugins.manifest.form import check_version
from rtvi_plugins.manifest.merging import laid_over, part_at, with_part, without_keys
from rtvi_plugins.manifest.paths import KeyPath, dotted, kind_of, printable, shown
from rtvi_plugins.manifest.source import Source, read_source
from rtvi_plugins.manifest.tree import MAX_NODES

MAX_CHAIN: Final = 32
"""Files that take from each other, one after the other."""


@dataclass(frozen=True, slots=True)
class _File:
    """Something `use:` points to.

    path:     what problems call it.
    identity: the same for every way to write the same file.
    root:     the folder that it must lie in; None for what a plugin ships.
    """

    path: str
    identity: str
    content: Path | Traversable
    root: str | None


@dataclass(frozen=True, slots=True)
class _Folder:
    """Where a `use:` looks for files, and the root that they must lie in."""

    content: Path | Traversable | None
    root: str | None


class Uses:
    """Takes services into manifests; remembers every service file it read, for all manifests of one run."""

    def __init__(self, shipped: Mapping[str, Traversable] | None, environ: Mapping[str, str]) -> None:
        """Begin without a service. shipped: what plugins ship; None where they were not asked."""
        self.problems: list[Problem] = []
        self.added: set[KeyPath] = set()
        """Options that manifests lay over a service which does not have them."""
        self.unknown: list[str] = []
        """What `use:` named, as it is written, and plugins may ship that were not asked."""
        self._shipped = shipped
        self._environ = environ
        self._services: dict[tuple[str, str | None], Source | str | None] = {}

    def take_in(self, manifest: Source, root: str) -> tuple[Source, dict[str, str], set[tuple[str, ...]]]:
        """Replace every service that has `use:` by what it takes, with the overlay laid over it.

        root:    the folder, links resolved, that files must lie in.
        Returns: the manifest, service name → what its `use:` said, and the services that could not be taken.
        """
        services = manifest.value.get("services") if isinstance(manifest.value, dict) else None
        used: dict[str, str] = {}
        lost: set[tuple[str, ...]] = set()
        for name, service in services.items() if isinstance(services, dict) else ():
            if not isinstance(service, dict) or "use" not in service:
                continue
            path = ("services", name)
            overlay = part_at(manifest, path)
            folder = _Folder(Path(manifest.path).parent, root)
            said, taken = self._take(overlay, folder, (), manifest.size, prefix=path)
            used |= {} if said is None else {name: said}
            if taken is None:
                lost.add(path)
                manifest = with_part(manifest, path, without_keys(overlay, "use"))
                continue
            manifest, taken = join_definitions(manifest, taken, label=said or name)
            if not self._agree(taken, overlay, prefix=path):
                lost.add(path)
            self.added |= {(*path, "options", one) for one in _options(overlay) - _options(taken)}
            merged = laid_over(taken, without_keys(overlay, "use"))
            manifest = replace(with_part(manifest, path, merged), size=manifest.size + taken.size)
        return manifest, used, lost

    def _take(
        self, overlay: Source, folder: _Folder, chain: tuple[str, ...], size: int, *, prefix: KeyPath
    ) -> tuple[str | None, Source | None]:
        """Find and read what one `use:` names: what it said, and the service with its `$defs`."""
        at = overlay.locate(("use",))
        where = dotted((*prefix, "use"))

        def refuse(slug: str, text: str, *, expected: str = "", hint: str = "") -> None:
            self.problems.append(Problem(slug, text, at, where, expected=expected, hint=hint))

        filled, problems = fill_in(part_at(overlay, ("use",)), self._environ)
        self.problems += [replace(problem, where=where) for problem in problems]
        said = filled.value
        if problems:
            return None, None
        if not isinstance(said, str):
            refuse("wrong-type", f"wrong type: {kind_of(said)}", expected="string")
            return None, None
        written = overlay.value["use"]
        file = self._find(said, written, folder, refuse)
        if file is None:
            return said, None
        said_as = shown(written)
        if file.identity in chain:
            refuse("use-cycle", f"{said_as} takes from this file again")
            return said, None
        if len(chain) >= MAX_CHAIN:
            refuse("too-large", "too many files take from each other", expected=f"at most {MAX_CHAIN} in a row")
            return said, None
        service = self._service(file, chain)
        if isinstance(service, str):
            missing = service == reason_of(FileNotFoundError())
            refuse("unresolved-use" if missing else "unreadable-file", f"{said_as}: {service}")
            return said, None
        if service is not None and size + service.size > MAX_NODES:
            refuse("too-large", "too many values with what is taken", expected=f"at most {MAX_NODES:,} values")
            return said, None
        return said, service

    def _agree(self, taken: Source, overlay: Source, *, prefix: KeyPath) -> bool:
        """Return whether arguments are laid over others of the same form only; report those that are not."""
        names = list(conflicts(taken.value, overlay.value))
        for name in names:
            path = ("actions", name, "arguments")
            below = taken.locate(path)
            text = f"the arguments at {below} are written in another form: one is a JSON Schema, the other a table"
            hint = "write both in one form"
            where = dotted((*prefix, *path))
            self.problems.append(Problem("bad-value", text, overlay.locate(path, key=True), where, hint=hint))
        return not names

    def _find(self, said: str, written: str, folder: _Folder, refuse: Any) -> _File | None:
        """Turn the text of `use:` into a file: beside the one that says it, or shipped by a plugin.

        written: the text before its references to the environment were replaced: all that is ever shown.
        """
        here = folder.content
        if said.startswith(("./", "../", "/")) or said.endswith(SUFFIXES):
            if isinstance(here, Path) or said.startswith("/"):
                path = os.path.normpath(Path(here if isinstance(here, Path) else "/") / said)
                identity = os.path.realpath(path) if "\0" not in path else os.path.abspath(path)  # noqa: PTH100
                if folder.root is not None and not is_within(identity, folder.root):
                    refuse("outside-root", outside(shown(written), folder.root), hint=ROOT_HINT)
                    return None
                return _File(path if said == written else written, identity, Path(path), folder.root)
            if here is not None and not said.startswith("../"):
                file = here.joinpath(said.removeprefix("./"))
                return _File(str(file), str(file), file, None)
            refuse("unresolved-use", f"{shown(written)}: no folder to look in", expected="a shipped service manifest")
            return None
        if self._shipped is None:
            self.unknown.append(printable(written))
            return None
        if said in self._shipped:
            file = self._shipped[said]
            path = str(file)
            return _File(path, os.path.realpath(path) if isinstance(file, Path) else path, file, None)
        hint = did_you_mean(said, self._shipped) if said == written else ""
        names = ", ".join(f"'{name}'" for name in sorted(self._shipped)) or "none"
        refuse(
            "unresolved-use",
            f"no plugin ships a service manifest {shown(written)}",
            expected="" if hint else f"a shipped one ({names}) or a file, beginning with './'",
            hint=hint,
        )
        return None

    def _service(self, file: _File, chain: tuple[str, ...]) -> Source | str | None:
        """Read a service file: the service with its `$defs`, why it cannot be read, or None when that was told."""
        key = (file.identity, file.root)
        if key not in self._services:
            self._services[key] = self._read(file, chain)
        return self._services[key]

    def _read(self, file: _File, chain: tuple[str, ...]) -> Source | str | None:
        try:
            content = read_bytes(file.content, file.root)
        except (OSError, ValueError, KeyError) as error:
            return reason_of(error)
        source, problems = read_source(file.path, content)
        self.problems += problems
        if source is None:
            return None
        version_problems, is_ours = check_version(source)
        self.problems += version_problems
        if not is_ours:
            return None
        service = without_keys(source, "manifest")
        shared = service.value.get(KEY, {})
        if not isinstance(shared, dict):
            at = source.locate((KEY,))
            self.problems.append(Problem("wrong-type", f"wrong type: {kind_of(shared)}", at, KEY, expected="object"))
        if "use" not in service.value:
            return service
        parent = file.content.parent if isinstance(file.content, Path) else _folder_inside(file.content)
        folder = _Folder(parent, file.root)
        said, taken = self._take(service, folder, (*chain, file.identity), service.size, prefix=())
        if taken is None:
            return None
        if not self._agree(taken, service, prefix=()):
            return None
        service, taken = join_definitions(without_keys(service, "use"), taken, label=said or file.path)
        return replace(laid_over(taken, service), size=service.size + taken.size)


def _options(service: Source) -> set[str]:
    options = service.value.get("options")
    return set(options) if isinstance(options, dict) else set()


def _folder_inside(content: Traversable) -> Traversable | None:
    """Give the folder of a file inside an archive, where the archive knows it."""
    folder = getattr(content, "parent", None)
    return folder if isinstance(folder, Traversable) else None
