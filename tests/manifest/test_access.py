"""`auth`, `origins` and `hosts`: what lets everybody in, and what can never match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rtvi_plugins.hosting.access import find_caller, is_host_allowed, is_origin_allowed
from rtvi_plugins.manifest.access import host_fault, origin_fault, token_fault

Load = Callable[..., Any]
HEAD = "manifest: 1\nbot: x\nservices: {a: {}}\n"

# An entry, and what a browser sends for the page that is meant.
GOOD_ORIGINS = [
    ("https://app.example", "https://app.example"),
    ("https://App.Example", "https://app.example"),
    ("https://app.example/", "https://app.example"),
    ("HTTPS://app.example:8443", "https://app.example:8443"),
    ("http://localhost:5173", "http://localhost:5173"),
    ("http://[::1]:8080", "http://[::1]:8080"),
    ("http://app.example:443", "http://app.example:443"),
    ("capacitor://localhost", "capacitor://localhost"),
    ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ("https://xn--bro-hoa.example", "https://xn--bro-hoa.example"),
    ("null", "null"),
    ("*", "https://anywhere.example"),
]
BAD_ORIGINS = [
    ("app.example", "https://app.example"),
    ("//app.example", "https://app.example"),
    ("https://app.example/start", "https://app.example"),
    ("https://app.example?x", "https://app.example"),
    ("https://app.example#x", "https://app.example"),
    ("https://me@app.example", "https://app.example"),
    ("https://app.example:443", "https://app.example"),
    ("http://app.example:80", "http://app.example"),
    ("https://*.example", "https://app.example"),
    ("https://app.example:*", "https://app.example:8443"),
    ("wss://app.example", "https://app.example"),
    ("https://büro.example", "https://xn--bro-hoa.example"),
    (" https://app.example", "https://app.example"),
    ("https://app.example https://b.example", "https://b.example"),
    ("https://", "https://app.example"),
    ("", "https://app.example"),
]


@pytest.mark.parametrize(("entry", "sent"), GOOD_ORIGINS)
def test_origins_that_match_are_fine(entry: str, sent: str) -> None:
    assert origin_fault(entry) == ""
    assert is_origin_allowed(sent, "bot.example:7860", "http", (entry,))


@pytest.mark.parametrize(("entry", "sent"), BAD_ORIGINS)
def test_origins_that_never_match_are_faults(entry: str, sent: str) -> None:
    assert origin_fault(entry)
    assert not is_origin_allowed(sent, "bot.example:7860", "http", (entry,))


GOOD_HOSTS = [
    ("bot.example", "bot.example"),
    ("Bot.Example", "bot.example:7860"),
    ("bot.example:8080", "bot.example:7860"),
    ("bot.example.", "bot.example"),
    ("10.0.0.1", "10.0.0.1:80"),
    ("::1", "[::1]:80"),
    ("[::1]", "[::1]"),
    ("*", "any.example"),
]
BAD_HOSTS = ["https://bot.example", "bot.example/app", "*.example", "bot example", " bot.example", "", "büro.example"]


@pytest.mark.parametrize(("entry", "sent"), GOOD_HOSTS)
def test_hosts_that_match_are_fine(entry: str, sent: str) -> None:
    assert host_fault(entry) == ""
    assert is_host_allowed(sent, (entry,))


@pytest.mark.parametrize("entry", BAD_HOSTS)
def test_hosts_that_never_match_are_faults(entry: str) -> None:
    assert host_fault(entry)
    assert not is_host_allowed("bot.example", (entry,))


@pytest.mark.parametrize("token", ["hunter2-hunter2", "a b c d e f", "übergeheim", "eyJ0.eyJz.c2ln="])
def test_tokens_that_a_caller_can_send(token: str) -> None:
    assert token_fault(token) == ""
    assert find_caller({"me": token}, token) == "me"


@pytest.mark.parametrize(
    "token", ["        ", "hunter2-hunter2\n", " hunter2-hunter2", "hunter2\x00hunter2", "********"]
)
def test_tokens_that_prove_nothing(token: str) -> None:
    assert token_fault(token)


NOBODY_IS_ASKED = [
    "auth:",
    "auth: null",
    "auth: {}",
    "auth: {tokens: {}}",
    "auth: {tokens: }",
    "auth: false",
    "auth: []",
]


@pytest.mark.parametrize("text", NOBODY_IS_ASKED)
def test_an_auth_that_asks_nobody_is_a_problem_at_its_place(load: Load, text: str) -> None:
    outcome = load(HEAD + f"runtime:\n  {text}\n")
    (problem,) = outcome.problems
    assert problem.where.startswith("runtime.auth")
    assert problem.location.line == 5
    assert outcome.only.omitted


EMPTY = {"EMPTY": "", "BLANK": "            ", "LINE": "hunter2-hunter2\n"}


@pytest.mark.parametrize(
    "text", ["${env:EMPTY}", "${env:NONE:-}", "${env:EMPTY:-}", "${env:NONE}", "${env:BLANK}", "${env:LINE}"]
)
def test_a_token_that_the_environment_does_not_give(load: Load, text: str) -> None:
    outcome = load(HEAD + f"runtime: {{auth: {{tokens: {{me: '{text}'}}}}}}", environ=EMPTY)
    (problem,) = outcome.problems
    assert problem.where == "runtime.auth.tokens.me"
    assert "hunter2" not in problem.render()
    assert outcome.only.omitted


def test_two_callers_with_one_token(load: Load) -> None:
    text = HEAD + "runtime: {auth: {tokens: {a: hunter2-hunter2, b: '${env:T}', c: hunter2-hunter3}}}"
    (problem,) = load(text, environ={"T": "hunter2-hunter2"}).problems
    assert (problem.slug, problem.where) == ("bad-auth", "runtime.auth.tokens.b")
    assert problem.text.startswith("'b' has the same token as 'a'")
    assert "hunter2" not in problem.render()


BOT = "manifest: 1\nbot: {bot}\nservices: {{a: {{}}}}\nruntime: {{auth: {{tokens: {{{caller}: hunter2-hunter2}}}}}}\n"


@pytest.mark.parametrize(("second", "slugs"), [("desk", []), ("guest", ["bad-auth"])])
def test_bots_served_together(load: Load, second: str, slugs: list[str]) -> None:
    files = {"a.yaml": BOT.format(bot="a", caller="desk"), "b.yaml": BOT.format(bot="b", caller=second)}
    outcome = load(files, paths=("a.yaml", "b.yaml"))
    assert [problem.slug for problem in outcome.problems] == slugs
    assert all("hunter2" not in line for line in outcome.lines)


def test_an_empty_auth_in_one_of_several(load: Load) -> None:
    files = {
        "a.yaml": BOT.format(bot="a", caller="desk"),
        "b.yaml": "manifest: 1\nbot: b\nservices: {a: {}}\nruntime: {auth: }\n",
    }
    assert load(files, paths=("a.yaml", "b.yaml")).lines[0].startswith("b.yaml:4:17: runtime.auth: 'auth' is empty")
