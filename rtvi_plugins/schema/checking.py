"""What is wrong with a schema document, at its place in what the author wrote. Never raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind

from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.schema.compiler import compiled
from rtvi_plugins.schema.faults import describe
from rtvi_plugins.schema.keywords import (
    DIALECT,
    FOREIGN_WORDS,
    KEYWORDS,
    MAX_SCHEMA_DEPTH,
    OWN_WORDS,
    TYPE_NAMES,
    Document,
    Path,
    is_flat,
    is_foreign_dialect,
    kind_of,
    normalise,
    subschemas,
)
from rtvi_plugins.schema.patterns import ALLOWED, is_linear, is_pattern, why_not_linear
from rtvi_plugins.schema.references import (
    REFERENCES,
    VALUE_ID,
    SharedSchemas,
    is_address,
    join,
    located,
    needed,
    self_contained,
    shared_name,
    usage,
)
from rtvi_plugins.schema.survey import survey

_META: Final = jsonschema_rs.Draft202012Validator({"$ref": DIALECT}, validate_formats=True, offline=True)


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One thing that is wrong with a schema document.

    path:     into the document as its author wrote it.
    slug:     a key of `errors.SLUGS`: `unknown-type`, `unknown-key`, `bad-schema` or `unresolved-ref`.
    text, expected, hint: as in `errors.Problem`.
    on_key:   the place is the key at the end of `path`, not its value.
    """

    path: Path
    slug: str
    text: str
    expected: str = ""
    hint: str = ""
    on_key: bool = False


def check_document(keywords: object, shared: Mapping[str, Any]) -> tuple[SchemaFault, ...]:
    """Find every fault of a written schema; a document without one can be compiled.

    keywords: as written: a mapping, `true` or `false`; anything else is a fault.
    shared: the manifest's `$defs`, as written or as `SharedSchemas`. They are looked into for references only: check
            each of them by itself too.
    """
    if isinstance(keywords, bool):
        return ()
    if not isinstance(keywords, Mapping):
        return (_not_a_schema((), keywords),)
    try:
        document = normalise(keywords)
    except ValueError as error:
        broken = survey(keywords, max_depth=MAX_SCHEMA_DEPTH).broken
        return (SchemaFault(broken.path if broken else (), "bad-schema", str(error), "JSON Schema"),)
    definitions = SharedSchemas.of(shared)
    form = list(_form(document))
    faults = [*_words(keywords), *form]
    # What the metaschema says of an `$id` is better than that the references cannot be followed.
    faults.extend(fault for fault in _unresolved(document, definitions) if fault.path or not form)
    faults.extend(_backtracking(document))
    if all(fault.slug == "unknown-key" for fault in faults):
        faults.extend(_not_compiled(document, definitions))
    return tuple(dict.fromkeys(faults))


def _words(keywords: Mapping[str, Any]) -> Iterator[SchemaFault]:
    """Find unknown type names, unknown keywords and other dialects."""
    for path, schema in subschemas(keywords):
        for key in schema:
            if key in KEYWORDS or key.startswith("x-"):
                continue
            hint = FOREIGN_WORDS.get(key) or did_you_mean(key, KEYWORDS)
            if path and key in OWN_WORDS:
                hint = f"'{key}' belongs beside the outermost type, not inside it"
            if hint or not path:
                yield SchemaFault(
                    (*path, key),
                    "unknown-key",
                    f"unknown keyword '{key}'",
                    "a keyword of JSON Schema",
                    hint,
                    on_key=True,
                )
        if "type" in schema:
            yield from _types((*path, "type"), schema["type"])
        if is_foreign_dialect(schema):
            yield SchemaFault(
                (*path, "$schema"), "bad-schema", "schemas are read as JSON Schema 2020-12", f"'{DIALECT}'"
            )


def _types(path: Path, named: object) -> Iterator[SchemaFault]:
    places = [(path, named)] if isinstance(named, str) else []
    if isinstance(named, list | tuple):
        places = [((*path, index), name) for index, name in enumerate(named) if isinstance(name, str)]
    expected = " or ".join(quoted(TYPE_NAMES).replace("'", "").rsplit(" or ", 1))
    for place, name in places:
        if name not in TYPE_NAMES:
            hint = "leave 'type' out to mean any value" if name == "any" else did_you_mean(str(name), TYPE_NAMES)
            yield SchemaFault(place, "unknown-type", f"unknown type '{name}'", expected, hint)


