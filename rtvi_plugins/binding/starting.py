"""`start:` and `from:`: what clients send with their start, and the options that begin with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.binding.pipelines import types_of
from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.schema import ArgumentsSchema, Document, ValueSchema, check

if TYPE_CHECKING:
    from rtvi_plugins.binding.report import Path, Report
    from rtvi_plugins.binding.values import Values
    from rtvi_plugins.manifest.model import Manifest, Option

_CONFIG: Final = "config"
"""What clients of every generation call the initial configuration."""
_ROOT: Final = "start"


class Sources:
    """The start data of one manifest. `schema`: None when it declares none."""

    def __init__(self, manifest: Manifest, values: Values, report: Report) -> None:
        self._report = report
        self._at: Path = (_ROOT, "properties") if manifest.start.is_schema else (_ROOT,)
        self.schema: ArgumentsSchema | None = None
        if not manifest.has_start:
            return
        if _CONFIG in manifest.start.properties:
            text = "'config' in a start is the initial configuration"
            report.add("reserved-name", (*self._at, _CONFIG), text, hint="choose another name", on_key=True)
        self.schema = replace(values.declared(manifest.start, (_ROOT,)), noun="piece of start data")

    def name(self, option: Option, schema: ValueSchema, path: Path) -> str:
        """Return the name of the start data that an option begins with, and report a wrong one; empty: none."""
        if option.source is None:
            return ""
        here = (*path, "from")
        root, _, name = option.source.partition(".")
        if root != _ROOT:
            self._report.add(
                "bad-from", here, f"'{option.source[:100]}' is no start data", expected="'start.' and a name"
            )
            return ""
        declared = None if self.schema is None else self.schema.properties.get(name)
        if declared is not None:
            self._fit(declared.document, schema, name, here)
        elif not self._report.is_omitted(*self._at, name):
            known = [] if self.schema is None else self.schema.properties
            hint = did_you_mean(option.source, [f"{_ROOT}.{one}" for one in known])
            text = f"no start data '{name[:100]}' is declared"
            self._report.add("bad-from", here, text, expected="a name under 'start:'", hint=hint)
        return name

    def _fit(self, start: Document, option: ValueSchema, name: str, here: Path) -> None:
        """Report start data none of whose values, as far as that can be told, the option takes."""
        if isinstance(start, bool):
            return
        theirs, own = types_of(start), types_of(option.document)
        if theirs is not None and own is not None and not theirs & own:
            text = f"'{name}' is of type {quoted(sorted(theirs))}"
            self._report.add("bad-from", here, text, expected=f"{quoted(sorted(own))}, which the option takes")
            return
        for value in _listed(start):
            if check(option, value):
                text = f"'{name}' may be a value that the option does not take"
                self._report.add("bad-from", here, text, expected="a schema that allows no more than the option's")
                return


def _listed(document: dict[str, Any]) -> list[Any]:
    """Return the values that a schema names: its `enum`, `const` and default."""
    listed = [document[key] for key in ("const", "default") if key in document]
    enum = document.get("enum", [])
    return [*listed, *(enum if isinstance(enum, list) else [])]
