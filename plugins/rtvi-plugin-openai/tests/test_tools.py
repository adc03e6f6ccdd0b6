"""Tool calls, from the first fragment to the result that the model gets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from rtvi_plugin_openai.reply import Reply

from . import provider as p
from .home import Talk, talking

ESCAPED = json.dumps({"who": 'é"\\\n'})  # holds \u00e9, which is cut in the middle below

# name, the deltas of one response, what is called for (name, arguments as text)
DELTAS: list[Any] = [
    pytest.param(
        [p.delta(0, "f", "", "c1"), *(p.delta(0, arguments=character) for character in ESCAPED)],
        [("f", ESCAPED)],
        id="character-by-character",
    ),
    pytest.param(
        [
            p.delta(0, "f", "", "c1"),
            p.delta(1, "g", "", "c2"),
            p.delta(1, arguments='{"b"'),
            p.delta(0, arguments='{"a"'),
            p.delta(1, arguments=": 2}"),
            p.delta(0, arguments=": 1}"),
        ],
        [("f", '{"a": 1}'), ("g", '{"b": 2}')],
        id="two-at-once-mixed",
    ),
    pytest.param([p.delta(0, "f", '{"a": 1}', "c1")], [("f", '{"a": 1}')], id="whole"),
    pytest.param([p.delta(0, "f", None, "c1")], [("f", "")], id="no-arguments"),
    pytest.param([p.delta(0, "f", {"a": 1}, "c1")], [("f", '{"a": 1}')], id="arguments-as-an-object"),
    pytest.param(
        [p.delta(0, "f", '{"a": 1}', "c1"), p.delta(0, "f", '{"a": 2}', "c2")],
        [("f", '{"a": 1}'), ("f", '{"a": 2}')],
        id="all-index-0",
    ),
    pytest.param(
        [
            p.delta(0, "f", '{"a": 1}'),
            p.delta(0, "f", '{"a": 2}'),
            p.delta(0, "g", '{"a"'),
            p.delta(0, arguments=": 3}"),
        ],
        [("f", '{"a": 1}'), ("f", '{"a": 2}'), ("g", '{"a": 3}')],
        id="all-index-0-without-ids",
    ),
    pytest.param(
        [
            p.delta(0, "f", '{"a"', "c1"),
            p.delta(0, "g", "{", "c2"),
            p.delta(0, None, ": 1}", "c1"),
            p.delta(0, None, "}", "c2"),
        ],
        [("f", '{"a": 1}'), ("g", "{}")],
        id="all-index-0-taking-turns-by-id",
    ),
    pytest.param(
        [p.delta(None, "f", "{", "c1"), p.delta(None, arguments="}"), p.delta(None, "g", "{}", "c2")],
        [("f", "{}"), ("g", "{}")],
        id="no-index",
    ),
    pytest.param(
        [p.delta(0, "f", '{"a"', "c1"), p.delta(0, "f", ": 1", "c1"), p.delta(0, "f", "}", "c1")],
        [("f", '{"a": 1}')],
        id="name-and-id-in-every-fragment",
    ),
    pytest.param(
        [p.delta(0, "f", '{"a"', "c1"), p.delta(0, arguments=": 1}"), p.delta(0, "f", '{"a": 1}', "c1")],
        [("f", '{"a": 1}')],
        id="whole-again-at-the-end",
    ),
    pytest.param(
        [p.delta(0, "f", "{}", "same"), p.delta(1, "g", "{}", "same")], [("f", "{}"), ("g", "{}")], id="one-id"
    ),
    pytest.param(
        [p.delta(0, "f", "{}", "a b\x00"), p.delta(1, "g", "{}", "x" * 99)], [("f", "{}"), ("g", "{}")], id="bad-ids"
    ),
    pytest.param(
        [p.delta(0, id="c1"), p.delta(0, "f"), p.delta(0, arguments="{}")], [("f", "{}")], id="id-name-arguments"
    ),
    pytest.param(
        [p.delta(0, "f", '{"a": "\ud83d'), p.delta(0, None, '\ude00"}')], [("f", '{"a": "😀"}')], id="surrogates"
    ),
    pytest.param(
        [{}, {"index": 0, "function": None}, p.delta(0, "f", "{}", "c1"), {"index": 0}],
        [("f", "{}")],
        id="empty-deltas",
    ),
    pytest.param([p.delta(n, "f", "{}", f"c{n}") for n in range(70)], [("f", "{}")] * 64, id="too-many"),
]


@pytest.mark.parametrize(("deltas", "expected"), DELTAS)
def test_deltas_are_put_together(deltas: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    reply = Reply()
    for one in deltas:
        reply.take(ChatCompletionChunk.construct(**p.chunk({"tool_calls": [one]})))
    found = reply.calls({"c1"})
    assert [(call.name, call.arguments) for call in found] == expected
    ids = [call.id for call in found]
    assert "c1" not in ids  # it was taken
    assert len(set(ids)) == len(ids)
    assert all(0 < len(id_) <= 64 and id_.isprintable() and " " not in id_ for id_ in ids)
    assert reply.dropped_calls == len(deltas) - 64 if len(deltas) > 64 else not reply.dropped_calls


def talk_to(tmp_path: Path, *answers: p.Answer, text: str = "Go", **settings: Any) -> tuple[str, Talk]:
    async def run() -> tuple[str, Talk]:
        async with p.running(*answers) as provider, talking(tmp_path, provider, **settings) as talk:
            return await talk.say(text), talk

    return asyncio.run(run())


def test_tools_are_offered_as_declared(tmp_path: Path) -> None:
    _, talk = talk_to(tmp_path, p.says("Hi"))
    offered = {tool["function"]["name"]: tool["function"] for tool in talk.provider.requests[0]["tools"]}
    assert sorted(offered) == ["home_add", "home_crash", "home_long", "home_meet", "home_refuse", "home_wait", "locate"]
    assert offered["home_add"]["description"] == "Adds."
    assert offered["home_add"]["parameters"]["required"] == ["a"]
    assert offered["locate"]["parameters"]["additionalProperties"] is False
    assert "tool_choice" not in talk.provider.requests[0]


def test_a_round_with_text_before_and_after(tmp_path: Path) -> None:
    ask = p.calls(p.call("home_add", {"a": 2, "b": 3}), before="Let me see.")
    answer, talk = talk_to(tmp_path, ask, p.says("It is ", "5."))
    assert answer == "Let me see. It is 5."
    assert talk.home.ran == [("add", {"a": 2, "b": 3})]
    function = {"name": "home_add", "arguments": '{"a": 2, "b": 3}'}
    assert talk.provider.context == [
        {"role": "user", "content": "Go"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "5"},
    ]


RESULTS = [
    pytest.param(p.call("home_add", {"a": 1}), 2, id="default-filled-in"),
    pytest.param(p.call("home_refuse"), {"error": "The door is locked"}, id="refused-by-the-handler"),
    pytest.param(p.call("home_add", {"a": "1"}), "a: ", id="arguments-refused"),
    pytest.param(p.call("home_add"), "a: ", id="arguments-missing"),
    pytest.param(p.delta(0, "home_add", '{"a": 1', "c"), {"error": "The arguments are not valid JSON"}, id="cut-json"),
    pytest.param(p.delta(0, "home_add", '{"a": NaN}', "c"), {"error": "The arguments are not valid JSON"}, id="nan"),
    pytest.param(p.delta(0, "home_add", "[" * 100_000, "c"), {"error": "The arguments are not valid JSON"}, id="deep"),
    pytest.param(p.call("home_add", [1]), {"error": "The arguments are not a JSON object"}, id="no-object"),
    pytest.param(p.delta(0, "home_refuse", "null", "c"), {"error": "The door is locked"}, id="null-arguments"),
    pytest.param(p.call("home_ad", {"a": 1}), "home_add", id="unknown-tool-with-a-hint"),
    pytest.param(p.call("home_hidden", {}), "There is no tool", id="action-that-is-no-tool"),
    pytest.param(p.call("", {}), "There is no tool", id="no-name"),
    pytest.param(p.call("home.add!" * 20, {}), "There is no tool", id="name-that-is-none"),
    pytest.param(p.call("home_long", {}), "too long to show: 200002 characters", id="result-too-long"),
]


@pytest.mark.parametrize(("delta", "expected"), RESULTS)
def test_results_go_back_to_the_model(tmp_path: Path, delta: dict[str, Any], expected: Any) -> None:
    answer, talk = talk_to(tmp_path, p.calls(delta), p.says("Well"))
    assert (answer, talk.errors) == ("Well", [])
    (result,) = talk.results
    if isinstance(expected, str):
        assert expected in result["error"]
    else:
        assert result == expected
    # Whatever the model wrote, what goes back is what providers accept.
    function = talk.provider.context[1]["tool_calls"][0]["function"]
    assert isinstance(json.loads(function["arguments"]), dict)
    assert 0 < len(function["name"]) <= 64
    assert function["name"].replace("_", "a").isalnum()


def test_a_broken_handler_tells_the_model_nothing_of_it(tmp_path: Path) -> None:
    _, talk = talk_to(tmp_path, p.calls(p.call("home_crash")), p.says("Well"))
    (result,) = talk.results
    assert "secret" not in result["error"]


def test_calls_of_a_round_run_at_once_and_keep_their_order(tmp_path: Path) -> None:
    both = p.calls(p.call("home_meet", {"who": "first"}, "c1", 0), p.call("home_meet", {"who": "second"}, "c2", 1))
    _, talk = talk_to(tmp_path, both, p.says("Met"))
    assert talk.results == [["first", True], ["second", True]]
    assert [m["tool_call_id"] for m in talk.provider.context if m["role"] == "tool"] == ["c1", "c2"]


def test_ids_are_never_used_twice_in_a_session(tmp_path: Path) -> None:
    again = p.calls(p.call("home_add", {"a": 1}, "call_0"))
    _, talk = talk_to(tmp_path, again, again, again, p.says("3"))
    ids = [m["tool_call_id"] for m in talk.provider.context if m["role"] == "tool"]
    assert ids[0] == "call_0"
    assert len(set(ids)) == 3


def test_rounds_are_bounded(tmp_path: Path) -> None:
    again = p.calls(p.call("home_add", {"a": 1}))
    answer, talk = talk_to(tmp_path, again, again, p.says("Enough"), max_tool_rounds=2)
    assert (answer, talk.errors) == ("Enough", [])
    assert [request.get("tool_choice") for request in talk.provider.requests] == [None, None, "none"]


def test_a_model_that_never_stops_asking(tmp_path: Path) -> None:
    async def run() -> None:
        again = p.calls(p.call("home_add", {"a": 1}))
        async with (
            p.running(again, again, p.says("Hi")) as provider,
            talking(tmp_path, provider, max_tool_rounds=1) as talk,
        ):
            assert await talk.say("Go") == ""
            assert talk.errors == ["The language model kept asking for tools and gave no answer"]
            assert len(talk.home.ran) == 1
            assert await talk.say("And now?") == "Hi"
            # The tool ran, so the model is told of it, and of no call without a result.
            assert talk.roles() == ["user", "assistant", "tool", "assistant", "user"]
            assert provider.context[3]["content"] == "(no answer)"

    asyncio.run(run())


ENDINGS = [
    pytest.param("stop", 1, "", id="stop-with-calls"),
    pytest.param(None, 1, "", id="no-reason"),
    pytest.param("function_call", 1, "", id="old-reason"),
    pytest.param("length", 0, "its answer was too long", id="length"),
    pytest.param("content_filter", 0, "content filter", id="filter"),
]


@pytest.mark.parametrize(("finish", "ran", "error"), ENDINGS)
def test_finish_reasons_of_calls(tmp_path: Path, finish: str | None, ran: int, error: str) -> None:
    answer, talk = talk_to(tmp_path, p.calls(p.call("home_add", {"a": 1}), finish=finish), p.says("Well"))
    assert len(talk.home.ran) == ran
    assert answer == ("" if error else "Well")
    assert [error in told for told in talk.errors] == ([True] if error else [])


def test_calls_cut_off_without_a_reason_do_not_run(tmp_path: Path) -> None:
    _, talk = talk_to(tmp_path, p.calls(p.delta(0, "home_add", '{"a": 1', "c"), finish=None))
    assert talk.home.ran == []
    assert talk.errors == ["The answer of the language model broke off"]


def test_tools_switched_off_are_neither_offered_nor_run(tmp_path: Path) -> None:
    _, talk = talk_to(tmp_path, p.calls(p.call("home_add", {"a": 1})), p.says("Well"), tools=False)
    assert "tools" not in talk.provider.requests[0]
    assert talk.results == [{"error": "There are no tools"}]
    assert talk.home.ran == []


def test_the_client_executes_functions(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            p.running(p.calls(p.call("locate", {})), p.says("In the bar")) as provider,
            talking(tmp_path, provider) as talk,
        ):
            begun = asyncio.ensure_future(talk.client.next("llm-function-call-in-progress"))
            answer = asyncio.ensure_future(talk.say("Where am I?"))
            asked = (await begun)["data"]
            assert asked == {
                "tool_call_id": "call_1",
                "function_name": "locate",
                "arguments": {"accuracy": "coarse"},
            }
            await talk.client.send("llm-function-call-result", {**asked, "result": {"lat": 1.5}})
            assert await answer == "In the bar"
            assert talk.results == [{"lat": 1.5}]

    asyncio.run(run())
