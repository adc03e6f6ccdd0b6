"""What environment variables hold is told by no problem, wherever in a manifest it stands."""

from __future__ import annotations

import json

import pytest

from rtvi_plugins import Handlers, Problem
from rtvi_plugins.cli.problems import as_annotation

from .conftest import Bind, plugin

SECRET = "hunter2-hunter2"  # noqa: S105 - made up
REF = "'${env:SECRET}'"
HEAD = "manifest: 1\nbot: vault\n"

# What stands below the head; each has at least one problem.
PLACES = {
    "use": f"services: {{a: {{use: {REF}}}}}",
    "use of a file": "services: {a: {use: './${env:SECRET}.yaml'}}",
    "plugin": f"services: {{a: {{plugin: {REF}}}}}",
    "plugin of a message": f"messages: {{m: {{plugin: {REF}}}}}",
    "concurrency": f"services: {{a: {{concurrency: {REF}}}}}",
    "type": f"services: {{a: {{options: {{o: {{type: {REF}, mutable: never}}}}}}}}",
    "type in a list": f"services: {{a: {{options: {{o: {{type: [{REF}, string], mutable: never}}}}}}}}",
    "short type": f"services: {{a: {{options: {{o: {REF}}}}}}}",
    "enum": f"services: {{a: {{options: {{o: {{enum: [{REF}, b], default: c, mutable: never}}}}}}}}",
    "const": f"services: {{a: {{options: {{o: {{const: {REF}, default: c, mutable: never}}}}}}}}",
    "pattern": "services: {a: {options: {o: {pattern: '(${env:SECRET}', default: c, mutable: never}}}}",
    "pattern that does not fit": f"services: {{a: {{options: {{o: {{pattern: {REF}, default: c, mutable: never}}}}}}}}",
    "reference": "services: {a: {options: {o: {$ref: '#/$defs/${env:SECRET}', mutable: never}}}}",
    "format": f"services: {{a: {{options: {{o: {{type: string, format: {REF}, mutable: never}}}}}}}}",
    "bind": f"services: {{a: {{options: {{o: {{type: string, bind: {REF}}}}}}}}}",
    "mutable": f"services: {{a: {{options: {{o: {{type: string, mutable: {REF}}}}}}}}}",
    "default": f"services: {{a: {{options: {{o: {{type: integer, default: {REF}, mutable: never}}}}}}}}",
    "duration": f"functions: {{f: {{timeout: {REF}}}}}",
    "responder": f"services: {{a: {{}}}}\nruntime: {{responder: {REF}}}",
    "responder's setting": f"services: {{a: {{}}}}\nruntime: {{responder: {{use: rules, settings: {{rules: {REF}}}}}}}",
    "call of a rule": (
        "services: {a: {}}\nruntime: {responder: {use: rules, settings: "
        f"{{rules: [{{say: [hi], call: {REF}}}]}}}}}}"
    ),
    "limit": f"services: {{a: {{}}}}\nruntime: {{limits: {{max_sessions: {REF}}}}}",
    "stage": f"services: {{a: {{}}}}\npipeline: {{llm: {REF}}}",
    "stage's module": "services: {a: {}}\npipeline: {llm: '${env:SECRET}:Class'}",
    "idle": f"services: {{a: {{}}}}\npipeline: {{idle_timeout: {REF}}}",
    "role": f"services: {{a: {{}}}}\npipeline: {{context: {{messages: [{{role: {REF}, content: x}}]}}}}",
    "initial value": (
        f"services: {{a: {{options: {{o: {{type: integer, mutable: never}}}}}}}}\nconfig: {{a: {{o: {REF}}}}}"
    ),
    "JSON with unknown names": "services: {a: {}}\nruntime: {limits: '${env:OBJECT}'}",
    "JSON with a wrong value": "services: {a: {}}\nruntime: {limits: '${env:WRONG}'}",
    "a name that takes part elsewhere": f"services: {{a: {{plugin: {REF}, actions: {{b: {{}}}}}}}}",
}
ENVIRON = {
    "SECRET": SECRET,
    "OBJECT": json.dumps({SECRET: 1}),
    "WRONG": json.dumps({"max_sessions": SECRET}),
}


def told(problem: Problem) -> str:
    return "\n".join([problem.render(), json.dumps(problem.as_dict()), as_annotation(problem)])


@pytest.mark.parametrize("text", PLACES.values(), ids=PLACES.keys())
def test_no_problem_tells_a_value_of_the_environment(binding: Bind, text: str) -> None:
    _, problems = binding.load(HEAD + text, {"vault": plugin(Handlers("vault"))}, ENVIRON)
    assert problems
    assert [one for one in problems if "hunter2" in told(one)] == []
    assert any("SECRET" in told(one) or "OBJECT" in told(one) or "WRONG" in told(one) for one in problems)


def test_the_bots_name(binding: Bind) -> None:
    _, problems = binding.load("manifest: 1\nbot: '{}${env:SECRET}'\nservices: {a: {}}", {}, ENVIRON)
    assert problems
    assert [one for one in problems if "hunter2" in told(one)] == []


def test_a_near_word_is_no_hint(binding: Bind) -> None:
    text = HEAD + "services: {a: {plugin: '${env:NEAR}'}}"
    _, problems = binding.load(text, {"voice": plugin(Handlers("voice"))}, {"NEAR": "voicee"})
    assert [one.slug for one in problems] == ["unknown-plugin"]
    assert "did you mean" not in told(problems[0])


def test_what_the_file_says_itself_is_told_as_ever(binding: Bind) -> None:
    text = HEAD + "description: '${env:WORD}'\nservices: {a: {plugin: voicee}}"
    _, problems = binding.load(text, {"voice": plugin(Handlers("voice"))}, {"WORD": "voicee"})
    assert [one.text for one in problems] == ["plugin 'voicee' is not installed"]


def test_a_default_in_the_file_is_told(binding: Bind) -> None:
    _, problems = binding.load(HEAD + "services: {a: {plugin: '${env:NONE:-voicee}'}}", {}, {})
    assert [one.text for one in problems] == ["plugin 'voicee' is not installed"]


def test_settings_of_a_responder_are_read_as_its_schema_says(binding: Bind) -> None:
    text = HEAD + "services: {a: {}}\nruntime: {responder: {use: rules, settings: {rules: '${env:RULES}'}}}"
    rules = json.dumps([{"say": ["hello"], "answer": "Hello."}])
    bot, problems = binding.load(text, {}, {"RULES": rules})
    assert (bot is not None, problems) == (True, ())
