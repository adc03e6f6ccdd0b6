"""One manifest is bound: what it declares becomes the tables that its sessions look up, or problems."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from rtvi_plugins.binding.matching import Matching
from rtvi_plugins.binding.pipelines import Binds, bound_apply, check_pipeline
from rtvi_plugins.binding.report import Path as ManifestPath
from rtvi_plugins.binding.report import Report
from rtvi_plugins.binding.signatures import Fault, check_action, check_signature
from rtvi_plugins.binding.starting import Sources
from rtvi_plugins.binding.values import Values, initial_config
from rtvi_plugins.binding.wrapping import wrap_action, wrap_option
from rtvi_plugins.errors import Severity, did_you_mean
from rtvi_plugins.handlers import Handler, HandlerKind
from rtvi_plugins.hooks.installed import version_of
from rtvi_plugins.processor.calling import as_coroutine
from rtvi_plugins.processor.message_types import FunctionType, MessageType, UIEventType
from rtvi_plugins.processor.tables import RTVIAction, RTVIService, RTVIServiceOption, Tables
from rtvi_plugins.processor.tools import MAX_TOOL_NAME, tool_name
from rtvi_plugins.schema import ValueSchema

if TYPE_CHECKING:
    from rtvi_plugins.hooks.host import PluginHost
    from rtvi_plugins.manifest.load import LoadedManifest
    from rtvi_plugins.manifest.model import Option, Service


class Binder:
    """Binds one manifest, collecting problems."""

    def __init__(
        self, loaded: LoadedManifest, host: PluginHost, *, matching: type[Matching] = Matching, with_code: bool = True
    ) -> None:
        """Begin with a manifest. with_code: whether plugins, and what runs pipelines, may be asked."""
        self._host = host
        self._manifest = loaded.manifest
        self.report = Report(loaded)
        self.values = Values(
            loaded.manifest.defs, self.report, checks_formats=loaded.manifest.runtime.formats == "check"
        )
        self.matching = matching(host, self.report)
        self.plan = check_pipeline(self.report, host) if with_code else None
        self._binds = Binds(self.report, self.plan)
        self._schemas: dict[tuple[str, str], ValueSchema] = {}
        self._sources = Sources(loaded.manifest, self.values, self.report)
        if with_code:
            self._check_disabled()

    def _check_disabled(self) -> None:
        """Warn of plugins that the manifest leaves out and nobody has installed."""
        known = {plugin.name for plugin in self._host.plugins if plugin.is_installed}
        for index, name in enumerate(self._manifest.runtime.plugins.disabled):
            if name not in known:
                path = ("runtime", "plugins", "disabled", index)
                text = f"plugin '{name[:100]}' is not installed"
                hint = did_you_mean(name, known)
                self.report.add("unknown-plugin", path, text, hint=hint, severity=Severity.WARNING)

    def tables(self) -> Tables:
        """Return all that sessions look up; what has no handler is reported and left out."""
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
            start=self._sources.schema,
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
        return self.matching.used | ({responder[0].name} if responder else set()) | stages | self._host.names_beside

    @property
    def needed(self) -> set[str]:
        """The plugins that this manifest cannot do without: those that serve it, it names, or supply what it names."""
        choice = self._manifest.runtime.responder
        named = [("rtvi_manifests", name) for name in self.report.loaded.used.values()]
        named += [("rtvi_responders", choice.use)] if choice else []
        return self.used | self.matching.named | {one for name in named for one in self._host.suppliers_of(*name)}

    def _wrap(self, tables: Tables) -> None:
        """Have bound options reach their stages, and put the middleware of this bot's plugins around all."""
        for name, service in tables.services.items():
            for option in service.options:
                if option.bind is not None:
                    option.apply = bound_apply(name, option)
        if middleware := self._host.middleware(self.used):
            for name, service in tables.services.items():
                for option in service.options:
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
            if handler is not None and option.handler is not None:
                text = f"plugin '{self.matching.plugin_of(handler)}' has a handler for it, which would not be called"
                self.report.add("unknown-handler", (*path, "handler"), text, hint="leave 'handler: none' out")
            elif handler is not None:
                self._unfit(path, handler, check_signature(handler))
            elif _needs_handler(option) and not self._is_doubtful(path):
                self._check_missing(service_name, service, name, handlers)
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
                source=self._sources.name(option, schema, path),
            )

    def _check_missing(
        self, service_name: str, service: Service, name: str, handlers: Mapping[tuple[HandlerKind, str], Handler]
    ) -> None:
        """Report an option that has no handler, unless it is plain that its value is only to be stored.

        That is so where the service names no plugin, and nothing there is looks like the handler, or the option, that
        was meant.
        """
        path = ("services", service_name, "options", name)
        near = [n for k, n in handlers if k is HandlerKind.OPTION and n not in service.options]
        if service.plugin is None and not self.matching.is_doubtful(service_name, has_handlers=bool(handlers)):
            # A slip in what is laid over declares a new option.
            added = self.report.loaded.added
            near += [n for n in service.options if (*path[:-1], n) not in added] if path in added else []
            if not did_you_mean(name, near):
                return
        elif service_name in self.report.loaded.used:
            near += [n for n in service.options if n != name]
        self.matching.missing(HandlerKind.OPTION, name, path, near, service=service_name, plugin=service.plugin)

    def _unfit(self, path: ManifestPath, handler: Handler, faults: Iterable[Fault]) -> None:
        """Report in what a handler does not fit its declaration."""
        for text, expected, hint in faults:
            self.report.add("bad-handler", path, text, expected=expected, hint=hint, location=handler.location)

    def _is_doubtful(self, path: tuple[str, ...]) -> bool:
        """Whether it cannot be told if an option needs a handler, because what says so is faulty."""
        return any(self.report.is_omitted(*path, key) for key in ("bind", "client", "handler", "mutable"))

    def _actions(
        self, service_name: str, service: Service, handlers: Mapping[tuple[HandlerKind, str], Handler]
    ) -> Iterable[RTVIAction]:
        for name, action in service.actions.items():
            path = ("services", service_name, "actions", name)
            arguments = self.values.declared(action.arguments, (*path, "arguments"))
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
                self.values.declared(function.arguments, (*path, "arguments")),
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
    return option.bind is None and option.handler is None and option.client != "none" and option.mutable != "never"


@functools.cache
def _version() -> str:
    return version_of("rtvi-plugins") or "0"
