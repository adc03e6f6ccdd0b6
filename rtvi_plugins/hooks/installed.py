"""What is installed: the entry points of our group, whose distributions they are, and whether their needs are met.

Nothing here imports a plugin and nothing raises: what cannot be read becomes a `Problem`. Only distributions that
declare an entry point of our group have their metadata parsed, and each of them once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from typing import Final

import importlib_metadata
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from rtvi_plugins.errors import Location, Problem
from rtvi_plugins.hooks.hookspecs import GROUP

_END_OF_HEADERS: Final = re.compile(r"\r?\n\r?\n")
_NAME: Final = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Installed:
    """One entry point of our group.

    requires: the `Requires-Dist` lines of its distribution, as written.
    """

    name: str
    distribution: str
    version: str
    requires: tuple[str, ...]
    entry_point: importlib_metadata.EntryPoint


def error_text(error: BaseException) -> str:
    """Tell an exception in one line of bounded length: `ValueError: what it says`."""
    try:
        said = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a plugin's exception may fail even at this
        said = ""
    if len(said) > 300:
        said = f"{said[:299]}…"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def installed_plugins(
    only: Collection[str] | None = None, disabled: Collection[str] = ()
) -> tuple[tuple[Installed, ...], tuple[Problem, ...]]:
    """Read every entry point of our group, ordered by name and then distribution.

    only:     names to take; None takes all.
    disabled: names whose distributions need not be readable.
    """
    found: dict[tuple[str, str, str], Installed] = {}
    problems: list[Problem] = []
    for distribution in _declaring(problems):
        try:
            metadata = _headers_of(distribution)
            name = metadata["Name"]
            if name is None:
                problems += _unreadable(distribution, "its metadata has no name", disabled)
                continue
            version = str(metadata["Version"] or "")
            requires = tuple(metadata.get_all("Requires-Dist") or distribution.requires or ())
            for entry_point in distribution.entry_points:
                if entry_point.group == GROUP and (only is None or entry_point.name in only):
                    plugin = Installed(entry_point.name, name, version, requires, entry_point)
                    found[entry_point.name, name, entry_point.value] = plugin
        except Exception as error:  # noqa: BLE001 - damaged metadata may raise anything
            problems += _unreadable(distribution, error_text(error), disabled)
    return tuple(found[key] for key in sorted(found)), tuple(problems)


def _declaring(problems: list[Problem]) -> Iterator[importlib_metadata.Distribution]:
    """Give the distributions whose `entry_points.txt` speaks of our group, in the order of `sys.path`.

    One may lie there twice (an editable install and the egg-info of its sources, an old copy behind a new one): the
    first counts, also when it has nothing for us. None is looked up by its name: that fails for folders whose name an
    installer would have spelled otherwise (`my-plug-1.0.dist-info`).
    """
    others: list[importlib_metadata.Distribution] = []
    seen: set[str] = set()
    try:
        for distribution in importlib_metadata.Distribution.discover():
            try:
                is_ours = GROUP in (distribution.read_text("entry_points.txt") or "")
            except UnicodeDecodeError as error:
                # The damage of a distribution that has nothing to do with us is not ours to report.
                is_ours = GROUP.encode() in bytes(error.object)
            except OSError:
                is_ours = False
            if not is_ours:
                others.append(distribution)
                continue
            # The names of the rest are read only when there is something to compare them with.
            seen.update(map(_name_of, others))
            others.clear()
            name = _name_of(distribution)
            if not name or name not in seen:
                seen.add(name)
                yield distribution
    except Exception as error:  # noqa: BLE001 - other finders on sys.meta_path take part in this
        problems.append(Problem("broken-plugin", f"cannot list what is installed: {error_text(error)}"))


def version_of(distribution: str) -> str:
    """Give the version of what is installed under a name; empty where nothing is. Raises nothing else."""
    try:
        return _headers_of(importlib_metadata.Distribution.from_name(distribution))["Version"] or ""
    except importlib_metadata.PackageNotFoundError:
        return ""


def _headers_of(distribution: importlib_metadata.Distribution) -> Message:
    """Read the fields of a distribution without its long description, which takes by far the longest to parse.

    Read as a mapping: an absent field is None.
    """
    text = _metadata_of(distribution)
    return message_from_string(_END_OF_HEADERS.split(text, 1)[0])


def _metadata_of(distribution: importlib_metadata.Distribution) -> str:
    return distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""


def _name_of(distribution: importlib_metadata.Distribution) -> str:
    """Read the canonical name alone, which is much quicker than all the metadata; empty where there is none."""
    try:
        text = _metadata_of(distribution)
    except Exception:  # noqa: BLE001 - damaged metadata may raise anything
        return ""
    match = _NAME.search(text)
    return canonicalize_name(match[1]) if match else ""


def _unreadable(
    distribution: importlib_metadata.Distribution, why: str, disabled: Collection[str]
) -> Iterator[Problem]:
    """Give the problem of a distribution, unless all the plugins in it that can be named are left out."""
    try:
        names = sorted({entry_point.name for entry_point in distribution.entry_points if entry_point.group == GROUP})
    except Exception:  # noqa: BLE001 - its entry points may be as damaged as the rest
        names = []
    if names and set(names) <= set(disabled):
        return
    try:
        folder = str(distribution.locate_file(""))
    except Exception:  # noqa: BLE001 - a finder of another kind may not know folders
        folder = ""
    listed = f" ({', '.join(names)})" if names else ""
    text = f"a distribution in this folder declares '{GROUP}' plugins{listed} but cannot be read: {why}"
    yield Problem("broken-plugin", text, Location(folder))


class Requirements:
    """Compares `Requires-Dist` lines with what is installed; each version is looked up once."""

    def __init__(self) -> None:
        self._versions: dict[str, str | None] = {}
        self._discovered: dict[str, importlib_metadata.Distribution] | None = None

    def unmet(self, plugin: Installed) -> Iterator[Problem]:
        """Give a problem for each requirement that holds here, is in no extra and is not met."""
        who = f"plugin '{plugin.name}' ({plugin.distribution} {plugin.version})"
        for line in plugin.requires:
            try:
                requirement = Requirement(line)
                # An extra that was not asked for is not a need.
                if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                    continue
            except (InvalidRequirement, ValueError) as error:
                text = f"{who} has an unreadable requirement '{line}': {error_text(error)}"
                yield Problem("unmet-requirement", text, expected="a requirement as PEP 508 writes it")
                continue
            needed = f"{requirement.name}{requirement.specifier}"
            version = self._version(requirement.name)
            if version is None:
                hint = f"install it: pip install '{needed}'"
                yield Problem("unmet-requirement", f"{who} needs '{needed}', which is not installed", hint=hint)
            elif not _is_met(requirement, version):
                text = f"{who} needs '{needed}', but {requirement.name} {version} is installed"
                yield Problem("unmet-requirement", text, expected=str(requirement.specifier))

    def _version(self, name: str) -> str | None:
        key = canonicalize_name(name)
        if key not in self._versions:
            try:
                self._versions[key] = self._found(key)
            except Exception:  # noqa: BLE001 - absent or damaged: either way there is nothing to rely on
                self._versions[key] = None
        return self._versions[key]

    def _found(self, key: str) -> str | None:
        try:
            return _headers_of(importlib_metadata.Distribution.from_name(key))["Version"]
        except importlib_metadata.PackageNotFoundError:
            # Perhaps its folder is spelled as no installer would: then only its metadata knows its name.
            if self._discovered is None:
                self._discovered = {}
                for distribution in importlib_metadata.Distribution.discover():
                    self._discovered.setdefault(_name_of(distribution), distribution)
            return _headers_of(self._discovered[key])["Version"]


def _is_met(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return not requirement.specifier
