"""Stages that somebody else has made: checked against the bound options, and given their values before they run.

A pipeline that a manifest describes is built with the values of its options. A pipeline made by hand gets them when its
stages are attached, so that what `config` says is what the stages have.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rtvi_plugins.errors import Problem, StartupError, did_you_mean, quoted
from rtvi_plugins.pipecat import options, seams
from rtvi_plugins.pipecat.bound import Bound, bound_options
from rtvi_plugins.pipecat.plan import VAD
from rtvi_plugins.processor.tables import NOTHING
from rtvi_plugins.schema import MISSING

if TYPE_CHECKING:
    from pipecat.audio.vad.vad_analyzer import VADAnalyzer
    from pipecat.processors.frame_processor import FrameProcessor

    from rtvi_plugins.binding import Bot
    from rtvi_plugins.pipecat.processor import RTVIProcessor

logger = logging.getLogger(__name__)


def give_to_stages(
    bot: Bot, rtvi: RTVIProcessor, stages: Mapping[str, FrameProcessor], analyzer: VADAnalyzer | None = None
) -> None:
    """Give the stages of a pipeline that does not run yet what their options begin with. Raises StartupError.

    analyzer: the voice activity detector in the stage `vad`.
    A value of the client's that a stage does not take is left to the initial configuration, which refuses it and falls
    back to the bot's own.
    """
    if analyzer is not None and VAD in stages:
        options.note_built(stages[VAD], {}, analyzer)
    problems = [problem for one in bound_options(bot) if (problem := _problem(one, stages)) is not None]
    if problems:
        raise StartupError(problems)
    values = rtvi.session_processor.values
    initial = bot.tables.initial
    for one in bound_options(bot):
        stage, own = stages[one.stage], initial.get(one.service, NOTHING).get(one.option, MISSING)
        value = values.get(one.service, NOTHING).get(one.option, MISSING)
        if value is not MISSING and value != own and not options.takes(stage, one.field, value):
            value = own
        if value is not MISSING:
            if not options.takes(stage, one.field, value):
                text = f"option {one.name}: stage '{one.stage}' does not take its value for '{one.field}'"
                raise StartupError([Problem("bad-bind", text)])
            options.begin_with(stage, one.field, value)
        if one.is_live and options.ignores(stage, one.field):
            logger.warning("option %s: %s", one.name, seams.ignored(one.stage, one.field))


def _problem(one: Bound, stages: Mapping[str, FrameProcessor]) -> Problem | None:
    if one.stage not in stages:
        text = f"option {one.name} is bound to stage '{one.stage}', which is not attached"
        hint = did_you_mean(one.stage, stages)
        return Problem("bad-bind", text, expected="" if hint else quoted(stages), hint=hint)
    fields = options.fields_at(stages[one.stage])
    if one.field in fields:
        return None
    text = f"option {one.name}: stage '{one.stage}' has no setting '{one.field}'"
    hint = did_you_mean(one.field, fields)
    return Problem("bad-bind", text, expected="" if hint else quoted(fields), hint=hint)
