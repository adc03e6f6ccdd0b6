"""Value schemas, defaults and the initial configuration: is each legal, and do they fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import orjson

from rtvi_plugins.binding.object_schemas import local_references, lost_names, misplaced_required, split_keywords
from rtvi_plugins.binding.pipelines import laid_over
from rtvi_plugins.binding.report import Path, Report
from rtvi_plugins.errors import Severity, did_you_mean
from rtvi_plugins.manifest.model import Argument, Arguments, Manifest, Option, Value
from rtvi_plugins.schema import (
    MISSING,
    ArgumentSource,
    ArgumentsSchema,
    SharedSchemas,
    ValueSchema,
    check,
    check_document,
    compile_arguments,
    compile_value,
    unknown_formats,
)

_PLAIN: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
"""Only what is JSON already."""

_YAML_BOOLEANS: Final = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})
"""Text here, though YAML of old (and people) take some of it for a bool."""


class Values:
    """Compiles the value schemas of one manifest; for a faulty one, reported, any value will do."""

    def __init__(
        self, definitions: Mapping[str, Any], report: Report, at: Path = (), *, checks_formats: bool = False
    ) -> None:
        """Take the shared definitions, whose `$defs` stand at a path."""
        self._report = report
        self._shared = SharedSchemas(definitions, checks_formats=checks_formats)
        # Documents that were found sound, as JSON; and what came of them. A large manifest says most things often.
        self._sound: set[bytes] = set()
        self._made: dict[tuple[bytes, str], ValueSchema] = {}
        for name, document in definitions.items():
            self.is_sound(document, (*at, "$defs", name))

    def is_sound(self, keywords: Mapping[str, Any] | bool, path: Path, own: Iterable[str] = ()) -> bool:
        """Report what is wrong with a document; True when nothing is. `own`: legal keys beside those of JSON Schema."""
        key = _as_key(keywords)
        if key in self._sound:
            return True
        faults = check_document(keywords, self._shared)
        warned = not faults and self._warn_of_formats(keywords, path)
        if not faults and not warned and key is not None:
            self._sound.add(key)
        for fault in faults:
            hint = fault.hint
            if fault.slug == "unknown-key" and len(fault.path) == 1:
                hint = did_you_mean(str(fault.path[0]), own) or hint
            place = (*path, *fault.path)
            self._report.add(fault.slug, place, fault.text, expected=fault.expected, hint=hint, on_key=fault.on_key)
        return not faults

    def _warn_of_formats(self, keywords: Mapping[str, Any] | bool, path: Path) -> bool:
        """Warn of formats that nobody knows; True when there is one."""
        found = list(
            unknown_formats(
                keywords if isinstance(keywords, bool) else dict(keywords), are_checked=self._shared.checks_formats
            )
        )
        for place, text, hint in found:
            expected = "" if hint else "a format of JSON Schema"
            self._report.add(
                "unknown-format", (*path, *place), text, expected=expected, hint=hint, severity=Severity.WARNING
            )
        return bool(found)

    def value(self, value: Value | None, path: Path) -> ValueSchema:
        """Compile a value schema; None means any value."""
        if value is None or not self.is_sound(value.keywords, path, keys_of(type(value))):
            return compile_value(True)
        return self._compiled(value, path) or compile_value(True)

    def _compiled(self, value: Value, path: Path) -> ValueSchema | None:
        keywords = value.keywords
        key = _as_key(keywords)
        made = None if key is None else self._made.get((key, value.description))
        if made is not None:
            return made
        try:
            made = compile_value(keywords, self._shared, description=value.description)
        except ValueError:  # no fault was found, and yet the validator does not take it
            self._report.add("bad-schema", path, "the schema cannot be compiled")
            return None
        if key is not None:
            self._made[key, value.description] = made
        return made

    def option(
        self, option: Option, path: Path, field: Mapping[str, Any] | None = None, default: Any = MISSING
    ) -> ValueSchema:
        """Compile an option's schema and check its default against it.

        field:   schema of the field of the pipeline that takes the option's values.
        default: the option's default, which may come from the pipeline; `MISSING` when there is none.
        """
        schema = self.value(option, path) if field is None else self._bound(option, path, field)
        if option.has_default:
            self.fits(schema, option.default, (*path, "default"), "the default")
        elif default is not MISSING:
            self.fits(schema, default, (*path, "bind"), "what the pipeline sets")
        return schema

    def _bound(self, option: Option, path: Path, field: Mapping[str, Any]) -> ValueSchema:
        """Compile the schema of an option whose values a pipeline's field takes: both must allow a value."""
        if not self.is_sound(option.keywords, path, keys_of(Option)):
            return compile_value(True)
        keywords, fault = laid_over(field, option.keywords)
        if fault is not None:
            self._report.add("bad-bind", (*path, "type"), fault.text, expected=fault.expected, hint=fault.hint)
            return compile_value(True)
        try:
            schema = compile_value(keywords, self._shared, description=option.description)
            of_field = compile_value(field)
        except ValueError:
            self._report.add("bad-schema", path, "the schema cannot be compiled")
            return compile_value(True)
        for index, value in enumerate(option.keywords.get("enum", ())):
            self.fits(
                of_field, value, (*path, "enum", index), f"'{option.bind}' does not take it: the value", "bad-bind"
            )
        return schema

    def declared(self, arguments: Arguments, path: Path) -> ArgumentsSchema:
        """Compile the arguments that stand at a path, in either form, and check them."""
        if not arguments.is_schema:
            return self.compiled_arguments(self._sources(arguments.properties, path), path)
        rules, definitions = split_keywords(arguments)
        own = (
            self
            if definitions is None
            else Values(definitions, self._report, path, checks_formats=self._shared.checks_formats)
        )
        return own.with_rules(arguments, rules, path)

    def with_rules(self, arguments: Arguments, rules: Mapping[str, Any], path: Path) -> ArgumentsSchema:
        """Compile arguments that are written as a JSON Schema. rules: what it says beside its properties."""
        sources = self._sources(arguments.properties, (*path, "properties"))
        required = arguments.required or ()
        faults = [*misplaced_required(arguments), *lost_names(arguments, rules), *local_references(rules)]
        for one in faults:
            place = (*path, *one.path)
            self._report.add(one.slug, place, one.text, expected=one.expected, hint=one.hint, on_key=one.on_key)
        if not self.is_sound({**rules, "required": list(required)}, path) or faults:
            return self.compiled_arguments(sources, path)
        sources = {name: replace(source, required=name in required) for name, source in sources.items()}
        others = [name for name in required if name not in sources]
        return self.compiled_arguments(sources, path, rules, others)

    def _sources(self, arguments: Mapping[str, Argument], path: Path) -> dict[str, ArgumentSource]:
        """Check arguments and their defaults; give what of them can be compiled."""
        sources: dict[str, ArgumentSource] = {}
        for name, argument in arguments.items():
            here = (*path, name)
            is_sound = self.is_sound(argument.keywords, here, keys_of(Argument))
            schema = self._compiled(argument, here) if is_sound else None
            if schema is not None and argument.has_default:
                self.fits(schema, argument.default, (*here, "default"), "the default")
            sources[name] = ArgumentSource(
                keywords=True if schema is None else argument.keywords,
                required=argument.is_required,
                has_default=argument.has_default,
                default=argument.default,
                description=argument.description,
                unit=argument.unit,
            )
        return sources

    def compiled_arguments(
        self,
        sources: Mapping[str, ArgumentSource],
        path: Path,
        rules: Mapping[str, Any] = MappingProxyType({}),
        also_required: Iterable[str] = (),
    ) -> ArgumentsSchema:
        """Compile arguments, each of them sound, into one schema."""
        try:
            return compile_arguments(sources, self._shared, rules=rules, also_required=also_required)
        except ValueError:  # each alone is sound; together the validator does not take them
            self._report.add("bad-schema", path, "the schemas cannot be compiled into one")
            return compile_arguments({name: replace(source, keywords=True) for name, source in sources.items()})

    def fits(self, schema: ValueSchema, value: object, path: Path, what: str, slug: str = "bad-default") -> bool:
        """Report every way in which a value of the manifest does not fit its schema; True when it does."""
        faults = check(schema, value)
        for fault in faults:
            steps = [part.replace("~1", "/").replace("~0", "~") for part in fault.pointer.split("/")[1:]]
            place = (*path, *(int(part) if part.isdecimal() else part for part in steps))
            given = _at(value, place[len(path) :])
            hint = "write true or false" if isinstance(given, str) and given.lower() in _YAML_BOOLEANS else ""
            if fault.text == "missing" and steps:
                text = f"{what} does not fit: '{steps[-1]}' is missing"
            else:
                text = f"{what} does not fit: {fault.text}"
            is_of_key = fault.text.startswith("not a known ")
            self._report.add(slug, place, text, hint=hint if "boolean" in fault.text else "", on_key=is_of_key)
        return not faults


