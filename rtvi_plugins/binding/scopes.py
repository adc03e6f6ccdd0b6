"""The plugins as each manifest sees them: with those beside it, and without those that it leaves out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rtvi_plugins.binding.needs import disabled_by_environment
from rtvi_plugins.manifest.plugin_files import PluginChoice, plugin_choices

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from rtvi_plugins.hooks.host import PluginHost


@dataclass(frozen=True, slots=True)
class Scopes:
    """The plugins of several manifests.

    host:     the plugins of every manifest that says nothing of them.
    own:      the plugins of the others, by file.
    disabled: names of plugins that every manifest leaves out.
    """

    host: PluginHost
    own: Mapping[str, PluginHost]
    disabled: frozenset[str]

    def of(self, path: str) -> PluginHost:
        """Return the plugins of one manifest."""
        return self.own.get(path, self.host)

    @property
    def shipped(self) -> Mapping[str, Mapping[str, Traversable]]:
        """The service manifests that the plugins of a manifest ship, for those with plugins of their own."""
        return {path: shipped_by(host) for path, host in self.own.items()}


def scopes_of(
    host: PluginHost,
    paths: Iterable[str | Path],
    *,
    environ: Mapping[str, str],
    root: str | Path | None = None,
) -> Scopes:
    """Load the plugins beside the manifests, and return what each manifest sees."""
    choices = plugin_choices(paths, environ=environ, root=root)
    own = {choice.path: host.scoped(choice.files, choice.disabled) for choice in choices if _has_own(choice)}
    return Scopes(host, own, left_out(choices))


def _has_own(choice: PluginChoice) -> bool:
    return bool(choice.files or choice.disabled)


def left_out(choices: Collection[PluginChoice]) -> frozenset[str]:
    """Return the names of the plugins that need not be imported: every manifest leaves them out, or the environment."""
    everywhere = frozenset.intersection(*(choice.disabled for choice in choices)) if choices else frozenset()
    return everywhere | disabled_by_environment()


def shipped_by(host: PluginHost) -> Mapping[str, Traversable]:
    """Return the service manifests that plugins ship, by name."""
    return {name: file for name, (_, file) in host.manifests().items()}
