"""Finding and reading files: what the user named on the command line, and what `use:` names.

Only regular files are read, and only those under a root: nothing that a stranger's manifest names can hang the command
or bring text of another file into its output.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from rtvi_plugins.errors import Location, Problem
from rtvi_plugins.manifest.source import MAX_BYTES

SUFFIXES: Final = (".yaml", ".yml")
ROOT_HINT: Final = "'--root FOLDER' names the folder that all files are taken from"

_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (FileNotFoundError, "no such file or folder"),
    (NotADirectoryError, "no such file or folder"),
    (PermissionError, "permission denied"),
    (IsADirectoryError, "is a folder"),
    (BlockingIOError, "is not a regular file"),
)
_KINDS: Final = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a pipe, not a regular file"),
    (stat.S_ISSOCK, "is a socket, not a regular file"),
    (stat.S_ISCHR, "is a device, not a regular file"),
    (stat.S_ISBLK, "is a device, not a regular file"),
)
# A pipe without a writer would hold up a plain open; a link that was put there a moment ago must not be followed.
_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
)


class UnfitFileError(OSError):
    """Something that is not read; `str` says why."""


class OutsideRootError(OSError):
    """The file, links resolved, does not lie under the root."""


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A manifest to read.

    path: as the user wrote it.
    root: the folder, links resolved, that it and all it uses must lie in.
    """

    path: str
    root: str


def find_files(
    paths: Iterable[str | Path], root: str | Path | None = None
) -> tuple[tuple[ManifestFile, ...], tuple[Problem, ...]]:
    """Replace each folder by the YAML files directly in it, sorted; hidden files are left out.

    root:    for all files; left out, the folder itself, or the folder in which a file is named.
    Returns: each file once, and what could not be found. Raises nothing.
    """
    found: dict[str, ManifestFile] = {}
    problems: list[Problem] = []
    for path in paths:
        name = str(path)
        try:
            is_folder = os.path.isdir(path)  # noqa: PTH112 - answers False to NUL
            files = _files_in(Path(path)) if is_folder else [name]
            if not files:
                problems.append(Problem("unreadable-file", "the folder holds no *.yaml or *.yml file", Location(name)))
            own = os.path.realpath(root or (path if is_folder else os.path.dirname(path) or "."))  # noqa: PTH120
            for file in files:
                found.setdefault(os.path.realpath(file), ManifestFile(file, own))
        except (OSError, ValueError) as error:
            problems.append(Problem("unreadable-file", reason_of(error), Location(name)))
    return tuple(found.values()), tuple(problems)


def _files_in(folder: Path) -> list[str]:
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return [str(e) for e in entries if e.suffix in SUFFIXES and not e.name.startswith(".") and not e.is_dir()]


def read_bytes(file: Path | Traversable, root: str | None = None) -> bytes:
    """Read a regular file, but no more than shows that it is too large.

    root: where the file must lie, links resolved; None for one that a plugin ships.
    Raises `OSError` (`OutsideRootError`, `UnfitFileError`), `ValueError` or `KeyError`.
    """
    if not isinstance(file, Path):
        with file.open("rb") as stream:
            return bytes(stream.read(MAX_BYTES + 1))
    resolved = os.path.realpath(file)
    if root is not None and not is_within(resolved, root):
        raise OutsideRootError
    _check_kind(os.stat(resolved).st_mode)  # noqa: PTH116 - opening a device may already do something
    descriptor = os.open(resolved, _FLAGS)
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - no path: what was opened is what is looked at
        opened = os.fstat(descriptor)
        _check_kind(opened.st_mode)
        if root is not None and not is_within(os.path.realpath(resolved), root):
            raise UnfitFileError("was replaced while it was read")
        content = bytes(stream.read(MAX_BYTES + 1))
    if content and opened.st_size == 0:
        raise UnfitFileError("is made up by the system, not a regular file")
    return content


def is_within(resolved: str, root: str) -> bool:
    """Return whether a path lies under a folder, both with their links resolved."""
    return os.path.commonpath((resolved, root)) == root


def _check_kind(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise UnfitFileError(next((text for is_kind, text in _KINDS if is_kind(mode)), "is not a regular file"))


def reason_of(error: Exception) -> str:
    """Say in few words why a file cannot be read."""
    if isinstance(error, UnfitFileError):
        return str(error)
    for kind, text in _REASONS:
        if isinstance(error, kind):
            return text
    said = error.strerror if isinstance(error, OSError) else None
    return f"cannot be read: {said.lower()}" if said else "cannot be read"


def outside(subject: str, root: str) -> str:
    """Say that a file lies outside the root."""
    return f"{subject} lies outside '{os.path.relpath(root)}', from which files are taken"
