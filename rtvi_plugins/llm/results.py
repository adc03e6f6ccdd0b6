"""Results of tools, as a model hears them on either host."""

from __future__ import annotations

import json
from typing import Any, Final

from rtvi_plugins.llm.calls import UnfitError

MAX_CHARACTERS: Final = 100_000
"""A tool's result as JSON: about 25,000 tokens; a longer one would crowd out the conversation."""


def as_heard(result: Any) -> Any:
    """Return a result in the form in which a model hears it. Raises UnfitError.

    What Python takes for false is `{"result": …}`: Pipecat hands nothing else of that kind to a model, which would wait
    for its tool for ever.
    """
    try:
        text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise UnfitError("The tool ran, but its result is not JSON") from None
    if len(text) > MAX_CHARACTERS:
        raise UnfitError(f"The tool ran, but its result is too long to show: {len(text)} characters")
    return result or {"result": result}


def as_error(error: Exception) -> dict[str, Any]:
    """Return what a model hears of a tool that failed; the text of the error is for it to read."""
    return {"error": str(error)}
