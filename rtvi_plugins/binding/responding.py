"""The responder a manifest chose: is there one of that name, and are its settings right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.handlers import location_of
from rtvi_plugins.hooks.candidate import place_of
from rtvi_plugins.hooks.installed import error_text
from rtvi_plugins.hooks.startup import StartInterrupted, at_work
from rtvi_plugins.schema import SharedSchemas, check_document, compile_value

if TYPE_CHECKING:
    from rtvi_plugins.binding.report import Report
    from rtvi_plugins.binding.values import Values
    from rtvi_plugins.hooks.contracts import Responder
    from rtvi_plugins.hooks.host import PluginHost
    from rtvi_plugins.manifest.model import Manifest

_PLACED: Final = re.compile(r"(?P<path>[^\s:\[\].]+(?:\.[^\s:\[\].]+|\[\d+\])*): (?P<text>.+)")
_STEP: Final = re.compile(r"[^\[\].]+")


def make_responder(
    manifest: Manifest, host: PluginHost, report: Report, values: Values, bot: object
) -> Responder | None:
    """Make the responder that the manifest chose; None when it chose none or when it cannot be made."""
    choice = manifest.runtime.responder
    if choice is None:
        return None
    path = ("runtime", "responder")
    known = host.responders()
    if choice.use not in known:
        text = f"no responder '{choice.use}'"
        hint = did_you_mean(choice.use, known)
        report.add("unknown-responder", path, text, expected=quoted(known), hint=hint)
        return None
    plugin, responder = known[choice.use]
    settings = dict(choice.settings)
    place = (*path, "settings")
    if faults := check_document(dict(responder.settings_schema), SharedSchemas({})):
        at = location_of(responder.respond)
        for fault in faults:
            text = f"plugin '{plugin.name}' ({plugin}): settings_schema of responder '{choice.use}': {fault.text}"
            report.add("bad-hook", path, text, expected=fault.expected, hint=fault.hint, location=at)
        return None
    schema = compile_value(responder.settings_schema)
    settings = report.typed(settings, place, schema.document)
    if not values.fits(schema, settings, place, f"responder '{choice.use}': the setting", "bad-responder"):
        return None
    try:
        with at_work(f"plugin '{plugin.name}' ({plugin})", f"making responder '{choice.use}'"):
            return responder(settings, bot)
    except StartInterrupted:
        raise
    except ValueError as error:
        for line in str(error).splitlines() or ["it refuses these settings"]:
            steps, text = place_in(settings, line)
            report.add("bad-responder", (*place, *steps), f"responder '{choice.use}': {text}")
    except BaseException as error:  # noqa: BLE001 - whatever a plugin raises is that plugin's problem
        text = f"plugin '{plugin.name}' ({plugin}): responder '{choice.use}' cannot be made: {error_text(error)}"
        where = place_of(error, plugin.value.partition(":")[0].partition(".")[0])
        report.add("broken-plugin", path, text, location=where if where.path else plugin.location)
    return None


def place_in(settings: Mapping[str, Any], line: str) -> tuple[tuple[str | int, ...], str]:
    """Read where a responder, or a stage, found fault: `rules[2].say[0]: text`; nowhere when it does not say.

    A last step that leads nowhere, such as a missing key, is left out.
    """
    match = _PLACED.fullmatch(line)
    if match is None:
        return (), line
    steps: list[str | int] = []
    here: Any = settings
    for step in _STEP.findall(match["path"]):
        key = int(step) if isinstance(here, list | tuple) and step.isdecimal() else step
        try:
            here = here[key]
        except (LookupError, TypeError):
            return ((), line) if not steps else (tuple(steps), line)
        steps.append(key)
    return tuple(steps), match["text"]