def _form(document: Document) -> Iterator[SchemaFault]:
    """Compare a document with the metaschema; names of types were looked at before."""
    if _META.is_valid(document):
        return
    for error in _META.iter_errors(document):
        path = tuple(error.instance_path)
        here = _at(document, path)
        if path[-1:] == ("type",) and _is_known_type_fault(here):
            continue
        match error.kind:
            case Kind.PropertyNames(inner):  # of patternProperties
                name = str(inner.instance)
                yield SchemaFault(
                    (*path, name), "bad-schema", f"'{name}' is not a regular expression that can be used", on_key=True
                )
            case Kind.Format("regex"):
                yield SchemaFault(path, "bad-schema", f"'{here}' is not a regular expression that can be used")
            case Kind.Type(types) if set(types) == {"boolean", "object"}:
                yield _not_a_schema(path, here)
            case Kind.Type(types):
                hint = "list the names of the required properties" if path[-1] == "required" else ""
                text = f"{_subject(path)} cannot be {_a(kind_of(here))}"
                yield SchemaFault(path, "bad-schema", text, " or ".join(sorted(types)), hint)
            case _ if path[-1:] == ("type",):
                text = "'type' is the name of a type or a list of different ones"
                yield SchemaFault(path, "bad-schema", text)
            case _:
                for place, text in describe(error, document):
                    yield SchemaFault(place, "bad-schema", f"{_subject(place)} {text}")


def _is_known_type_fault(named: object) -> bool:
    names = named if isinstance(named, list) else [named]
    return any(isinstance(name, str) and name not in TYPE_NAMES for name in names)


def _not_a_schema(path: Path, given: object) -> SchemaFault:
    hint = ""
    if isinstance(given, str) and given in TYPE_NAMES:
        hint = f"write {{type: {given}}}"
    elif path[-1:] == ("items",) and isinstance(given, list):
        hint = "a list of schemas, one for each place, is 'prefixItems'"
    text = f"{_subject(path)} cannot be {_a(kind_of(given))}"
    return SchemaFault(path, "bad-schema", text, "a schema: a mapping, true or false", hint)


def _a(kind: str) -> str:
    return kind if kind == "null" else f"an {kind}" if kind[0] in "aio" else f"a {kind}"


def _subject(path: Path) -> str:
    words = [step for step in path if isinstance(step, str)]
    return f"'{words[-1]}'" if words else "a schema"


def _unresolved(document: Document, shared: SharedSchemas) -> Iterator[SchemaFault]:
    """Find references that lead nowhere."""
    if not isinstance(document, dict) or is_flat(document):
        return
    places = [place for place in located(document, VALUE_ID) if not place[1].keys().isdisjoint(REFERENCES)]
    if not places:
        return
    whole = self_contained(document, _without_malformed(document, shared))
    try:
        resolver = _Resolver(whole)
    except (ValueError, jsonschema_rs.ReferencingError):
        yield SchemaFault((), "bad-schema", "an '$id' or anchor is malformed or not the only one of its name")
        return
    written_root = next(located(document, VALUE_ID))[2]
    for path, schema, base in places:
        here = resolver.root if base == written_root else base
        for keyword in REFERENCES:
            reference = schema.get(keyword)
            if isinstance(reference, str) and not resolver.finds(here, reference):
                if "$defs" not in document and _is_malformed(shared_name(reference), shared):
                    continue  # it leads into what is no schema, which is told there
                text, hint = _lost(reference, document, shared)
                yield SchemaFault((*path, keyword), "unresolved-ref", text, hint=hint)


def _lost(reference: str, document: dict[str, Any], shared: SharedSchemas) -> tuple[str, str]:
    """Say where a reference does not lead, and what was probably meant."""
    closed = "$defs" in document
    legal = document["$defs"] if closed and isinstance(document["$defs"], dict) else shared
    name = shared_name(reference)
    if name is not None and name not in legal:
        hint = did_you_mean(name, legal)
        if closed and not hint and name in shared:
            hint = "a schema with '$defs' of its own does not see the shared ones"
        return f"no definition is named '{name}'", hint
    if is_address(reference):
        return f"'{reference}' is not at hand; nothing is fetched from the network", "copy it under '$defs'"
    return f"'{reference}' leads to nothing", ""


