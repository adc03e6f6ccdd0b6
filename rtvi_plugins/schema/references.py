"""`$ref`, `$id` and shared definitions: how several documents become one without changing what they mean.

`#/$defs/Name` in a schema without `$defs` of its own names a shared definition; every other reference that is not a
whole address is the schema's own. A schema with references of its own is *local*: put inside a larger document it
needs an `$id`, so that `#` still means itself, and its references to shared definitions then name the root.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urljoin

from rtvi_plugins.schema.keywords import Document, Path, children, is_flat, normalise, target_of

VALUE_ID: Final = "rtvi://schema/value"
ARGUMENTS_ID: Final = "rtvi://schema/arguments"
DEFINITION_ID: Final = "rtvi://schema/definitions"
_SHARED: Final = "#/$defs/"
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
REFERENCES: Final = ("$ref", "$dynamicRef")


class SharedSchemas(dict[str, Document]):
    """Shared definitions, normalised once; given as `shared` they are not copied again for each schema.

    Nothing is added or taken away later.

    malformed: name → whether the definition by itself is no schema; `checking` fills it in when it is first asked.
    faulty:    name → whether `check_document` reports the definition; the malformed and those with lost references.
    checks_formats: whether `format` is enforced in what is compiled with these.
    """

    def __init__(self, written: Mapping[str, Any], *, checks_formats: bool = False) -> None:
        super().__init__()
        self.checks_formats = checks_formats
        self.malformed: dict[str, bool] = {}
        self.faulty: dict[str, bool] = {}
        for name, keywords in written.items():
            try:
                self[name] = normalise(keywords)
            except ValueError:
                # `check_document` reports it at its own place; what names it must still find something.
                self[name] = True
                self.malformed[name] = True

    @classmethod
    def of(cls, shared: Mapping[str, Any]) -> SharedSchemas:
        """Take shared definitions as they were written, or as they are when made before."""
        return shared if isinstance(shared, cls) else cls(shared)


@dataclass(frozen=True, slots=True)
class Usage:
    """Which shared definitions a document names, and whether it has references or names of its own."""

    shared: frozenset[str]
    is_local: bool


_NO_USAGE: Final = Usage(frozenset(), is_local=False)


def shared_name(reference: object) -> str | None:
    """Give `Name` of `#/$defs/Name` or `#/$defs/Name/...`, with its escapes undone; None for another reference."""
    if not isinstance(reference, str) or not reference.startswith(_SHARED):
        return None
    segment = unquote(reference.removeprefix(_SHARED)).split("/", 1)[0]
    return segment.replace("~1", "/").replace("~0", "~")


def is_address(reference: str) -> bool:
    """Tell whether a reference is a whole address, with its scheme."""
    return _SCHEME.match(reference) is not None


def join(base: str, reference: str) -> str:
    """Resolve a reference against a base address; unlike `urljoin` for any scheme, ours included."""
    if reference.startswith("#"):
        return base.partition("#")[0] + reference
    scheme, colon, rest = base.partition(":")
    if is_address(reference) or not colon or not rest.startswith("/"):
        return reference
    try:
        return scheme + urljoin(f"https:{rest}", reference).removeprefix("https")
    except ValueError:  # no address at all; the metaschema's formats say so to the author
        return reference


def located(document: Document, base: str) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Give every mapping schema of a document with its path and its base address, which `$id` changes."""
    stack: list[tuple[Path, Any, str]] = [((), document, base)]
    while stack:
        path, schema, here = stack.pop()
        if isinstance(schema, dict):
            own = schema.get("$id")
            if isinstance(own, str):
                here = join(here, own).removesuffix("#")
            yield path, schema, here
            stack.extend((path + step, child, here) for step, child in children(schema))


def usage(document: Document) -> Usage:
    """See what a normalised document refers to."""
    if not isinstance(document, dict) or is_flat(document):
        return _NO_USAGE
    closed = "$defs" in document
    names: set[str] = set()
    local = "$id" in document
    root = join(VALUE_ID, document["$id"]).removesuffix("#") if isinstance(document.get("$id"), str) else VALUE_ID
    for _, schema, base in located(document, VALUE_ID):
        reference = schema.get("$ref")
        name = None if closed or base != root else shared_name(reference)
        if name is not None:
            names.add(name)
        elif isinstance(reference, str) and not is_address(reference):
            local = True
        if not local:
            local = base != root or not schema.keys().isdisjoint(("$anchor", "$dynamicAnchor", "$dynamicRef"))
    return Usage(frozenset(names), local)


