"""Text answers, and every way in which there is none."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from . import provider as p
from .home import KEY, talking


def ask(tmp_path: Path, *answers: p.Answer, texts: tuple[str, ...] = ("Hello",), **settings: Any) -> Any:
    """Say each text; give the last answer, the errors told and the provider."""

    async def run() -> Any:
        async with p.running(*answers) as provider, talking(tmp_path, provider, **settings) as talk:
            said = [await talk.say(text) for text in texts]
            return said[-1], talk.errors, provider

    return asyncio.run(run())


ANSWERS = [
    pytest.param(p.says("Good ", "morning", "!"), "Good morning!", id="pieces"),
    pytest.param(p.Answer([p.chunk({"content": "Hi"}, "stop")]), "Hi", id="no-role-and-all-in-one-chunk"),
    pytest.param(p.Answer([p.chunk({"content": "Hi"}), p.chunk({}, "stop")], has_done=False), "Hi", id="no-DONE"),
    pytest.param(p.Answer([p.chunk({"content": "Hi"}, "stop"), p.Drop()]), "Hi", id="cut-when-it-was-whole"),
    pytest.param(p.says("Hi", finish=None), "Hi", id="no-finish-reason"),
    pytest.param(
        p.Answer([p.USAGE, p.chunk({"content": "Hi"}), p.chunk(None, "stop"), p.USAGE]), "Hi", id="no-choices"
    ),
    pytest.param(p.Answer([{**p.chunk(), "choices": [{"delta": None}]}, *p.says("Hi").steps]), "Hi", id="null-delta"),
    pytest.param(p.Answer([{**p.chunk(), "choices": None}, *p.says("Hi").steps]), "Hi", id="null-choices"),
    pytest.param(p.Answer([": still thinking\n\n", *p.says("Hi").steps]), "Hi", id="keep-alive-comments"),
    pytest.param(
        p.Answer([p.chunk({"reasoning_content": "Hm"}), *p.says("Hi").steps]), "Hi", id="reasoning-is-not-said"
    ),
    pytest.param(
        p.Answer([p.chunk({"content": [{"type": "text", "text": "Hi"}, {"type": "x"}, 1]}, "stop")]), "Hi", id="parts"
    ),
    pytest.param(
        p.Answer([p.chunk({"refusal": "I "}), p.chunk({"refusal": "won't"}, "stop")]), "I won't", id="refusal"
    ),
    pytest.param(p.says("One, tw", finish="length"), "One, tw", id="cut-by-max-tokens"),
    pytest.param(p.says("\ud83d", "\ude00 \ud83d", "x"), "😀 \ufffdx", id="halves-of-surrogate-pairs"),
    pytest.param(
        p.Answer([{**p.chunk(), "choices": [{"index": 1, "delta": {"content": "B"}}]}, *p.says("A").steps]),
        "A",
        id="only-the-first-choice",
    ),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
def test_answers(tmp_path: Path, answer: p.Answer, expected: str) -> None:
    said, errors, provider = ask(tmp_path, answer)
    assert (said, errors) == (expected, [])
    assert provider.context == [{"role": "user", "content": "Hello"}]


def status(code: int, message: str = "", headers: dict[str, str] | None = None, code_: str = "") -> p.Answer:
    body = f'{{"error": {{"message": "{message or f"no {KEY}"}", "code": "{code_}"}}}}'
    return p.Answer(status=code, body=body, headers=headers or {})


FAILURES = [
    pytest.param(status(401, f"Incorrect API key provided: {KEY}"), "does not take the bot's key", id="401"),
    pytest.param(status(403), "does not take the bot's key", id="403"),
    pytest.param(status(404), "address or name is not known", id="404"),
    pytest.param(status(400), "refused the request", id="400"),
    pytest.param(status(429), "is busy; try again later", id="429"),
    pytest.param(status(429, headers={"retry-after": "20"}), "is busy; try again in 20 s", id="429-retry-after"),
    pytest.param(status(429, headers={"retry-after": "inf"}), "is busy; try again later", id="429-odd-retry-after"),
    pytest.param(status(500), "is not available; try again later", id="500"),
    pytest.param(p.Answer(status=502, body="<html>Bad gateway"), "is not available; try again later", id="502-html"),
    pytest.param(p.Answer([p.Drop()]), "cannot be reached", id="dropped-before-the-headers"),
    pytest.param(p.Answer([":\n\n", p.Drop()]), "broke off", id="dropped-after-the-headers"),
    pytest.param(p.Answer([p.chunk({"content": "Hi "}), p.Drop()]), "broke off", id="dropped-in-mid-stream"),
    pytest.param(p.Answer([p.chunk({"content": "H"}), {"error": {"message": KEY}}]), "broke off", id="error-in-stream"),
    pytest.param(p.Answer(["data: {nonsense\n\n"]), "cannot be read", id="no-json"),
    pytest.param(p.Answer(["data: 42\n\n", "data: [1]\n\n"]), "cannot be read", id="json-of-another-shape"),
    pytest.param(p.Answer(body="<html>Welcome to the hotel's wifi"), "cannot be read", id="200-html"),
    pytest.param(p.Answer(body='{"choices": []}'), "cannot be read", id="200-json-without-stream"),
    pytest.param(p.says(), "gave no answer", id="empty"),
    pytest.param(p.Answer(), "cannot be read", id="nothing"),
    pytest.param(p.says(finish="length"), "its answer was too long", id="all-tokens-thought-away"),
    pytest.param(p.says("x" * 1_000_001), "its answer was too long", id="too-long-for-memory"),
    pytest.param(p.says("You ", finish="error"), "broke off", id="finish-reason-error"),
    pytest.param(p.says("You ", finish="content_filter"), "content filter", id="content-filter"),
]


@pytest.mark.parametrize(("answer", "expected"), FAILURES)
def test_failures_are_told_and_the_session_goes_on(
    tmp_path: Path, answer: p.Answer, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)

    async def run() -> None:
        async with p.running(answer, p.says("Here I am")) as provider, talking(tmp_path, provider) as talk:
            said = await talk.say("Hello")
            (error,) = talk.errors
            assert expected in error
            assert await talk.say("Again") == "Here I am"
            # What was said stays; a turn of which nothing came is as if it had not been.
            kept = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": said}] if said else []
            assert provider.context == [*kept, {"role": "user", "content": "Again"}]
            assert KEY not in str(talk.client.received)

    asyncio.run(run())
    assert KEY not in caplog.text


def test_a_key_quoted_by_the_provider_in_part_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ask(tmp_path, status(401, f"Wrong key, it begins with {KEY[8:20]}"))
    assert "AuthenticationError, status 401" in caplog.text
    assert KEY[8:20] not in caplog.text


def test_the_log_tells_the_operator_what_the_provider_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answer = status(400, "Unknown parameter max_tokens, your key_abcdefgh", headers={"x-request-id": "req_7"})
    ask(tmp_path, answer)
    (line,) = (record.message for record in caplog.records if record.name.startswith("rtvi_plugin_openai"))
    assert "BadRequestError, status 400, request 'req_7', 'Unknown parameter max_tokens, your ***'" in line


RETRIED = [
    pytest.param(status(429, headers={"retry-after-ms": "1"}), id="429"),
    pytest.param(status(500, headers={"retry-after-ms": "1"}), id="500"),
]


@pytest.mark.parametrize("first", RETRIED)
def test_what_may_pass_is_tried_again(tmp_path: Path, first: p.Answer) -> None:
    said, errors, provider = ask(tmp_path, first, first, p.says("At last"), max_retries=2)
    assert (said, errors, len(provider.requests)) == ("At last", [], 3)


def test_retries_end(tmp_path: Path) -> None:
    again = status(429, headers={"retry-after-ms": "1"})
    said, (error,), provider = ask(tmp_path, again, again, max_retries=1)
    assert (said, len(provider.requests)) == ("", 2)
    assert "busy" in error


LIMIT_S = 3.0
"""A time limit that is reached, and within which the provider has long been asked on any machine."""


def test_waiting_for_a_retry_counts_against_the_time_limit(tmp_path: Path) -> None:
    later = status(429, headers={"retry-after": "60"})
    said, errors, provider = ask(tmp_path, later, max_retries=1, request_timeout=LIMIT_S)
    assert (said, len(provider.requests)) == ("", 1)
    assert errors == ["The language model did not answer within 3 s"]


SILENCES = [
    pytest.param([], "did not answer within 3 s", id="before-the-headers"),
    pytest.param([p.chunk({"content": "Hi"})], "did not go on within 3 s", id="in-mid-stream"),
]


@pytest.mark.parametrize(("before", "expected"), SILENCES)
def test_silence_is_bounded(tmp_path: Path, before: list[p.Step], expected: str) -> None:
    async def run() -> None:
        pause = p.Pause()
        answer = p.Answer([*before, pause])
        async with p.running(answer) as provider, talking(tmp_path, provider, request_timeout=LIMIT_S) as talk:
            await talk.say("Hello")
            (error,) = talk.errors
            assert expected in error
            await provider.hung_up.wait()

    asyncio.run(run())


def test_a_stream_that_never_closes_is_left_alone(tmp_path: Path) -> None:
    async def run() -> None:
        answer = p.Answer([*p.says("Done").steps, p.Pause()])
        async with p.running(answer) as provider, talking(tmp_path, provider) as talk:
            assert await talk.say("Hello") == "Done"
            assert talk.errors == []

    asyncio.run(run())


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    said, errors, _ = ask(tmp_path, base_url=url)
    assert (said, errors) == ("", ["The language model cannot be reached"])


def test_the_request_holds_what_was_set_and_nothing_else(tmp_path: Path) -> None:
    sampling: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 1,
        "max_tokens": 9,
        "seed": 3,
        "stop": ["\n"],
        "reasoning_effort": "low",
    }
    _, _, provider = ask(
        tmp_path, p.says("Hi"), system="Be brief.", tools=False, extra_body={"top_k": 4}, presence_penalty=1, **sampling
    )
    assert provider.requests == [
        {
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
            "model": "m",
            "stream": True,
            "presence_penalty": 1,
            "top_k": 4,
            **sampling,
        }
    ]
    assert f"authorization: bearer {KEY}".lower() in provider.heads[0].lower()


def test_a_context_that_does_not_fit_is_shortened(tmp_path: Path) -> None:
    full = status(400, "This model's maximum context length is 8 tokens", code_="context_length_exceeded")
    answers = (p.says("1"), p.says("2"), p.says("3"), full, full, p.says("4"))
    said, errors, provider = ask(tmp_path, *answers, texts=("a", "b", "c", "d"))
    assert (said, errors) == ("4", [])
    assert [len(request["messages"]) for request in provider.requests] == [1, 3, 5, 7, 3, 1]


def test_one_text_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    said, errors, _ = ask(tmp_path, p.Answer([{"error": {"message": "input is too long"}}]))
    assert (said, errors) == ("", ["The conversation is too long for the language model"])
