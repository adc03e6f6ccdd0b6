"""The provider: one HTTP client for all sessions of a bot, open while there are any."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugin_openai.reply import Reply
from rtvi_plugin_openai.settings import Settings
from rtvi_plugins.llm.failures import log_line, refusal

if TYPE_CHECKING:
    from openai import AsyncOpenAI

logger = logging.getLogger(__name__)

CLOSING_S: Final = 1.0
"""How long a provider may take to end its stream after it said that the answer is finished."""


class Endpoint:
    """Asks the provider. The client is made for the first session and closed with the last one."""

    def __init__(self, settings: Settings) -> None:
        import openai  # noqa: F401, PLC0415 - takes a second, so not while plugins are discovered, nor in a first answer

        self._settings = settings
        self._client: AsyncOpenAI | None = None
        self._sessions = 0

    def acquire(self) -> None:
        """Count a session."""
        self._sessions += 1

    async def release(self) -> None:
        """Count a session out; with the last one the connections close."""
        self._sessions -= 1
        if self._sessions <= 0 and self._client is not None:
            client, self._client = self._client, None
            await client.close()

    def _opened(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI  # noqa: PLC0415 - see __init__

        if self._client is None:
            self._client = AsyncOpenAI(
                base_url=self._settings.base_url,
                api_key=self._settings.api_key or "none",  # the library insists; who wants no key does not look
                timeout=self._settings.request_timeout,
                max_retries=self._settings.max_retries,
            )
        return self._client

    async def read(self, reply: Reply, request: dict[str, Any]) -> AsyncGenerator[str, None]:
        """Send a request and give the text of the response in pieces; all else is noted in `reply`.

        request: `messages`, and `tools` and `tool_choice` where there are any.
        Raises ActionError, the failure having been logged.
        """
        wait = self._settings.request_timeout
        stream: Any = None
        try:
            async with asyncio.timeout(wait):
                stream = await self._opened().chat.completions.create(
                    model=self._settings.model, stream=True, **self._settings.sampling, **request
                )
            try:
                chunks = aiter(stream)
                while True:
                    try:
                        # The library's own time limit starts anew with every byte, also of a keep-alive comment.
                        async with asyncio.timeout(wait if reply.finish_reason is None else CLOSING_S):
                            chunk = await anext(chunks)
                    except StopAsyncIteration:
                        break
                    except Exception:
                        if reply.finish_reason is None:
                            raise
                        break  # the answer is whole; how its connection ends does not matter
                    yield reply.take(chunk)
                yield reply.rest()
            finally:
                await stream.close()
        except Exception as error:  # noqa: BLE001 - older versions let the HTTP library's own through
            logger.warning("the language model failed: %s", log_line(error, self._settings.api_key))
            raise refusal(error, wait, has_begun=stream is not None) from None
