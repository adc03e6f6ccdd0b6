"""What a bot offers: services with options, actions with arguments, and the tables a session looks them up in.

The same objects serve both ways of making a bot: written by hand (`register_service`, `register_action`) and generated
from a manifest. They are immutable and shared by all sessions. A handler is reached through `apply` or `invoke`, which
hide its form (original or typed, coroutine or plain function).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from rtvi_plugins.handlers import Form, HandlerKind, Signature
from rtvi_plugins.processor.calling import Apply, Invoke, action_invoke, option_apply, typed_call
from rtvi_plugins.processor.initial import Offers, begin
from rtvi_plugins.processor.message_types import FunctionType, MessageType, UIEventType
from rtvi_plugins.processor.original import Declared, made, pass_over
from rtvi_plugins.schema import MISSING, ArgumentSource, ArgumentsSchema, ValueSchema, compile_arguments, compile_value
from rtvi_plugins.schema.references import resolved

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class RTVIServiceOption(Declared):
    """One option of a service.

    type:    an RTVI type name or a JSON Schema mapping.
    handler: `async (processor, service, option)`; `option.value` was checked. None: the value is only stored.
    default: initial value; `MISSING` when there is none.
    mutable: `live`, `start` or `never`; client: `write`, `read` or `none` (see the manifest's `Option`).
    source:  name of the start data that the option begins with; empty when there is none.
    Raises ValueError for a type that is no schema.
    """

    __slots__ = (
        "apply",
        "bind",
        "client",
        "default",
        "description",
        "handler",
        "mutable",
        "name",
        "schema",
        "secret",
        "source",
        "unit",
    )

    def __init__(
        self,
        name: str,
        type: str | Mapping[str, Any] | bool | ValueSchema = "string",  # noqa: A002 - the field's name on the wire
        handler: Callable[..., Any] | None = None,
        *,
        description: str = "",
        default: Any = MISSING,
        unit: str = "",
        mutable: str = "live",
        client: str = "write",
        secret: bool = False,
        bind: str | None = None,
        source: str = "",
        **strangers: Any,
    ) -> None:
        if strangers:
            pass_over(f"option {name!r}", strangers, self.__slots__)
        self.name = name
        self.schema = as_schema(type)
        self.handler = handler
        self.description = description
        self.default = default
        self.unit = unit
        self.mutable = mutable
        self.client = client
        self.secret = secret
        self.bind = bind
        self.source = source
        self.apply: Apply = option_apply("", handler)

    @property
    def type(self) -> str:
        """The RTVI type name."""
        return self.schema.rtvi_type

    @property
    def is_shown(self) -> bool:
        """Whether clients are told the value."""
        return self.client != "none" and not self.secret

    def _dump(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.type}

    def describe(self) -> dict[str, Any]:
        """Give the entry of `config-available`: RTVI's `name` and `type`, and beside them what new clients can use."""
        entry: dict[str, Any] = {"name": self.name, "type": self.type, "schema": self.schema.document}
        if self.default is not MISSING and self.is_shown:
            entry["default"] = self.default
        entry |= {key: value for key in ("description", "unit") if (value := getattr(self, key))}
        if self.mutable != "live":
            entry["mutable"] = self.mutable
        if self.client != "write":
            entry["client"] = self.client
        if self.secret:
            entry["secret"] = True
        return entry


def is_integer(document: Any) -> bool:
    """Whether a schema takes nothing but integers."""
    return isinstance(document, dict) and document.get("type") == "integer"


def as_schema(source: str | Mapping[str, Any] | bool | ValueSchema) -> ValueSchema:
    """Compile a type name or a schema; a compiled one stays what it is. Raises ValueError when it is neither."""
    if isinstance(source, ValueSchema):
        return source
    return compile_value({"type": source} if isinstance(source, str) else source)


class RTVIService(Declared):
    """A configurable part of the bot. Raises ValueError when two options have one name.

    options: each an `RTVIServiceOption` or the mapping of its keywords.
    """

    __slots__ = ("description", "name", "named_options")

    def __init__(
        self,
        name: str,
        options: Iterable[RTVIServiceOption | Mapping[str, Any]] = (),
        *,
        description: str = "",
        **strangers: Any,
    ) -> None:
        if strangers:
            pass_over(f"service {name!r}", strangers, ("options", *self.__slots__))
        given = [made(RTVIServiceOption, option) for option in options]
        self.name = name
        self.description = description
        self.named_options: Mapping[str, RTVIServiceOption] = MappingProxyType(
            {option.name: option for option in given}
        )
        if len(self.named_options) != len(given):
            raise ValueError(f"service {name!r} has two options of one name")
        for option in given:
            if option.handler is not None:
                option.apply = option_apply(name, option.handler)

    @property
    def options(self) -> list[RTVIServiceOption]:
        """The options, in the order in which they were declared."""
        return list(self.named_options.values())

    def _dump(self) -> dict[str, Any]:
        return {"name": self.name, "options": [option.model_dump() for option in self.options]}

    def describe(self) -> dict[str, Any]:
        """Give the entry of `config-available`."""
        shown = [option.describe() for option in self.options if option.client != "none"]
        return {"name": self.name, "options": shown} | ({"description": self.description} if self.description else {})


class RTVIActionArgument(Declared):
    """One argument of an action.

    type:     an RTVI type name or a JSON Schema mapping.
    required: whether a call without it is refused; by default the handler copes, as it always did.
    default:  filled in when the client leaves it out; `MISSING` when there is none.
    """

    __slots__ = ("name", "source")

    def __init__(
        self,
        name: str,
        type: str | Mapping[str, Any] | bool = "string",  # noqa: A002 - the field's name on the wire
        *,
        description: str = "",
        required: bool = False,
        default: Any = MISSING,
        unit: str = "",
        **strangers: Any,
    ) -> None:
        if strangers:
            pass_over(f"argument {name!r}", strangers, ("type", "description", "required", "default", "unit"))
        self.name = name
        self.source = ArgumentSource(
            keywords={"type": type} if isinstance(type, str) else type,
            required=required,
            has_default=default is not MISSING,
            default=None if default is MISSING else default,
            description=description,
            unit=unit,
        )

    @property
    def type(self) -> str:
        """The RTVI type name."""
        return as_schema(self.source.keywords).rtvi_type

    def _dump(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.type}


def _compiled(given: Iterable[RTVIActionArgument | Mapping[str, Any]], handler: Callable[..., Any]) -> ArgumentsSchema:
    """Compile declared arguments. Without any, a handler of the original form takes whatever comes."""
    arguments = [made(RTVIActionArgument, argument) for argument in given]
    is_open = not arguments and Signature.of(handler, HandlerKind.ACTION).form_for(()) is Form.ORIGINAL
    return compile_arguments({one.name: one.source for one in arguments}, rules={"additionalProperties": is_open})


_ACTION_KEYWORDS: Final = (
    "service", "action", "arguments", "result", "handler", "description", "timeout", "serial", "is_job", "is_tool",
    "cancellable",
)  # fmt: skip


class RTVIAction(Declared):
    """Something a client can have done.

    arguments: each an `RTVIActionArgument` or the mapping of its keywords; an action without any takes whatever comes
             when its handler has the original form.
    handler: original form `async (processor, service, arguments)` or typed form `async (processor, *, query, limit)`.
    result:  an RTVI type name, a JSON Schema mapping, or None for any JSON value; what the handler returns is checked.
    timeout: seconds until the client is told that it took too long and the handler is cancelled.
    serial:  calls with the same `serial` key of one session run one after the other; None: at once.
    Raises ValueError for a type that is no schema.
    """

    __slots__ = (
        "_invoke", "action", "are_valid", "arguments", "cancellable", "check_result", "description", "handler",
        "has_defaults", "integers", "is_direct", "is_job", "is_tool", "result", "serial", "service", "timeout", "typed",
    )  # fmt: skip

    def __init__(
        self,
        service: str,
        action: str,
        arguments: Iterable[RTVIActionArgument | Mapping[str, Any]] | ArgumentsSchema = (),
        result: str | Mapping[str, Any] | bool | ValueSchema | None = None,
        handler: Callable[..., Any] | None = None,
        *,
        description: str = "",
        timeout: float = 30.0,
        serial: tuple[str, ...] | None = None,
        is_job: bool = False,
        is_tool: bool = False,
        cancellable: bool = True,
        **strangers: Any,
    ) -> None:
        if strangers:
            pass_over(f"action {service}.{action}", strangers, _ACTION_KEYWORDS)
        if handler is None:
            raise ValueError(f"action {service}.{action} needs a handler")
        self.service = service
        self.action = action
        self.arguments = arguments if isinstance(arguments, ArgumentsSchema) else _compiled(arguments, handler)
        self.integers = tuple(n for n, described in self.arguments.properties.items() if is_integer(described.document))
        # What every call looks up, at hand.
        self.are_valid = self.arguments.is_valid
        self.has_defaults = bool(self.arguments.defaults)
        self.result = as_schema(True if result is None else result)
        self.check_result = None if result is None else self.result.is_valid
        self.handler = handler
        self._invoke: Invoke = action_invoke(service, handler, self.arguments)
        self.typed = typed_call(handler, self.arguments)
        self.description = description
        self.timeout = timeout
        self.serial = serial
        self.is_job = is_job
        self.is_direct = not is_job and serial is None
        self.is_tool = is_tool
        self.cancellable = cancellable

    @property
    def invoke(self) -> Invoke:
        """What runs the handler; `typed`, where it is set, does the same with a call less in between."""
        return self._invoke

    @invoke.setter
    def invoke(self, invoke: Invoke) -> None:
        """Put something in between: the handler is reached through that alone from now on."""
        self._invoke, self.typed = invoke, None

    def _dump(self) -> dict[str, Any]:
        arguments = [{"name": name, "type": a.rtvi_type} for name, a in self.arguments.properties.items()]
        return {
            "service": self.service,
            "action": self.action,
            "arguments": arguments,
            "result": self.result.rtvi_type,
        }

    def describe(self) -> dict[str, Any]:
        """Give the entry of `actions-available`: RTVI's fields, and beside them the full schemas."""
        entry: dict[str, Any] = {
            "service": self.service,
            "action": self.action,
            "arguments": [
                {"name": name, "type": described.rtvi_type}
                | resolved(described.document)
                | {"type": described.rtvi_type, "required": name in self.arguments.document.get("required", ())}
                for name, described in self.arguments.properties.items()
            ],
            "result": self.result.rtvi_type,
            "schema": self.arguments.document,
            "result_schema": self.result.document,
        }
        if self.is_job:
            entry |= {"job": True, "cancellable": self.cancellable}
        if self.is_tool:
            entry["tool"] = True
        return entry | ({"description": self.description} if self.description else {})


@dataclass(frozen=True)
class Tables:
    """Everything a session looks up; replaced, never changed. Keys of `actions` are pairs (service, action).

    config:     the initial configuration, service → option → value.
    own_config: the part of it that is the bot's own, without what one session begins with.
    start:      what clients send with their start, beside the configuration; None: anything.
    """

    services: Mapping[str, RTVIService] = field(default_factory=lambda: NOTHING)
    actions: Mapping[tuple[str, str], RTVIAction] = field(default_factory=lambda: MappingProxyType({}))
    messages: Mapping[str, MessageType] = field(default_factory=lambda: NOTHING)
    functions: Mapping[str, FunctionType] = field(default_factory=lambda: NOTHING)
    ui_events: Mapping[str, UIEventType] = field(default_factory=lambda: NOTHING)
    ui_commands: Mapping[str, ValueSchema] = field(default_factory=lambda: NOTHING)
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NOTHING, repr=False)
    own_config: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NOTHING, repr=False)
    start: ArgumentsSchema | None = None
    capabilities: Mapping[str, bool] = field(default_factory=lambda: NOTHING)
    about: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({"library": "rtvi-plugins"}))
    name: str = ""
    description: str = ""

    def with_service(self, service: RTVIService) -> Tables:
        """Add or replace a service."""
        return replace(self, services=MappingProxyType({**self.services, service.name: service}))

    def with_action(self, action: RTVIAction) -> Tables:
        """Add or replace an action; its service becomes known if it was not."""
        key = (action.service, action.action)
        return replace(self, actions=MappingProxyType({**self.actions, key: action}))

    def with_config(self, values: Mapping[str, Mapping[str, Any]]) -> Tables:
        """Lay the values one session begins with over the initial configuration."""
        merged = {name: dict(options) for name, options in self.config.items()}
        for service, options in values.items():
            merged.setdefault(service, {}).update(options)
        tables = replace(self, config=MappingProxyType(merged), own_config=self.config)
        # A session with values of its own shares what does not depend on them; else each would build it anew.
        shared = ("actions_available", "by_name", "by_short_form", "config_available", "filled")
        tables.__dict__.update({name: getattr(self, name) for name in shared})
        return tables

    @functools.cached_property
    def initial(self) -> Mapping[str, Mapping[str, Any]]:
        """The values a session begins with, as far as the options take them; others are as if they were not there."""
        services = self.services.items()
        return MappingProxyType({n: MappingProxyType(begin(s.named_options, self.offers(n))) for n, s in services})

    def offers(self, service: str) -> Offers:
        """Return the values that a service is offered to begin with, the preferred ones first."""
        return self.config.get(service, NOTHING), self.own_config.get(service, NOTHING)

    @functools.cached_property
    def filled(self) -> tuple[tuple[str, RTVIServiceOption], ...]:
        """The options that begin with start data, each with its service's name."""
        return tuple((s.name, o) for s in self.services.values() for o in s.options if o.source)

    @functools.cached_property
    def by_name(self) -> dict[tuple[str, str], RTVIAction]:
        """`actions`, in which every message looks: without what keeps others from changing it, which takes time."""
        return dict(self.actions)

    @functools.cached_property
    def by_short_form(self) -> Mapping[str, RTVIAction]:
        """Actions by `t` of the short form: `service.action`, parted at the first dot.

        One look-up in place of parting `t` and hashing a pair, 0.15 us for every message.
        """
        return {f"{service}.{name}": action for (service, name), action in self.actions.items() if "." not in service}

    @functools.cached_property
    def config_available(self) -> list[dict[str, Any]]:
        """`data.config` of `config-available`."""
        return [service.describe() for service in self.services.values()]

    @functools.cached_property
    def actions_available(self) -> list[dict[str, Any]]:
        """`data.actions` of `actions-available`."""
        return [action.describe() for action in self.actions.values()]
