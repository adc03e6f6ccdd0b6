"""The official JSON-Schema-Test-Suite, draft 2020-12, required part: as a value, and as an argument of an action."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins.schema import ArgumentSource, check, check_document, compile_arguments, compile_value

FILES = [
    "additionalProperties",
    "allOf",
    "anchor",
    "anyOf",
    "boolean_schema",
    "const",
    "contains",
    "content",
    "default",
    "defs",
    "dependentRequired",
    "dependentSchemas",
    "dynamicRef",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if-then-else",
    "infinite-loop-detection",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "ref",
    "refRemote",
    "required",
    "type",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "vocabulary",
]

# Schemas that stand on documents of a server at localhost:1234; nothing is fetched, so each must be a fault instead.
REMOTE = {
    "dynamicRef": {
        "strict-tree schema, guards against misspelled properties": "unresolved-ref",
        "tests for implementation dynamic anchor and reference link": "unresolved-ref",
        "$ref and $dynamicAnchor are independent of order - $defs first": "unresolved-ref",
        "$ref and $dynamicAnchor are independent of order - $ref first": "unresolved-ref",
        "$ref to $dynamicRef finds detached $dynamicAnchor": "unresolved-ref",
    },
    "vocabulary": {
        "schema that uses custom metaschema with with no validation vocabulary": "bad-schema",
        "ignore unrecognized optional vocabulary": "bad-schema",
    },
}


@pytest.fixture(scope="session")
def suite() -> Path:
    """The folder of the suite; an error, not a skip, when it cannot be had."""
    spec = importlib.util.spec_from_file_location("fetch_suite", Path(__file__).with_name("fetch_suite.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder: Path = module.suite_folder()
    return folder


def as_value(schema: Any) -> tuple[Any, Callable[[Any], Any]]:
    return compile_value(schema), lambda data: data


def as_argument(schema: Any) -> tuple[Any, Callable[[Any], Any]]:
    return compile_arguments({"value": ArgumentSource(schema)}), lambda data: {"value": data}


def as_one_of_three(schema: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The same schema twice in one object, which needs an `$id` of its own the second time, beside a plain argument."""
    sources = {"first": schema, "other": {"type": "null"}, "value": schema}
    compiled = compile_arguments(
        {name: ArgumentSource(each, required=name == "value") for name, each in sources.items()}
    )
    return compiled, lambda data: {"value": data}


def test_the_list_of_files_is_whole(suite: Path) -> None:
    assert sorted(path.stem for path in suite.glob("*.json")) == sorted(FILES)


@pytest.mark.parametrize("place", [as_value, as_argument, as_one_of_three])
@pytest.mark.parametrize("file", FILES)
def test_official_suite(suite: Path, file: str, place: Callable[[Any], tuple[Any, Callable[[Any], Any]]]) -> None:
    ran = 0
    for group in json.loads((suite / f"{file}.json").read_text(encoding="utf-8")):
        title, schema = group["description"], group["schema"]
        slugs = {fault.slug for fault in check_document(schema, {})} - {"unknown-key"}
        if file == "refRemote" or title in REMOTE.get(file, {}):
            assert slugs == {REMOTE.get(file, {}).get(title, "unresolved-ref")}, title
            ran += 1
            continue
        assert not slugs, title
        compiled, wrap = place(schema)
        for case in group["tests"]:
            value = wrap(case["data"])
            name = f"{title}: {case['description']}"
            assert compiled.is_valid(value) is case["valid"], name
            assert (not check(compiled, value)) is case["valid"], name
            ran += 1
    assert ran
