"""The sections no host serves yet: parsed and checked like the others, then refused, so that nothing is ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rtvi_plugins.binding.report import Path, Report
    from rtvi_plugins.manifest.model import Manifest

_LATER: Final = "a host that serves it; none does in this version"


def refuse_unserved(report: Report) -> None:
    """Report the sections that cannot run."""
    for path, text in _unserved(report.loaded.manifest):
        report.add("missing-host", path, text, expected=_LATER, on_key=True)


def _unserved(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    if manifest.pipeline is not None:
        yield ("pipeline",), "no host runs pipelines"
    for service_name, service in manifest.services.items():
        for name, option in service.options.items():
            if option.bind is not None:
                yield ("services", service_name, "options", name, "bind"), "there is no pipeline to bind to"
