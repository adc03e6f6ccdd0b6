"""`${env:...}` in the text values of a manifest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Load = Callable[..., Any]
HEAD = "manifest: 1\nbot: x\nservices: {a: {}}\n"
ENVIRON = {"HOST": "db", "PORT": "5", "EMPTY": "", "ODD": "a}b${env:HOST}", "BROKEN": "\udcff"}

FILLED = [
    ("one", "${env:HOST}", "db"),
    ("several", "<${env:HOST}:${env:PORT}>", "<db:5>"),
    ("stays text", "${env:PORT}", "5"),
    ("default unused", "${env:HOST:-x}", "db"),
    ("default", "${env:NONE:-x y}", "x y"),
    ("empty default", "${env:NONE:-}", ""),
    ("default for an empty one", "${env:EMPTY:-x}", "x"),
    ("empty", "<${env:EMPTY}>", "<>"),
    ("values are not read again", "${env:ODD}", "a}b${env:HOST}"),
    ("written out", "$${env:HOST}", "${env:HOST}"),
    ("written out beside a real one", "$${env:HOST} ${env:HOST}", "${env:HOST} db"),
    ("dollar before", "$$${env:HOST}", "$${env:HOST}"),
    ("another brace", "${HOME} $HOST ${ENV:HOST}", "${HOME} $HOST ${ENV:HOST}"),
]


@pytest.mark.parametrize(("text", "value"), [row[1:] for row in FILLED], ids=[row[0] for row in FILLED])
def test_references(load: Load, text: str, value: str) -> None:
    outcome = load(HEAD + f"description: '{text}'\nconfig: {{a: {{b: [1, '{text}']}}}}", environ=ENVIRON)
    assert outcome.lines == []
    assert outcome.only.manifest.description == value
    assert outcome.only.manifest.config["a"]["b"] == [1, value]
    assert outcome.only.source.value["description"] == value


FORM = "expected '${env:NAME}' or '${env:NAME:-default}' [bad-env]"
BAD = [
    (
        "unset",
        "${env:NONE}",
        "environment variable 'NONE' is not set; set it, or write '${env:NONE:-default}' [unset-env]",
    ),
    ("no name", "${env:}", f"'' is no environment variable's name; {FORM}"),
    ("no name's form, its default kept back", "${env:1X:-pw}", f"'1X' is no environment variable's name; {FORM}"),
    ("open", "a ${env:HOST", f"'${{env:' without '}}'; {FORM}"),
    ("nested", "${env:NONE:-${env:HOST}}", f"references do not nest; {FORM}"),
    ("not UTF-8", "${env:BROKEN}", "environment variable 'BROKEN' does not hold UTF-8 text [bad-env]"),
]


@pytest.mark.parametrize(("text", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_faulty_references(load: Load, text: str, said: str) -> None:
    outcome = load(HEAD + f"description: '{text}'\nconfig: {{a: {{b: [1, '{text}']}}}}", environ=ENVIRON)
    assert outcome.lines == [
        f"bot.yaml:4:14: description: {said}",
        f"bot.yaml:5:21: config.a.b[1]: {said}",
    ]
    assert outcome.only.omitted == {("description",), ("config", "a", "b")}
    assert outcome.only.manifest.description == ""


def test_keys_are_left_alone(load: Load) -> None:
    outcome = load(HEAD + "config: {a: {b: {'${env:HOST}': 1}}}", environ=ENVIRON)
    assert outcome.lines == []
    assert list(outcome.only.manifest.config["a"]["b"]) == ["${env:HOST}"]


def test_a_shared_part_is_wrong_once(load: Load) -> None:
    outcome = load(HEAD + "config: {a: {b: &x ['${env:NONE}'], c: *x}}")
    assert [line.partition(" env")[0] for line in outcome.lines] == ["bot.yaml:4:21: config.a.b[0]:"]
    assert outcome.only.omitted == {("config", "a", "b"), ("config", "a", "c")}


def test_very_many_faults_are_cut_short(load: Load) -> None:
    items = ", ".join("'${env:NONE}'" for _ in range(500))
    outcome = load(HEAD + f"config: {{a: {{b: [{items}]}}}}")
    assert len(outcome.lines) == 101
    assert "more than 100 unusable references [too-large]" in outcome.lines[-1]


def test_names_may_come_from_the_environment(load: Load) -> None:
    assert load("manifest: 1\nbot: '${env:HOST}'\nservices: {a: {}}", environ=ENVIRON).only.manifest.bot == "db"
