"""RTVI value types and JSON Schema 2020-12: normalise, check, compile, describe.

Written documents go to `check_document` first: it reports and never raises. Documents without faults are compiled by
`compile_value` and `compile_arguments`, once, at start-up. No network here: a schema is whole or it is faulty.

    keywords     the words of JSON Schema, and where in a document schemas stand
    bounds       how deeply a value is nested, asked of compiled code
    survey       why a Python value is not JSON
    references   $ref, $id and shared definitions
    patterns     regular expressions, linear or within a budget
    compiler     documents ─► validators, shared between equal documents
    formats      the words of `format`
    faults       what is wrong with a value, in our words
    explanation  finding that, within a bound of work
    checking     what is wrong with a document
    values       ValueSchema, ArgumentsSchema, and `check`, the only door for values
    text         reading values from text
"""

from rtvi_plugins.schema.checking import SchemaFault, check_document
from rtvi_plugins.schema.faults import Fault
from rtvi_plugins.schema.formats import unknown_formats
from rtvi_plugins.schema.keywords import RTVI_TYPES, Document, normalise
from rtvi_plugins.schema.patterns import shared_budget
from rtvi_plugins.schema.references import SharedSchemas, resolved
from rtvi_plugins.schema.survey import cut, pointer
from rtvi_plugins.schema.text import parse_text
from rtvi_plugins.schema.values import (
    MISSING,
    ArgumentSource,
    ArgumentsSchema,
    Described,
    ValueSchema,
    check,
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
    "check",
    "check_document",
    "compile_arguments",
    "compile_value",
    "cut",
    "normalise",
    "parse_text",
    "pointer",
    "resolved",
    "shared_budget",
    "unknown_formats",
]
