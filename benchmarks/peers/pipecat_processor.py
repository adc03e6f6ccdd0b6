"""Pipecat's RTVI processor in process, in all wirings: an action on 0.0.108, a client-message on later releases."""

from __future__ import annotations

import asyncio
import sys

import talking
from loguru import logger
from pipecat_wiring import Alone, AsShipped, Minimal, cases

if __name__ == "__main__":
    # As it comes: the transport writes every message at DEBUG. The other wirings have nothing to say.
    logger.remove()
    logger.add(sys.stderr)
    with asyncio.Runner() as runner:
        wirings = cases(Alone(), "alone") | cases(Minimal(), "minimal") | cases(AsShipped(), "as-shipped")
        talking.answer_runs(wirings, runner)
