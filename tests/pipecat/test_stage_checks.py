"""`check_stage`: what only a stage itself can know is told at start-up, with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rtvi_plugins import Bot, StartupError, hookimpl
from rtvi_plugins.hooks.contracts import StageCheck

MANIFEST = """
manifest: 1
bot: checked
pipeline:
  stages:
    - transport.input
    - {id: filter, use: filter, args: {words: [good, bad]}}
    - transport.output
services: {room: {use: room}}
runtime: {responder: echo}
"""


class Filter(FrameProcessor):
    """A stage that would drop words."""

    def __init__(self, *, words: list[str]) -> None:
        super().__init__()
        self.words = words

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


def load(path: Path, check: Callable[[StageCheck], Iterable[str]] | None) -> Bot:
    checked = type("Checked", (Filter,), {} if check is None else {"check_stage": staticmethod(check)})

    @hookimpl
    def rtvi_stages() -> Mapping[str, Any]:
        return {"filter": checked}

    file = path / "checked.yaml"
    file.write_text(MANIFEST.lstrip(), encoding="utf-8")
    return Bot.load(file, plugins={"checking": SimpleNamespace(rtvi_stages=rtvi_stages)})


def broken(check: StageCheck) -> Iterable[str]:
    yield "the first"
    raise OSError("no such dictionary")


TOLD: list[Any] = [
    pytest.param(lambda _: ["no library"], [":6:7: pipeline.stages[1]: no library"], id="nowhere"),
    pytest.param(
        lambda _: ["args.words[1]: is rude", "args.words: too many"],
        [":6:47: pipeline.stages[1].args.words: too many", ":6:54: pipeline.stages[1].args.words[1]: is rude"],
        id="places",
    ),
    pytest.param(
        lambda c: [
            f"{c.arguments['words']} {dict(c.settings)} {dict(c.options)} {c.bot.processor_class.responder is None}"
        ],
        [":6:7: pipeline.stages[1]: ['good', 'bad'] {} {} False"],
        id="what-it-is-given",
    ),
    pytest.param(
        broken, [":6:7: pipeline.stages[1]: 'filter' cannot be checked: OSError: no such dictionary"], id="raises"
    ),
]


@pytest.mark.parametrize(("check", "expected"), TOLD)
def test_what_a_stage_says_stops_the_start(tmp_path: Path, check: Any, expected: list[str]) -> None:
    with pytest.raises(StartupError) as caught:
        load(tmp_path, check)
    told = [problem.render().partition("checked.yaml")[2] for problem in caught.value.problems]
    assert told == [f"{text} [bad-stage]" for text in expected]


@pytest.mark.parametrize("check", [None, lambda _: ()], ids=["no-check", "no-fault"])
def test_stages_without_faults_start(tmp_path: Path, check: Any) -> None:
    assert load(tmp_path, check).pipeline is not None
