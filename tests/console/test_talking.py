"""The conversation: streamed answers, interruption, what was said before, and text that stays text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.console.conftest import both_hosts
from tests.console.harness import ConsolePage

pytestmark = [pytest.mark.browser, both_hosts]


def turns(console: ConsolePage) -> list[str]:
    return [" ".join(text.split()) for text in console.page.locator(".turn > p:first-of-type").all_inner_texts()]


def test_answers_come_as_they_are_said(console: ConsolePage) -> None:
    console.say("please wait")
    turn = console.page.locator(".turn.is-bot.is-speaking")
    turn.get_by_text("You said: please wait.").wait_for()
    assert turn.locator(".caret").is_visible()


def test_the_bot_can_be_stopped(console: ConsolePage) -> None:
    console.say("please wait")
    console.see("You said: please wait.")
    console.button("stop the bot").click()
    console.page.locator(".turn.is-bot.is-interrupted").wait_for()
    assert console.button("stop the bot").count() == 0
    console.say("go on")
    console.see("You said: go on. That is all.")
    assert console.page.locator(".turn.is-bot.is-interrupted").count() == 1


def test_a_new_text_interrupts_the_old_answer(console: ConsolePage) -> None:
    console.say("please wait")
    console.see("You said: please wait.")
    console.say("quick")
    console.see("You said: quick. That is all.")
    assert turns(console) == ["please wait", "You said: please wait.", "quick", "You said: quick. That is all."]
    assert console.page.locator(".turn.is-bot.is-interrupted").count() == 1


def test_a_responder_that_fails_is_told(console: ConsolePage) -> None:
    console.say("fail")
    console.see("I have no answer to that")
    console.button("dismiss this notice").click()
    assert console.page.locator(".notice").count() == 0


def test_text_from_the_bot_is_text(console: ConsolePage) -> None:
    console.say("markup")
    console.see(re.compile(r"<b>bold</b>"))
    assert console.page.locator(".turn img, .turn b, .turn script").count() == 0
    assert console.page.title() == "Talk · gallery · console"


def test_the_conversation_outlives_other_views_and_can_be_kept(console: ConsolePage) -> None:
    console.say("remember me")
    console.see("You said: remember me. That is all.")
    console.view("jobs")
    console.view("talk")
    console.see("You said: remember me. That is all.")
    with console.page.expect_download() as downloading:
        console.button("Save").click()
    name, text = downloading.value.suggested_filename, Path(downloading.value.path()).read_text(encoding="utf-8")
    assert re.fullmatch(r"gallery-conversation-[\dT-]+\.txt", name)
    assert re.search(r"^\S+Z  you: remember me\n\S+Z  gallery: You said: remember me\. That is all\.\n$", text)
    console.button("Clear").click()
    console.see("Say something below.")


def test_arrows_bring_back_what_was_said(console: ConsolePage) -> None:
    box = console.page.get_by_label("Message")
    for text in ("one", "two"):
        console.say(text)
    box.press("ArrowUp")
    assert box.input_value() == "two"
    box.press("ArrowUp")
    assert box.input_value() == "one"
    box.press("ArrowDown")
    assert box.input_value() == "two"
    box.press("ArrowDown")
    assert box.input_value() == ""


def test_enter_sends_and_shift_enter_does_not(console: ConsolePage) -> None:
    box = console.page.get_by_label("Message")
    box.fill("first")
    box.press("Shift+Enter")
    box.press_sequentially("second")
    box.press("Enter")
    console.see(re.compile("You said: first second"))
    sent = console.wire("send-text")
    assert [entry["message"]["data"]["content"] for entry in sent] == ["first\nsecond"]
