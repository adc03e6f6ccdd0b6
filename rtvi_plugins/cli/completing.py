"""Completion in the shell: names and values of a bot, from the running bot that the command line names.

Whatever goes wrong completes nothing: a shell has no place for an error.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

PATIENCE_S: Final = 2.0
"""Seconds that a bot has to describe itself while somebody waits at a prompt."""

Complete = Callable[[Any, str], list[str]]
_HOST: Final = re.compile(r"localhost|https?|wss?|.*[./].*")


def _quietly(complete: Callable[[dict[str, Any], dict[str, Any], str], Iterator[str]]) -> Complete:
    """Make of what completes for a described bot what Typer calls."""

    def completed(ctx: Any, incomplete: str) -> list[str]:
        try:
            described = _described(ctx.params)
            return [word for word in complete(described, ctx.params, incomplete) if word.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - see above
            return []

    completed.__annotations__ = {}  # Typer tells the parameters apart by their names
    completed.__name__, completed.__doc__ = complete.__name__, complete.__doc__
    return completed


def _described(params: dict[str, Any]) -> dict[str, Any]:
    """Return what the bot says of itself."""
    import asyncio  # noqa: PLC0415 - only while completing

    from rtvi_plugins.cli.connecting import connected  # noqa: PLC0415 - see above
    from rtvi_plugins.cli.target import is_address, parse_address  # noqa: PLC0415 - see above

    # While the value of an option is completed, the arguments before it are not there.
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    url = params.get("url") or next(filter(is_address, _split(line)))

    async def fetch() -> dict[str, Any]:
        token = params.get("token")
        async with connected(parse_address(url), token=token, timeout_s=PATIENCE_S) as client:
            return await client.describe_bot()

    return asyncio.run(fetch())


@_quietly
def action_names(described: dict[str, Any], _params: dict[str, Any], _incomplete: str) -> Iterator[str]:
    """Complete an action, or the type of a message."""
    yield from (f"{action['service']}.{action['action']}" for action in described["actions"])
    yield from (message["name"] for message in described["messages"])


@_quietly
def argument_pairs(described: dict[str, Any], params: dict[str, Any], incomplete: str) -> Iterator[str]:
    """Complete `name=`, and after it the values that are known."""
    for action in described["actions"]:
        if f"{action['service']}.{action['action']}" == params["name"]:
            given = {pair.partition("=")[0] for pair in params.get("arguments") or ()}
            for argument in action["arguments"]:
                if argument["name"] not in given:
                    yield from _pairs(argument["name"], action["schema"]["properties"][argument["name"]], incomplete)


@_quietly
def option_pairs(described: dict[str, Any], _params: dict[str, Any], incomplete: str) -> Iterator[str]:
    """Complete `service.option=`, and after it the values that are known."""
    for service in described["services"]:
        for option in service["options"]:
            if option.get("client", "write") == "write":
                yield from _pairs(f"{service['name']}.{option['name']}", option["schema"], incomplete)


@_quietly
def function_names(described: dict[str, Any], _params: dict[str, Any], _incomplete: str) -> Iterator[str]:
    """Complete `function=`."""
    yield from (f"{function['name']}=" for function in described["functions"])


def _pairs(name: str, schema: Any, incomplete: str) -> Iterator[str]:
    lead = f"{name}="
    if not incomplete.startswith(lead):
        yield lead
        return
    known = schema if isinstance(schema, dict) else {}
    values = ["true", "false"] if known.get("type") == "boolean" else known.get("enum", ())
    yield from (f"{lead}{value}" for value in values if isinstance(value, str | int | float))


# -- bash -------------------------------------------------------------------------------------------------------------


def complete_in_bash(app: Callable[..., Any], prog_name: str) -> None:
    """Complete for bash, which takes `:` and `=` for words of their own, and wants what comes after them."""
    words, index = _joined(_split(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"]))
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = shlex.join(words), str(index)
    incomplete = words[index] if index < len(words) else ""
    lead = len(incomplete) - len(re.split("[:=]", incomplete)[-1])
    found = io.StringIO()
    try:
        with contextlib.redirect_stdout(found):
            app(prog_name=prog_name)
    finally:
        sys.stdout.write("".join(f"{line[lead:]}\n" for line in found.getvalue().splitlines()))


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote that is not closed yet
        return line.split()


def _joined(words: list[str], current: int) -> tuple[list[str], int]:
    """Return words as the person wrote them, and which of them is being completed."""
    whole: list[str] = []
    index = current
    must_join = False
    for number, word in enumerate(words):
        is_mark = set(word) <= {":", "="} and word != ""
        joins_before = is_mark and whole and ("=" in word or _HOST.fullmatch(whole[-1]) is not None)
        if whole and (must_join or joins_before):
            whole[-1] += word
        else:
            whole.append(word)
        must_join = is_mark
        if number == current:
            index = len(whole) - 1
    if current >= len(words):
        index = len(whole) - 1 if must_join else len(whole)
    return whole, index
