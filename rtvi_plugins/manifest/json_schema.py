"""The JSON Schema of the manifest language, for editors: generated from the models, described by their docstrings.

It knows the form of a manifest, not its meaning: what names refer to and whether defaults fit, `rtvi check` says.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from rtvi_plugins.manifest import model as models
from rtvi_plugins.manifest import pipeline
from rtvi_plugins.manifest.editor_references import REFERENCES, with_references
from rtvi_plugins.manifest.form import RESERVED_MESSAGES, SECTIONS, SERVICE_KEYS
from rtvi_plugins.manifest.model import Argument, Manifest, Option, Value
from rtvi_plugins.manifest.primitives import Choice, Model
from rtvi_plugins.schema.keywords import DIALECT, KEYWORDS, TYPE_NAMES

_DESCRIBED: Final = re.compile(r"^ *(\w+): +(.*(?:\n {6,}.*)*)", re.MULTILINE)
_USE: Final = {
    "type": "string",
    "description": "Take this service from a manifest that a plugin ships (`knowledge`) or from a file beside this one "
    "(`./room.yaml`); what stands beside `use` is laid over it, key by key.",
}

_ANSWERS: Final = {"description": "A bot that only answers needs nothing else.", "required": ["responder"]}
_NUMBER: Final = {"type": "number"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_SCHEMA: Final = {"type": ["object", "boolean"]}
_SCHEMAS: Final = {"type": "array", "items": _SCHEMA}
_TABLE: Final = {"type": "object", "additionalProperties": _SCHEMA}
# What follows a keyword, as far as an editor can help with it; the validator of `schema.checking` knows the rest.
_FORMS: Final[dict[str, dict[str, Any]]] = {
    "$ref": _TEXT | {"description": 'A shared schema: `"#/$defs/Name"`.'},
    "enum": {"type": "array"},
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "exclusiveMinimum": _NUMBER,
    "exclusiveMaximum": _NUMBER,
    "multipleOf": _NUMBER | {"exclusiveMinimum": 0},
    "minLength": _COUNT,
    "maxLength": _COUNT,
    "pattern": _TEXT,
    "format": _TEXT,
    "title": _TEXT,
    "deprecated": _FLAG,
    "minItems": _COUNT,
    "maxItems": _COUNT,
    "uniqueItems": _FLAG,
    "items": _SCHEMA,
    "contains": _SCHEMA,
    "minProperties": _COUNT,
    "maxProperties": _COUNT,
    "properties": _TABLE,
    "patternProperties": _TABLE,
    "additionalProperties": _SCHEMA,
    "required": {"type": "array", "items": _TEXT},
    "allOf": _SCHEMAS,
    "anyOf": _SCHEMAS,
    "oneOf": _SCHEMAS,
    "not": _SCHEMA,
}

# Keys that mean the same wherever they stand.
_SHARED: Final = {
    "description": "For people, and for the LLM where it may call this.",
    "arguments": "What a call carries; an argument without `default` is required unless `required: false`.",
    "result": "What comes back; left out, anything.",
    "timeout": "How long the answer may take.",
    "plugin": "Entry-point name of the plugin that supplies the handler; may be left out when only one can.",
    "payload": "What is sent along; left out, anything.",
    "data": "What the client sends; left out, anything.",
}


class _Untitled(GenerateJsonSchema):
    """Leaves out titles that only repeat the key."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the name is pydantic's
        return False


