"""The JSON Schema for editors agrees with the loader about form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest

from rtvi_plugins.manifest.json_schema import language_schema
from rtvi_plugins.manifest.model import Manifest
from rtvi_plugins.manifest.source import read_source

Load = Callable[..., Any]
HEAD = "manifest: 1\nbot: x\n"
SCHEMA = language_schema()
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)


def accepts(text: str) -> bool:
    source, problems = read_source("f.yaml", text)
    assert source is not None, problems
    return VALIDATOR.is_valid(source.value)


TEXTS = [
    ("services", "services: {a: {plugin: p, concurrency: serial}}", True),
    ("unknown key", "services: {a: {option: {}}}", False),
    ("unknown section", "services: {a: {}}\nxyzzy: 1", False),
    ("bad name", "services: {1a: {}}", False),
    ("short forms", "services: {a: {options: {b: string, c: true, d: {}, e: {type: [bool, 'null']}}}}", True),
    ("value of a wrong type", "services: {a: {options: {b: 5}}}", False),
    ("not a legal word", "services: {a: {options: {b: {mutable: nevr}}}}", False),
    ("keywords", "functions: {f: {arguments: {a: {type: integer, minimum: 1, required: false, $defs: {}}}}}", True),
    ("required as a list", "functions: {f: {arguments: {a: {type: object, required: [x]}}}}", True),
    ("durations", "functions: {f: {timeout: 5m}, g: {timeout: 2.5}, h: {timeout: 500ms}}", True),
    ("bad duration", "functions: {f: {timeout: 5 minutes}}", False),
    ("duration of nothing", "functions: {f: {timeout: 0}}", False),
    ("reserved message", "messages: {action: {}}", False),
    ("messages", "messages: {echo: {data: {type: object}, result: object}}", True),
    ("no section", "description: x", False),
    ("only a responder", "runtime: {responder: rules}", True),
    ("only limits", "runtime: {limits: {}}", False),
    ("stored", "services: {a: {options: {b: {type: string, handler: none}}}}", True),
    ("no word for a handler", "services: {a: {options: {b: {type: string, handler: mine}}}}", False),
    ("responder by name", "services: {a: {}}\nruntime: {responder: rules}", True),
    ("responder with settings", "services: {a: {}}\nruntime: {responder: {use: rules, settings: {a: 1}}}", True),
    ("responder without a name", "services: {a: {}}\nruntime: {responder: {settings: {}}}", False),
    ("limits", "services: {a: {}}\nruntime: {limits: {max_depth: 3}}", False),
    ("free parts", "services: {a: {}}\nconfig: {a: {b: [1]}}\n$defs: {A: {type: string}}", True),
    ("pipeline by names", "services: {a: {}}\npipeline: {stt: x, llm: y, tts: z, vad: none}", True),
    ("stages", "services: {a: {}}\npipeline: {stages: [transport.input, {use: x, id: a, settings: {b: 1}}]}", True),
    ("unknown key of a stage", "services: {a: {}}\npipeline: {tts: {use: x, setings: {}}}", False),
    ("stage without a name", "services: {a: {}}\npipeline: {tts: {settings: {}}}", False),
    ("sample rates", "services: {a: {}}\npipeline: {audio: {in: 16000, out: 24000}}", True),
    ("no sample rate", "services: {a: {}}\npipeline: {audio: {in: 16}}", False),
    ("never idle", "services: {a: {}}\npipeline: {idle_timeout: never}", True),
    ("idle after a while", "services: {a: {}}\npipeline: {idle_timeout: 5m}", True),
    ("idle at no time", "services: {a: {}}\npipeline: {idle_timeout: nevr}", False),
    ("free keys of a pipeline", "services: {a: {}}\npipeline: {x: [1]}", False),
]


@pytest.mark.parametrize(("text", "is_good"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_the_schema_and_the_loader_agree(load: Load, text: str, is_good: bool) -> None:
    assert accepts(HEAD + text) is is_good
    assert (load(HEAD + text).lines == []) is is_good


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        pytest.param("manifest: 1\nplugin: room\n$defs: {A: {}}\noptions: {a: string}", True, id="service file"),
        pytest.param("manifest: 1\nuse: ./other.yaml", True, id="service file that uses another"),
        pytest.param("plugin: room", False, id="service file without a version"),
        pytest.param("manifest: 1\nplugin: room\nxyzzy: 1", False, id="service file with an unknown key"),
        pytest.param("manifest: 1\nbot: x\nservices: {a: {use: room, actions: {b: {job: true}}}}", True, id="use"),
        pytest.param("manifest: 1\nbot: x\nfunctions: {f: {timeout: '${env:T}'}}", True, id="duration from outside"),
        pytest.param("manifest: 2\nbot: x\nservices: {a: {}}", False, id="another version"),
        pytest.param("[]", False, id="no mapping"),
    ],
)
def test_whole_files(text: str, is_good: bool) -> None:
    assert accepts(text) is is_good


def test_the_schema_is_a_schema() -> None:
    assert jsonschema_rs.meta.is_valid(SCHEMA)


def test_every_key_is_described() -> None:
    """Editors show what stands here; the schema's texts are the models' docstrings."""
    values = ("Value", "Option", "Argument", "Arguments")
    silent = [
        f"{name}.{key}"
        for name, definition in SCHEMA["$defs"].items()
        for form in (definition, *definition.get("anyOf", ()))
        for key, schema in form.get("properties", {}).items()
        if isinstance(schema, dict) and "description" not in schema and name not in values
    ]
    assert silent == []
    own = SCHEMA["$defs"]["Option"]["anyOf"][2]["properties"]
    assert [
        key for key in ("default", "unit", "mutable", "client", "secret", "bind") if "description" not in own[key]
    ] == []


def test_the_keys_are_the_models() -> None:
    keys = {field.alias or name for name, field in Manifest.model_fields.items()}
    assert set(SCHEMA["$defs"]["Manifest"]["properties"]) == keys
