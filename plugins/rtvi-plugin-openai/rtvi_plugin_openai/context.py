"""What the model is told of a session: whole turns, bounded, always in a form that a provider takes.

A turn counts as soon as it is settled, whichever way it ended. Every tool call in here has its result, for OpenAI
refuses a context in which one has none, and would refuse it for ever.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final

from rtvi_plugin_openai.calls import ToolCall

Message = dict[str, Any]

NO_RESULT: Final = json.dumps({"error": "interrupted before there was a result"})
# They stand where the words of the assistant would, after tools ran and nothing was said: many models want turns to
# alternate.
NOTE_INTERRUPTED: Final = "(interrupted)"
NOTE_FAILED: Final = "(no answer)"


class Turn:
    """One text of the user, or none, and everything that came of it. A context manager: leaving it settles the turn.

    Left normally or cancelled, the turn stays in the conversation with what was said until then. Left by an error, it
    stays only if something was said or a tool ran; otherwise the conversation is as if it had not been.
    """

    def __init__(self, conversation: Conversation, text: str) -> None:
        self._conversation = conversation
        self._asked: list[Message] = [{"role": "user", "content": text}] if text else []
        self._rounds: list[list[Message]] = []
        self._said: list[str] = []
        self._calls: tuple[ToolCall, ...] = ()
        self._results: dict[str, str] = {}
        self._is_open = True

    def messages(self) -> list[Message]:
        """Give what the model is to answer, the conversation before it included."""
        own = [*self._asked, *(message for round_ in self._rounds for message in round_)]
        return [*self._conversation.messages(), *own]

    def call_ids(self) -> set[str]:
        """Give the ids of all tool calls so far, in this turn and before."""
        calls = (call for message in self.messages() for call in message.get("tool_calls", ()))
        return {call["id"] for call in calls}

    @property
    def is_saying(self) -> bool:
        """Whether the response that is being read has brought text."""
        return bool(self._said)

    @property
    def has_text(self) -> bool:
        """Whether anything was said in the whole turn."""
        return bool(self._said) or any("tool_calls" not in r[0] or r[0]["content"] for r in self._rounds)

    def say(self, piece: str) -> None:
        """Note a piece of the answer."""
        self._said.append(piece)

    def start_calls(self, calls: tuple[ToolCall, ...]) -> None:
        """Note the tools that the model asked for."""
        self._calls = calls

    def finish_call(self, call: ToolCall, result: str) -> None:
        """Note a tool's result, JSON text."""
        self._results[call.id] = result

    def end_round(self) -> None:
        """Close one response of the model together with the results of its calls, in the order of the calls."""
        text = "".join(self._said)
        if self._calls:
            parts = [call.as_message_part() for call in self._calls]
            results = [
                {"role": "tool", "tool_call_id": call.id, "content": self._results.get(call.id, NO_RESULT)}
                for call in self._calls
            ]
            self._rounds.append([{"role": "assistant", "content": text or None, "tool_calls": parts}, *results])
        elif text:
            self._rounds.append([{"role": "assistant", "content": text}])
        self._said, self._calls, self._results = [], (), {}

    def settle(self, note: str, *, has_failed: bool = False) -> None:
        """End the turn. Whatever its generator still does in the course of being cancelled changes nothing any more."""
        if not self._is_open:
            return
        self._is_open = False
        self.end_round()
        if self._rounds or not has_failed:
            if self._rounds and len(self._rounds[-1]) > 1:
                self._rounds.append([{"role": "assistant", "content": note}])
            self._conversation.keep(self._asked, self._rounds)
        self._conversation.turn_settled()

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        has_failed = kind is not None and issubclass(kind, Exception)  # cancelling and closing are not
        self.settle(NOTE_FAILED if has_failed or kind is None else NOTE_INTERRUPTED, has_failed=has_failed)


MAX_BYTES: Final = 4 * 1024 * 1024
"""Bytes of JSON that a conversation keeps: far more than any model takes; a client can append what it likes."""


def _size(turn: Iterable[Message]) -> int:
    return sum(len(json.dumps(message)) for message in turn)


class Conversation:
    """The settled turns of one session, oldest first, at most `max_history` messages and `MAX_BYTES`."""

    def __init__(self, max_history: int) -> None:
        self._max = max_history
        self._turns: deque[tuple[Message, ...]] = deque()
        self._sizes: deque[int] = deque()
        self._count = 0
        self._open: Turn | None = None
        self._later: deque[Message] = deque(maxlen=max_history)

    def turn(self, text: str) -> Turn:
        """Begin a turn. One that still runs is settled first: it was interrupted and has not noticed yet."""
        if self._open is not None:
            self._open.settle(NOTE_INTERRUPTED)
        self._open = Turn(self, text)
        return self._open

    def turn_settled(self) -> None:
        """Take in what was appended meanwhile."""
        self._open = None
        later = list(self._later)
        self._later.clear()
        for message in later:
            self._add((message,))

    def append(self, role: str, content: Any) -> None:
        """Add a message by itself; while a turn runs, behind it."""
        message: Message = {"role": role, "content": content}
        if self._open is None:
            self._add((message,))
        else:
            self._later.append(message)
            while len(self._later) > 1 and _size(self._later) > MAX_BYTES:
                self._later.popleft()

    def keep(self, asked: list[Message], rounds: list[list[Message]]) -> None:
        """Take in a settled turn; of one that is too long by itself its oldest rounds are left out."""
        kept = deque(rounds)
        while len(kept) > 1 and 1 + sum(map(len, kept)) > self._max:
            kept.popleft()
        self._add((*asked, *(message for round_ in kept for message in round_)))

    def _add(self, turn: tuple[Message, ...]) -> None:
        if not turn:
            return
        self._turns.append(turn)
        self._sizes.append(_size(turn))
        self._count += len(turn)
        while len(self._turns) > 1 and (self._count > self._max or sum(self._sizes) > MAX_BYTES):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self._count -= len(self._turns.popleft())
        self._sizes.popleft()

    def forget_half(self) -> bool:
        """Drop the older half of the turns, because the model cannot take so much; False when there is none."""
        count = (len(self._turns) + 1) // 2
        for _ in range(count):
            self._drop_oldest()
        return count > 0

    def messages(self) -> list[Message]:
        """Give all messages in order."""
        return [message for turn in self._turns for message in turn]


def as_request(system: str, messages: Iterable[Message]) -> list[Message]:
    """Give `messages` of a request: the instruction first, plain texts of one speaker in a row as one.

    Two texts of the user stand in a row after an answer was interrupted before it began; the templates of several
    open models refuse that.
    """
    request: list[Message] = [{"role": "system", "content": system}] if system else []
    for message in messages:
        last = request[-1] if request else None
        if last is not None and _is_plain(last) and _is_plain(message) and last["role"] == message["role"]:
            request[-1] = {**last, "content": f"{last['content']}\n{message['content']}"}
        else:
            request.append(message)
    return request


def _is_plain(message: Message) -> bool:
    is_speaker = message["role"] in ("user", "assistant")
    return is_speaker and "tool_calls" not in message and isinstance(message["content"], str)
