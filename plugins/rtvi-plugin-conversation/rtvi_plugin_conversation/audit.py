"""One line per option change and action: who, what, how it ended, how long it took.

Values are left out on purpose: arguments may be private and options secret.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final

from rtvi_plugins import ActionError, Call, CallNext

LOGGER: Final = logging.getLogger("rtvi_plugin_conversation.audit")


async def audit(call: Call, call_next: CallNext) -> Any:
    """Run the call and log it at DEBUG; results and exceptions pass through untouched.

    Line: `action knowledge.search done in 1.2 ms, session 4f2a` with `done`, `refused`, `cancelled` or `failed`.
    """
    if not LOGGER.isEnabledFor(logging.DEBUG):
        return await call_next(call)
    ending = "failed"
    started = time.perf_counter()
    try:
        result = await call_next(call)
        ending = "done"
    except ActionError:
        ending = "refused"
        raise
    except asyncio.CancelledError:
        ending = "cancelled"
        raise
    else:
        return result
    finally:
        duration_ms = (time.perf_counter() - started) * 1_000
        session = call.processor.session.id
        LOGGER.debug(
            "%s %s.%s %s in %.1f ms, session %s", call.kind, call.service, call.name, ending, duration_ms, session
        )
