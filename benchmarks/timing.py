"""Rounds in which all contestants take turns, and what they come to.

Contestants alternate within one run, A B C A B C, and a ratio is the median of the ratios within the rounds: a slow
phase of the machine then meets all of them. CPU time is what is judged wherever there is a choice, because what else
the machine does disturbs it less; wall time stands beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.lines import Judged, Line, Spread

ROUNDS = 9
SMOKE_ROUNDS = 2

Sample = Mapping[str, float]
"""What one round of one contestant gave: measure → figure."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    rounds:     of each comparison; at least 7 for figures that are worth a verdict.
    scale:      multiplies the work of one round.
    peers:      names of the peers that take part.
    """

    rounds: int = ROUNDS
    scale: float = 1.0
    is_smoke: bool = False
    peers: frozenset[str] = frozenset()

    def times(self, number: int, least: int = 1) -> int:
        """Give how often to repeat what a full round repeats `number` times."""
        return max(least, round(number * self.scale))


class Rounds:
    """What the contestants did, round by round."""

    def __init__(self, samples: Mapping[str, Sequence[Sample]]) -> None:
        self._samples = samples

    def of(self, name: str, measure: str) -> list[float]:
        """Give one measure of one contestant, round by round."""
        return [sample[measure] for sample in self._samples[name]]

    def compare(
        self,
        aim: int,
        subject: str,
        case: str,
        *,
        ours: str = "ours",
        against: str,
        measure: str,
        unit: str,
        judged: Judged = "ratio",
        bound: float | None = None,
        wall: str | None = None,
        note: str = "",
    ) -> Line:
        """Make the line that compares two of the contestants.

        ours, against: their names; measure: which figure, in `unit`.
        wall:          the measure whose ratio stands beside, if there is one.
        """
        pairs = list(zip(self.of(ours, measure), self.of(against, measure), strict=True))
        figures = {
            "ratio": lambda a, b: a / b,
            "speedup": lambda a, b: b / a,
            "rate": lambda a, b: a / b,
            "ours": lambda a, _b: a,
            "more": lambda a, b: a - b,
        }[judged]
        walls = None
        if wall is not None:
            both = list(zip(self.of(ours, wall), self.of(against, wall), strict=True))
            walls = statistics.median(b / a if judged == "speedup" else a / b for a, b in both)
        return Line(
            aim=aim,
            subject=subject,
            case=case,
            against=against,
            ours=statistics.median(a for a, _ in pairs),
            reference=statistics.median(b for _, b in pairs),
            unit=unit,
            judged=judged,
            spread=Spread.of([figures(a, b) for a, b in pairs]),
            bound=bound,
            wall_ratio=walls,
            rounds=len(pairs),
            note=note,
        )

    def alone(
        self,
        aim: int,
        subject: str,
        case: str,
        *,
        name: str = "ours",
        measure: str,
        unit: str,
        bound: float | None = None,
        note: str = "",
    ) -> Line:
        """Make the line of one contestant's own figure."""
        figures = self.of(name, measure)
        median = statistics.median(figures)
        is_ours = name == "ours"
        return Line(
            aim=aim,
            subject=subject,
            case=case,
            against="" if is_ours else name,
            ours=median if is_ours else None,
            reference=None if is_ours else median,
            unit=unit,
            judged="ours",
            spread=Spread.of(figures),
            bound=bound,
            rounds=len(figures),
            note=note,
        )


def take_turns(contestants: Mapping[str, Callable[[], Sample]], rounds: int, *, warm_up: bool = True) -> Rounds:
    """Let every contestant do a round, again and again; who begins moves on from round to round.

    warm_up: one round of each that does not count comes first.
    """
    names = list(contestants)
    if warm_up:
        for name in names:
            contestants[name]()
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds):
        # The one who comes after another finds warmer or colder caches: everybody is everybody's neighbour in turn.
        start = number % len(names)
        for name in names[start:] + names[:start]:
            samples[name].append(contestants[name]())
    return Rounds(samples)