def needed(names: Iterable[str], shared: SharedSchemas) -> dict[str, Document]:
    """Collect the shared definitions that are named, directly or through others; unknown names are left out."""
    found: dict[str, Document] = {}
    waiting = sorted(names, reverse=True)
    while waiting:
        name = waiting.pop()
        if name in shared and name not in found:
            found[name] = shared[name]
            waiting.extend(usage(shared[name]).shared)
    return found


def self_contained(document: Document, shared: SharedSchemas) -> Document:
    """Give a normalised document together with the shared definitions it needs."""
    names = usage(document).shared
    if not names or not isinstance(document, dict):
        return document
    own = document.get("$id")
    root = join(VALUE_ID, own).removesuffix("#") if isinstance(own, str) else VALUE_ID
    return _with_definitions(dict(document), needed(names, shared), root, Embedding(root))


def resolved(document: Document) -> dict[str, Any]:
    """Return a self-contained document with what it names in the place of its reference, and `$defs` only if needed.

    Its own keywords stand; a document that takes anything has none.
    """
    target = target_of(document)
    if not isinstance(document, dict) or not isinstance(target, dict):
        return document if isinstance(document, dict) else {}
    if target is document:
        return document
    own = {key: held for key, held in document.items() if key not in ("$ref", "$defs")}
    whole = {**target, **own}
    return {**whole, "$defs": document["$defs"]} if usage(whole).shared else whole


def assemble(
    arguments: Mapping[str, Document], required: list[str], shared: SharedSchemas, rules: Mapping[str, Any]
) -> dict[str, Any]:
    """Make the one object schema of an action's arguments from their normalised documents, with rules across them."""
    embedding = Embedding(ARGUMENTS_ID)
    properties: dict[str, Document] = {}
    names = set(usage(dict(rules)).shared)
    for name, document in arguments.items():
        seen = usage(document)
        names |= seen.shared
        properties[name] = embedding.embed(document, f"{ARGUMENTS_ID}/{name}/") if seen.is_local else document
    whole = {"type": "object", "properties": properties, "required": required, **rules}
    return _with_definitions(whole, needed(names, shared), ARGUMENTS_ID, embedding)


def _with_definitions(
    root: dict[str, Any], definitions: Mapping[str, Document], identifier: str, embedding: Embedding
) -> dict[str, Any]:
    if definitions:
        root["$defs"] = {
            name: embedding.embed(definition, f"{DEFINITION_ID}/{name}/") if usage(definition).is_local else definition
            for name, definition in definitions.items()
        }
    return {"$id": identifier} | root | {"$id": identifier} if embedding.is_used else root


class Embedding:
    """Puts local documents into one larger document, each under an `$id` that no other has."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._taken = {root}

    @property
    def is_used(self) -> bool:
        """Whether anything was embedded, so that the root must have its `$id`."""
        return len(self._taken) > 1

    def embed(self, document: Document, identifier: str) -> Document:
        """Give a copy that keeps its meaning inside the larger document; an `$id` of its own stays if it is free."""
        copy = normalise(document)
        if not isinstance(copy, dict):
            return copy
        own = copy.get("$id")
        home = join(identifier, own).removesuffix("#") if isinstance(own, str) else identifier
        copy = {"$id": home} | copy | {"$id": home}
        if "$defs" not in copy:
            for _, schema, base in located(copy, identifier):
                if base == home and shared_name(schema.get("$ref")) is not None:
                    schema["$ref"] = self._root + schema["$ref"]
        addresses = {base for _, _, base in located(copy, identifier)}
        if not addresses.isdisjoint(self._taken):
            _rename(copy, identifier)
            addresses = {base for _, _, base in located(copy, identifier)}
        self._taken |= addresses
        return copy


def _rename(document: dict[str, Any], identifier: str) -> None:
    """Give every resource of a document a new `$id` and lead its references there."""
    places = list(located(document, identifier))
    homes = [schema for _, schema, _ in places if isinstance(schema.get("$id"), str)]
    bases = {id(schema): base for _, schema, base in places}
    names = {bases[id(schema)]: f"{identifier}{number}" for number, schema in enumerate(homes)}
    for _, schema, base in places:
        for keyword in REFERENCES:
            if isinstance(schema.get(keyword), str):
                address, _, fragment = join(base, schema[keyword]).partition("#")
                schema[keyword] = f"{names.get(address, address)}#{fragment}"
    for schema in homes:
        schema["$id"] = names[bases[id(schema)]]
