"""`$defs` of service files: a service takes its shared schemas along, and its references keep meaning them.

They join the `$defs` of the file that says `use:`. Where one name has two meanings, all that come with the service are
renamed to `<what use: said>.<name>` and its references with them; equal definitions are simply shared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

import orjson

from rtvi_plugins.manifest.arguments import is_schema
from rtvi_plugins.manifest.merging import part_at, with_part, without_keys
from rtvi_plugins.manifest.places import mark_of
from rtvi_plugins.manifest.source import Source
from rtvi_plugins.schema.keywords import children

KEY: Final = "$defs"
_PREFIX: Final = "#/$defs/"


def join_definitions(host: Source, service: Source, *, label: str) -> tuple[Source, Source]:
    """Move a service's `$defs` to its host: both without the clash, the service without `$defs` of its own."""
    if KEY not in service.value:
        return host, service
    taken = part_at(service, (KEY,))
    present = host.value.get(KEY, {})
    if not isinstance(taken.value, dict) or not isinstance(present, dict):
        # One of them is no mapping, and a problem of its own.
        return host, without_keys(service, KEY)
    names = {name: name for name in taken.value}
    if any(_differs(taken.value[name], present.get(name)) for name in taken.value if name in present):
        names = {name: _free(f"{_plain(label)}.{name}", present) for name in taken.value}

        def rename(reference: str) -> str:
            return _renamed(reference, names)

        taken = replace(taken, value={name: _in_schema(schema, rename) for name, schema in taken.value.items()})
        service = replace(service, value=_in_service(service.value, rename))
    for name, new_name in names.items():
        if new_name in present:
            continue
        if KEY not in host.value:
            host = with_part(
                host, (KEY,), replace(taken, value={}, place=(mark_of(taken.place), {}), faulty=frozenset())
            )
        host = with_part(host, (KEY, new_name), part_at(taken, (name,)))
    return host, without_keys(service, KEY)


def _differs(one: Any, other: Any) -> bool:
    # As JSON text: for Python `1 == True == 1.0`.
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) != orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


def _plain(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", re.sub(r"^.*/|\.ya?ml$", "", label))


def _free(name: str, taken: Mapping[str, Any]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}.{number}"
    return free


def _renamed(reference: str, names: Mapping[str, str]) -> str:
    if not reference.startswith(_PREFIX):
        return reference
    segment, slash, rest = reference.removeprefix(_PREFIX).partition("/")
    name = unquote(segment).replace("~1", "/").replace("~0", "~")
    if name not in names:
        return reference
    return f"{_PREFIX}{names[name].replace('~', '~0').replace('/', '~1')}{slash}{rest}"


def _in_service(service: dict[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    """Apply `rename` to the references in a service's value schemas."""

    def in_table(table: Any, change: Callable[[Any], Any]) -> Any:
        return {name: change(item) for name, item in table.items()} if isinstance(table, dict) else table

    def in_action(action: Any) -> Any:
        if not isinstance(action, dict):
            return action
        new = dict(action)
        if is_schema(new.get("arguments")):
            new["arguments"] = _in_schema(new["arguments"], rename)
        elif "arguments" in new:
            new["arguments"] = in_table(new["arguments"], lambda schema: _in_schema(schema, rename))
        if "result" in new:
            new["result"] = _in_schema(new["result"], rename)
        return new

    new = dict(service)
    if "options" in new:
        new["options"] = in_table(new["options"], lambda schema: _in_schema(schema, rename))
    if "actions" in new:
        new["actions"] = in_table(new["actions"], in_action)
    return new


def _in_schema(schema: Any, rename: Callable[[str], str], *, is_root: bool = True) -> Any:
    """Apply `rename` to every `$ref` of a schema, but not to data that only looks like one (`default`, `enum`, ...)."""
    if not isinstance(schema, dict) or "$id" in schema or (is_root and KEY in schema):
        return schema  # its references are its own affair

    def inner(item: Any) -> Any:
        return _in_schema(item, rename, is_root=False)

    new = dict(schema)
    if isinstance(schema.get("$ref"), str):
        new["$ref"] = rename(schema["$ref"])
    for (key, *inside), child in children(schema):
        if not inside:
            new[key] = inner(child)
            continue
        if new[key] is schema[key]:
            new[key] = schema[key].copy()
        new[key][inside[0]] = inner(child)
    return new
