"""Writes the generated parts of the documentation: `python docs/reference.py`, run by `make docs`.

A generated part stands between `<!-- generated: NAME -->` and `<!-- /generated -->` in README.md or docs/*.md. What it
says comes from the code, so a fact has one home; what only people know (what happens at a bound, what a code means)
stands in the tables below, and a name that is missing there ends the script with a KeyError.
"""

from __future__ import annotations

import ast
import enum
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from typer.models import OptionInfo

from rtvi_plugins import errors
from rtvi_plugins.cli.application import app
from rtvi_plugins.hooks import hookspecs
from rtvi_plugins.manifest.editor_references import REFERENCES
from rtvi_plugins.manifest.json_schema import language_schema
from rtvi_plugins.manifest.model import BESIDE_SESSIONS
from rtvi_plugins.processor.core import RTVIProcessor
from rtvi_plugins.processor.events import EVENTS
from rtvi_plugins.processor.requests import Code
from rtvi_plugins.schema.keywords import KEYWORDS

ROOT: Final = Path(__file__).parent.parent
PART: Final = re.compile(r"(<!-- generated: (?P<name>[\w -]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)

AT_THE_BOUND: Final = {
    "max_message_bytes": "The connection is closed with code 1009. Where bots with different bounds run together, a "
    "message below the largest of them is refused with `invalid-message`. `POST` answers 413.",
    "max_depth": "The message is refused with `invalid-message`. `POST` answers 400.",
    "max_nodes": "The message is refused with `invalid-message`, unread. `POST` answers 400.",
    "max_start_bytes": "The start is refused with 400 and `invalid-start`.",
    "max_sessions": "The opening handshake, `/start` and `/action` answer 503.",
    "max_sessions_per_start": "The opening handshake and a WebRTC offer answer 429; a new start lets in again.",
    "max_connections_per_address": "The connection is answered with 429 and closed.",
    "max_actions": "The request is refused with `busy`.",
    "max_jobs": "The request is refused with `busy`.",
    "max_threads": "Further calls wait for a thread until their `timeout`; where calls that were given up hold all of "
    "them, they are refused with `busy`.",
    "max_threads_total": "As `max_threads`; the session with the fewest calls running comes first.",
    "max_waiting": "The message is refused with `busy`.",
    "max_waiting_bytes": "The message is refused with `busy`, unless it is the only one of its session.",
    "max_receiving_bytes_total": "What was begun first is dropped: a message with its connection, closed with code "
    "1013; a `POST` answers 503.",
    "max_waiting_bytes_total": "The message is refused with `busy`, unless it is the only one of its session and takes "
    "no more than twice `max_message_bytes` in memory. `POST` answers 503.",
    "max_kept_bytes": "The oldest answers go; where that is not enough, the message is refused with `busy`.",
    "max_kept_bytes_total": "As `max_kept_bytes`; a quarter is for sessions with 64 KiB or less.",
    "max_outgoing": "The connection is closed, since its client does not read.",
    "max_outgoing_bytes": "The connection is closed, since its client does not read.",
    "max_outgoing_bytes_total": "As `max_outgoing_bytes`, unless it is the only message that waits for this client.",
    "header_timeout": "The connection is closed.",
    "body_timeout": "The request is answered with 408, and the connection is closed.",
    "client_ready_timeout": "The client gets `error` with `not-ready` and `fatal: true`, then close code 4408.",
    "idle_timeout": "The client gets `error` with `idle` and `fatal: true`, then close code 4410.",
    "ready_timeout": "What waits is refused with `not-ready`.",
    "option_timeout": "The update is refused with `option-failed` and rolled back.",
    "message_timeout": "The message is refused with `unanswered`; a later answer is dropped.",
    "send_timeout": "The connection is closed.",
    "stop_timeout": "What still runs is cancelled, and named in the log; clients get `error` with `fatal: true`, then "
    "close code 1001. What ignores that as well is cut off six seconds later.",
}
"""What happens when a limit of `runtime.limits` is reached."""

DEFAULTS: Final = {"max_connections_per_address": f"`max_sessions` + {BESIDE_SESSIONS}"}
"""Defaults of limits that depend on others."""

CODES: Final[Mapping[Code, str]] = {
    Code.INVALID_MESSAGE: "the message is no RTVI message, or its data has the wrong shape",
    Code.UNSUPPORTED_TYPE: "no such message type, or one that this host cannot serve (audio, files, keys)",
    Code.UNKNOWN_MESSAGE: "nothing answers a `client-message` of this `t`",
    Code.UNKNOWN_ACTION: "no such action",
    Code.UNKNOWN_CALL: "no such function, tool or waiting function call",
    Code.INVALID_ARGUMENTS: "arguments do not fit what is declared; `details` names each",
    Code.INVALID_CONFIGURATION: "an update names unknown or read-only options, or bad values; `details` names each",
    Code.INVALID_START: "what a client sent with its start does not fit what is declared; `details` names each",
    Code.OPTION_FAILED: "the handler of an option failed or took too long; everything is as it was before",
    Code.ROLLBACK_FAILED: "the handler of an option failed, and another one did when it was told its old value again: "
    "what `config` says of the options that the text names may not be so",
    Code.ACTION_FAILED: "the handler raised; the log has the traceback",
    Code.INVALID_RESULT: "the handler (or, of a function, the client) returned what the manifest rules out",
    Code.TIMEOUT: "it took longer than its `timeout`",
    Code.CANCELLED: "it was cancelled",
    Code.BUSY: "a limit is reached; try again later",
    Code.NOT_READY: "the client did not send `client-ready` in time; as an `error`, its session ends",
    Code.IDLE: "the client has sent nothing for too long; connect again when there is something to say",
    Code.UNANSWERED: "a handler of `on_client_message` took the message but did not answer in time",
    Code.NO_RESPONDER: "the bot has no responder, nor a stage that answers: there is nobody to talk to",
    Code.INCOMPATIBLE_VERSION: "the client's protocol is newer than the server's; it may go on",
    Code.SHUTTING_DOWN: "the server is stopping",
    Code.RESTARTING: "the server starts again with changed files; connect again",
    Code.STAGE_FAILED: "a stage of the pipeline failed; the session goes on",
    Code.INTERNAL: "a fault of this package",
}
"""What each code means to a client."""

EVENT_ARGUMENTS: Final = {
    "on_bot_started": ("", "the session begins, after `rtvi_session_started`"),
    "on_client_ready": ("", "`client-ready` came; the bot is ready after the handlers"),
    "on_client_message": (
        "message",
        "a `client-message` that nothing declared; answer with `send_server_response`, or raise to refuse it",
    ),
    "on_ui_message": ("frame", "something from the page: an undeclared or declared event, a snapshot, a cancellation"),
    "on_error": ("text", "the bot sent `error`"),
    "on_user_text": ("text", "the user said something (`send-text`)"),
    "on_bot_text": ("text", "the bot has answered; an interrupted answer as far as it came"),
}
"""What handlers of an event get after the processor, and when it happens."""

PROCESSOR: Final = (
    "config", "run_action", "set_option", "call_function", "ui_command", "send_server_message", "send_server_response",
    "send_error_response", "send_error", "interrupt_bot", "push_frame", "add_event_handler", "event_handler", "tools",
    "call_tool", "job_group",
)  # fmt: skip
"""What plugin authors need of `RTVIProcessor`, in the order of the reference."""


# -- writing tables ---------------------------------------------------------------------------------------------------


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def _code(value: object) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else f'{value:g}' if isinstance(value, float) else value}`"


def _docstring_below(owner: type, name: str) -> str:
    """Read the text that stands below a member of a class."""
    body = ast.parse(inspect.getsource(owner)).body[0]
    for pair in pairwise(body.body if isinstance(body, ast.ClassDef) else ()):
        match pair:
            case ast.Assign(targets=[ast.Name(id=found)]), ast.Expr(value=ast.Constant(value=str(text))):
                if found == name:
                    return " ".join(text.split())
    raise KeyError(name)


# -- the manifest -----------------------------------------------------------------------------------------------------


def _type_of(schema: Mapping[str, Any]) -> str:
    """Say in a few words which values a key takes."""
    text = ""
    match schema:
        case {"anyOf": [one, {"type": "null"}]}:
            text = _type_of(one)
        case {"anyOf": [*forms]}:
            forms = [form for form in forms if form != {"type": "null"}]
            is_duration = [form.get("type") for form in forms[:2]] == ["number", "string"]
            words = ["duration", *map(_type_of, forms[2:])] if is_duration else map(_type_of, forms)
            text = " or ".join(words)
        case {"$ref": target}:
            text = _link(str(target).rpartition("/")[2])
        case {"const": value}:
            text = _code(value)
        case {"enum": values}:
            text = ", ".join(_code(value) for value in values)
        case {"patternProperties": dict(entries)}:
            text = f"name → {' or '.join(_type_of(entry) for entry in entries.values())}"
        case {"type": "array", "items": items}:
            text = f"array of {_type_of(items)}"
        case {"pattern": _}:
            text = "name"
        case {"type": str(name)}:
            text = {"boolean": "bool"}.get(name, name)
    return text or "any"


def _link(model: str) -> str:
    if model in PIPELINE_TITLES:
        title = PIPELINE_TITLES[model]
        return f"[{title}](pipelines.md#{title.replace(' ', '-')})"
    if model == "Arguments":
        return "name → [argument](#argument), or a [JSON Schema](#a-json-schema-of-arguments)"
    title = TITLES.get(model) or {"Value": "value schema", "Limits": "limits"}[model]
    return f"[{title}](#{title.replace(' ', '-')}{'s' if model == 'Value' else ''})"


UNDESCRIBED: Final = {
    (
        "Argument",
        "required",
    ): "`false`: a call without it is fine, though there is no default. A list is JSON Schema's own "
    "`required`, for an argument of type `object`.",
}
"""What the language's schema leaves out, because editors could not show it well."""

TITLES: Final = {
    "Manifest": "manifest",
    "Service": "service",
    "Option": "option",
    "Action": "action",
    "Argument": "argument",
    "Function": "function",
    "UI": "ui",
    "Command": "ui command",
    "UIEvent": "ui event",
    "Message": "message",
    "Runtime": "runtime",
    "ResponderChoice": "responder",
    "Auth": "auth",
    "InstalledPlugins": "installed plugins",
}
"""Models of the manifest, with the headings under which docs/manifest.md has them."""

PIPELINE_TITLES: Final = {
    "Pipeline": "pipeline",
    "Stage": "stage",
    "Part": "part",
    "Audio": "audio",
    "Turns": "turns",
    "Context": "context",
    "ContextMessage": "context message",
}
"""Models of `pipeline:`, with the headings under which docs/pipelines.md has them."""


def properties_of(model: str) -> dict[str, dict[str, Any]]:
    """Give the keys of a model, key → JSON Schema; of value schemas only those that JSON Schema does not have."""
    definition = _without_references(language_schema()["$defs"][model])
    if "properties" not in definition:
        definition = next(form for form in definition["anyOf"] if "properties" in form)
    own = {"default", "description", "required"} if model == "Argument" else {"default", "description"}
    given = definition["properties"]
    is_value = given.keys() >= KEYWORDS
    return {key: schema for key, schema in given.items() if not is_value or key not in KEYWORDS or key in own}


def _without_references(schema: Any) -> Any:
    """Return a schema without the form `${env:NAME}`, which every value may have."""
    if isinstance(schema, list):
        return [_without_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    new = {key: _without_references(value) for key, value in schema.items()}
    if isinstance(new.get("anyOf"), list):
        forms = [form for form in new.pop("anyOf") if form not in [{"$ref": f"#/$defs/{name}"} for name in REFERENCES]]
        new |= {"anyOf": forms} if len(forms) > 1 else forms[0]
    return new


def _keys(model: str) -> str:
    definition = language_schema()["$defs"][model]
    required = definition.get("required", ())
    rows = []
    for key, schema in properties_of(model).items():
        default = "required" if key in required else _code(schema["default"]) if schema.get("default") else ""
        if schema.get("default") is False:
            default = _code(False)
        meaning = schema.get("description") or UNDESCRIBED[model, key]
        rows.append((_code(key), _type_of(schema), default, meaning))
    return _table(("key", "value", "default", "meaning"), rows)


def limits() -> str:
    """Write the limits, their defaults, and what happens at each."""
    rows = []
    for key, schema in properties_of("Limits").items():
        rows.append((_code(key), _default_of(key, schema), schema["description"], AT_THE_BOUND[key]))
    return _table(("key", "default", "bounds", "when it is reached"), rows)


def growth() -> str:
    """Write the limits of what a client can make grow."""
    rows = []
    for key, schema in properties_of("Limits").items():
        if key.startswith("max_"):
            rows.append((schema["description"], _default_of(key, schema), _code(key), AT_THE_BOUND[key]))
    return _table(("bound", "default", "key", "what happens there"), rows)


def _default_of(key: str, schema: Mapping[str, Any]) -> str:
    is_duration = _type_of(schema).startswith("duration")
    return DEFAULTS.get(key) or (f"`{schema['default']:g}s`" if is_duration else f"{schema['default']:,}")


# -- the code ---------------------------------------------------------------------------------------------------------


def _signature(function: Callable[..., Any]) -> str:
    text = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
    return re.sub(r"'([^']*)'", r"\1", re.sub(r"<(\w+\.\w+): [^>]*>", r"\1", text))


def hook_names() -> tuple[str, ...]:
    """Name every hook, in the order of hookspecs.py."""
    return tuple(name for name in vars(hookspecs) if name.startswith("rtvi_"))


def _hook(name: str) -> str:
    function = getattr(hookspecs, name)
    summary, _, rest = (inspect.getdoc(function) or "").partition("\n\n")
    facts = re.findall(r"^(\w+): +(.*(?:\n +.*)*)", rest, re.MULTILINE)
    listed = "".join(f"- **{head}**: {' '.join(text.split())}\n" for head, text in facts)
    return f"```python\ndef {name}{_signature(function)}: ...\n```\n\n{summary}\n\n{listed}"


def processor() -> str:
    """Write what plugin authors need of the processor."""
    parts = []
    for name in PROCESSOR:
        member: Any = inspect.getattr_static(RTVIProcessor, name)
        function: Any = member.fget if isinstance(member, property) else member
        lead = "async " if inspect.iscoroutinefunction(function) else ""
        shown = name if isinstance(member, property) else f"{lead}{name}{_signature(function)}"
        text = " ".join((inspect.getdoc(member) or "").split())
        parts.append(f"- `{shown}`\n  {text}\n")
    return "".join(parts)


def events() -> str:
    """Write the events of `event_handler`."""
    rows = []
    for name in sorted(EVENTS):
        argument, text = EVENT_ARGUMENTS[name]
        rows.append((_code(name), _code(f"(processor, {argument})" if argument else "(processor)"), text))
    return _table(("event", "handler", "when"), rows)


def codes() -> str:
    """Write the codes of `error-response`."""
    return _table(("code", "meaning"), ((_code(code.value), CODES[code]) for code in Code))


def slugs() -> str:
    """Write the slugs of problems."""
    return _table(("slug", "meaning"), ((_code(slug), text) for slug, text in errors.SLUGS.items()))


def exit_codes() -> str:
    """Write the exit codes of `rtvi`."""
    rows = ((str(code.value), _docstring_below(errors.ExitCode, code.name)) for code in errors.ExitCode)
    return _table(("exit code", "meaning"), rows)


def _commands() -> Iterator[tuple[str, Callable[..., Any]]]:
    for command in app.registered_commands:
        if command.callback is not None:
            yield command.name or command.callback.__name__, command.callback


def command_names() -> tuple[str, ...]:
    """Name every command of `rtvi`."""
    return tuple(name for name, _ in _commands())


def commands() -> str:
    """Write a line for every command."""
    rows = ((_code(f"rtvi {name}"), (inspect.getdoc(f) or "").partition("\n")[0]) for name, f in _commands())
    return _table(("command", "what it does"), rows)


def options() -> str:
    """Write what each command takes."""
    parts = []
    for name, function in _commands():
        rows = []
        hints = get_type_hints(function, include_extras=True)
        for parameter in inspect.signature(function).parameters.values():
            kind, info = get_args(hints[parameter.name])[:2]
            is_option = isinstance(info, OptionInfo)
            is_choice = isinstance(kind, type) and issubclass(kind, enum.Enum)
            # In `Annotated`, typer takes the first spelling for the default.
            spelt = [text for text in (info.default, *(getattr(info, "param_decls", None) or ())) if text is not ...]
            option = ", ".join(spelt or [f"--{parameter.name.replace('_', '-')}"]) if is_option else ""
            value = info.metavar or ("|".join(kind) if is_choice else "" if kind in (bool, str | None) else "NUMBER")
            default = "" if parameter.default in (None, False, parameter.empty) else _code(parameter.default)
            rows.append((_code(f"{option} {value}".strip()), default, info.help or ""))
        paragraphs = (inspect.getdoc(function) or "").split("\n\n")
        told = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        parts.append(f"## rtvi {name}\n\n{told}\n\n{_table(('argument', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


# -- putting it in ----------------------------------------------------------------------------------------------------

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "limits": limits,
    "growth": growth,
    "processor": processor,
    "events": events,
    "codes": codes,
    "slugs": slugs,
    "exit codes": exit_codes,
    "commands": commands,
    "options": options,
}


def part(name: str) -> str:
    """Write one part; raises KeyError for a name that stands for none."""
    kind, _, of = name.partition(" ")
    if kind == "keys":
        return _keys(of)
    if kind == "hook":
        return _hook(of)
    return PARTS[name]()


def renewed(text: str) -> str:
    """Give a page with its generated parts written anew."""
    return PART.sub(lambda match: f"{match[1]}{part(match['name'])}{match[3]}", text)


def pages() -> tuple[Path, ...]:
    """Name the pages of the documentation."""
    return (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


if __name__ == "__main__":
    new = {page: renewed(page.read_text(encoding="utf-8")) for page in pages()}
    for page, text in new.items():
        page.write_text(text, encoding="utf-8")
