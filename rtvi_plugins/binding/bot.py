"""`Bot`: a manifest bound to its handlers; immutable, shared by all its sessions."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rtvi_plugins import responders
from rtvi_plugins.binding.binder import Binder
from rtvi_plugins.binding.needs import judged, unknown_disabled
from rtvi_plugins.binding.pipelines import PipelinePlan
from rtvi_plugins.binding.responding import make_responder
from rtvi_plugins.binding.scopes import left_out, scopes_of, shipped_by
from rtvi_plugins.errors import Problem, StartupError, errors_of, sort_problems, warnings_of
from rtvi_plugins.hooks.contracts import Responder
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.interrupts import contained, pass_on
from rtvi_plugins.manifest.collecting import collector_paused
from rtvi_plugins.manifest.load import LoadedManifest, load_manifests
from rtvi_plugins.manifest.plugin_files import plugin_choices
from rtvi_plugins.processor.core import RTVIProcessor
from rtvi_plugins.processor.stepping import is_from_outside
from rtvi_plugins.processor.tables import RTVIAction, Tables

if TYPE_CHECKING:
    from rtvi_plugins.manifest.model import Manifest

logger = logging.getLogger(__name__)

BUILT_IN: Final[Mapping[str, object]] = MappingProxyType({"builtin": responders})
"""What this package supplies through its own hooks."""


def discover_plugins(
    extra: Mapping[str, object] = MappingProxyType({}),
    *,
    paths: Iterable[str | Path] = (),
    environ: Mapping[str, str] | None = None,
    root: str | Path | None = None,
) -> PluginHost:
    """Find the installed plugins and the built-in ones; `extra` adds modules or objects by name.

    What the environment variable `RTVI_DISABLED_PLUGINS` names is not imported, nor what every manifest leaves out.
    paths, environ, root: the manifests, as for `load_bots`.
    """
    choices = plugin_choices(paths, environ=os.environ if environ is None else environ, root=root)
    return PluginHost.discover({**BUILT_IN, **extra}, disabled=left_out(choices))


@dataclass(frozen=True, eq=False, repr=False)
class Bot:
    """A bot that can be served: everything declared has its handler, and everything was checked.

    manifest:        what was declared, with all it uses taken in.
    tables:          what its sessions look up; `processor_class` holds the same.
    processor_class: the generated subclass of `RTVIProcessor`; one instance is one session.
    pipeline:        what the Pipecat host builds for each session; None for a bot without `pipeline:`.
    """

    manifest: Manifest
    tables: Tables
    processor_class: type[RTVIProcessor]
    pipeline: PipelinePlan | None
    _started: tuple[Callable[..., Any], ...]
    _ended: tuple[Callable[..., Any], ...]

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        plugins: Mapping[str, object] = MappingProxyType({}),
        environ: Mapping[str, str] | None = None,
        root: str | Path | None = None,
    ) -> Bot:
        """Load one manifest and bind it to the installed plugins.

        plugins: name → module or object with hookimpls, beside the installed ones.
        environ: what `${env:}` reads; the process environment by default.
        root:    the folder that the manifest and the files it uses must lie in; by default that of the manifest.
        Raises StartupError with every problem. Logs warnings when there is nothing worse.
        """
        host = discover_plugins(plugins, paths=[path], environ=environ, root=root)
        bots, problems = load_bots([path], host=host, environ=environ, root=root)
        if errors_of(problems):
            raise StartupError(problems)
        log_warnings(problems)
        if len(bots) != 1:
            text = f"{len(bots)} manifests in one place; name one"
            raise StartupError([Problem("unreadable-file", text)])
        return bots[0]

    def __repr__(self) -> str:
        return f"<Bot {self.name!r}>"  # nothing of its configuration: that may hold secrets

    @property
    def name(self) -> str:
        """The bot's name, from its manifest."""
        return self.manifest.bot

    @property
    def actions(self) -> Mapping[tuple[str, str], RTVIAction]:
        """The actions, by service and name."""
        return self.tables.actions

    async def session_started(self, processor: RTVIProcessor) -> None:
        """Let the plugins prepare a session. What they raise is logged."""
        await _call_all(self._started, processor)
        await processor.fire("on_bot_started")

    async def session_ended(self, processor: RTVIProcessor, reason: str) -> None:
        """Let the plugins release a session. What they raise is logged."""
        await _call_all(self._ended, processor, reason)


HOOK_TIMEOUT_S: Final = 10.0
"""How long a session hook may take: a connection stays open until it is done."""


