"""The manifest as frozen models: what a checked file means, free of YAML and of positions.

`load.py` makes these from files; everything else reads them. Value schemas (options, arguments, `result`, `payload`,
`data`) keep their JSON Schema keywords in `model_extra`; `rtvi_plugins.schema` compiles them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from rtvi_plugins.manifest.arguments import Form, form_of
from rtvi_plugins.manifest.pipeline import Pipeline
from rtvi_plugins.manifest.primitives import Choice, Model, Name, Seconds, Table, nothing

LANGUAGE_VERSION: Final = 1


class Value(Model):
    """A value schema: a type name, `true`, `false`, or a mapping of JSON Schema 2020-12 keywords."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: object) -> object:
        if isinstance(given, str):
            return {"type": given}
        if given is True:
            return {}
        if given is False:
            return {"not": {}}
        return given

    @property
    def keywords(self) -> dict[str, Any]:
        """The JSON Schema keywords as written, without this language's own keys."""
        return dict(self.model_extra or {})


class Option(Value):
    """One option of a service.

    mutable: `live` clients may change it at any time, `start` only before the bot is ready, `never` not at all.
    client:  what clients may do with it; `none` hides it from them altogether.
    secret:  its value is never sent, logged or named in an error.
    bind:    `stage.field` of the pipeline that takes the value (Pipecat host).
    source:  `start.name` of the start data that it begins with; without these, with its default.
    handler: `none` has its value only stored, though the service names a plugin.
    """

    default: Any = Field(default=None, repr=False)
    """Its value until somebody sets another."""
    unit: str = ""
    """What a number counts, for people: `words/min`."""
    mutable: Literal["live", "start", "never"] = "live"
    client: Literal["write", "read", "none"] = "write"
    secret: bool = False
    bind: str | None = None
    source: str | None = Field(default=None, alias="from", json_schema_extra={"pattern": r"^start\."})
    handler: Literal["none"] | None = None

    @property
    def has_default(self) -> bool:
        """Whether the file gives a default, `null` included."""
        return "default" in self.model_fields_set


class Argument(Value):
    """One argument of an action or function. `required` may also be JSON Schema's list of property names."""

    default: Any = Field(default=None, repr=False)
    """Its value in a call that leaves it out."""
    unit: str = ""
    """What a number counts, for people: `words/min`."""
    required: bool | Annotated[tuple[str, ...], Strict(strict=False)] = True

    @property
    def has_default(self) -> bool:
        """Whether the file gives a default, `null` included."""
        return "default" in self.model_fields_set

    @property
    def is_required(self) -> bool:
        """Whether a call without it is refused."""
        return not self.has_default and self.required is not False

    @property
    def keywords(self) -> dict[str, Any]:
        """As `Value.keywords`, with JSON Schema's `required` list where that is meant."""
        listed = {} if isinstance(self.required, bool) else {"required": list(self.required)}
        return dict(self.model_extra or {}) | listed


