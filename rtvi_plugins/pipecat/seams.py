"""Protected members of Pipecat's services on which this package relies, all in one place.

Tried with Pipecat 1.12.0 and 1.14.0; `tests/pipecat/test_seams.py` tells when one of them moves. Where a release lacks
one, what it is for is left out, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any, Final

from pipecat.services.ai_service import AIService
from pipecat.transcriptions.language import Language

UPDATE: Final = "_update_settings"
"""What a service does with a change of its settings; services override it."""
UNHANDLED: Final = "_warn_unhandled_updated_settings"
"""Called by a service with the settings that it has stored and does not apply while it runs."""
SYNC_MODEL: Final = "_sync_model_name_to_metrics"
"""Called by a service when its model has changed."""
PARAMS: Final = "_params"
"""The parameters of a voice activity detector, which cannot be set before it runs in any other way."""
BASE_INSTRUCTION: Final = "_base_system_instruction"
"""The system instruction of an LLM service, which it keeps beside its settings."""


@contextmanager
def unhandled_settings(service: Any) -> Iterator[set[str]]:
    """Give the settings that a service says, meanwhile, it does not apply while it runs."""
    names: set[str] = set()
    original = getattr(service, UNHANDLED, None)
    if original is None:
        yield names
        return

    def note(unhandled: Iterable[str]) -> None:
        given = list(unhandled)
        names.update(given)
        original(given)

    setattr(service, UNHANDLED, note)
    try:
        yield names
    finally:
        delattr(service, UNHANDLED)


@contextmanager
def pushed_errors(stage: Any, note: Callable[[], None]) -> Iterator[None]:
    """Call `note` for every error that a stage pushes meanwhile, before the stage goes on."""
    original = stage.push_error_frame

    async def push_error_frame(*arguments: Any, **keywords: Any) -> None:
        note()
        await original(*arguments, **keywords)

    stage.push_error_frame = push_error_frame
    try:
        yield
    finally:
        del stage.push_error_frame


def may_ignore(kind: type) -> bool:
    """Return whether services of a class may say of a change that they do not apply it."""
    return any(UNHANDLED in function.__code__.co_names for _, function in _updates(kind))


def says_it_ignores(kind: type, field: str) -> bool:
    """Return whether a class says by its code that it does not apply a change of a setting while it runs.

    A service of Pipecat's does when it reports what it has not handled, and names the setting nowhere: what it names,
    it handles. Of another it is certain only where it names none.
    """
    if not may_ignore(kind):
        return False
    named = _named(kind)
    if all(owner.__module__.startswith("pipecat.") for owner, _ in _updates(kind)):
        return field not in named
    return named.isdisjoint(getattr(getattr(kind, "Settings", None), "__dataclass_fields__", ()))


def ignored(stage: str, field: str) -> str:
    """Say for people that a stage applies no change of a setting."""
    return f"stage '{stage}' says that it applies no change of '{field}' while it runs"


def _updates(kind: type) -> Iterator[tuple[type, FunctionType]]:
    """Give every override of `UPDATE` that Pipecat's own base is not, with its class."""
    for owner in kind.__mro__:
        if owner is AIService:
            return
        function = vars(owner).get(UPDATE)
        if isinstance(function, FunctionType):
            yield owner, function


def _named(kind: type) -> set[str]:
    """Return the names that the overrides of a class mention, or that sets to which they refer hold."""
    named: set[str] = set()
    scopes = (kind, getattr(kind, "Settings", None))
    for _, function in _updates(kind):
        for code in _nested(function.__code__):
            named.update(_texts(code.co_consts))
            for name in code.co_names:
                named.update(_texts(getattr(scope, name, None) for scope in scopes))
                named.update(_texts([function.__globals__.get(name)]))
    return named


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (frozenset, set, tuple)):
            yield from _texts(value)


def begin_with(service: Any, delta: Any) -> None:
    """Give settings to a service that does not run yet, as if it had been made with them."""
    language = getattr(delta, "language", None)
    if isinstance(language, str) and hasattr(service, "language_to_service_language"):
        delta.language = _service_language(service, language)
    for field, value in delta.given_fields().items():
        store(service, field, value)


def begin_with_params(analyzer: Any, params: Any) -> None:
    """Give parameters to a voice activity detector that does not run yet."""
    setattr(analyzer, PARAMS, params)


def store(service: Any, field: str, value: Any) -> None:
    """Set what a service has for a setting, without having it do anything about it."""
    setattr(service.settings, field, value)
    if field == "model" and hasattr(service, SYNC_MODEL):
        getattr(service, SYNC_MODEL)()
    if field == "system_instruction" and hasattr(service, BASE_INSTRUCTION):
        setattr(service, BASE_INSTRUCTION, value)


def _service_language(service: Any, language: str) -> str:
    """Give a language as the service writes it; one that Pipecat does not know stays as it is."""
    try:
        known = Language(language)
    except ValueError:
        return language
    return service.language_to_service_language(known) or language
