"""Which plugins the manifests need, and so which of their problems keep a bot from starting.

A broken plugin that nobody uses is worth one warning. Whether it is needed can be told by its name, by what it supplies
and by what it does for every bot; of one that cannot even be imported, by its name alone. Where a manifest lacks
something that nobody supplies, any plugin that was lost may be the one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rtvi_plugins.errors import Problem, Severity, did_you_mean

if TYPE_CHECKING:
    from rtvi_plugins.hooks.host import Plugin, PluginHost

DISABLED: Final = "RTVI_DISABLED_PLUGINS"
"""The environment variable that leaves plugins out: names, separated by commas."""

_LACKING: Final = {
    "unknown-responder": "no responder ",
    "unknown-stage": "there is no '",
    "unknown-plugin": "plugin ",
    "missing-handler": "no plugin ",
    "unresolved-use": "no plugin ",
}
"""Slug → how the text begins of a problem that says that no plugin supplies something."""
_NAMED: Final = 5


def disabled_by_environment() -> frozenset[str]:
    """Return the names of the plugins that the environment leaves out."""
    return frozenset(filter(None, map(str.strip, os.environ.get(DISABLED, "").split(","))))


def unknown_disabled(host: PluginHost) -> Iterator[Problem]:
    """Warn of names in the environment variable that no installed plugin has."""
    known = {plugin.name for plugin in host.plugins if plugin.is_installed}
    for name in sorted(disabled_by_environment() - known):
        hint = did_you_mean(name, known)
        text = f"{DISABLED} names '{name[:100]}', which is not installed"
        yield Problem("unknown-plugin", text, hint=hint, severity=Severity.WARNING)


def judged(
    host: PluginHost, needed: Collection[str], problems: Iterable[Problem], disabled: Collection[str] = ()
) -> list[Problem]:
    """Return the problems of manifests and plugins as they are to be told.

    needed:   names of the plugins that the manifests need.
    problems: those of the manifests.
    disabled: names of the plugins that all manifests leave out.
    """
    problems = [*problems, *(problem for plugin in host.beside for problem in plugin.problems)]
    plugins = [plugin for plugin in host.plugins if plugin.name not in disabled]
    lost = [plugin for plugin in plugins if plugin.is_lost and plugin.problems and plugin.name not in needed]
    is_lacking = any(map(_is_lacking, problems))
    if is_lacking and lost:
        problems = [_with_suspects(problem, lost) if _is_lacking(problem) else problem for problem in problems]
    suspects = {id(plugin) for plugin in lost} if is_lacking else set()
    for plugin in plugins:
        is_needed = plugin.name in needed or not plugin.is_installed or host.is_for_every_bot(plugin)
        if is_needed or id(plugin) in suspects:
            problems += plugin.problems
        elif plugin.problems:
            problems.append(_unused(plugin))
    strays = host.strays if is_lacking else (replace(stray, severity=Severity.WARNING) for stray in host.strays)
    return [*problems, *strays]


def _is_lacking(problem: Problem) -> bool:
    """Return whether a problem says that no plugin supplies something."""
    if problem.is_warning:
        return False
    return problem.slug in _LACKING and problem.text.startswith(_LACKING[problem.slug])


def _with_suspects(problem: Problem, lost: list[Plugin]) -> Problem:
    names = [f"'{plugin.name}'" for plugin in lost[:_NAMED]] + (["others"] if len(lost) > _NAMED else [])
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    suspicion = f"plugin {listed} is broken and may supply it"
    if len(names) > 1:
        suspicion = f"plugins {listed} are broken and may supply it"
    return replace(problem, hint="; ".join(filter(None, (problem.hint, suspicion))))


def _unused(plugin: Plugin) -> Problem:
    """Return the one warning about a plugin that no manifest needs."""
    first, *others = plugin.problems
    more = f"and {len(others)} more, see 'rtvi plugins'" if others else ""
    way_out = f"no manifest needs it; {DISABLED}={plugin.name} leaves it out" if plugin.is_installed else ""
    hint = "; ".join(filter(None, (first.hint, more, way_out)))
    return replace(first, hint=hint, severity=Severity.WARNING)
