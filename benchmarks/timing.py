"""Interleaved rounds, their medians, and how they are told.

CPU time is measured, not wall time, wherever the work is done in one process: what else the machine does then disturbs
less. Rounds of all contestants alternate, and a ratio is the median of the ratios of neighbouring rounds, so that a
slow phase of the machine meets both sides.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

ROUNDS = 9
SMOKE_ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. `scale` multiplies the work of one round."""

    rounds: int = ROUNDS
    scale: float = 1.0
    is_smoke: bool = False

    def times(self, number: int, least: int = 1) -> int:
        """Give how often to repeat what a full round repeats `number` times."""
        return max(least, round(number * self.scale))


SMOKE = Plan(SMOKE_ROUNDS, 0.02, is_smoke=True)
FULL = Plan()


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    ours, reference: medians, in `unit`.
    ratio:           ours to reference, the median over rounds.
    judged:          what `aim` bounds: the ratio, our figure, or how much ours is more.
    aim:             the bound; None for a line that only informs.
    """

    subject: str
    case: str
    ours: float
    reference: float
    ratio: float
    unit: str
    judged: Literal["ratio", "ours", "more"] = "ratio"
    aim: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing without an aim."""
        if self.aim is None:
            return ""
        figure = {"ratio": self.ratio, "ours": self.ours, "more": self.ours - self.reference}[self.judged]
        return "met" if figure < self.aim else "missed"

    @property
    def aim_text(self) -> str:
        """The aim, for people."""
        if self.aim is None:
            return ""
        return {
            "ratio": f"< {self.aim:g} x",
            "ours": f"< {self.aim:g} {self.unit}",
            "more": f"< +{self.aim:g} {self.unit}",
        }[self.judged]

    def as_dict(self) -> dict[str, object]:
        """Give the JSON form."""
        return asdict(self) | {"verdict": self.verdict}

    def with_note(self, note: str) -> Result:
        """Add a remark."""
        return replace(self, note=note)


def cpu_time(work: Callable[[], object]) -> float:
    """Give the seconds of CPU that this process needs for a piece of work; garbage of before is collected first."""
    gc.collect()
    start = time.process_time_ns()
    work()
    return (time.process_time_ns() - start) / 1e9


def compare(
    subject: str,
    case: str,
    ours: Callable[[], float],
    reference: Callable[[], float],
    *,
    plan: Plan,
    unit: str,
    judged: Literal["ratio", "ours", "more"] = "ratio",
    aim: float | None = None,
    rounds: int = 0,
) -> Result:
    """Measure both sides in alternating rounds, after one unmeasured round each.

    ours, reference: do one round and give its figure, in `unit`.
    rounds:          instead of the plan's, where short rounds need many.
    """
    ours(), reference()
    pairs: list[tuple[float, float]] = []
    for number in range(rounds or plan.rounds):
        # Who goes first alternates too: the second finds warmer caches.
        if number % 2:
            mine, theirs = ours(), reference()
        else:
            theirs, mine = reference(), ours()
        pairs.append((mine, theirs))
    return summed_up(subject, case, pairs, unit=unit, judged=judged, aim=aim)


def summed_up(
    subject: str,
    case: str,
    pairs: Sequence[tuple[float, float]],
    *,
    unit: str,
    judged: Literal["ratio", "ours", "more"] = "ratio",
    aim: float | None = None,
) -> Result:
    """Make a line of (ours, reference) pairs, one of each round."""
    mine = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    ratio = statistics.median(ours / reference if reference else float("inf") for ours, reference in pairs)
    return Result(subject, case, mine, theirs, ratio, unit, judged, aim)


HEADINGS = ("ratio", "aim", "verdict", "subject", "case", "ours", "reference", "")


def as_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Give the cells of the table."""
    return [
        (
            f"{r.ratio:.2f}",
            r.aim_text,
            r.verdict,
            r.subject,
            r.case,
            f"{r.ours:.4g} {r.unit}",
            f"{r.reference:.4g} {r.unit}",
            r.note,
        )
        for r in results
    ]


def as_table(results: Sequence[Result]) -> str:
    """Give the table as plain text, ratios first."""
    rows = [HEADINGS, *as_rows(results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