class Arguments(Model):
    """What a call carries: a table, name → argument, or a JSON Schema of an object that has them as its properties.

    properties: the arguments, by name, in both forms.
    required:   of a schema, the names that a call cannot leave out; None in a table, where each argument says so.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    properties: Table[Name, Argument] = Field(default_factory=nothing)
    required: Annotated[tuple[str, ...], Strict(strict=False)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _forms(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        form = form_of(given)
        if form is Form.AMBIGUOUS:
            raise PydanticCustomError("ambiguous_arguments", "may be either")
        if form is Form.UNTYPED:
            raise PydanticCustomError("untyped_arguments", "no type")
        return given if form is Form.SCHEMA else {"properties": given}

    @property
    def is_schema(self) -> bool:
        """Whether they are written as a JSON Schema."""
        return "type" in (self.model_extra or {})

    @property
    def keywords(self) -> dict[str, Any]:
        """What a schema says beside `properties` and `required`: rules across arguments, `$defs`, notes."""
        return dict(self.model_extra or {})


def no_arguments() -> Arguments:
    """Return the arguments of what takes none."""
    return Arguments()


class Action(Model):
    """One action of a service. `timeout` is in seconds.

    concurrency: `serial` runs one call of a session at a time; left out, as the service says.
    job:         a long action that reports progress.
    cancellable: whether a client may cancel the job.
    tool:        whether the LLM may call the action.
    """

    description: str = ""
    arguments: Arguments = Field(default_factory=no_arguments)
    result: Value | None = None
    timeout: Seconds = 30.0
    concurrency: Literal["parallel", "serial"] | None = None
    job: bool = False
    cancellable: bool = True
    tool: bool = False


class Service(Model):
    """One service: options that clients set and actions that they call.

    options:     what clients set, by name.
    actions:     what clients call, by name.
    concurrency: `serial` runs one of its actions in a session at a time.
    """

    plugin: Name | None = None
    description: str = ""
    concurrency: Literal["parallel", "serial"] = "parallel"
    options: Table[Name, Option] = Field(default_factory=nothing)
    actions: Table[Name, Action] = Field(default_factory=nothing)


class Function(Model):
    """A function the LLM calls and the client executes. `timeout` is in seconds."""

    description: str = ""
    arguments: Arguments = Field(default_factory=no_arguments)
    result: Value | None = None
    timeout: Seconds = 30.0


class Command(Model):
    """A `ui-command` the bot may send."""

    description: str = ""
    payload: Value | None = None


class UIEvent(Model):
    """A `ui-event` clients may send."""

    plugin: Name | None = None
    description: str = ""
    payload: Value | None = None


class UI(Model):
    """What the bot and the page say to each other.

    commands: what the bot may send, by name.
    events:   what the page may send, by name.
    """

    commands: Table[Name, Command] = Field(default_factory=nothing)
    events: Table[Name, UIEvent] = Field(default_factory=nothing)


class Message(Model):
    """A custom `client-message` type and its answer. `timeout` is in seconds."""

    plugin: Name | None = None
    description: str = ""
    data: Value | None = None
    result: Value | None = None
    timeout: Seconds = 30.0


class ResponderChoice(Choice):
    """Which responder answers `send-text`, and its settings.

    use:      the responder's name: `echo`, `rules` or one that a plugin supplies.
    settings: what the responder's own schema allows.
    """

    use: Name
    settings: Table[str, Any] = Field(default_factory=nothing, repr=False)


class Limits(Model):
    """The bounds of one bot on the standalone host. Times are in seconds."""

    max_message_bytes: int = Field(default=1_114_112, ge=1024, le=64 * 1024 * 1024)
    """One message; 1 MiB, which is what the JavaScript client allows itself, and 64 KiB for the frame around it."""
    max_depth: int = Field(default=64, ge=4, le=500)
    """Nesting of JSON arrays and objects in a message, envelope included."""
    max_nodes: int = Field(default=131_072, ge=64, le=16 * 1024 * 1024)
    """Values in a message: texts, numbers, lists, objects and the rest; an empty list or object counts as two."""
    max_start_bytes: int = Field(default=65_536, ge=0, le=1_048_576)
    """What a client sends with its start, beside `config`, written as JSON; more is refused."""
    max_sessions: int = Field(default=1_000, ge=1)
    """Sessions connected at once."""
    max_actions: int = Field(default=256, ge=1)
    """Requests of one session that run at once."""
    max_jobs: int = Field(default=32, ge=1)
    """Workers of long actions of one session that run at once."""
    max_threads: int = Field(default=8, ge=1, le=1_000)
    """Plain `def` handlers of one session that run at once; one that was given up counts until it ends."""
    max_threads_total: int = Field(default=32, ge=1, le=10_000)
    """Plain `def` handlers of all sessions that run at once; a quarter is for sessions that have none running."""
    max_waiting: int = Field(default=256, ge=1)
    """Messages of one session that wait for the bot to be ready."""
    max_waiting_bytes: int = Field(default=8 * 1024 * 1024, ge=65_536)
    """Bytes of one session's messages that wait for the bot to be ready, and as many of those that are handled."""
    max_waiting_bytes_total: int = Field(default=128 * 1024 * 1024, ge=1024 * 1024)
    """Bytes of all sessions' messages that wait or are handled, those of `POST /action` included."""
    max_receiving_bytes_total: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    """Bytes of all connections that have come of messages and request bodies which are not complete."""
    max_kept_bytes: int = Field(default=8 * 1024 * 1024, ge=65_536)
    """Bytes kept for one client: the page's snapshot, values of options, answers under an `idempotency_key`, texts for
    the next turn, and, in a pipeline, what it added to the LLM's context."""
    max_kept_bytes_total: int = Field(default=256 * 1024 * 1024, ge=1024 * 1024)
    """Bytes kept for the clients of all sessions."""
    max_outgoing: int = Field(default=1_024, ge=16)
    """Messages to one client that it has not read yet; one more and the connection is closed."""
    max_outgoing_bytes: int = Field(default=32 * 1024 * 1024, ge=65_536)
    """Bytes to one client that it has not read yet; more and the connection is closed."""
    max_outgoing_bytes_total: int = Field(default=256 * 1024 * 1024, ge=1024 * 1024)
    """Bytes to all clients that they have not read yet; more and the connection that would add them is closed."""
    ready_timeout: Seconds = 30.0
    """How long messages wait for `client-ready` before they are refused."""
    option_timeout: Seconds = 8.0
    """How long one option handler may take; clients themselves give up after 10 s."""
    message_timeout: Seconds = 8.0
    """How long an undeclared `client-message` may stay unanswered; clients themselves give up after 10 s."""
    send_timeout: Seconds = 20.0
    """How long a client may refuse to read before its connection is closed."""
    stop_timeout: Seconds = 10.0
    """How long running actions may go on after the server was asked to stop."""


