"""What the responder stage takes for the user's new text."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins.pipecat.responding import ResponderStage, _new_texts
from tests.pipecat.building import Folder, rtvi_of

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "one"}
TEXT = {"type": "text", "text": "a"}
BOT = {"role": "assistant", "content": "two"}

ROWS: list[Any] = [
    pytest.param([], 0, [], id="nothing"),
    pytest.param([SYSTEM], 0, [], id="no-user"),
    pytest.param([SYSTEM, USER], 0, ["one"], id="first"),
    pytest.param([USER, BOT, {"role": "user", "content": "three"}], 1, ["three"], id="second"),
    pytest.param([USER, BOT], 2, [], id="answered"),
    pytest.param([USER, USER, USER], 1, ["one", "one"], id="interrupted-before-a-word"),
    pytest.param([USER, {"role": "developer", "content": "x"}, USER], 0, ["one", "one"], id="asides-are-passed-over"),
    pytest.param([USER], 7, ["one"], id="replaced-by-a-shorter-context"),
    pytest.param(
        [{"role": "user", "content": [TEXT, {"type": "image_url"}, TEXT]}],
        0,
        ["a a"],
        id="parts",
    ),
    pytest.param([{"role": "user", "content": [{"type": "image_url"}]}], 0, [], id="no-text-in-it"),
    pytest.param([object(), USER], 0, ["one"], id="message-of-a-particular-llm"),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "heard", "texts"), ROWS)
def test_new_texts(messages: list[Any], heard: int, texts: list[str]) -> None:
    assert list(_new_texts(messages, heard)) == texts


def test_bot_without_responder_is_refused(tmp_path: Any) -> None:
    bot = Folder(tmp_path).bot("services: {a: {}}\n")
    with pytest.raises(ValueError, match=r"runtime\.responder"):
        ResponderStage(bot, rtvi_of(bot))
