"""What `rtvi call` does in its session: the wishes of the command line, fulfilled by the client."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rtvi_plugins.cli.answering import read_answers
from rtvi_plugins.cli.connecting import unless_told
from rtvi_plugins.cli.following import Following, JobEnd
from rtvi_plugins.cli.output import as_json, console, is_terminal, say
from rtvi_plugins.cli.target import Target
from rtvi_plugins.cli.values import (
    ANY,
    BadValueError,
    argument_schemas,
    option_schemas,
    read_object,
    read_value,
    split_options,
    split_pairs,
)
from rtvi_plugins.errors import ExitCode
from rtvi_plugins.log import printable
from rtvi_plugins.protocol.messages import ClientType, Message, ServerType
from rtvi_plugins.testing.client import Client, RequestError

PRINTED: Final = object()
"""Stands for an outcome that was printed as it came."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to do in the one session, as the command line says: set options, then one of the others, or read.

    name: `service.action`, or the type of a custom message; None for neither.
    texts, arguments: the arguments as `name=value` and as JSON.
    detach: leave a job running instead of following it.
    events: print every message of the bot.
    answers: function → what it gives when the bot calls it.
    """

    options: Mapping[tuple[str, str], str]
    interrupt: bool
    name: str | None
    texts: Mapping[str, str]
    arguments: Mapping[str, Any] | None
    text: str | None
    get: bool
    detach: bool = False
    events: bool = False
    answers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def listens_only(self) -> bool:
        """Whether nothing is asked for but to print what the bot sends."""
        return self.events and not self.options and self.name is None and self.text is None and not self.get


def read_wishes(
    name: str | None,
    pairs: list[str],
    json_arguments: str | None,
    options: list[str],
    interrupt: bool,
    text: str | None,
    get: bool,
    legacy: bool,
    detach: bool = False,
    events: bool = False,
    answers: list[str] | None = None,
) -> Wishes:
    """Read the command line as far as that goes without the bot. Raises BadValueError."""
    if sum((name is not None, text is not None, get)) > 1:
        raise BadValueError("an action, --text and --get exclude each other")
    if name is not None and "=" in name:
        raise BadValueError(f"'{name}' stands where the action should; write SERVICE.ACTION before it")
    if legacy and name is not None and "." not in name:
        raise BadValueError(f"'{name}' is no action; expected service.action, since 0.3 knows no messages of one's own")
    if json_arguments is not None and name is None:
        raise BadValueError("--json-arguments needs an action")
    if interrupt and not options:
        raise BadValueError("--interrupt needs --set")
    try:
        given = None if json_arguments is None else read_object(json_arguments)
    except BadValueError as error:
        raise BadValueError(f"--json-arguments: {error}") from None
    if detach and (name is None or "." not in name):
        raise BadValueError("--detach needs an action")
    return Wishes(
        split_options(options),
        interrupt,
        name,
        split_pairs(pairs, "argument"),
        given,
        text,
        get,
        detach,
        events,
        read_answers(answers or []),
    )


async def fulfil(client: Client, wishes: Wishes) -> Any:
    """Do what is asked and give what is to be printed. Errors that the bot tells of meanwhile go to standard error."""
    show = None if wishes.text is not None else _show_error  # an answer that fails is told once, at its end
    return await unless_told(client, _fulfil(client, wishes), show)


def _show_error(text: str) -> None:
    say(f"rtvi: the bot says: {printable(text)}", to_stderr=True)


async def _fulfil(client: Client, wishes: Wishes) -> Any:
    config: dict[str, dict[str, Any]] | None = None
    if wishes.options:
        schemas = option_schemas(await client.describe_config())
        values: dict[str, dict[str, Any]] = {}
        for (service, option), text in wishes.options.items():
            value = read_value(schemas.get((service, option), ANY), text, f"--set {service}.{option}")
            values.setdefault(service, {})[option] = value
        config = await client.update_config(values, interrupt=wishes.interrupt)
    if wishes.name is not None:
        return await _call(client, wishes.name, wishes)
    if wishes.text is not None:
        await _say(client, wishes.text)
        return PRINTED
    if wishes.listens_only:
        await _until_interrupted()
        return PRINTED
    return await client.get_config() if config is None or wishes.get else config


async def _call(client: Client, name: str, wishes: Wishes) -> Any:
    service, dot, action = name.partition(".")
    described = await client.describe_actions() if dot else []
    schemas = argument_schemas(described, service, action)
    arguments = dict(wishes.arguments or {})
    for key, text in wishes.texts.items():
        arguments[key] = read_value(schemas.get(key, ANY), text, f"argument '{key}'")
    if not dot:
        return await client.ask(name, arguments if arguments or wishes.arguments is not None else None)
    is_job = any((a.get("service"), a.get("action")) == (service, action) and a.get("job") is True for a in described)
    if is_job and not wishes.detach:
        return await Following(client).follow(client.action(service, action, arguments))
    return await client.action(service, action, arguments, detach=wishes.detach)


async def _until_interrupted() -> None:
    """Wait for Ctrl-C; the connection's end raises meanwhile."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # on Windows Ctrl-C ends the command by itself
        loop.add_signal_handler(signal.SIGINT, interrupted.set)
    try:
        await interrupted.wait()
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)


