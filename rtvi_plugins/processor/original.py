"""What Pipecat's `RTVIService` and its like took as pydantic models, for code that was written for those."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import orjson

from rtvi_plugins.errors import did_you_mean

logger = logging.getLogger(__name__)

D = TypeVar("D")


class Declared:
    """Base of what code declares: a name on the wire, and a description of it as a pydantic model would give it."""

    __slots__ = ()

    def _dump(self) -> dict[str, Any]:
        raise NotImplementedError

    def model_dump(self, **_options: Any) -> dict[str, Any]:
        """Return the fields that RTVI 0.3 knows, without handlers; pydantic's options change nothing."""
        return self._dump()

    def model_dump_json(self, **options: Any) -> str:
        """Return `model_dump()` as JSON text."""
        return orjson.dumps(self.model_dump(**options)).decode()


def pass_over(declared: str, strangers: Mapping[str, Any], known: Iterable[str]) -> None:
    """Log keywords that mean nothing, which Pipecat's models passed over in silence, with a suggestion."""
    for name in strangers:
        hint = did_you_mean(name, known)
        logger.warning("%s: keyword %r means nothing and is ignored%s", declared, name, f"; {hint}" if hint else "")


def made(kind: type[D], given: D | Mapping[str, Any]) -> D:
    """Return a declaration given as an object or as the mapping of its keywords. Raises TypeError for anything else."""
    if isinstance(given, kind):
        return given
    if isinstance(given, Mapping):
        return kind(**given)
    raise TypeError(f"expected {kind.__name__} or a mapping of its keywords, got {type(given).__name__}")
