"""The walk over what is installed: which plugins there are, and the import of each. Nothing here raises for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Final

from rtvi_plugins.errors import Problem
from rtvi_plugins.hooks.candidate import NOWHERE, OURS, Candidate, Marker, inspect_plugin
from rtvi_plugins.hooks.installed import Installed, Requirements, installed_plugins, version_of
from rtvi_plugins.hooks.results import LEGAL_NAME, is_name
from rtvi_plugins.hooks.startup import StartInterrupted, at_work

_PACKAGE: Final = "rtvi_plugins"


def discovered(
    extra: Mapping[str, object], only: Collection[str] | None, disabled: Collection[str], marker: Marker
) -> tuple[list[Candidate], tuple[Problem, ...]]:
    """Import every plugin; the arguments are those of `PluginHost.discover`.

    Returns: the plugins in order, broken ones and those left out included, and problems of distributions that cannot
    even be read.
    """
    installed, problems = installed_plugins(only, disabled)
    sources: list[tuple[Candidate, Installed | None]] = [(_from_object(n, extra[n]), None) for n in extra]
    sources += [(_from_installed(plugin), plugin) for plugin in installed]
    # What is passed in comes before what is installed: no installed plugin can take a name from the built-in ones.
    sources.sort(key=lambda source: (source[1] is not None, source[0].name))
    requirements = Requirements()
    taken: dict[str, Candidate] = {}
    for candidate, plugin in sources:
        if plugin is not None and candidate.name in disabled:
            candidate.is_disabled = candidate.is_dropped = True
            continue
        first = taken.setdefault(candidate.name, candidate)
        if first is not candidate:
            candidate.is_dropped = True
            text = f"its name is taken by {first.who}; only that one was loaded"
            candidate.report("duplicate-plugin", text, NOWHERE, hint="uninstall one of them")
        elif plugin is not None and not is_name(candidate.name):
            candidate.is_dropped = True
            text = "no manifest can write its name"
            candidate.report("broken-plugin", text, NOWHERE, LEGAL_NAME, "rename the entry point")
        elif plugin is None:
            inspect_plugin(candidate, extra[candidate.name], marker)
        else:
            candidate.problems += requirements.unmet(plugin)
            _load(candidate, plugin, marker)
    return [candidate for candidate, _ in sources], problems


def may_go(candidate: Candidate) -> bool:
    """Return whether a candidate is one that can be left out: not what this package supplies itself."""
    return bool(candidate.distribution) and candidate.distribution != OURS


def left_out(candidate: Candidate) -> Candidate:
    """Return what stands for a plugin that is left out."""
    return Candidate(
        candidate.name,
        candidate.distribution,
        candidate.version,
        candidate.value,
        candidate.package,
        candidate.location,
        is_dropped=True,
        is_disabled=True,
    )


def _from_installed(plugin: Installed) -> Candidate:
    value = plugin.entry_point.value
    package = value.partition(":")[0].partition(".")[0].strip()
    return Candidate(plugin.name, plugin.distribution, plugin.version, value, package)


def _from_object(name: str, given: object) -> Candidate:
    module = given.__name__ if isinstance(given, ModuleType) else type(given).__module__
    package = module.partition(".")[0]
    if package != _PACKAGE:
        return Candidate(name, "", "", module, package)
    # Without a version when run from its sources.
    return Candidate(name, OURS, version_of(OURS), module, package)


def _load(candidate: Candidate, plugin: Installed, marker: Marker) -> None:
    try:
        with at_work(candidate.who, f"importing '{candidate.value}'"):
            loaded = plugin.entry_point.load()
    except StartInterrupted:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit too: a plugin must not end the host
        candidate.fail(f"cannot load '{candidate.value}'", error)
        return
    inspect_plugin(candidate, loaded, marker)
