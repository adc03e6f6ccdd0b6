"""The plugin host: has the plugins found, asks each for what it supplies, and tells every fault.

Beside `hookspecs.py` the only module that imports pluggy. pluggy keeps the hooks and their order; the walk over the
entry points and all checks are ours, because pluggy stops at the first fault and lets one plugin take the others down.
Nothing here raises for the sake of a plugin, and nothing here is on the path of a message.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pluggy

from rtvi_plugins.errors import Problem, sort_problems
from rtvi_plugins.handlers import Handler, location_of
from rtvi_plugins.hooks import hookspecs
from rtvi_plugins.hooks.beside import load_file
from rtvi_plugins.hooks.candidate import Candidate, Marker, Plugin
from rtvi_plugins.hooks.discovery import discovered, left_out, may_go
from rtvi_plugins.hooks.results import CHECKS, SESSION_HOOKS, SPECS
from rtvi_plugins.hooks.startup import StartInterrupted, at_work, watching

__all__ = ["Plugin", "PluginHost", "SessionHook"]

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from rtvi_plugins.hooks.contracts import Middleware, Responder
    from rtvi_plugins.manifest.plugin_files import PluginFile

SessionHook = Callable[..., Awaitable[None] | None]

_SUPPLYING: Final = ("rtvi_handlers", "rtvi_manifests", "rtvi_responders")
"""Hooks that supply what a manifest names: the middleware of such a plugin is for the bots that name it."""


class PluginHost:
    """The plugins of this environment and all that they supply. Made by `discover`."""

    def __init__(
        self, candidates: list[Candidate], manager: pluggy.PluginManager, problems: Collection[Problem]
    ) -> None:
        self._candidates = candidates
        self._problems = list(problems)
        self._manager = manager
        # pluggy calls what was registered last first, and moves `tryfirst` and `trylast` within that order.
        for index in reversed(range(len(candidates))):
            # Registered are the sound hooks alone: pluggy would refuse the whole plugin for one that is not.
            self._manager.register(SimpleNamespace(**candidates[index].hooks, index=index), name=str(index))
        self.beside: list[Plugin] = []
        """The plugins beside manifests, of all scopes that were made of this."""
        self._given: dict[str, list[tuple[Candidate, Any]]] = {}
        with watching():
            for hook in CHECKS:
                if hook != "rtvi_stages":  # asked only by the Pipecat host: the answer may import Pipecat
                    self._ask(hook)
        self._manifests = self._table("rtvi_manifests", "manifest")
        self._responders = self._table("rtvi_responders", "responder")
        self._suppliers = {candidate.name for hook in _SUPPLYING for candidate, _ in self._given[hook]}
        self._suppliers |= {candidate.name for candidate in candidates if "rtvi_stages" in candidate.hooks}
        self._plugins = {id(candidate): candidate.frozen() for candidate in candidates}

    @classmethod
    def discover(
        cls,
        extra: Mapping[str, object] = MappingProxyType({}),
        *,
        only: Collection[str] | None = None,
        disabled: Collection[str] = (),
    ) -> PluginHost:
        """Import every installed plugin, and ask each for all that it supplies at start-up.

        extra:    name → module or object, registered beside the installed ones.
        only:     names of the installed plugins to import; None means all. `extra` is taken in any case.
        disabled: names of installed plugins that are listed and not imported.
        Errors: raises nothing but `StartInterrupted`; see `problems`.
        """
        manager = _new_manager()
        with watching():
            candidates, problems = discovered(extra, only, disabled, _marker_of(manager))
            return cls(candidates, manager, problems)

    def scoped(self, files: Iterable[PluginFile], disabled: Collection[str]) -> PluginHost:
        """Return the plugins as one manifest sees them: with those beside it, and without those that it leaves out.

        What the installed ones gave is not asked for again.
        """
        with watching():
            candidates = [left_out(one) if one.name in disabled and may_go(one) else one for one in self._candidates]
            taken = {one.name: one for one in candidates if not one.is_dropped or not one.is_disabled}
            manager = _new_manager()
            for file in files:
                candidate = load_file(file, _marker_of(manager))
                first = taken.setdefault(candidate.name, candidate)
                if first is not candidate and first.is_beside and first.location == candidate.location:
                    continue  # listed twice
                if first is not candidate:
                    candidate.is_dropped = True
                    text = f"its name is taken by {first.who}; only that one was loaded"
                    candidate.report("duplicate-plugin", text, file.location, hint="rename the file")
                candidates.append(candidate)
            scope = PluginHost(candidates, manager, self._problems)
        self.beside += [plugin for plugin in scope.plugins if plugin.name in scope.names_beside]
        return scope

    @property
    def names_beside(self) -> frozenset[str]:
        """The names of the plugins that lie beside the manifest."""
        return frozenset(candidate.name for candidate in self._candidates if candidate.is_beside)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Every plugin, ordered by name, broken ones included."""
        return tuple(self._plugins.values())

    @property
    def strays(self) -> tuple[Problem, ...]:
        """Problems of distributions whose plugins cannot even be named, ordered by place."""
        return sort_problems(self._problems)

    def suppliers_of(self, hook: str, name: str) -> set[str]:
        """Return the names of all plugins that gave something of this name, also of those that came second."""
        return {candidate.name for candidate, (given, _) in self._given.get(hook, ()) if given == name}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem found so far, ordered by place."""
        return sort_problems([*self._problems, *(p for plugin in self.plugins for p in plugin.problems)])

    def handlers(self) -> tuple[tuple[Plugin, Handler], ...]:
        """Give every handler with the plugin that supplies it."""
        return tuple(self._sound("rtvi_handlers"))

    def manifests(self) -> Mapping[str, tuple[Plugin, Traversable]]:
        """Give the service manifests that plugins ship, by name."""
        return self._with_plugins(self._manifests)

    def responders(self) -> Mapping[str, tuple[Plugin, type[Responder]]]:
        """Give the responder classes, by name."""
        return self._with_plugins(self._responders)

    def stages(self) -> Mapping[str, tuple[Plugin, Callable[..., Any]]]:
        """Give the Pipecat stage factories, by name. The first call asks the plugins, and may add to `problems`."""
        if "rtvi_stages" not in self._given:
            self._ask("rtvi_stages")
            self._stages = self._table("rtvi_stages", "stage")
            self._plugins = {id(candidate): candidate.frozen() for candidate in self._candidates}
        return self._with_plugins(self._stages)

    def middleware(self, used: Collection[str] | None = None) -> tuple[Middleware, ...]:
        """Give the middleware, outermost first.

        used: names of the plugins that serve one bot: only theirs, and that of plugins that serve no bot in particular
              because they supply nothing that a manifest could name. None: that of all.
        """
        return tuple(
            middleware for plugin, middleware in self._sound("rtvi_middleware") if self._concerns(plugin.name, used)
        )

    def session_hooks(
        self, used: Collection[str] | None = None
    ) -> tuple[tuple[SessionHook, ...], tuple[SessionHook, ...]]:
        """Give what to call when a session started `(processor)` and when it ended `(processor, reason)`.

        used: as for `middleware`.
        Plain callables that take all parameters by position; what they return is awaitable when the hook is async.
        """
        started, ended = (
            tuple(
                _by_position(hook, function)
                for candidate, function in self._calls(hook)
                if not candidate.is_dropped and self._concerns(candidate.name, used)
            )
            for hook in SESSION_HOOKS
        )
        return started, ended

    def is_for_every_bot(self, plugin: Plugin) -> bool:
        """Return whether a plugin does its work for every bot, as far as can be told from what it implements."""
        wraps = {"rtvi_middleware", *SESSION_HOOKS} & plugin.attempted
        return bool(wraps) and plugin.attempted.isdisjoint({*_SUPPLYING, "rtvi_stages"})

    def _concerns(self, plugin: str, used: Collection[str] | None) -> bool:
        """Whether a plugin has to do with a bot that uses these plugins."""
        return used is None or plugin in used or plugin not in self._suppliers

    def _calls(self, hook: str) -> Iterator[tuple[Candidate, Callable[..., Any]]]:
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            yield self._candidates[int(implementation.plugin_name)], implementation.function

    def _ask(self, hook: str) -> None:
        given = self._given[hook] = []
        for candidate, function in self._calls(hook):
            if candidate.is_dropped:
                continue
            if hook not in candidate.given:
                candidate.given[hook] = _answer(candidate, hook, function)
            given += [(candidate, item) for item in candidate.given[hook]]

    def _table(self, hook: str, what: str) -> dict[str, tuple[Candidate, Any]]:
        """Turn the pairs that a hook gave into a table; a name that comes twice stays with the first."""
        table: dict[str, tuple[Candidate, Any]] = {}
        for candidate, (name, value) in self._given[hook]:
            if candidate.is_dropped:
                continue
            first = table.setdefault(name, (candidate, value))[0]
            if first is not candidate:
                text = f"{what} '{name}' is already supplied by {first.who}"
                candidate.report("duplicate-plugin", text, location_of(candidate.hooks[hook]))
        return table

    def _sound(self, hook: str) -> Iterator[tuple[Plugin, Any]]:
        for candidate, item in self._given[hook]:
            if not candidate.is_dropped:
                yield self._plugins[id(candidate)], item

    def _with_plugins(self, table: dict[str, tuple[Candidate, Any]]) -> Mapping[str, tuple[Plugin, Any]]:
        return MappingProxyType(
            {
                name: (self._plugins[id(candidate)], value)
                for name, (candidate, value) in table.items()
                if not candidate.is_dropped
            }
        )


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def _marker_of(manager: pluggy.PluginManager) -> Marker:
    return lambda function: manager.parse_hookimpl_opts(SimpleNamespace(function=function), "function")


def _answer(candidate: Candidate, hook: str, function: Callable[..., Any]) -> list[Any]:
    """Call a hook and return the sound part of what it gave; report the rest."""
    place = location_of(function)
    try:
        with at_work(candidate.who, f"hook '{hook}'"):
            sound, faults = CHECKS[hook](function())
    except StartInterrupted:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a plugin raises is that plugin's problem
        candidate.fail(f"hook '{hook}' failed", error, place)
        return []
    for fault in faults:
        candidate.report("bad-hook", fault.text, place, fault.expected, fault.hint)
    return sound


def _by_position(hook: str, function: Callable[..., Any]) -> SessionHook:
    """Make a session hook callable with all its parameters; one that takes them all needs nothing around it."""
    legal = SPECS[hook]
    taken = [name for name in inspect.signature(function).parameters if name in legal]
    if taken == list(legal):
        return function
    picks = [legal.index(name) for name in taken]

    def call(*given: Any) -> Any:
        return function(*[given[pick] for pick in picks])

    return call
