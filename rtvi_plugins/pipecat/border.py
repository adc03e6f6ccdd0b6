"""Frames at the border: this project's eight, which need no Pipecat, and Pipecat's of the same names and fields.

Source: rtvi-protocol 8. Either kind may be pushed on the Pipecat host; in the pipeline only Pipecat's travel.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any, Final

from pipecat.frames.frames import DataFrame
from pipecat.frames.frames import Frame as PipecatFrame
from pipecat.frames.frames import FunctionCallResultFrame as PipecatResultFrame
from pipecat.processors.frame_processor import FrameDirection as PipecatDirection
from pipecat.processors.frameworks.rtvi import frames as theirs
from pipecat.processors.frameworks.rtvi import models
from pydantic import BaseModel

from rtvi_plugins.protocol import frames as ours
from rtvi_plugins.protocol.frames import Frame, FrameDirection


@dataclasses.dataclass
class RTVIActionFrame(DataFrame):
    """An action for the bot to run, as Pipecat 0.0.x had it. See `rtvi_plugins.protocol.frames.RTVIActionFrame`."""

    rtvi_action_run: Any
    message_id: str | None = None


_NAMES: Final = (
    "RTVIServerMessageFrame",
    "RTVIUICommandFrame",
    "RTVIUIJobGroupFrame",
    "RTVIUIEventFrame",
    "RTVIUISnapshotFrame",
    "RTVIUICancelJobGroupFrame",
    "RTVIClientMessageFrame",
    "RTVIServerResponseFrame",
)
_JOB_GROUPS: Final = (
    "UIJobGroupStartedData",
    "UIJobUpdateData",
    "UIJobCompletedData",
    "UIJobGroupCompletedData",
)
_OUT: Final = MappingProxyType(
    {
        **{getattr(ours, name): getattr(theirs, name) for name in _NAMES},
        ours.FunctionCallResultFrame: PipecatResultFrame,
        ours.RTVIActionFrame: RTVIActionFrame,
        **{getattr(ours, name): getattr(models, name) for name in _JOB_GROUPS},
    }
)
_IN: Final = MappingProxyType({theirs: ours for ours, theirs in _OUT.items()})

OUTBOUND: Final = (
    theirs.RTVIServerMessageFrame,
    theirs.RTVIServerResponseFrame,
    theirs.RTVIUICommandFrame,
    theirs.RTVIUIJobGroupFrame,
)
"""Pipecat's frames that become one message to the client."""


def to_pipecat(frame: Frame | PipecatFrame) -> PipecatFrame:
    """Give Pipecat's frame for one of ours; Pipecat's own pass. Raises TypeError for what no pipeline takes."""
    made = _made(frame, _OUT)
    if not isinstance(made, PipecatFrame):
        raise TypeError(f"{type(frame).__name__} is no frame that a pipeline takes")
    return made


def from_pipecat(frame: Any) -> Any:
    """Give our frame for one of Pipecat's that we have too; every other passes."""
    return _made(frame, _IN)


def to_direction(direction: FrameDirection | PipecatDirection) -> PipecatDirection:
    """Give Pipecat's direction for either kind."""
    return PipecatDirection[direction.name]


def _made(given: Any, classes: Any) -> Any:
    made = classes.get(type(given))
    if made is None:
        return given
    if isinstance(given, BaseModel):  # the data of a job group
        return made.model_validate(given.model_dump(exclude_unset=True))
    known = {field.name for field in dataclasses.fields(made) if field.init}
    fields = {f.name: _made(getattr(given, f.name), classes) for f in dataclasses.fields(given) if f.name in known}
    if "tree" in fields:
        fields["tree"] = _tree(fields["tree"], is_model=made is theirs.RTVIUISnapshotFrame)
    return made(**fields)


def _tree(tree: Any, *, is_model: bool) -> Any:
    """Give a snapshot as it stands in frames: here as a dict, in Pipecat's as its model."""
    if is_model and isinstance(tree, dict):
        return models.UISnapshotData.model_validate({"tree": tree}).tree
    return tree.model_dump(exclude_none=True) if not is_model and isinstance(tree, BaseModel) else tree
