"""The sections no host serves yet: checked and described like the others, then refused, so that nothing is ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rtvi_plugins.handlers import HandlerKind

if TYPE_CHECKING:
    from rtvi_plugins.binding.matching import Matching
    from rtvi_plugins.binding.report import Path, Report
    from rtvi_plugins.binding.values import Values
    from rtvi_plugins.manifest.model import Manifest

_LATER: Final = "a host that serves it; none does in this version"


def refuse_unserved(report: Report, values: Values, matching: Matching) -> None:
    """Check the sections without a host, and report that they cannot run."""
    manifest = report.loaded.manifest
    _check(manifest, values, matching)
    for path, text in _unserved(manifest):
        report.add("missing-host", path, text, expected=_LATER, on_key=True)


def _check(manifest: Manifest, values: Values, matching: Matching) -> None:
    for name, function in manifest.functions.items():
        values.arguments(function.arguments, ("functions", name))
        values.value(function.result, ("functions", name, "result"))
    for name, command in manifest.ui.commands.items():
        values.value(command.payload, ("ui", "commands", name, "payload"))
    for name, event in manifest.ui.events.items():
        values.value(event.payload, ("ui", "events", name, "payload"))
        matching.message(HandlerKind.EVENT, name, event.plugin, ("ui", "events", name))


def _unserved(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    if manifest.functions:
        yield ("functions",), "no host runs functions"
    if manifest.ui.commands or manifest.ui.events:
        yield ("ui",), "no host serves ui"
    if manifest.pipeline is not None:
        yield ("pipeline",), "no host runs pipelines"
    for service_name, service in manifest.services.items():
        for name, option in service.options.items():
            if option.bind is not None:
                yield ("services", service_name, "options", name, "bind"), "there is no pipeline to bind to"
        for name, action in service.actions.items():
            here = ("services", service_name, "actions", name)
            if action.job:
                yield (*here, "job"), "no host runs jobs"
            if action.tool:
                yield (*here, "tool"), "no host offers tools to an LLM"
