"""RTVI value types and JSON Schema 2020-12: normalise, check, compile, describe.

Written documents go to `check_document` first: it reports and never raises. Documents without faults are compiled by
`compile_value` and `compile_arguments`, once, at start-up. No network here: a schema is whole or it is faulty.

    keywords     the words of JSON Schema, and where in a document schemas stand
    survey       is this Python value JSON, and how big is it
    references   $ref, $id and shared definitions
    compiler     documents ─► validators, shared between equal documents
    formats      the words of `format`
    faults       what is wrong with a value, in our words
    checking     what is wrong with a document
    values       ValueSchema, ArgumentsSchema
    text         reading values from text
"""

from rtvi_plugins.schema.checking import SchemaFault, check_document
from rtvi_plugins.schema.faults import Fault
from rtvi_plugins.schema.formats import unknown_formats
from rtvi_plugins.schema.keywords import RTVI_TYPES, Document, normalise
from rtvi_plugins.schema.references import SharedSchemas
from rtvi_plugins.schema.text import parse_text
from rtvi_plugins.schema.values import (
    MISSING,
    ArgumentSource,
    ArgumentsSchema,
    Described,
    ValueSchema,
    compile_arguments,
    compile_value,
)

__all__ = [
    "MISSING",
    "RTVI_TYPES",
    "ArgumentSource",
    "ArgumentsSchema",
    "Described",
    "Document",
    "Fault",
    "SchemaFault",
    "SharedSchemas",
    "ValueSchema",
    "check_document",
    "compile_arguments",
    "compile_value",
    "normalise",
    "parse_text",
    "unknown_formats",
]
