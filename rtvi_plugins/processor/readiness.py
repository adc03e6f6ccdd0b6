"""The handshake: who the client is, and when the bot is ready for it. Source: rtvi-protocol 4."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import Category
from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.processor import configuration
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.protocol.messages import ServerType, reply
from rtvi_plugins.protocol.versions import LEGACY_VERSION, SERVER_VERSION, Generation, parse_version

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.dispatching import Answering

logger = logging.getLogger(__name__)


MOST_OF_ID: Final = 1_000
"""Characters of the id of a `client-ready`, which is kept until the bot is ready."""


def on_client_ready(processor: RTVIProcessor, id_: str, data: Any) -> Answering | None:
    """Learn the client's version, tell the application, and see that `bot-ready` follows."""
    if len(id_) > MOST_OF_ID:
        text = f"Invalid message: id: longer than {MOST_OF_ID} characters"
        raise Refusal(text, Code.INVALID_MESSAGE, Category.PROTOCOL)
    given = data.get("version") if data else None
    version = parse_version(given) or LEGACY_VERSION
    processor.version = version
    processor.generation = Generation.of(version)
    if version.major > SERVER_VERSION.major:
        text = (
            f"RTVI version {version} is not compatible with server protocol {SERVER_VERSION}. "
            "Compatibility issues may occur."
        )
        processor.refuse(Request(id_), Refusal(text, Code.INCOMPATIBLE_VERSION, Category.PROTOCOL))
    state = processor._readiness
    processor.note_client()
    if len(state.pending) >= processor.limits["max_waiting"]:
        raise Refusal("Too many client-ready messages wait for the bot", Code.BUSY, Category.PROTOCOL)
    state.pending.append(id_)
    return None if state.is_telling else client_is_ready(processor)


async def client_is_ready(processor: RTVIProcessor) -> None:
    """Fire `on_client_ready`; then the bot is ready, unless its handlers are the ones to say so (`set_bot_ready`).

    When a handler fails, the client is told and the bot is ready all the same: clients wait for `bot-ready` for ever.
    """
    processor.note_client()
    is_theirs = processor.has_event_handler("on_client_ready") and not processor.readies_itself
    processor._readiness.is_telling = (
        True  # one at a time: those that come meanwhile are answered together with this one
    )
    try:
        is_fine = await processor.fire("on_client_ready")
    finally:
        processor._readiness.is_telling = False
    if not is_fine:
        await processor.send_error("The bot failed to prepare", category=Category.INTERNAL)
    if not is_theirs or not is_fine or processor._readiness.bot:
        await bot_is_ready(processor)


async def bot_is_ready(processor: RTVIProcessor) -> None:
    """Apply the initial configuration, the first time, and answer every `client-ready` that waits."""
    state = processor._readiness
    if not state.bot:
        if state.is_applying:
            return
        state.is_applying = True
        try:
            for text in await configuration.apply_initial(processor):
                await processor.send_error(text, category=Category.CONFIGURATION)
        except BaseException as error:
            pass_on(error)
            logger.exception("applying the initial configuration failed")
        finally:
            state.is_applying = False
        state.bot = True
    pending, state.pending = state.pending, []
    for id_ in pending:
        processor.send(reply(ServerType.BOT_READY, id_, _bot_ready(processor)))
    processor.release_waiting()


def _bot_ready(processor: RTVIProcessor) -> dict[str, Any]:
    """Give `data` of `bot-ready` for this client (rtvi-protocol 4.3); with what it offers."""
    tables = processor._tables
    offers = {"config": configuration.shown(processor), "actions": tables.actions_available}
    if processor.generation is Generation.LEGACY:
        return {"version": str(LEGACY_VERSION), **offers}
    echo = processor.generation is Generation.V1
    data: dict[str, Any] = {
        "version": str(processor.version if echo else SERVER_VERSION),
        "about": dict(processor.about),
        **offers,
    }
    if not echo:
        data["capabilities"] = dict(processor.capabilities)
    return data
