"""Which plots there are, and what of the results each shows. A plot whose lines are missing is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.lines import TIMES, Line, number
from benchmarks.report.svg import Bar, Bound, Palette, bars, curves

Draw = Callable[[Palette], str]


def plots(lines: Sequence[Line]) -> dict[str, tuple[int, str, Draw]]:
    """Give name → (aim, alternative text, what draws it)."""
    found: dict[str, tuple[int, str, Draw]] = {}
    for name, (aim, told, make) in PLOTS.items():
        draw = make([line for line in lines if line.aim == aim])
        if draw is not None:
            found[name] = (aim, told, draw)
    return found


def _sorted(rows: dict[str, tuple[float, bool]]) -> list[Bar]:
    return [Bar(name, value, is_ours) for name, (value, is_ours) in sorted(rows.items(), key=lambda row: row[1][0])]


def _parties(lines: Sequence[Line]) -> tuple[dict[str, tuple[float, bool]], Bound | None]:
    """Give ours and whom it is compared with, name → (figure, is ours), and the bound, if a line has one."""
    rows: dict[str, tuple[float, bool]] = {}
    bound = None
    for line in lines:
        if line.ours is not None:
            rows["rtvi-plugins"] = (line.ours, True)
        if line.reference is not None:
            rows[line.against] = (line.reference, False)
        bound = Bound(line.bound, f"aim {line.bound:g} {line.unit}") if line.bound else bound
    return rows, bound


def _dispatch(lines: Sequence[Line]) -> Draw | None:
    rows: dict[str, tuple[float, bool]] = {}
    for line in lines:
        if not line.case.endswith("one at a time, asyncio") or line.ours is None or line.reference is None:
            continue
        dialect = line.case.partition(",")[0]
        if line.subject == "dispatch":
            rows[f"rtvi-plugins, {dialect}"] = (line.ours, True)
            rows[f"checked floor, {dialect}"] = (line.reference, False)
        else:
            rows[line.against] = (line.reference, False)
    if not rows:
        return None
    note = "µs of CPU for one request, JSON text in to JSON text out, in process; logarithmic"
    return lambda palette: bars("One action", note, _sorted(rows), palette, unit="µs", is_log=True)


def _websocket(lines: Sequence[Line]) -> Draw | None:
    chosen = [line for line in lines if line.subject == "websocket" and line.judged == "ratio"]
    if not chosen:
        return None
    rows = [
        Bar(line.case, line.spread.median, is_ours=True,
            told=f"{line.spread.median:.2f}{TIMES}, {number(line.ours or 0)} µs")
        for line in chosen
    ]  # fmt: skip
    bound = Bound(chosen[0].bound or 1.0, f"aim {chosen[0].bound:g}{TIMES}")
    note = "CPU of the server for one action's round trip, as a multiple of the bare server's"
    return lambda palette: bars("A round trip over WebSocket", note, rows, palette, unit=TIMES, bound=bound)


def _pipecat(lines: Sequence[Line]) -> Draw | None:
    rows: dict[str, tuple[float, bool]] = {}
    for line in lines:
        if line.subject == "round trips" and "protobuf" in line.case and line.ours and line.reference:
            rows.setdefault("rtvi-plugins", (line.ours, True))
            rows[line.against] = (line.reference, False)
    if len(rows) < 3:
        return None
    note = "answered a second by one process, 100 connections, protobuf"
    return lambda palette: bars("Round trips", note, _sorted(rows)[::-1], palette, unit="/s")


def _sessions(lines: Sequence[Line]) -> Draw | None:
    rows, bound = _parties([line for line in lines if line.subject == "sessions" and line.unit == "KiB"])
    if not rows:
        return None
    note = "KiB of resident memory that one more connected session takes"
    return lambda palette: bars("Memory of a session", note, _sorted(rows), palette, unit="KiB", bound=bound)


def _growth(lines: Sequence[Line], what: str) -> Draw | None:
    for line in lines:
        if line.subject == "growth" and line.unit == "KiB" and line.case.endswith(what) and line.series:
            points = [(x, kib / 1024) for x, kib in line.series]
            note = "resident memory of the server, MiB, read after a garbage collection"
            return lambda palette: curves(
                f"Memory over {what}", note, {"rtvi-plugins": points}, palette, x_name=what, y_name="MiB"
            )
    return None


def _at_once(lines: Sequence[Line]) -> Draw | None:
    rows, bound = _parties([line for line in lines if "WebSocket" in line.case])
    if not rows:
        return None
    note = "ms until the last is answered, one client over WebSocket; logarithmic"
    title = "A hundred actions of 5 ms at once"
    return lambda palette: bars(title, note, _sorted(rows), palette, unit="ms", bound=bound, is_log=True)


def _linear(lines: Sequence[Line]) -> Draw | None:
    given: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        if line.case.startswith("dispatch, ") and line.ours is not None and line.reference is not None:
            told, _, size = line.case.removeprefix("dispatch, ").rpartition(" of ")
            points = given.setdefault(told, [(float(line.against.rpartition(" ")[2]), line.reference)])
            points.append((float(size.replace(",", "")), line.ours))
    if not given:
        return None
    note = "µs of CPU for one action, in bots with 10 to 10,000 of them; logarithmic to the right"
    return lambda palette: curves(
        "One action in bots of different sizes",
        note,
        given,
        palette,
        x_name="actions of the bot",
        y_name="µs",
        is_log=True,
    )


PLOTS: dict[str, tuple[int, str, Callable[[Sequence[Line]], Draw | None]]] = {
    "dispatch": (1, "CPU for one action: ours, the floor and the peers", _dispatch),
    "websocket": (2, "CPU for a round trip as a multiple of the bare server's", _websocket),
    "round-trips": (2, "Round trips a second, ours and Pipecat's", _pipecat),
    "sessions": (3, "Memory of a session", _sessions),
    "growth-messages": (3, "Memory over a million messages", lambda lines: _growth(lines, "messages")),
    "growth-sessions": (3, "Memory over 20,000 sessions", lambda lines: _growth(lines, "sessions")),
    "at-once": (4, "Time for a hundred actions sent at once", _at_once),
    "linear": (6, "CPU for one action in bots of different sizes", _linear),
}
