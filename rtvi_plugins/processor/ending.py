"""How a handler's end becomes an answer: the one place that tells its failure to the client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from rtvi_plugins.errors import ActionError, Category
from rtvi_plugins.interrupts import is_own
from rtvi_plugins.processor.requests import Code, Refusal, Request

if TYPE_CHECKING:
    from rtvi_plugins.processor.dispatching import DispatchingMessages

logger = logging.getLogger(__name__)


class Words(NamedTuple):
    """What the client is told of a handler that did not come to its end. Texts of its exceptions are not among it."""

    failed: str
    cancelled: str
    category: Category


OF_ACTION: Final = Words("The action failed", "The action was cancelled", Category.ACTION)
OF_MESSAGE: Final = Words("The request failed", "The request was cancelled", Category.INTERNAL)
OF_EVENT: Final = Words("The event could not be handled", "The event was cancelled", Category.INTERNAL)


def refusal_of(error: BaseException, words: Words, handler: str, must_end: Callable[[], bool]) -> Refusal:
    """Say what an exception that left a handler means for its request; to be called while it is handled.

    handler:  what failed, for the log.
    must_end: whether a cancellation concerns more than this handler.
    Raises the exception again when it is not the handler's own business.
    """
    if isinstance(error, ActionError):
        return Refusal(error.text, error.code, Category.ACTION, error.details)
    if isinstance(error, asyncio.CancelledError) and not must_end():
        return Refusal(words.cancelled, Code.CANCELLED, words.category)
    if isinstance(error, asyncio.CancelledError) or not is_own(error):
        raise error
    logger.error("%s failed", handler, exc_info=error)
    return Refusal(words.failed, Code.ACTION_FAILED, words.category)


def not_foreseen(error: BaseException, what: str) -> Refusal:
    """Log what kept a request from being handled or answered, and give its refusal; a Refusal is its own.

    Raises the exception again when it concerns more than this request. Nothing was awaited: it is no cancellation.
    """
    if isinstance(error, Refusal):
        return error
    if not is_own(error):
        raise error
    logger.error("handling %s failed", what, exc_info=error)
    return Refusal("Internal error", Code.INTERNAL, Category.INTERNAL)


def refuse_failed(
    processor: DispatchingMessages, request: Request, error: BaseException, words: Words, handler: str
) -> None:
    """Answer a request with what its handler raised; raise it again when it is not the handler's own.

    A cancellation is when the session ends, and is not when it is the one of the request's own time limit.
    """
    processor.refuse(
        request,
        refusal_of(error, words, handler, must_end=lambda: processor.must_end(int(request.is_expired))),
    )
