"""What `docs/security.md` says of bounds is what the code has: every limit with its default, every fixed number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from rtvi_plugins.hosting.access import Starts
from rtvi_plugins.manifest import source, syntax, tree
from rtvi_plugins.manifest.model import BESIDE_SESSIONS, Limits
from rtvi_plugins.processor import conversation, jobs, loop, memory, readiness, repeats, requests
from rtvi_plugins.server import single_turn, websocket
from rtvi_plugins.server.run import configure

PAGE: Final = (Path(__file__).parent.parent.parent / "docs" / "security.md").read_text(encoding="utf-8")
BOUNDED: Final = PAGE.partition("## What is bounded\n")[2].partition("\n## ")[0]
ROWS: Final = [re.split(r" \| ", line.strip("| ")) for line in BOUNDED.splitlines() if line.startswith("| ")]

LIMITS: Final = {name: field.default for name, field in Limits.model_fields.items() if name.startswith("max_")}


def test_each_limit_stands_in_the_table_with_its_default() -> None:
    told = {row[2].strip("`"): row[1] for row in ROWS if len(row) == 4 and row[2].startswith("`")}
    by_another = {"max_connections_per_address": f"`max_sessions` + {BESIDE_SESSIONS}"}
    assert told == {name: f"{default:,}" for name, default in LIMITS.items() if name not in by_another} | by_another
    assert Limits(max_sessions=7).connections_per_address == 7 + BESIDE_SESSIONS


def test_each_bound_in_bytes_has_one_for_the_process_beside_it() -> None:
    of_sessions = {name for name in LIMITS if name.endswith("_bytes")} - {"max_message_bytes", "max_start_bytes"}
    assert {f"{name}_total" for name in of_sessions} <= LIMITS.keys()


def test_processors_made_by_hand_have_the_same_limits() -> None:
    by_hand = {name: value for name, value in loop.DEFAULT_LIMITS.items() if name in Limits.model_fields}
    assert by_hand == dict(loop.DEFAULT_LIMITS)
    assert by_hand == {name: Limits.model_fields[name].default for name in by_hand}


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("remembered `idempotency_key`s of a session | {},", repeats.MAX_KEPT),
        ("each up to {} characters", repeats.MAX_KEY_LENGTH),
        ("{} repeats wait for one action", repeats.MAX_WAITING),
        ("next turn (`run_immediately: false`) | {} |", conversation.MAX_HELD_BACK),
        ("the id of a `client-ready` | {} characters", readiness.MOST_OF_ID),
        ("actions in one `POST /action` | {} |", single_turn.MAX_ACTIONS),
        ("starts that wait for their session | {} and", Starts().limit),
        ("and {} MiB of configuration", Starts().max_bytes // 1024**2),
        ("left | {} \u00d7 `max_jobs`", jobs.LINGERING),
        ("{} in its text", requests.MAX_SHOWN),
        ("{} in `details`", requests.MAX_TOLD),
        ("a manifest file | {} MiB", source.MAX_BYTES // 1024**2),
        ("{} levels", syntax.MAX_DEPTH),
        ("{} values |", tree.MAX_NODES),
        ("message of up to {} bytes is not counted", memory.COUNTED),
        ("{} \u00d7 `max_message_bytes`", memory.FIRST),
        ("the first {} KiB are not counted", websocket.SMALL // 1024),
        ("sessions with {} KiB or less", memory.MODEST // 1024),
    ],
)
def test_what_is_fixed(words: str, value: int) -> None:
    assert words.format(f"{value:,}") in BOUNDED


async def _no_app(*_: object) -> None:
    """Serve nothing."""


def test_of_bots_that_run_together_the_largest_bound_holds_for_what_is_not_complete() -> None:
    limits = [Limits(max_receiving_bytes_total=size * 1024**2) for size in (1, 3, 2)]
    config = configure(_no_app, limits, lifespan="off")
    assert vars(config.ws)["most_receiving"] == 3 * 1024**2