def language_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of manifests and service files."""
    schema = Manifest.model_json_schema(schema_generator=_Untitled)
    definitions: dict[str, Any] = schema.pop("$defs")
    definitions["Manifest"] = schema
    for model in _models():
        definition = definitions.get(model.__name__)
        if definition is not None:
            _describe(model, definition)
    for value_model in (Value, Option, Argument):
        definitions[value_model.__name__] = _value_form(definitions[value_model.__name__])
    for choice in _models():
        if issubclass(choice, Choice):
            definitions[choice.__name__] = _choice_form(definitions[choice.__name__])
    definitions["Arguments"] = _arguments_form(definitions["Arguments"])
    definitions["Service"]["properties"]["use"] = _USE
    schema["anyOf"] = [{"required": [section]} for section in (*SECTIONS, "pipeline")]
    schema["anyOf"].append({"required": ["runtime"], "properties": {"runtime": _ANSWERS}})
    schema["properties"]["messages"]["propertyNames"]["not"] = {"enum": sorted(RESERVED_MESSAGES)}
    definitions["ServiceFile"] = _service_file(definitions["Service"], schema)
    _tidy(definitions)
    definitions = {name: with_references(definition) for name, definition in definitions.items()}
    definitions |= REFERENCES
    return {
        "$schema": DIALECT,
        "title": "rtvi-plugins manifest",
        "if": {
            "not": {"anyOf": [{"required": ["bot"]}, {"required": ["services"]}]},
            "anyOf": [{"required": [key]} for key in sorted(SERVICE_KEYS)],
        },
        "then": {"$ref": "#/$defs/ServiceFile"},
        "else": {"$ref": "#/$defs/Manifest"},
        "$defs": dict(sorted(definitions.items())),
    }


def _models() -> Iterator[type[BaseModel]]:
    for value in (vars(models) | vars(pipeline)).values():
        if isinstance(value, type) and issubclass(value, Model) and value not in (Model, Choice):
            yield value


def _describe(model: type[BaseModel], definition: dict[str, Any]) -> None:
    """Give the definition the first paragraph of the docstring, and each property its own line or docstring."""
    documentation = inspect.getdoc(model) or ""
    definition["description"] = " ".join(documentation.partition("\n\n")[0].split())
    words = {name: text for name, text in _SHARED.items() if name in model.model_fields}
    for owner in reversed(model.__mro__):
        if issubclass(owner, Model):
            words |= _attribute_docstrings(owner)
            lines = _DESCRIBED.findall(inspect.getdoc(owner) or "")
            words |= {name: " ".join(text.split()) for name, text in lines if name in model.model_fields}
    for name, text in words.items():
        field = model.model_fields[name]
        definition["properties"][field.alias or name]["description"] = text[:1].upper() + text[1:]


def _attribute_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Read the texts that stand below the fields of a class."""
    body = ast.parse(inspect.getsource(model)).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    found: dict[str, str] = {}
    for pair in pairwise(statements):
        match pair:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def _choice_form(written_out: dict[str, Any]) -> dict[str, Any]:
    """Give the two forms of a choice: its name, or a mapping."""
    name = {key: value for key, value in written_out["properties"]["use"].items() if key != "description"}
    return {"description": written_out.pop("description"), "anyOf": [name, written_out]}


def _value_form(written_out: dict[str, Any]) -> dict[str, Any]:
    """Give the three forms of a value schema: a type name, `true` or `false`, a mapping of keywords."""
    type_name = {"enum": sorted(TYPE_NAMES)}
    keywords: dict[str, Any] = {word: _FORMS.get(word, True) for word in sorted(KEYWORDS)}
    keywords["type"] = {"anyOf": [type_name, {"type": "array", "items": type_name}]}
    return {
        "description": written_out.pop("description"),
        "anyOf": [
            type_name,
            {"type": "boolean"},
            written_out
            | {
                "properties": keywords | written_out["properties"],
                "patternProperties": {"^x-": True},
                "additionalProperties": False,
            },
        ],
    }


def _arguments_form(written_out: dict[str, Any]) -> dict[str, Any]:
    """Give the two forms of arguments: a table, or a JSON Schema of an object."""
    table = {key: held for key, held in written_out["properties"]["properties"].items() if key != "description"}
    keywords: dict[str, Any] = {word: _FORMS.get(word, True) for word in sorted(KEYWORDS)}
    schema = {
        "type": "object",
        "properties": keywords | {"type": {"const": "object"}, "properties": table},
        "patternProperties": {"^x-": True},
        "required": ["type"],
        "additionalProperties": False,
    }
    return {"description": written_out["description"], "anyOf": [table, schema]}


def _service_file(service: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    shared = {key: manifest["properties"][key] for key in ("manifest", "$defs")}
    return service | {
        "description": "One service in a file of its own, for `use:`.",
        "properties": shared | service["properties"],
        "required": ["manifest"],
    }


def _tidy(schema: Any) -> None:
    """Close the tables to names that are none, and leave out defaults that say nothing."""
    if isinstance(schema, list):
        for item in schema:
            _tidy(item)
    elif isinstance(schema, dict):
        if "patternProperties" in schema:
            schema.setdefault("additionalProperties", False)
        if "default" in schema and schema["default"] in (None, ""):
            del schema["default"]
        for item in schema.values():
            _tidy(item)