# -- talking ----------------------------------------------------------------------------------------------------------


async def _say(client: Client, text: str) -> None:
    """Say something and wait until the bot has answered. Raises RequestError when it does not want to or fails."""
    before = len(client.received)
    stopped = asyncio.ensure_future(client.next(ServerType.BOT_LLM_STOPPED))
    await asyncio.sleep(0)  # the client has to know that somebody waits before the answer can come
    # Only a refusal answers this request by its id.
    refused = asyncio.ensure_future(client.request(ClientType.SEND_TEXT, {"content": text, "options": {}}))
    try:
        done, _ = await asyncio.wait({stopped, refused}, return_when=asyncio.FIRST_COMPLETED)
        await (stopped if stopped in done else refused)
    finally:
        for future in (stopped, refused):
            future.cancel()
        await asyncio.gather(stopped, refused, return_exceptions=True)
        if any(message["type"] == ServerType.BOT_LLM_TEXT for message in client.received[before:]):
            sys.stdout.write("\n")
            sys.stdout.flush()
    # An answer that failed is followed by an `error`. Messages keep their order: it is here before what comes next.
    if "config" in client.bot_ready:  # a stock bot has none, and would not answer
        await client.get_config()
    for message in client.received[before:]:
        if message["type"] == ServerType.ERROR and isinstance(message.get("data"), dict):
            raise RequestError(message["data"])


def read_start(pairs: list[str], target: Target) -> dict[str, str]:
    """Take the pairs of `--start` apart. Raises BadValueError, also where no start comes first."""
    given = split_pairs(pairs, "start data")
    if given and not target.must_start:
        raise BadValueError("--start goes with the http address of a bot: a WebSocket's address is what a start gives")
    return given


def print_event(message: Message) -> None:
    """Print a message of the bot as one line of JSON."""
    say(as_json(message, indent=None))


def print_piece(message: Message) -> None:
    """Print what the bot says, as it says it; it only does when spoken to."""
    if message["type"] == ServerType.BOT_LLM_TEXT and isinstance(message.get("data"), dict):
        sys.stdout.write(printable(str(message["data"].get("text", ""))))
        sys.stdout.flush()


def print_result(result: Any) -> ExitCode:
    """Print JSON, or where the output is piped text as it is; nothing for what was printed as it came.

    Returns what the shell is told.
    """
    if isinstance(result, JobEnd):
        if result.exit_code is ExitCode.FINE:
            return print_result(result.response)
        say(f"rtvi: {_ended_badly(result)}", to_stderr=True)
        return result.exit_code
    if result is PRINTED:
        return ExitCode.FINE
    if is_terminal():
        from rich.json import JSON  # noqa: PLC0415 - only for terminals

        console().print(JSON(as_json(result)), soft_wrap=True)
    elif isinstance(result, str):
        sys.stdout.write(f"{result}\n")
    else:
        say(as_json(result, indent=None))
    return ExitCode.FINE


def _ended_badly(end: JobEnd) -> str:
    if end.status == "cancelled":
        return "the job was cancelled"
    response = end.response if isinstance(end.response, dict) else {}
    code = response.get("code")
    return f"the job failed: {printable(str(response.get('error', end.status)))}{f' [{code}]' if code else ''}"