def keys_of(model: type[Value]) -> list[str]:
    """Return the keys of the language that a value schema of this kind may have, as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _as_key(keywords: Mapping[str, Any] | bool) -> bytes | None:
    """Give what a document says as text; None for one that has no such text."""
    try:
        return orjson.dumps(keywords, option=_PLAIN)
    except TypeError:
        return None


def _at(value: object, path: Path) -> object:
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def initial_config(
    manifest: Manifest, schemas: Mapping[tuple[str, str], ValueSchema], report: Report, values: Values
) -> Mapping[str, Mapping[str, Any]]:
    """Check `config:` against the services; give what is sound."""
    sound: dict[str, dict[str, Any]] = {}
    for service_name, options in manifest.config.items():
        service = manifest.services.get(service_name)
        if service is None:
            if not report.is_omitted("services", service_name):
                hint = did_you_mean(service_name, manifest.services)
                text = f"no service '{service_name}' is declared"
                report.add("unknown-service", ("config", service_name), text, hint=hint, on_key=True)
            continue
        for name, value in options.items():
            path = ("config", service_name, name)
            schema = schemas.get((service_name, name))
            if schema is not None:
                values.fits(schema, value, path, "the initial value")
                sound.setdefault(service_name, {})[name] = value
            elif not report.is_omitted("services", service_name, "options", name):
                hint = did_you_mean(name, service.options)
                text = f"service '{service_name}' has no option '{name}'"
                report.add("unknown-option", path, text, hint=hint, on_key=True)
    return sound
