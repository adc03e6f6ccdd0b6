"""The form of a manifest: whether a document says what the models allow, and what of it is sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import orjson
from pydantic import ValidationError

from rtvi_plugins.errors import Problem
from rtvi_plugins.manifest.access import check_access
from rtvi_plugins.manifest.faults import cut, faults_of
from rtvi_plugins.manifest.model import LANGUAGE_VERSION, Manifest
from rtvi_plugins.manifest.paths import dotted, kind_of, shown
from rtvi_plugins.manifest.source import Source
from rtvi_plugins.manifest.veil import veil

RESERVED_MESSAGES: Final = frozenset(
    ("describe-config", "get-config", "update-config", "describe-actions", "action", "describe-bot")
)
"""Requests that every bot answers; a message of that name would never be reached."""
SECTIONS: Final = ("services", "functions", "messages", "ui")
"""Of these a manifest has at least one, unless a responder or its pipeline answers what people say."""
SERVICE_KEYS: Final = frozenset(("actions", "options", "plugin", "use"))
"""A file with one of these, and neither `bot:` nor `services:`, is meant as a service file."""
UNNAMED: Final = "unnamed"
"""Stands in for a name that is missing or wrong, so that the rest can be checked."""
MAX_PROBLEMS: Final = 1_000
"""Problems of form reported of one file; with more than that nothing of it counts as sound."""

_STAND_INS: Final[dict[str, Any]] = {"manifest": LANGUAGE_VERSION, "bot": UNNAMED}
# Taking a part out may leave its parent incomplete, which then goes too; no part of a manifest lies deeper.
_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class Checked:
    """What is sound of a document (None when nothing is), what was taken out of it, and why."""

    manifest: Manifest | None
    omitted: frozenset[tuple[str, ...]] = frozenset()
    problems: tuple[Problem, ...] = ()


def check_version(source: Source) -> tuple[tuple[Problem, ...], bool]:
    """Look at what every file has: a mapping with `manifest: 1`.

    Returns: what is wrong, and whether the rest is worth checking: not when it is for another version of the language.
    """
    value = source.value
    if not isinstance(value, dict):
        wrong = Problem("wrong-type", f"wrong type: {kind_of(value)}", source.locate(()), expected="object")
        return (() if () in source.faulty else (wrong,)), False
    if "manifest" not in value:
        hint = f"begin the file with 'manifest: {LANGUAGE_VERSION}'"
        return (Problem("missing-key", "missing key 'manifest'", source.locate(()), hint=hint),), True
    version = value["manifest"]
    if kind_of(version) == "number" and version == LANGUAGE_VERSION:
        return (), True
    given = shown(version) if isinstance(version, str) else f"'{orjson.dumps(version).decode()[:20]}'"
    text = f"{given} is not a version of the language that is known here"
    problem = Problem(
        "bad-version", text, source.locate(("manifest",)), "manifest", expected=f"the number {LANGUAGE_VERSION}"
    )
    return (problem,), kind_of(version) != "number"


def check_form(source: Source, raw: bytes, lost: Iterable[tuple[str, ...]]) -> Checked:
    """Compare a manifest with the models.

    source: a mapping, with everything it uses taken in.
    raw:    its value as JSON.
    lost:   parts that are known to be no use, reported already; their form is checked all the same.
    """
    state = _State(source)
    state.omit(lost)
    state.omit(cut(path) for path in source.faulty)
    state.check_sections()
    if kind_of(source.value.get("manifest")) != "number":
        state.omit([("manifest",)])  # `check_version` told of it
    manifest = _validated(state, raw)
    if state.omitted and not state.is_hopeless:
        manifest = _sound_part(state)
    return Checked(manifest, frozenset(state.omitted), tuple(state.problems))


@dataclass(slots=True)
class _State:
    source: Source
    omitted: set[tuple[str, ...]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    is_hopeless: bool = False

    def omit(self, paths: Iterable[tuple[str, ...]]) -> None:
        for path in paths:
            value: Any = self.source.value
            for length, key in enumerate(path):
                if not isinstance(value, dict):  # a short form, whose models have more levels than the file
                    self.omitted.add(path[:length])
                    break
                value = value.get(key, {})
            else:
                if path:
                    self.omitted.add(path)

    def check_sections(self) -> None:
        """Check what concerns several keys at once."""
        source = self.source
        value = source.value
        if not any(_declares(value, key) for key in SECTIONS) and not _answers(value):
            text = "the manifest declares no service, function, message or ui"
            self.problems.append(Problem("empty-bot", text, source.locate(())))
        for place, problem in check_access(source):
            self.problems.append(problem)
            self.omit([cut(place)])
        messages = value.get("messages")
        for name in messages if isinstance(messages, dict) else ():
            if name in RESERVED_MESSAGES:
                path = ("messages", name)
                text = f"{shown(name)} is a request of the protocol"
                location = source.locate(path, key=True)
                self.problems.append(Problem("reserved-name", text, location, dotted(path), hint="choose another name"))
                self.omit([path])


def _declares(manifest: dict[str, Any], section: str) -> bool:
    """Tell whether a section has anything in it; one that is wrong counts, for that is told elsewhere."""
    if section not in manifest:
        return False
    given = manifest[section]
    if section == "ui" and isinstance(given, dict):
        return any(part != {} for part in given.values())
    return bool(given != {})


def _answers(manifest: dict[str, Any]) -> bool:
    """Return whether there is a responder, or a pipeline with something in it: a bot to talk to."""
    runtime = manifest.get("runtime")
    has_responder = isinstance(runtime, dict) and runtime.get("responder") is not None
    return has_responder or bool(manifest.get("pipeline"))


def _validated(state: _State, raw: bytes) -> Manifest | None:
    """Build the models, or note every fault."""
    try:
        return Manifest.model_validate_json(raw)
    except ValidationError as error:
        faults = list(islice(faults_of(error, state.source), MAX_PROBLEMS))
        state.omit(fault.path for fault in faults)
        # What could not be read was reported then and stands here as None; the version has its own check.
        told = {("manifest",), *state.source.faulty}
        new = (f for f in faults if not any(f.place[:length] in told for length in range(1, len(f.place) + 1)))
        state.problems += [
            veil(fault.problem(), state.source, fault.place[:-1] if fault.on_key else fault.place) for fault in new
        ]
        if error.error_count() > MAX_PROBLEMS:
            text = f"more than {MAX_PROBLEMS:,} problems in this file; the others are not shown"
            state.problems.append(Problem("too-large", text, state.source.locate(())))
            state.is_hopeless = True
        return None


def _sound_part(state: _State) -> Manifest | None:
    """Build the models of what is left after the omitted parts are taken out."""
    for _ in range(_ROUNDS):
        try:
            return Manifest.model_validate_json(orjson.dumps(_without(state.source.value, state.omitted)))
        except ValidationError as error:
            before = len(state.omitted)
            state.omit(fault.path for fault in faults_of(error, state.source))
            if len(state.omitted) == before:
                break
    return None


def _without(value: dict[str, Any], omitted: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """Copy a manifest without some of its parts; only what leads to them is copied, since parts may be shared."""
    result = dict(value)
    copied: dict[tuple[str, ...], dict[str, Any]] = {(): result}
    for path in sorted(omitted, key=len):
        for length in range(1, len(path)):
            parent = copied[path[: length - 1]]
            inner = parent.get(path[length - 1])
            if not isinstance(inner, dict):
                break  # an omitted parent took it along
            if path[:length] not in copied:
                parent[path[length - 1]] = copied[path[:length]] = dict(inner)
        else:
            copied[path[:-1]].pop(path[-1], None)
    return result | {key: value for key, value in _STAND_INS.items() if (key,) in omitted}
