"""What went wrong with the provider: a short text for the user, and a line for the log that holds no secret."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from rtvi_plugins.errors import ActionError
from rtvi_plugins.llm.calls import ToolCall
from rtvi_plugins.llm.reply import Reply, TooLongError

NO_KEY: Final = "The bot has no key for its language model"
UNREADABLE: Final = "The language model answered something that cannot be read"
BROKE_OFF: Final = "The answer of the language model broke off"
EMPTY: Final = "The language model gave no answer"
CUT_OFF: Final = "The language model had to stop: its answer was too long"
FILTERED: Final = "The language model's provider stopped the answer: its content filter found something"
NO_END: Final = "The language model kept asking for tools and gave no answer"

TOO_LONG: Final = "The conversation is too long for the language model"

KEY_REFUSED: Final = "The language model does not take the bot's key"
BUSY: Final = "The language model is busy"
UNAVAILABLE: Final = "The language model is not available; try again later"
UNREACHABLE: Final = "The language model cannot be reached"
REFUSED: Final = "The language model's provider refused the request"

_STATUS_TEXTS: Final = {
    401: KEY_REFUSED,
    403: KEY_REFUSED,
    404: "The language model's address or name is not known to its provider",
    429: BUSY,
}

_TOO_LONG: Final = re.compile(
    r"context.{0,20}(length|window|size|limit)|(prompt|input).{0,10}too long|too many tokens", re.IGNORECASE
)
"""How OpenAI, vLLM, llama.cpp, Anthropic and others word that the messages do not fit."""

_KEY_LIKE: Final = re.compile(r"\b(sk|pk|key|bearer)[-_ ][\w.*-]{6,}", re.IGNORECASE)
_MAX_LOGGED: Final = 300
_MAX_RETRY_AFTER_S: Final = 86_400


class ContextTooLongError(ActionError):
    """The messages do not fit into the model; fewer may."""


def refusal(error: Exception, timeout_s: float | None = None, *, has_begun: bool) -> ActionError:
    """Return the error for the client. It never holds anything that the provider wrote.

    timeout_s: how long was waited, where that is known.
    has_begun: the provider had accepted the request and begun to answer.
    """
    import openai  # noqa: PLC0415 - loaded already: the error is one of its own

    if isinstance(error, openai.APITimeoutError | TimeoutError):
        verb = "go on" if has_begun else "answer"
        limit = "in time" if timeout_s is None else f"within {timeout_s:g} s"
        return ActionError(f"The language model did not {verb} {limit}", code="timeout")
    if isinstance(error, openai.APIStatusError):
        return _of_status(error)
    if isinstance(error, openai.APIConnectionError) and not has_begun:
        return ActionError(UNREACHABLE, code="unreachable")
    if isinstance(error, openai.APIError) and _is_too_long(error):  # told in mid-stream
        return ContextTooLongError(TOO_LONG, code="too-long")
    if isinstance(error, TooLongError):
        return ActionError(CUT_OFF, code="too-long")
    if isinstance(error, ValueError):  # JSON, UTF-8
        return ActionError(UNREADABLE, code="unreadable")
    return ActionError(BROKE_OFF, code="broke-off")


def judged(reply: Reply, *, has_said: bool, has_text: bool, calls: Collection[ToolCall] = ()) -> ActionError | None:
    """Return why a response that came to its end is no answer; None when it is one.

    has_said: it brought text.
    has_text: it or one before it in the same answer did.
    calls:    the tools that it asks for.
    """
    reason = reply.finish_reason
    if reply.is_empty:
        return ActionError(UNREADABLE, code="unreadable")
    if reason == "error":  # OpenRouter's way to end a stream that failed
        return ActionError(BROKE_OFF, code="broke-off")
    if reason == "content_filter":
        return ActionError(FILTERED, code="content-filter")
    if reason == "length" and (reply.has_calls or not has_said):
        return ActionError(CUT_OFF, code="too-long")
    if calls and reason is None and not all(call.is_whole for call in calls):
        return ActionError(BROKE_OFF, code="broke-off")
    if not calls and not has_text:
        return ActionError(EMPTY, code="empty")
    return None


def _of_status(error: Any) -> ActionError:
    status = error.status_code
    if status in (400, 413, 422) and _is_too_long(error):
        return ContextTooLongError(TOO_LONG, code="too-long")
    if status == 429:
        return ActionError(f"{_STATUS_TEXTS[429]}; try again {_when(error)}", code="busy")
    if status in _STATUS_TEXTS:
        return ActionError(_STATUS_TEXTS[status], code="refused")
    if status >= 500 or status in (408, 409):
        return ActionError(UNAVAILABLE, code="unavailable")
    return ActionError(REFUSED, code="refused")


def _when(error: Any) -> str:
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return "later"
    return f"in {seconds:.0f} s" if 1 <= seconds <= _MAX_RETRY_AFTER_S else "later"


def _is_too_long(error: Any) -> bool:
    return error.code == "context_length_exceeded" or bool(_TOO_LONG.search(_provider_text(error)))


def _provider_text(error: Any) -> str:
    """Give what the provider wrote for people; no other part of its answer."""
    body = getattr(error, "body", None)
    for holder in (body, body.get("error") if isinstance(body, dict) else None):
        if isinstance(holder, str):
            return holder
        if isinstance(holder, dict) and isinstance(holder.get("message"), str):
            return str(holder["message"])
    return ""


def log_line(error: Exception, api_key: str) -> str:
    """Describe a failure for the log: its kind, status, the provider's id of the request, its words without keys."""
    parts = [type(error).__name__]
    status = getattr(error, "status_code", None)
    if status is not None:
        parts.append(f"status {status}")
    request_id = getattr(error, "request_id", None)
    if request_id:
        parts.append(f"request {_scrubbed(str(request_id), api_key)}")
    # Providers quote a wrong key when they refuse it.
    if status not in (401, 403) and (text := _provider_text(error)):
        parts.append(_scrubbed(text, api_key))
    return ", ".join(parts)


def without_keys(text: str) -> str:
    """Return a text of a provider's or library's without what looks like a key."""
    return _KEY_LIKE.sub("***", text)


def _scrubbed(text: str, api_key: str) -> str:
    text = text.replace(api_key, "***") if api_key else text
    return repr(without_keys(text)[:_MAX_LOGGED])