_given_up: Final[set[asyncio.Task[Any]]] = set()
"""Hooks that did not end when they were cancelled; kept, for asyncio itself forgets tasks."""


async def _call_all(hooks: tuple[Callable[..., Any], ...], *arguments: Any) -> None:
    for hook in hooks:
        name = getattr(hook, "__qualname__", hook)
        try:
            outcome = hook(*arguments)
            if inspect.isawaitable(outcome):
                await _in_time(outcome)
        except asyncio.CancelledError:
            if is_from_outside():
                raise
            logger.exception("session hook %s was cancelled", name)
        except BaseException as error:
            pass_on(error)
            logger.exception("session hook %s failed", name)


async def _in_time(hook: Awaitable[Any]) -> None:
    """Await a hook; raises TimeoutError when it takes too long, however it takes its cancellation."""
    task = asyncio.get_running_loop().create_task(contained(hook))
    try:
        await asyncio.wait((task,), timeout=HOOK_TIMEOUT_S)
    finally:
        if not task.done():
            _given_up.add(task)
            task.add_done_callback(_given_up.discard)
            task.cancel()
    if not task.done():
        raise TimeoutError(f"it took longer than {HOOK_TIMEOUT_S:g} s and is given up")
    task.result()


def log_warnings(problems: Iterable[Problem]) -> None:
    """Log each warning among problems, one line each."""
    for problem in warnings_of(problems):
        logger.warning("%s", problem.render())


def load_bots(
    paths: Iterable[str | Path],
    *,
    host: PluginHost | None = None,
    environ: Mapping[str, str] | None = None,
    root: str | Path | None = None,
    together: bool = True,
) -> tuple[tuple[Bot, ...], tuple[Problem, ...]]:
    """Load manifests, files or folders of them, and bind them. Returns the sound bots and all problems.

    A bot is sound when its manifest has no problem worse than a warning and everything declared has its handler.
    together: whether one server is to serve them all: then two of one name are a problem.
    root: the folder that every file must lie in; left out, the folder of each manifest, or the one that was named.
    """
    environ = os.environ if environ is None else environ
    paths = list(paths)
    host = discover_plugins(paths=paths, environ=environ, root=root) if host is None else host
    with collector_paused():
        scopes = scopes_of(host, paths, environ=environ, root=root)
        loaded, problems = load_manifests(
            paths,
            shipped=shipped_by(host),
            shipped_for=scopes.shipped,
            environ=environ,
            root=root,
            together=together,
        )
        found: list[Problem] = [*problems]
        bots: list[Bot] = []
        needed: set[str] = set()
        faulty = {problem.location.path for problem in errors_of(problems)}
        for one in loaded:
            bound = bind(one, scopes.of(one.path))
            found += bound.problems
            needed |= bound.needed
            if bound.bot is not None and one.path not in faulty:
                bots.append(bound.bot)
    # Asked for stages, plugins may have shown more faults.
    return tuple(bots), sort_problems([*judged(host, needed, found, scopes.disabled), *unknown_disabled(host)])


class Bound(NamedTuple):
    """What came of binding one manifest: the bot, if it is sound, its problems, and the plugins that it needs."""

    bot: Bot | None
    problems: tuple[Problem, ...]
    needed: set[str]


def bind(loaded: LoadedManifest, host: PluginHost) -> Bound:
    """Bind one manifest; the problems are those that it has with its plugins."""
    binder = Binder(loaded, host)
    tables = binder.tables()
    manifest = loaded.manifest
    limits = manifest.runtime.limits.as_numbers()
    started, ended = host.session_hooks(binder.used)

    def made(responder: Responder | None) -> Bot:
        name = "".join(part.capitalize() for part in manifest.bot.replace("_", "-").split("-"))
        body = {
            "__slots__": (),
            "__doc__": manifest.description,
            "tables": tables,
            "limits": limits,
            "responder": responder,
            "readies_itself": True,
            "lingering": set(),
            "announces_changes": manifest.runtime.announce_changes,
        }
        return Bot(manifest, tables, type(f"{name}Processor", (RTVIProcessor,), body), binder.plan, started, ended)

    responder = make_responder(manifest, host, binder.report, binder.values, made(None))
    bot = made(responder)
    if binder.plan is not None and binder.report.is_sound:
        binder.plan.check_stages(binder.report, bot)
    return Bound(bot if binder.report.is_sound else None, sort_problems(binder.report.problems), binder.needed)
