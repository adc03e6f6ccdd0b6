"""Why a value was refused, within a bound of work whatever its size and its schema are.

The validator's own list of errors copies what is wrong once for each error, and explains every branch of `anyOf`, which
in a schema that refers to itself doubles with each level: a hostile value could make it cost gigabytes. So it is asked
about small values only, and not about many. Of a large one, the parts that are refused are looked for first: the schema
is followed keyword by keyword, and each time compiled code says whether the value passes; no value is walked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from rtvi_plugins.errors import Suggestions
from rtvi_plugins.schema.compiler import Compiled
from rtvi_plugins.schema.faults import Fault, describe, mistyped, no_form, sentence, unknown
from rtvi_plugins.schema.keywords import Document, Path, types_of
from rtvi_plugins.schema.patterns import TOO_MUCH, shared_budget
from rtvi_plugins.schema.survey import pointer

MAX_FAULTS: Final = 100
"""Faults that are told of one value."""

MAX_NODES: Final = 256
"""Nodes of a value about which the validator is asked for everything that is wrong."""
_MAX_CHARACTERS: Final = 65_536
_MAX_NODES_IN_ALL: Final = 4 * MAX_NODES
_MAX_BRANCHED_DEPTH: Final = 6
_CHUNK: Final = 256
"""Items that are checked in one go while those that are wrong are looked for."""
_MAX_CHECKS: Final = 40_000
"""Parts of a value that are checked by themselves."""

GENERAL: Final = "does not fit its schema, and is too large or too deep to say where"

_RULES: Final = frozenset(
    {
        "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "not",
        "format",
    }
)  # fmt: skip


def explain(
    compiled: Compiled, value: object, lead: Path = (), suggest: Suggestions | None = None
) -> tuple[Fault, ...]:
    """Say what is wrong with a JSON value that was refused: at least one fault, and at most `MAX_FAULTS`.

    lead:    where the value stands in what the faults are told of.
    suggest: what suggests names, where several explanations make one answer.
    """
    explanation = _Explanation(Suggestions() if suggest is None else suggest)
    with shared_budget():
        try:
            found = list(islice(_distinct(explanation.of(compiled, value, lead)), MAX_FAULTS))
        except ValueError:  # the validator's own limit on nesting
            found = []
    return tuple(Fault(pointer(path), text) for path, text in found or [(lead, GENERAL)])


def _distinct(found: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    """Give each fault once, as it comes: nothing is looked for that nobody asks for."""
    seen: set[tuple[Path, str]] = set()
    for one in found:
        if one not in seen:
            seen.add(one)
            yield one


class _Explanation:
    """One value's explanation, and how much of it was looked at."""

    def __init__(self, suggest: Suggestions) -> None:
        self._suggest = suggest
        self._nodes_left = _MAX_NODES_IN_ALL
        self._characters_left = 2 * _MAX_CHARACTERS
        self._checks_left = _MAX_CHECKS

    def of(self, compiled: Compiled, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
        """Give every fault of a part that is not valid, with its place."""
        if self._is_small(compiled, value):
            yield from self._in_detail(compiled, value, path)
        elif isinstance(compiled.document, bool):
            yield path, sentence("falseSchema", None)
        else:
            is_told = False
            for found in self._by_keyword(compiled, compiled.document, value, path):
                is_told = True
                yield found
            if not is_told:
                yield from self._first(compiled, value, path)

    def _first(self, compiled: Compiled, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
        """Give the first fault of a part whose schema cannot be followed."""
        for keyword in ("unevaluatedProperties", "unevaluatedItems"):
            if isinstance(compiled.document, dict) and keyword in compiled.document:
                yield path, sentence(keyword, None)
                return
        if not compiled.has_branches and self._checks_left > 0:
            self._checks_left = 0  # it copies what is wrong, and does so once
            try:
                compiled.validator.validate(value)
            except ValidationError as error:
                for place, text in describe(error, value, compiled.document, self._suggest):
                    yield path + place, text
                return
        yield path, TOO_MUCH if compiled.is_backtracking else GENERAL

    # -- small ones ---------------------------------------------------------------------------------------------------

    def _is_small(self, compiled: Compiled, value: Any) -> bool:
        """Whether everything may be asked about a value; what that looks at is counted."""
        size = _size_of(value, min(MAX_NODES, self._nodes_left), min(_MAX_CHARACTERS, self._characters_left))
        if size is None:
            return False
        nodes, characters, depth = size
        if compiled.has_branches and compiled.is_recursive and depth > _MAX_BRANCHED_DEPTH:
            return False
        self._nodes_left -= nodes
        self._characters_left -= characters
        return True

    def _in_detail(self, compiled: Compiled, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
        errors = list(compiled.validator.iter_errors(value))
        # Where the type is wrong already, the members of `enum` are no news.
        untyped = {tuple(error.instance_path) for error in errors if isinstance(error.kind, Kind.Type)}
        for error in errors:
            if isinstance(error.kind, Kind.Enum | Kind.Constant) and tuple(error.instance_path) in untyped:
                continue
            for place, text in describe(error, value, compiled.document, self._suggest):
                yield path + place, text
        if not errors:
            yield path, TOO_MUCH if compiled.is_backtracking else GENERAL

    # -- large ones ---------------------------------------------------------------------------------------------------

    def _by_keyword(
        self, whole: Compiled, schema: Mapping[str, Any], value: Any, path: Path
    ) -> Iterator[tuple[Path, str]]:
        if "type" in schema and self._breaks(whole, {"type": schema["type"]}, value):
            yield path, mistyped(types_of({"type": schema["type"]}), value)
            return
        for keyword in schema:
            if keyword in _RULES and self._breaks(whole, {keyword: schema[keyword]}, value):
                yield path, sentence(keyword, schema[keyword])
        if isinstance(value, dict):
            yield from self._members(whole, schema, value, path)
        elif isinstance(value, list):
            yield from self._items(whole, schema, value, path)
        yield from self._combined(whole, schema, value, path)

    def _breaks(self, whole: Compiled, schema: Document, value: Any) -> bool:
        """Whether a value breaks one schema of the document; False for one that cannot be asked by itself."""
        self._checks_left -= 1
        part = whole.part(schema)
        return part is not None and self._checks_left > 0 and not part.is_valid(value)

    def _within(self, whole: Compiled, schema: Document, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
        """Explain a value that breaks one schema of the document; nothing when it does not."""
        part = whole.part(schema)
        if part is not None and self._breaks(whole, schema, value):
            yield from self.of(part, value, path)

    def _members(
        self, whole: Compiled, schema: Mapping[str, Any], value: dict[str, Any], path: Path
    ) -> Iterator[tuple[Path, str]]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                yield (*path, name), "missing"
        for name, names in schema.get("dependentRequired", {}).items():
            if name in value:
                yield from (((*path, other), "missing") for other in names if other not in value)
        for name, held in properties.items():
            if name in value:
                yield from self._within(whole, held, value[name], (*path, name))
        yield from self._named(whole, schema, value, path)
        yield from self._patterned(whole, schema, value, path)
        if "additionalProperties" in schema:
            others = {key: schema[key] for key in ("properties", "patternProperties") if key in schema}
            rest = {key: dict.fromkeys(held, True) for key, held in others.items()}
            rest["additionalProperties"] = schema["additionalProperties"]
            if self._breaks(whole, rest, value):
                yield from self._additional(whole, rest, value, path)

    def _named(
        self, whole: Compiled, schema: Mapping[str, Any], value: dict[str, Any], path: Path
    ) -> Iterator[tuple[Path, str]]:
        """Explain names that are not as `propertyNames` wants them."""
        held = schema.get("propertyNames", True)
        if self._breaks(whole, {"propertyNames": held}, value):
            for name, _ in self._failing(whole, held, ((name, name) for name in value)):
                yield from (((*path, name), f"the name {text}") for _, text in self._within(whole, held, name, ()))

    def _patterned(
        self, whole: Compiled, schema: Mapping[str, Any], value: dict[str, Any], path: Path
    ) -> Iterator[tuple[Path, str]]:
        """Explain members whose names match a pattern, and that are not as it wants them."""
        for pattern, held in schema.get("patternProperties", {}).items():
            one = {"patternProperties": {pattern: held}}
            if self._breaks(whole, one, value):
                for name, _ in self._failing(whole, one, _single(value)):
                    yield from self._within(whole, held, value[name], (*path, name))

    def _additional(
        self, whole: Compiled, rest: dict[str, Any], value: dict[str, Any], path: Path
    ) -> Iterator[tuple[Path, str]]:
        """Explain members that no name or pattern of the schema allows for."""
        held = rest["additionalProperties"]
        properties = rest.get("properties", {})
        given = _single(value) if "patternProperties" in rest else _others(value, properties)
        free = [name for name in properties if name not in value] if held is False else []
        alone = rest if "patternProperties" in rest else {"additionalProperties": held}
        for name, _ in self._failing(whole, alone, given):
            if held is False:
                yield (*path, name), unknown("property", name, free, self._suggest)
            else:
                yield from self._within(whole, held, value[name], (*path, name))

    def _items(
        self, whole: Compiled, schema: Mapping[str, Any], value: list[Any], path: Path
    ) -> Iterator[tuple[Path, str]]:
        first = schema.get("prefixItems", ())
        for index, (held, item) in enumerate(zip(first, value, strict=False)):
            yield from self._within(whole, held, item, (*path, index))
        if "items" in schema:
            rest = ((index, value[index]) for index in range(len(first), len(value)))
            for index, item in self._failing(whole, schema["items"], rest):
                yield from self._within(whole, schema["items"], item, (*path, index))
        contained = {key: schema[key] for key in ("contains", "minContains", "maxContains") if key in schema}
        if "contains" in contained and self._breaks(whole, contained, value):
            yield path, sentence("contains", None)

    def _failing(
        self, whole: Compiled, schema: Document, given: Iterable[tuple[Any, Any]]
    ) -> Iterator[tuple[Any, Any]]:
        """Give the pairs of a place and what stands there that break a schema; many are checked in one go."""
        part, many = whole.part(schema), whole.part({"items": schema})
        if part is None or many is None:
            return
        pairs = iter(given)
        while (chunk := list(islice(pairs, _CHUNK))) and self._checks_left > 0:
            self._checks_left -= 1
            if many.is_valid([item for _, item in chunk]):
                continue
            for pair in chunk:
                self._checks_left -= 1
                if not part.is_valid(pair[1]):
                    yield pair

    def _combined(
        self, whole: Compiled, schema: Mapping[str, Any], value: Any, path: Path
    ) -> Iterator[tuple[Path, str]]:
        if "$ref" in schema and (target := whole.target(schema["$ref"])) is not None:
            yield from self._within(whole, target, value, path)
        for held in schema.get("allOf", ()):
            yield from self._within(whole, held, value, path)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema and self._breaks(whole, {keyword: schema[keyword]}, value):
                yield from self._no_form(whole, schema[keyword], value, path)
        if "if" in schema:
            branch = "else" if self._breaks(whole, schema["if"], value) else "then"
            yield from self._within(whole, schema.get(branch, True), value, path)
        if isinstance(value, dict):
            for name, held in schema.get("dependentSchemas", {}).items():
                if name in value:
                    yield from self._within(whole, held, value, path)

    def _no_form(self, whole: Compiled, forms: list[Any], value: Any, path: Path) -> Iterator[tuple[Path, str]]:
        """Explain by the one form that has the value's type; more than one would be guessing."""
        typed = [
            form
            for form in forms
            if not isinstance(form, Mapping)
            or "type" not in form
            or not self._breaks(whole, {"type": form["type"]}, value)
        ]
        if len(typed) == 1 and isinstance(typed[0], dict) and "type" in typed[0]:
            yield from self._within(whole, typed[0], value, path)
        else:
            yield path, no_form(len(forms))


def _single(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, {name: held}) for name, held in value.items())


def _others(value: dict[str, Any], properties: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, {name: held}) for name, held in value.items() if name not in properties)


def _size_of(value: Any, most_nodes: int, most_characters: int) -> tuple[int, int, int] | None:
    """Count nodes, characters and levels of a value; None when there are more, found before they are all counted."""
    nodes = characters = deepest = 0
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        here, depth = stack.pop()
        nodes += 1
        deepest = max(deepest, depth)
        if isinstance(here, str):
            characters += len(here)
        elif isinstance(here, Mapping | list | tuple):
            if nodes + len(stack) + len(here) > most_nodes:
                return None
            if isinstance(here, Mapping):
                characters += sum(map(len, here))
                here = here.values()
            stack.extend((item, depth + 1) for item in here)
        if nodes > most_nodes or characters > most_characters:
            return None
    return nodes, characters, deepest
