"""The log of every message: filtered, paused, exported, bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.conftest import both_hosts
from tests.console.harness import ConsolePage, read_lines

pytestmark = pytest.mark.browser


def rows(console: ConsolePage) -> list[str]:
    return console.page.locator(".wire-type").all_inner_texts()


@both_hosts
def test_both_directions_are_logged(console: ConsolePage) -> None:
    console.view("wire")
    expect(console.page.locator(".wire-row.is-sent .wire-type", has_text="client-ready")).to_have_count(1)
    expect(console.page.locator(".wire-row.is-received .wire-type", has_text="bot-ready")).to_have_count(1)
    row = console.page.locator(".wire-row", has_text="bot-ready")
    row.locator("summary").first.click()
    expect(row.locator(".json").first).to_contain_text("rtvi-ai")


def test_filtering(console: ConsolePage) -> None:
    console.say("find this text")
    console.see("That is all.")
    console.view("wire")
    console.page.get_by_label("Filter").fill("FIND this")
    expect(console.page.locator(".wire-row").first).to_be_visible()
    assert "send-text" in rows(console)
    assert "bot-ready" not in rows(console)
    console.page.get_by_label("Direction").select_option("sent")
    expect(console.page.locator(".wire-row")).to_have_count(1)
    console.page.get_by_label("Filter").fill("no such thing")
    console.see("No messages.")


def test_pausing(console: ConsolePage) -> None:
    console.view("wire")
    expect(console.page.locator(".wire-row", has_text="bot-ready")).to_have_count(1)
    console.page.wait_for_timeout(150)
    before = len(rows(console))
    console.button("Pause").click()
    # The page itself sends while it is paused: another view is not looked at, so the message is sent from there.
    console.page.evaluate("location.hash = 'talk'")
    console.say("while paused")
    console.see("You said: while paused.")
    console.view("wire")
    assert len(rows(console)) > before, "looking anew shows everything"
    console.button("Pause").click()
    expect(console.page.get_by_role("button", name="Paused")).to_have_attribute("aria-pressed", "true")


def test_exporting_what_is_shown(console: ConsolePage) -> None:
    console.say("keep this")
    console.see("That is all.")
    console.view("wire")
    console.page.get_by_label("Filter").fill("send-text")
    expect(console.page.locator(".wire-row")).to_have_count(1)
    with console.page.expect_download() as downloading:
        console.button("Export").click()
    assert downloading.value.suggested_filename.endswith(".jsonl")
    (entry,) = read_lines(downloading.value.path())
    assert entry["direction"] == "sent"
    assert entry["at"].endswith("Z")
    assert entry["message"]["data"]["content"] == "keep this"


def test_the_log_is_bounded(console: ConsolePage) -> None:
    """Many more messages than it keeps: the oldest go, and it says so."""
    console.view("call", "desk.bake")
    console.page.get_by_label("steps", exact=True).fill("100")
    for _ in range(6):
        console.page.locator("form button[type=submit]").click()
    expect(console.page.locator(".history .entry.is-done")).to_have_count(6)
    console.say_many(120, "a b c d e f g h i j")
    console.view("wire")
    expect(console.page.locator(".wire-count")).to_contain_text("older forgotten")
    expect(console.page.locator(".wire-count")).to_contain_text("2000 messages, the last 300 shown")
    assert len(rows(console)) == 300


def test_clearing(console: ConsolePage) -> None:
    console.view("wire")
    expect(console.page.locator(".wire-row").first).to_be_visible()
    console.button("Clear").click()
    console.see("No messages.")


MEASURED: dict[str, Any] = {
    "ttfb": [{"processor": "LLM#0", "model": "m-1", "value": 0.412}, {"processor": "TTS#0", "value": 0.02}],
    "processing": [{"processor": "LLM#0", "model": "m-1", "value": 1.5}],
    "characters": [{"processor": "TTS#0", "value": 84}],
    "tokens": [{"prompt_tokens": 812, "completion_tokens": 40, "total_tokens": 852}],
}


def measure(console: ConsolePage, data: object) -> None:
    """Have the bot send this as `metrics`, as a pipeline does."""
    view = console.view("call", "desk.measure")
    view.get_by_label("data, as JSON").fill(json.dumps(data))
    before = view.locator(".history .entry.is-done").count()
    console.button("Call").click()
    expect(view.locator(".history .entry.is-done")).to_have_count(before + 1)


def table(console: ConsolePage) -> list[dict[str, str]]:
    """The rows of the metrics, by what stands above; without the time of day."""
    console.view("wire")
    heads = console.page.locator(".metrics thead th").all_inner_texts()
    rows = console.page.locator(".metrics tbody tr").all()
    found = [dict(zip(heads, row.locator("th, td").all_inner_texts(), strict=True)) for row in rows]
    return [{head: text for head, text in row.items() if head != "At" and text != "\u2013"} for row in found]


@both_hosts
def test_metrics_are_a_table_with_the_latest_of_each_processor(console: ConsolePage) -> None:
    console.view("wire")
    assert console.page.locator(".metrics").count() == 0, "nothing was sent"
    measure(console, MEASURED)
    llm = {"Processor": "LLM#0", "Model": "m-1", "TTFB": "412 ms", "Processing": "1.5 s"}
    tts = {"Processor": "TTS#0", "TTFB": "20 ms", "Characters": "84"}
    tokens = {"Processor": "not told", "Tokens in": "812", "Tokens out": "40", "Tokens": "852"}
    assert sorted(table(console), key=str) == sorted([llm, tts, tokens], key=str)
    expect(console.page.locator(".wire-row", has_text="metrics").first).to_contain_text("LLM#0 ttfb 412 ms")
    measure(console, {"ttfb": [{"processor": "LLM#0", "model": "m-1", "value": 2}]})
    assert llm | {"TTFB": "2 s"} in table(console)
    console.button("Clear").click()
    assert console.page.locator(".metrics").count() == 0


def test_metrics_of_newer_kinds_are_told_with_their_parts(console: ConsolePage) -> None:
    measure(
        console,
        {
            "ttfa": [{"processor": "TTS#0", "ttfa": 0.25, "ttfb": 0.2, "leading_silence": 0.05}],
            "stt_usage": [{"processor": "STT#0", "value": {"audio_seconds": 3.25}}],
        },
    )
    assert table(console) == [
        {"Processor": "STT#0", "Heard": "3.25 s"},
        {"Processor": "TTS#0", "TTFA": "250 ms", "TTFB": "200 ms", "Silence first": "50 ms"},
    ]


STRANGE: list[Any] = [
    {},
    {"ttfb": 7, "processing": None, "tokens": "many"},
    {"ttfb": [None, 1, [], {}, {"processor": 3}, {"processor": "A", "value": "fast"}]},
    {"constructor": [{"processor": "A", "value": 1}], "toString": {"value": 2}},
]


def test_whatever_is_in_metrics_the_page_goes_on(console: ConsolePage) -> None:
    for data in STRANGE:
        measure(console, data)
        assert table(console) == []
    many = [{"processor": f"P{number}", "value": number} for number in range(300)]
    measure(console, {"ttfb": many})
    assert len(table(console)) == 50, "they are bounded"
    assert {"Processor": "P299", "TTFB": "299 s"} in table(console)
