"""The bot that is attacked: something of each kind that takes a client's values, once open to all and once strict."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rtvi_plugins import Bot, Handlers, StartupError, hookimpl, load_bots
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.responders.echo import EchoResponder

NUMBERED = 20
"""Optional arguments of one action, and options of one service: an unknown name is compared with all of them."""

_HEAD = """\
manifest: 1
bot: attacked
runtime: {responder: echo, limits: {message_timeout: 50ms}}
$defs:
  Tree:
    anyOf:
      - {type: "null"}
      - {type: object, properties: {c: {$ref: "#/$defs/Tree"}}, required: [x]}
      - {type: object, properties: {c: {$ref: "#/$defs/Tree"}}, required: [y]}
  Record:
    type: object
    properties: {id: {type: integer}, tags: {type: array, items: {type: string, maxLength: 20}}}
    required: [id]
    additionalProperties: false
start:
  customer: {type: string, maxLength: 40, required: false}
services:
  shop:
    plugin: attacked
    options:
      anything: {handler: none}
      numbers: {type: array, items: {type: integer}, handler: none}
"""

_ACTIONS = """\
    actions:
      keep:
        arguments: {value: {}}
        result: {}
      strict:
        arguments:
          integers: {type: array, items: {type: integer}, required: false}
          pairs: {type: object, additionalProperties: {type: integer}, required: false}
          records: {type: array, items: {$ref: "#/$defs/Record"}, required: false}
          tree: {$ref: "#/$defs/Tree", required: false}
          either: {anyOf: [{type: integer}, {type: array, items: {type: integer}}], required: false}
          several: {type: array, items: {oneOf: [{type: integer}, {type: boolean}]}, required: false}
          different: {type: array, uniqueItems: true, required: false}
          words: {type: array, items: {type: string, pattern: "^[a-z]+$"}, required: false}
          costly:
            type: array
            items: {type: string, pattern: "^(a|aa)+(?!b)$", x-backtracking: true}
            required: false
          keys: {type: object, propertyNames: {pattern: "^k"}, required: false}
          one: {const: 1, required: false}
"""

_REST = """\
functions:
  anything: {result: {}, timeout: 100s}
  integers: {result: {type: array, items: {type: integer}}, timeout: 100s}
ui:
  events:
    anything: {plugin: attacked, payload: {}}
    clicked:
      plugin: attacked
      payload: {type: object, properties: {room: {type: string}}, additionalProperties: false}
messages:
  anything: {plugin: attacked, data: {}, result: {}}
  integers: {plugin: attacked, data: {type: array, items: {type: integer}}, result: {}}
"""

STRICT = (
    "integers", "pairs", "records", "tree", "either", "several", "different", "words", "costly", "keys", "one",
)  # fmt: skip
"""Arguments of `strict`, each of which refuses most of what may be sent."""


def manifest() -> str:
    """Write the manifest."""
    options = [f"      option{n:02}: {{type: number, handler: none}}\n" for n in range(NUMBERED)]
    arguments = [f"          argument{n:02}: {{type: integer, required: false}}\n" for n in range(NUMBERED)]
    return "".join([_HEAD, *options, _ACTIONS, *arguments, _REST])


shop, everywhere = Handlers("shop"), Handlers()


@shop.action("keep")
async def keep(_processor: object, _service: str, arguments: dict[str, Any]) -> Any:
    """Answer with what came."""
    return arguments["value"]


@shop.action("strict")
async def strict(_processor: object, _service: str, _arguments: dict[str, Any]) -> bool:
    """Answer that it was taken."""
    return True


@everywhere.message("anything")
@everywhere.message("integers")
async def answer(_processor: object, data: Any) -> Any:
    """Answer with what came."""
    return data


@everywhere.event("anything")
@everywhere.event("clicked")
async def note(_processor: object, _payload: Any) -> None:
    """Do nothing."""


class Plugin:
    """Supplies the handlers."""

    @hookimpl
    def rtvi_handlers(self) -> Iterable[Handlers]:
        """Give them."""
        return [shop, everywhere]

    @hookimpl
    def rtvi_responders(self) -> Mapping[str, type[Any]]:
        """Give what repeats a text."""
        return {"echo": EchoResponder}


def load() -> Bot:
    """Bind the bot, with no other plugin."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "attacked.yaml"
        path.write_text(manifest(), encoding="utf-8")
        bots, problems = load_bots([path], host=PluginHost.discover({"attacked": Plugin()}, only=()), environ={})
    if problems:
        raise StartupError(problems)
    return bots[0]
