"""What is told of a measurement: one line for each comparison, with its bound and verdict."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Judged = Literal["ratio", "speedup", "rate", "ours", "more"]
"""What a bound is about.

ratio:   ours to theirs, at most.      speedup: theirs to ours, at least.      rate: ours to theirs, at least.
ours:    our figure, at most.          more:    how much ours is more, at most.
"""

TIMES = "\N{MULTIPLICATION SIGN}"

AT_LEAST: frozenset[Judged] = frozenset({"speedup", "rate"})


@dataclass(frozen=True, slots=True)
class Spread:
    """The judged figure over the rounds."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Take the least, the middle and the greatest."""
        return cls(min(figures), statistics.median(figures), max(figures))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    aim:        its number in the list of aims.
    against:    whom ours is compared with; empty where it stands alone.
    ours, reference: medians, in `unit`; None where there is no such side.
    bound:      what the median of `spread` is held to; None for a line that only informs.
    at_least:   whether `bound` is the least, and not the most; follows from `judged` unless `judged` is "ours".
    wall_ratio: the same ratio by the clock, where CPU time is judged.
    series:     points of a curve, for the plots.
    """

    aim: int
    subject: str
    case: str
    against: str
    ours: float | None
    reference: float | None
    unit: str
    judged: Judged
    spread: Spread
    bound: float | None = None
    wall_ratio: float | None = None
    rounds: int = 1
    note: str = ""
    is_least: bool = False
    series: tuple[tuple[float, float], ...] = field(default=())

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing without a bound."""
        if self.bound is None:
            return ""
        at_least = self.is_least or self.judged in AT_LEAST
        met = self.spread.median >= self.bound if at_least else self.spread.median <= self.bound
        return "met" if met else "missed"

    @property
    def sign(self) -> str:
        """The unit of the judged figure."""
        return f" {self.unit}" if self.judged in ("ours", "more") else TIMES

    @property
    def figure_text(self) -> str:
        """The judged figure with its spread."""
        if self.rounds < 2:
            return f"{number(self.spread.median)}{self.sign}"
        return f"{number(self.spread.median)}{self.sign} ({number(self.spread.low)} to {number(self.spread.high)})"

    @property
    def bound_text(self) -> str:
        """The bound, for people."""
        if self.bound is None:
            return ""
        at_least = self.is_least or self.judged in AT_LEAST
        more = "+" if self.judged == "more" else ""
        return f"{'≥' if at_least else '≤'} {more}{number(self.bound)}{self.sign}"

    def named(self, against: str) -> Line:
        """Give it again with another name for what it is compared with."""
        return replace(self, against=against)

    def as_dict(self) -> dict[str, object]:
        """Give the JSON form."""
        return asdict(self) | {"verdict": self.verdict}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Line:
        """Read the JSON form."""
        known = {key: value for key, value in given.items() if key != "verdict"}
        series = tuple((x, y) for x, y in known.pop("series", ()))
        return cls(**known | {"spread": Spread(**known["spread"]), "series": series})


def number(value: float) -> str:
    """Write a figure with three digits that count."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


HEADINGS = ("figure (least to most)", "bound", "verdict", "aim", "case", "ours", "reference", "by the clock", "")


def as_rows(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """Give the cells of the table, what is judged first."""
    return [
        (
            line.figure_text,
            line.bound_text,
            line.verdict,
            f"{line.aim} {line.subject}",
            line.case,
            "" if line.ours is None else f"{number(line.ours)} {line.unit}",
            "" if line.reference is None else f"{number(line.reference)} {line.unit} {line.against}",
            "" if line.wall_ratio is None else f"{number(line.wall_ratio)}{TIMES}",
            line.note,
        )
        for line in lines
    ]


def as_table(lines: Sequence[Line]) -> str:
    """Give the table as plain text."""
    rows = [HEADINGS, *as_rows(lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
