"""`Bot`: a manifest bound to its handlers; immutable, shared by all its sessions."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins import responders
from rtvi_plugins.binding.matching import Matching
from rtvi_plugins.binding.pipelines import Binds, PipelinePlan, bound_apply, check_pipeline
from rtvi_plugins.binding.report import Path as ManifestPath
from rtvi_plugins.binding.report import Report
from rtvi_plugins.binding.responding import make_responder
from rtvi_plugins.binding.signatures import Fault, check_action, check_signature
from rtvi_plugins.binding.values import Values, initial_config
from rtvi_plugins.binding.wrapping import wrap_action, wrap_option
from rtvi_plugins.errors import Problem, StartupError, sort_problems
from rtvi_plugins.handlers import Handler, HandlerKind
from rtvi_plugins.hooks.contracts import Responder
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.hooks.installed import version_of
from rtvi_plugins.manifest.collecting import collector_paused
from rtvi_plugins.manifest.load import LoadedManifest, load_manifests
from rtvi_plugins.processor.calling import as_coroutine
from rtvi_plugins.processor.core import RTVIProcessor
from rtvi_plugins.processor.stepping import is_from_outside
from rtvi_plugins.processor.tables import (
    FunctionType,
    MessageType,
    RTVIAction,
    RTVIService,
    RTVIServiceOption,
    Tables,
    UIEventType,
)
from rtvi_plugins.processor.tools import MAX_TOOL_NAME, tool_name
from rtvi_plugins.schema import ValueSchema

if TYPE_CHECKING:
    from rtvi_plugins.manifest.model import Manifest, Option, Service

logger = logging.getLogger(__name__)

BUILT_IN: Final[Mapping[str, object]] = MappingProxyType({"builtin": responders})
"""What this package supplies through its own hooks."""


def discover_plugins(extra: Mapping[str, object] = MappingProxyType({})) -> PluginHost:
    """Find the installed plugins and the built-in ones; `extra` adds modules or objects by name."""
    return PluginHost.discover({**BUILT_IN, **extra})


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
    ) -> Bot:
        """Load one manifest and bind it to the installed plugins.

        plugins: name → module or object with hookimpls, beside the installed ones.
        environ: what `${env:}` reads; the process environment by default.
        Raises StartupError with every problem.
        """
        bots, problems = load_bots([path], host=discover_plugins(plugins), environ=environ)
        if problems:
            raise StartupError(problems)
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


async def _call_all(hooks: tuple[Callable[..., Any], ...], *arguments: Any) -> None:
    for hook in hooks:
        try:
            outcome = hook(*arguments)
            if inspect.isawaitable(outcome):
                async with asyncio.timeout(HOOK_TIMEOUT_S):
                    await outcome
        except asyncio.CancelledError:
            if is_from_outside():
                raise
            logger.exception("session hook %s was cancelled", getattr(hook, "__qualname__", hook))
        except Exception:
            logger.exception("session hook %s failed", getattr(hook, "__qualname__", hook))


def load_bots(
    paths: Iterable[str | Path], *, host: PluginHost | None = None, environ: Mapping[str, str] | None = None
) -> tuple[tuple[Bot, ...], tuple[Problem, ...]]:
    """Load manifests, files or folders of them, and bind them. Returns the sound bots and all problems.

    A bot is sound when its manifest has no problem and everything declared has its handler.
    """
    host = discover_plugins() if host is None else host
    shipped = {name: file for name, (_, file) in host.manifests().items()}
    with collector_paused():
        loaded, problems = load_manifests(paths, shipped=shipped, environ=os.environ if environ is None else environ)
        found: list[Problem] = [*problems]
        bots: list[Bot] = []
        faulty = {problem.location.path for problem in problems}
        for one in loaded:
            bot, own = bind(one, host)
            found += own
            if bot is not None and one.path not in faulty:
                bots.append(bot)
    return tuple(bots), sort_problems([*found, *host.problems])  # asked for stages, plugins may have shown more faults


def bind(loaded: LoadedManifest, host: PluginHost) -> tuple[Bot | None, tuple[Problem, ...]]:
    """Bind one manifest. Returns the bot, or None, and the problems that this manifest has with its plugins."""
    binder = _Binder(loaded, host)
    tables = binder.tables()
    manifest = loaded.manifest
    limits = MappingProxyType(manifest.runtime.limits.model_dump())
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
    return (bot if binder.report.is_sound else None), sort_problems(binder.report.problems)


class _Binder:
    """Binds one manifest, collecting problems."""

    def __init__(self, loaded: LoadedManifest, host: PluginHost) -> None:
        self._host = host
        self._manifest = loaded.manifest
        self.report = Report(loaded)
        self.values = Values(loaded.manifest, self.report)
        self.matching = Matching(host, self.report)
        self.plan = check_pipeline(self.report, host)
        self._binds = Binds(self.report, self.plan)
        self._schemas: dict[tuple[str, str], ValueSchema] = {}

    def tables(self) -> Tables:
        services: dict[str, RTVIService] = {}
        actions: dict[tuple[str, str], RTVIAction] = {}
        for name, service in self._manifest.services.items():
            handlers = self.matching.service(name, service)
            services[name] = RTVIService(name, self._options(name, service, handlers), description=service.description)
            for action in self._actions(name, service, handlers):
                actions[name, action.action] = action
        config = initial_config(self._manifest, self._schemas, self.report, self.values)
        tables = Tables(
            name=self._manifest.bot,
            description=self._manifest.description,
            services=MappingProxyType(services),
            actions=MappingProxyType(actions),
            messages=MappingProxyType(self._messages()),
            functions=MappingProxyType(self._functions(actions)),
            ui_events=MappingProxyType(self._ui_events()),
            ui_commands=MappingProxyType(
                {
                    name: self.values.value(command.payload, ("ui", "commands", name, "payload"))
                    for name, command in self._manifest.ui.commands.items()
                }
            ),
            config=MappingProxyType(config),
            capabilities=MappingProxyType(
                dict.fromkeys(("audio_in", "audio_out", "video_in", "video_out", "metrics"), False)
            ),
            about=MappingProxyType({"library": "rtvi-plugins", "library_version": _version()}),
        )
        self._wrap(tables)
        return tables

    @property
    def used(self) -> set[str]:
        """The plugins that serve this bot."""
        choice = self._manifest.runtime.responder
        responder = self._host.responders().get(choice.use) if choice else None
        stages = frozenset() if self.plan is None else self.plan.plugins
        return self.matching.used | ({responder[0].name} if responder else set()) | stages

    def _wrap(self, tables: Tables) -> None:
        """Have bound options reach their stages, and put the middleware of this bot's plugins around all."""
        for name, service in tables.services.items():
            for option in service.options.values():
                if option.bind is not None:
                    option.apply = bound_apply(name, option)
        if middleware := self._host.middleware(self.used):
            for name, service in tables.services.items():
                for option in service.options.values():
                    option.apply = wrap_option(middleware, name, option)
            for action in tables.actions.values():
                action.invoke = wrap_action(middleware, action)

    def _options(
        self, service_name: str, service: Service, handlers: Mapping[tuple[HandlerKind, str], Handler]
    ) -> Iterable[RTVIServiceOption]:
        for name, option in service.options.items():
            path = ("services", service_name, "options", name)
            default = self._binds.default(option, path)
            schema = self.values.option(option, path, self._binds.schema(option, path), default)
            self._schemas[service_name, name] = schema
            handler = handlers.get((HandlerKind.OPTION, name))
            if handler is not None:
                self._unfit(path, handler, check_signature(handler))
            elif _needs_handler(option) and not self._is_doubtful(path):
                near = [n for k, n in handlers if k is HandlerKind.OPTION and n not in service.options]
                if service_name in self.report.loaded.used:  # a slip in what is laid over declares a new option
                    near += [n for n in service.options if n != name]
                self.matching.missing(HandlerKind.OPTION, name, path, near, service=service_name, plugin=service.plugin)
            yield RTVIServiceOption(
                name,
                schema,
                handler.function if handler else None,
                description=option.description,
                default=default,
                unit=option.unit,
                mutable=option.mutable,
                client=option.client,
                secret=option.secret,
                bind=option.bind,
            )

    def _unfit(self, path: ManifestPath, handler: Handler, faults: Iterable[Fault]) -> None:
        """Report in what a handler does not fit its declaration."""
        for text, expected, hint in faults:
            self.report.add("bad-handler", path, text, expected=expected, hint=hint, location=handler.location)

    def _is_doubtful(self, path: tuple[str, ...]) -> bool:
        """Whether it cannot be told if an option needs a handler, because what says so is faulty."""
        return any(self.report.is_omitted(*path, key) for key in ("bind", "client", "mutable"))

    def _actions(
        self, service_name: str, service: Service, handlers: Mapping[tuple[HandlerKind, str], Handler]
    ) -> Iterable[RTVIAction]:
        for name, action in service.actions.items():
            path = ("services", service_name, "actions", name)
            arguments = self.values.arguments(action.arguments, path)
            result = None if action.result is None else self.values.value(action.result, (*path, "result"))
            handler = handlers.get((HandlerKind.ACTION, name))
            if handler is None:
                near = [n for k, n in handlers if k is HandlerKind.ACTION and n not in service.actions]
                if service_name in self.report.loaded.used:
                    near += [n for n in service.actions if n != name]
                self.matching.missing(HandlerKind.ACTION, name, path, near, service=service_name, plugin=service.plugin)
                continue
            declared = None if result is None else result.document
            self._unfit(path, handler, check_action(handler, arguments, declared, is_job=action.job))
            serial: tuple[str, ...] | None = None
            if action.concurrency == "serial":
                serial = (service_name, name)
            elif action.concurrency is None and service.concurrency == "serial":
                serial = (service_name,)
            bound = RTVIAction(
                service_name,
                name,
                arguments,
                result,
                handler.function,
                description=action.description,
                timeout=action.timeout,
                serial=serial,
                is_job=action.job,
                is_tool=action.tool,
                cancellable=action.cancellable,
            )
            yield bound

    def _messages(self) -> dict[str, MessageType]:
        messages: dict[str, MessageType] = {}
        for name, message in self._manifest.messages.items():
            path = ("messages", name)
            data = self.values.value(message.data, (*path, "data"))
            result = self.values.value(message.result, (*path, "result"))
            handler = self.matching.message(HandlerKind.MESSAGE, name, message.plugin, path)
            if handler is not None:
                self._unfit(path, handler, check_signature(handler))
                function = as_coroutine(handler.function)
                messages[name] = MessageType(name, data, result, function, message.timeout, message.description)
        return messages

    def _functions(self, actions: Mapping[tuple[str, str], RTVIAction]) -> dict[str, FunctionType]:
        tools: dict[str, tuple[str, str]] = {}
        for key, bound in actions.items():
            if bound.is_tool:
                self._check_tool(key, tools)
        functions: dict[str, FunctionType] = {}
        for name, function in self._manifest.functions.items():
            path = ("functions", name)
            if name in tools:
                service, action = tools[name]
                text = f"an LLM would know it by the same name as the action {service}.{action}"
                self.report.add("duplicate-tool", path, text, on_key=True)
            functions[name] = FunctionType(
                name,
                self.values.arguments(function.arguments, path),
                self.values.value(function.result, (*path, "result")),
                function.timeout,
                function.description,
            )
        return functions

    def _check_tool(self, key: tuple[str, str], tools: dict[str, tuple[str, str]]) -> None:
        """Add an action to the tools, under the name an LLM will know it by; report a name that cannot be."""
        name = tool_name(*key)
        path = ("services", key[0], "actions", key[1], "tool")
        if len(name) > MAX_TOOL_NAME:
            self.report.add(
                "bad-name", path, f"an LLM would know it as '{name}'", expected=f"at most {MAX_TOOL_NAME} characters"
            )
        if name in tools:
            text = f"an LLM would know it as '{name}', like the action {'.'.join(tools[name])}"
            self.report.add("duplicate-tool", path, text, on_key=True)
        tools.setdefault(name, key)

    def _ui_events(self) -> dict[str, UIEventType]:
        events: dict[str, UIEventType] = {}
        for name, declared in self._manifest.ui.events.items():
            path = ("ui", "events", name)
            payload = self.values.value(declared.payload, (*path, "payload"))
            handler = self.matching.message(HandlerKind.EVENT, name, declared.plugin, path)
            if handler is not None:
                self._unfit(path, handler, check_signature(handler))
                function = as_coroutine(handler.function)
                events[name] = UIEventType(name, payload, function, description=declared.description)
        return events


def _needs_handler(option: Option) -> bool:
    """Whether somebody can change the option, so that somebody has to hear of it."""
    return option.bind is None and option.client != "none" and option.mutable != "never"


@functools.cache
def _version() -> str:
    return version_of("rtvi-plugins") or "0"
