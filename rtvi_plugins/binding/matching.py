"""Which plugin serves a service, which handler serves each option, action and message; and what is left over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rtvi_plugins.binding.report import Path, Report
from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.handlers import Handler, HandlerKind
from rtvi_plugins.hooks.candidate import OURS, State

if TYPE_CHECKING:
    from rtvi_plugins.hooks.host import Plugin, PluginHost
    from rtvi_plugins.manifest.model import Service
_HOW_DISABLED: Final = "by RTVI_DISABLED_PLUGINS or by 'runtime.plugins.disabled'"


_STORE_ONLY: Final = "write 'handler: none' to have its value only stored"


@dataclass(frozen=True, slots=True)
class Supplied:
    """A handler and the plugin it comes from."""

    plugin: Plugin
    handler: Handler


class Matching:
    """Finds handlers for one manifest."""

    def __init__(self, host: PluginHost, report: Report) -> None:
        self._report = report
        self._all = [Supplied(plugin, handler) for plugin, handler in host.handlers()]
        # By plugin (None: all of them) and service, made once: else every service would walk all handlers.
        self._by_service: dict[str | None, dict[str, list[Supplied]]] = {None: {}}
        for one in self._all:
            if one.handler.service is not None:
                for key in (None, one.plugin.name):
                    self._by_service.setdefault(key, {}).setdefault(one.handler.service, []).append(one)
        self._plugins: dict[str, Plugin] = {}
        for plugin in sorted(host.plugins, key=lambda plugin: plugin.state is State.DISABLED):
            self._plugins.setdefault(plugin.name, plugin)  # the first one has the name
        self._told: set[tuple[object, ...]] = set()
        self.used: set[str] = set()
        """The plugins that serve this manifest, by name; complete once everything was asked for."""
        self.named: set[str] = set()
        """The plugins that this manifest names, or that are called like what has no handler."""

    # -- services -----------------------------------------------------------------------------------------------------

    def service(self, name: str, service: Service) -> dict[tuple[HandlerKind, str], Handler]:
        """Find the handlers of a service, by kind and name; problems go to the report."""
        path: Path = ("services", name)
        origin = self._report.loaded.used.get(name, "")
        names = [one for one in (name, origin, service.plugin) if one]
        if service.plugin is not None:
            if not self._is_known(service.plugin, (*path, "plugin")):
                return self._nothing_for(name, service)
            offered = self._of_service(service.plugin, names)
        else:
            offered = self._of_service(None, names)
            plugins = sorted({s.plugin.name for s in offered})
            if len(plugins) > 1:
                text = f"plugins {_all_of(plugins)} have handlers for it"
                self._report.add("ambiguous-plugin", path, text, hint="name one with `plugin:`", on_key=True)
                return self._nothing_for(name, service)
        self.used.update(s.plugin.name for s in offered)
        found = self._by_name(offered)
        declared = {(HandlerKind.OPTION, o) for o in service.options} | {
            (HandlerKind.ACTION, a) for a in service.actions
        }
        if service.plugin is not None:
            self._left_over(name, found, declared, path)
        return found

    def _of_service(self, plugin: str | None, names: Iterable[str]) -> list[Supplied]:
        """Take a plugin's (None: any) handlers for the first of the names that has any; else for its only service."""
        by_service = self._by_service.get(plugin, {})
        for name in names:
            if name in by_service:
                return by_service[name]
        if len(by_service) == 1:
            (group,) = by_service.values()
            plugins = {one.plugin.name for one in group}
            if len(plugins) == 1 and plugins <= set(names):
                return group
        return []

    def _nothing_for(self, name: str, service: Service) -> dict[tuple[HandlerKind, str], Handler]:
        """Stand in where the plugin could not be settled: a missing handler for each would only hide that.

        The report has its problem by now, so that no bot comes of it.
        """
        self._told |= {(HandlerKind.OPTION, name, o) for o in service.options}
        self._told |= {(HandlerKind.ACTION, name, a) for a in service.actions}
        return {}

    def _by_name(self, offered: Iterable[Supplied]) -> dict[tuple[HandlerKind, str], Handler]:
        found: dict[tuple[HandlerKind, str], Handler] = {}
        for one in offered:
            key = (one.handler.kind, one.handler.name)
            first = found.setdefault(key, one.handler)
            if first is not one.handler and (one.handler.location, key) not in self._told:
                self._told.add((one.handler.location, key))
                text = f"a second handler for {one.handler.title}; the first is at {first.location}"
                self._report.add("duplicate-handler", (), text, location=one.handler.location)
        return found

    def _left_over(
        self,
        service: str,
        found: dict[tuple[HandlerKind, str], Handler],
        declared: set[tuple[HandlerKind, str]],
        path: Path,
    ) -> None:
        for key, handler in found.items():
            kind, name = key
            section = "options" if kind is HandlerKind.OPTION else "actions"
            if key in declared or handler.is_optional or self._report.is_omitted("services", service, section, name):
                continue
            unhandled = [n for k, n in declared if k is kind and (k, n) not in found]
            text = f"handler for {handler.title}: the manifest declares no such {kind}"
            self._report.add(
                "unknown-handler", (*path, section), text, hint=did_you_mean(name, unhandled), location=handler.location
            )

    def missing(
        self, kind: HandlerKind, name: str, path: Path, near: Iterable[str], *, service: str = "", plugin: str | None
    ) -> None:
        """Report something declared that no handler serves. `plugin` is the one that the manifest names."""
        self._report.is_sound = False
        if (kind, service, name) in self._told:
            return
        if self._is_broken(plugin or service):
            self.named.add(plugin or service)
            return
        hint = did_you_mean(name, near)
        if plugin is not None:
            text = f"plugin '{plugin}' ({self._plugins[plugin]}) has no handler for it"
            hint = hint or (_STORE_ONLY if kind is HandlerKind.OPTION else "")
        else:
            installed = [f"{p.name} {p.version}".strip() for p in self._installed()]
            count = f"{len(installed)} plugin{'' if len(installed) == 1 else 's'} loaded: {', '.join(installed)}"
            text = f"no plugin supplies a handler; {count if installed else 'no plugin is installed'}"
            hint = hint or self._near_service(service)
            hint = hint or ("'rtvi plugins' shows what each supplies" if installed else "")
        self._report.add("missing-handler", path, text, hint=hint, on_key=True)

    def is_doubtful(self, service: str, *, has_handlers: bool) -> bool:
        """Return whether handlers for a service that names no plugin may be missing, though none is demanded.

        Its plugin may be broken, or its name misspelt.
        """
        if self._is_broken(service):
            return True
        return not has_handlers and bool(self._near_service(service))

    def _near_service(self, service: str) -> str:
        """Suggest the service that has handlers and no declaration, where a declared one has none and is like it."""
        served = self._by_service[None].keys()
        if service in served:
            return ""
        hint = did_you_mean(service, served - self._report.loaded.manifest.services.keys())
        return hint.replace("did you mean", "did you mean the service")

    def plugin_of(self, handler: Handler) -> str:
        """Return the name of the plugin that supplies a handler."""
        return next(one.plugin.name for one in self._all if one.handler is handler)

    def _is_broken(self, name: str) -> bool:
        """Whether a plugin is faulty and supplied no handler at all: then that is the news, not what is missing."""
        plugin = self._plugins.get(name)
        return plugin is not None and bool(plugin.problems) and all(s.plugin.name != name for s in self._all)

    def _installed(self) -> list[Plugin]:
        """List the plugins that people know of: not this package's own."""
        loaded = [plugin for plugin in self._plugins.values() if plugin.state is not State.DISABLED]
        return [plugin for plugin in loaded if plugin.distribution != OURS]

    # -- messages -----------------------------------------------------------------------------------------------------

    def message(self, kind: HandlerKind, name: str, plugin: str | None, path: Path) -> Handler | None:
        """Find the handler of a message or UI event; problems go to the report."""
        if plugin is not None and not self._is_known(plugin, (*path, "plugin")):
            return None
        offered = [
            s
            for s in self._all
            if s.handler.kind is kind and s.handler.name == name and plugin in (None, s.plugin.name)
        ]
        plugins = sorted({s.plugin.name for s in offered})
        if len(plugins) > 1:
            text = f"plugins {_all_of(plugins)} have a handler for it"
            self._report.add("ambiguous-plugin", path, text, hint="name one with `plugin:`", on_key=True)
            return None
        self.used.update(plugins)
        found = self._by_name(offered).get((kind, name))
        if found is None:
            near = [s.handler.name for s in self._all if s.handler.kind is kind]
            self.missing(kind, name, path, near, plugin=plugin)
        return found

    def _is_known(self, plugin: str, path: Path) -> bool:
        self.named.add(plugin)
        if plugin in self._plugins and self._plugins[plugin].state is not State.DISABLED:
            return True
        if plugin in self._plugins:
            self._report.add("unknown-plugin", path, f"plugin '{plugin}' is disabled", hint=_HOW_DISABLED)
            return False
        installed = {p.name: p.distribution for p in self._installed()}
        # Somebody who writes the distribution's name means the plugin in it.
        meant = [f"did you mean '{name}'?" for name, distribution in installed.items() if distribution == plugin]
        hint = meant[0] if meant else did_you_mean(plugin, installed)
        self._report.add(
            "unknown-plugin",
            path,
            f"plugin '{plugin}' is not installed",
            expected=quoted(installed) if installed else "",
            hint=hint or "install the distribution that supplies it",
        )
        return False


def _all_of(names: list[str]) -> str:
    return f"{quoted(names).replace(' or ', ' and ')} {'both' if len(names) == 2 else 'all'}"
