"""Checking manifests by their files alone: for strangers' manifests, whose plugins must not run.

No plugin is imported, no entry point loaded, no module beside a manifest, no pipeline's host. What takes these is
listed as not checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rtvi_plugins import responders
from rtvi_plugins.binding.binder import Binder
from rtvi_plugins.binding.matching import Matching
from rtvi_plugins.errors import Problem, sort_problems
from rtvi_plugins.handlers import Handler, HandlerKind
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.manifest.collecting import collector_paused
from rtvi_plugins.manifest.load import LoadedManifest, load_files

if TYPE_CHECKING:
    from rtvi_plugins.binding.report import Path as ManifestPath
    from rtvi_plugins.manifest.model import Service


@dataclass(frozen=True, slots=True)
class FilesChecked:
    """What the files alone tell.

    bots:      names of the bots without problems, in the order of their files.
    problems:  all problems, by place.
    unchecked: what takes code to check, in words.
    host:      the plugins that were asked: our own alone.
    """

    bots: tuple[str, ...]
    problems: tuple[Problem, ...]
    unchecked: tuple[str, ...]
    host: PluginHost


class _NoHandlers(Matching):
    """Stands in for the plugins: says of nothing that it is missing."""

    def service(self, name: str, service: Service) -> dict[tuple[HandlerKind, str], Handler]:  # noqa: ARG002
        """Return no handlers."""
        return {}

    def message(self, kind: HandlerKind, name: str, plugin: str | None, path: ManifestPath) -> Handler | None:  # noqa: ARG002
        """Return no handler."""
        return None

    def missing(
        self, kind: HandlerKind, name: str, path: ManifestPath, near: Iterable[str], *, service: str = "",
        plugin: str | None,
    ) -> None:  # fmt: skip
        """Pass over what has no handler here."""


def check_files(
    paths: Iterable[str | Path], *, environ: Mapping[str, str] | None = None, root: str | Path | None = None
) -> FilesChecked:
    """Check form, schemas, defaults, initial values and references to the environment; import nothing."""
    host = PluginHost.discover({"builtin": responders}, only=())
    with collector_paused():
        loaded, problems, unknown = load_files(paths, environ=os.environ if environ is None else environ, root=root)
        found = [*problems]
        for one in loaded:
            found += _checked(one, host)
    faulty = {problem.location.path for problem in found if not problem.is_warning}
    names = tuple(one.manifest.bot for one in loaded if one.path not in faulty)
    return FilesChecked(names, sort_problems(found), tuple(_unchecked(loaded, unknown)), host)


def _checked(loaded: LoadedManifest, host: PluginHost) -> list[Problem]:
    binder = Binder(loaded, host, matching=_NoHandlers, with_code=False)
    binder.tables()
    return binder.report.problems


def _unchecked(loaded: Iterable[LoadedManifest], unknown: Iterable[str]) -> Iterable[str]:
    manifests = [one.manifest for one in loaded]
    if any(one.services or one.messages or one.ui.events for one in manifests):
        yield "handlers"
    if any(one.plugins for one in manifests):
        yield "the plugins beside a manifest"
    if any(one.pipeline is not None for one in manifests):
        yield "the stages of a pipeline, and what is bound to them"
    if any(one.runtime.responder is not None for one in manifests):
        yield "the settings of a responder"
    for said in dict.fromkeys(unknown):
        yield f"what 'use: {said}' takes"