class _Resolver:
    """Looks references up inside one self-contained document; a bad `$id` is a `ValueError` or `ReferencingError`."""

    def __init__(self, whole: Document) -> None:
        self.root = next(located(whole, VALUE_ID))[2]
        self._elsewhere: set[str] = set()
        self._registry = jsonschema_rs.Registry([(VALUE_ID, whole)], retriever=self._note)

    def finds(self, base: str, reference: str) -> bool:
        """Tell whether a reference at a base address leads to something here, or to a metaschema."""
        address = join(base, reference)
        if address.partition("#")[0] not in self._elsewhere:
            try:
                self._registry.resolver(base).lookup(reference)
            except (ValueError, jsonschema_rs.ReferencingError):
                pass
            else:
                return True
        if not is_address(address) or reference.startswith("#"):
            return False
        try:
            compiled({"$ref": address})  # the metaschemas are built into the validator, though not into its registry
        except ValueError:
            return False
        return True

    def _note(self, address: str) -> dict[str, Any]:
        # The registry asks for all that it does not hold; without an answer it could not be made.
        self._elsewhere.add(address.removesuffix("#"))
        return {}


def _not_compiled(document: Document, shared: SharedSchemas) -> Iterator[SchemaFault]:
    """Say why a document of good form is refused: by its patterns, or by what it takes from shared definitions."""
    try:
        compiled(self_contained(document, shared))
    except ValueError:
        pass
    else:
        return
    faults = list(_bad_patterns(document))
    yield from faults
    if not faults and not uses_faulty(document, shared):
        yield SchemaFault((), "bad-schema", "the schema cannot be compiled")


def _bad_patterns(document: Document) -> Iterator[SchemaFault]:
    for path, schema in subschemas(document):
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and not is_pattern(pattern):
            text = f"'{pattern}' is not a regular expression that can be used"
            yield SchemaFault((*path, "pattern"), "bad-schema", text)
        for name in schema.get("patternProperties", ()):
            if not is_pattern(name):
                text = f"'{name}' is not a regular expression that can be used"
                yield SchemaFault((*path, "patternProperties", name), "bad-schema", text, on_key=True)


def _backtracking(document: Document) -> Iterator[SchemaFault]:
    """Find patterns that may take exponentially long, unless their author allows for it."""
    for path, schema in subschemas(document):
        allowed, pattern = schema.get(ALLOWED), schema.get("pattern")
        if allowed is not None and not isinstance(allowed, bool):
            yield SchemaFault((*path, ALLOWED), "bad-schema", f"'{ALLOWED}' is true or left out", "true")
        if isinstance(pattern, str) and allowed is not True and _goes_back(pattern):
            hint = f"write it without, or add '{ALLOWED}: true' beside it to have it run within a budget"
            yield _costly((*path, "pattern"), pattern, hint)
        named = schema.get("patternProperties")
        for name in named if isinstance(named, Mapping) else ():
            if _goes_back(name):
                hint = f"write it without; a 'pattern' under 'propertyNames' may have '{ALLOWED}: true' beside it"
                yield _costly((*path, "patternProperties", name), name, hint, on_key=True)


def _goes_back(pattern: str) -> bool:
    return not is_linear(pattern) and is_pattern(pattern)


def _costly(path: Path, pattern: str, hint: str, *, on_key: bool = False) -> SchemaFault:
    text = f"the pattern '{pattern}' {why_not_linear(pattern)}: it may take exponentially long"
    return SchemaFault(path, "bad-schema", text, "a pattern that is matched in linear time", hint, on_key)


def uses_faulty(document: Document, shared: SharedSchemas) -> bool:
    """Tell whether a normalised document takes, directly or through others, a shared definition that has a fault."""
    return any(_is_faulty(name, shared) for name in needed(usage(document).shared, shared))


def _is_faulty(name: str, shared: SharedSchemas) -> bool:
    if name not in shared.faulty:
        is_lost = _is_malformed(name, shared) or any(True for _ in _unresolved(shared[name], shared))
        shared.faulty[name] = is_lost
    return shared.faulty[name]


def _is_malformed(name: str | None, shared: SharedSchemas) -> bool:
    """Tell whether a shared definition is wrong by itself, whatever the others are."""
    if name is None or name not in shared:
        return False
    if name not in shared.malformed:
        shared.malformed[name] = _has_bad_form(shared[name])
    return shared.malformed[name]


def _has_bad_form(definition: Document) -> bool:
    if isinstance(definition, bool):
        return False
    if any(fault.slug != "unknown-key" for fault in _words(definition)):
        return True
    if any(True for find in (_form, _bad_patterns) for _ in find(definition)):
        return True
    if not is_flat(definition):
        try:
            _Resolver(definition)
        except (ValueError, jsonschema_rs.ReferencingError):
            return True
    return False


def _without_malformed(document: Document, shared: SharedSchemas) -> SharedSchemas:
    """Give the shared definitions that a document needs, with anything in place of those that are no schemas."""
    found = SharedSchemas({})
    for name, definition in needed(usage(document).shared, shared).items():
        found[name] = True if _is_malformed(name, shared) else definition
    return found


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document
