"""Whether stages can work in the order they are in. Source: the order of a cascade in Pipecat's own bots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

INPUT: Final = "transport.input"
OUTPUT: Final = "transport.output"
USER: Final = "context.user"
ASSISTANT: Final = "context.assistant"
SPECIAL: Final = (INPUT, OUTPUT, USER, ASSISTANT)
"""Stages that no `use:` of a class makes."""
RESPONDER: Final = "responder"

STT: Final = "stt"
LLM: Final = "llm"
TTS: Final = "tts"
PROCESSOR: Final = "processor"
ANSWERING: Final = (LLM, RESPONDER)

_BEFORE: Final[tuple[tuple[str, str, str], ...]] = (
    (INPUT, STT, "speech comes in there"),
    (INPUT, USER, "what the user says comes in there"),
    (STT, USER, "it gathers what was heard"),
    *((USER, answering, "it hands over what the user said") for answering in ANSWERING),
    *((answering, TTS, "its text is what is spoken") for answering in ANSWERING),
    *((answering, OUTPUT, "its answer goes out there") for answering in ANSWERING),
    (TTS, OUTPUT, "its speech goes out there"),
    (OUTPUT, ASSISTANT, "the context keeps what was really said"),
)
"""Pairs of kinds in their order, and why the first comes first."""


@dataclass(frozen=True, slots=True)
class Disorder:
    """One fault in the order. `index`: the stage that is told of; None: the list as a whole."""

    index: int | None
    text: str
    expected: str = ""


def disorders(stages: Sequence[tuple[str, str]]) -> Iterator[Disorder]:
    """Find what keeps stages from working in their order.

    stages: their ids and kinds; the kind of a special stage is its name.
    """
    kinds = [kind for _, kind in stages]
    yield from _repeated(stages)
    for name in (INPUT, OUTPUT):
        if name not in kinds:
            yield Disorder(None, f"there is no '{name}'", f"'{name}' once among the stages")
    answering = [index for index, kind in enumerate(kinds) if kind in ANSWERING]
    if RESPONDER in kinds and len({stages[index][0] for index in answering}) > 1:
        text = f"'{stages[answering[1]][0]}' never has a turn: '{stages[answering[0]][0]}' answers before it"
        yield Disorder(answering[1], text, "one that answers")
    if answering:
        for name in (USER, ASSISTANT):
            if name not in kinds:
                yield Disorder(None, f"there is no '{name}'", f"'{name}' once, since something answers")
    for first, second, reason in _BEFORE:
        if first in kinds and second in kinds:
            at = kinds.index(second)
            late = [index for index, kind in enumerate(kinds) if kind == first and index > at]
            if late:
                text = f"'{stages[late[0]][0]}' comes after '{stages[at][0]}'"
                yield Disorder(late[0], text, f"before it: {reason}")


def _repeated(stages: Iterable[tuple[str, str]]) -> Iterator[Disorder]:
    seen: set[str] = set()
    for index, (id_, kind) in enumerate(stages):
        if id_ in seen:
            what = "stands here a second time" if kind in SPECIAL else "is the id of two stages"
            yield Disorder(index, f"'{id_}' {what}", "one of each" if kind in SPECIAL else "an 'id:' of its own")
        seen.add(id_)
