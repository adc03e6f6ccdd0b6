"""The language's JSON Schema with the names of what is installed, so that an editor proposes them.

A name that is not installed stays legal: the plugin may be missing only here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtvi_plugins.hooks.host import PluginHost


def add_names(schema: dict[str, Any], host: PluginHost) -> None:
    """Add the names of plugins, shipped services and responders where a manifest may write them."""
    names = {
        "plugin": sorted(plugin.name for plugin in host.plugins),
        "service": sorted(host.manifests()),
        "responder": sorted(host.responders()),
    }
    for definition, properties in _properties(schema["$defs"]):
        if "plugin" in properties:
            properties["plugin"] = _proposed(properties["plugin"], names["plugin"])
        if definition in ("Service", "ServiceFile"):
            properties["use"] = _proposed(properties["use"], names["service"])
    choice = schema["$defs"]["ResponderChoice"]
    choice["anyOf"] = [{"enum": names["responder"]}, *choice["anyOf"]]


def _properties(definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in definitions.items():
        for form in (definition, *definition.get("anyOf", ())):
            if isinstance(form, dict) and isinstance(form.get("properties"), dict):
                yield name, form["properties"]


def _proposed(schema: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a schema that takes what it took, and proposes names."""
    described = {key: schema[key] for key in ("description",) if key in schema}
    rest = {key: value for key, value in schema.items() if key != "description"}
    return described | {"anyOf": [{"enum": list(names)}, rest]}