class Auth(Model):
    """Who may connect.

    tokens: a caller's name → the bearer token that proves it.
    """

    tokens: Table[Name, Annotated[str, Field(min_length=8)]] = Field(repr=False)


class InstalledPlugins(Model):
    """What a bot makes of the plugins that are installed.

    disabled: names of installed plugins to leave out.
    """

    disabled: tuple[str, ...] = ()


class Runtime(Model):
    """How the standalone host runs the bot.

    responder: what answers `send-text`.
    limits:    the bounds of one bot.
    auth:      who may connect; left out, no token is asked for.
    origins:   browser origins allowed besides the server's own (`https://app.example`, or `*` for any).
    hosts:     names this server answers to besides loopback and the address it binds (`bot.example`, or `*` for any).
    formats:   `check` enforces the `format` of value schemas; `describe` only tells it.
    announce_changes: tell clients by `server-message` when the bot itself changes an option.
    plugins:   what the bot makes of the plugins that are installed.
    """

    responder: ResponderChoice | None = None
    limits: Limits = Field(default_factory=Limits)
    auth: Auth | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    formats: Literal["describe", "check"] = "describe"
    announce_changes: bool = False
    plugins: InstalledPlugins = Field(default_factory=InstalledPlugins)


class Manifest(Model):
    """One bot, as its manifest declares it, with everything it uses already taken in.

    manifest:  version of the language.
    bot:       the bot's name.
    services:  what clients configure and call, by name.
    functions: what the LLM calls and the client executes.
    ui:        what the bot and the page say to each other.
    messages:  custom `client-message` types, answered by a handler.
    config:    initial values over the defaults: service → option → value.
    start:     what clients send with their start, written like arguments; left out, anything.
    runtime:   how the standalone host runs the bot.
    pipeline:  what runs the bot on the Pipecat host.
    plugins:   plugins beside this file: modules (`./shop.py`) and packages, named like the file.
    defs:      schemas to share, for `$ref: "#/$defs/Name"`.
    """

    manifest: Literal[1]
    bot: Name
    description: str = ""
    services: Table[Name, Service] = Field(default_factory=nothing)
    functions: Table[Name, Function] = Field(default_factory=nothing)
    ui: UI = Field(default_factory=UI)
    messages: Table[Name, Message] = Field(default_factory=nothing)
    config: Table[Name, Table[Name, Any]] = Field(default_factory=nothing, repr=False)
    start: Arguments = Field(default_factory=no_arguments)
    runtime: Runtime = Field(default_factory=Runtime)
    pipeline: Pipeline | None = Field(default=None, repr=False)
    plugins: tuple[str, ...] = ()
    defs: Table[str, Any] = Field(default_factory=nothing, alias="$defs")

    @property
    def has_start(self) -> bool:
        """Whether the file declares what clients send with their start, be it nothing."""
        return "start" in self.model_fields_set
