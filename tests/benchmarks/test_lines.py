"""How figures become lines and verdicts, and how contestants take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from benchmarks.lines import TIMES, Judged, Line, Spread, number
from benchmarks.parties import PartyError, ours
from benchmarks.peers import talking
from benchmarks.report.svg import PALETTES, Bar, Bound, bars
from benchmarks.timing import Rounds, take_turns


@pytest.mark.parametrize(
    ("judged", "bound", "figure", "verdict", "text"),
    [
        ("ratio", 1.5, 2.0, "missed", "≤ 1.50"),
        ("ratio", 2.0, 2.0, "met", "≤ 2.00"),
        ("speedup", 0.5, 0.5, "met", "≥ 0.50"),
        ("speedup", 20.0, 0.5, "missed", "≥ 20.0"),
        ("rate", 10.0, 2.0, "missed", "≥ 10.0"),
        ("ours", 250.0, 20.0, "met", "≤ 250 ms"),
        ("more", 9.0, 10.0, "missed", "≤ +9.00 ms"),
        ("ratio", None, 2.0, "", ""),
    ],
    ids=["ratio-over", "ratio-at", "speedup-at", "speedup-under", "rate-under", "ours", "more-over", "informs"],
)
def test_a_bound_is_judged_by_the_median(
    judged: Judged, bound: float | None, figure: float, verdict: str, text: str
) -> None:
    rounds = Rounds(
        {"ours": [{"ms": 20.0}, {"ms": 2.0}, {"ms": 90.0}], "theirs": [{"ms": 10.0}, {"ms": 1.0}, {"ms": 40}]}
    )
    line = rounds.compare(5, "s", "c", against="theirs", measure="ms", unit="ms", judged=judged, bound=bound)
    assert line.spread.median == figure
    assert (line.verdict, line.bound_text.rstrip(TIMES), line.rounds) == (verdict, text, 3)


def test_a_line_comes_back_from_its_json_form() -> None:
    line = Line(
        3, "growth", "c", "", 1.0, None, "KiB", "ours", Spread(1, 2, 3), bound=2.0, is_least=True, series=((1.0, 2.0),)
    )
    assert Line.from_dict(line.as_dict()) == line
    assert line.bound_text == "≥ 2.00 KiB"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.126, "0.13"), (9.99, "9.99"), (12.34, "12.3"), (31310.4, "31,310"), (-4.5, "-4.50")],
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_contestants_alternate_and_begin_in_turn() -> None:
    told: list[str] = []
    rounds = take_turns({name: lambda name=name: told.append(name) or {"x": len(told)} for name in "abc"}, 3)  # type: ignore[misc]
    assert "".join(told) == "abc" + "abc" + "bca" + "cab"
    assert rounds.of("a", "x") == [4, 9, 11]


RIGHT = talking.RESULT


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ([("0", RIGHT), ("1", RIGHT)], ""),
        ([("0", RIGHT), ("1", [])], "a wrong answer"),
        ([("0", RIGHT)], "2 requests, 1 answers"),
        ([("0", RIGHT), ("0", RIGHT)], "1 ids"),
    ],
    ids=["right", "wrong", "missing", "twice"],
)
def test_answers_are_checked(answers: Iterable[tuple[object, object]], fault: str) -> None:
    if not fault:
        talking.check(answers, 2)
        return
    with pytest.raises(ValueError, match=fault):
        talking.check(answers, 2)


def test_a_contestant_that_fails_fails_the_run() -> None:
    with ours("ours.dispatch", "asyncio") as party:
        assert party.run("client-message-ours-one", 10)["cpu_us"] > 0
        with pytest.raises(PartyError, match="KeyError: 'juggle'"):
            party.run("juggle", 10)
        with pytest.raises(PartyError, match="it ended"):
            party.figures()


@pytest.mark.parametrize("is_log", [False, True], ids=["linear", "log"])
def test_longer_bars_are_greater_figures_and_stay_within(is_log: bool) -> None:
    rows = [Bar("a & b", 3.0, is_ours=True), Bar("c", 4000.0)]
    drawn = bars("t", "n", rows, PALETTES["dark"], unit="µs", bound=Bound(7.0, "aim"), is_log=is_log)
    widths = [
        float(part.split('"')[0]) for part in drawn.split('rx="2"')[0:2] for part in [part.rsplit('width="', 1)[1]]
    ]
    assert widths[0] < widths[1] <= 760
    assert "a &amp; b" in drawn


def test_handlers_of_peers_answer_rightly() -> None:
    for handler in (talking.search, talking.pause):
        assert asyncio.run(handler(**talking.ARGUMENTS)) == RIGHT  # type: ignore[arg-type]
