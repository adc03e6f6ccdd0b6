"""Bars and curves as SVG, in a light and a dark palette. The same figures give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from benchmarks.lines import number

WIDTH = 760
LABELS = 250
RIGHT = 90
FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', sans-serif\""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours. `curves`: one for each curve, in their order."""

    ground: str
    text: str
    faint: str
    grid: str
    ours: str
    theirs: str
    bound: str
    curves: tuple[str, ...]


PALETTES: Mapping[str, Palette] = {
    "light": Palette(
        "#ffffff", "#1f2328", "#59636e", "#d8dee4", "#0f766e", "#a8b3bd", "#c2410c", ("#0f766e", "#7c5cbf", "#b7791f")
    ),
    "dark": Palette(
        "#0d1117", "#e6edf3", "#9198a1", "#30363d", "#2dd4bf", "#5b6673", "#fb923c", ("#2dd4bf", "#b39ddb", "#ecc94b")
    ),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `told`: what stands behind it, instead of its value."""

    label: str
    value: float
    is_ours: bool = False
    told: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """A line across the plot that the figures are held to."""

    value: float
    label: str


def bars(title: str, note: str, rows: Sequence[Bar], palette: Palette, *, unit: str, bound: Bound | None = None,
         is_log: bool = False) -> str:  # fmt: skip
    """Draw horizontal bars, first row first. `is_log`: on a logarithmic scale, whose gridlines are powers of ten."""
    height, top = 24, 78
    values = [row.value for row in rows] + ([bound.value] if bound else [])
    span = WIDTH - LABELS - RIGHT
    if is_log:
        lowest = 10 ** math.floor(math.log10(min(values)))
        highest = 10 ** math.ceil(math.log10(max(values)))
        ticks = [10.0**power for power in range(round(math.log10(lowest)), round(math.log10(highest)) + 1)]

        def place(value: float) -> float:
            return LABELS + span * math.log10(value / lowest) / math.log10(highest / lowest)
    else:
        ticks = _ticks(0, max(values))

        def place(value: float) -> float:
            return LABELS + span * value / ticks[-1]

    bottom = top + height * len(rows)
    parts = _head(title, note, palette)
    told_at: list[str] = []
    for tick in ticks:
        parts.append(_line(place(tick), top - 6, place(tick), bottom, palette.grid))
        parts.append(_text(place(tick), bottom + 16, _plain(tick), palette.faint, size=11, anchor="middle"))
    for index, row in enumerate(rows):
        y = top + height * index
        colour = palette.ours if row.is_ours else palette.theirs
        parts.append(_text(LABELS - 10, y + 15, row.label, palette.text, anchor="end", is_bold=row.is_ours))
        parts.append(
            f'<rect x="{LABELS}" y="{y + 3}" width="{max(place(row.value) - LABELS, 1):.1f}" height="{height - 7}" '
            f'rx="2" fill="{colour}"/>'
        )
        told = row.told or f"{number(row.value)} {unit}"
        told_at.append(
            _text(place(row.value) + 6, y + 15, told, palette.text, is_bold=row.is_ours, halo=palette.ground)
        )
    if bound is not None:
        x = place(bound.value)
        parts.append(_line(x, top - 6, x, bottom, palette.bound, dash="4 3"))
        parts.append(_text(x, top - 12, bound.label, palette.bound, size=11, anchor="middle"))
    parts += told_at
    parts.append(_text(WIDTH - 12, bottom + 16, unit, palette.faint, size=11, anchor="end"))
    return _svg(title, bottom + 28, parts, palette)


def curves(title: str, note: str, given: Mapping[str, Sequence[tuple[float, float]]], palette: Palette, *, x_name: str,
           y_name: str, is_log: bool = False) -> str:  # fmt: skip
    """Draw curves through points; y starts at nothing. `is_log`: of the x axis."""
    left, top, bottom, right = 64, 80, 260, WIDTH - 24
    xs = [x for points in given.values() for x, _ in points]
    across = sorted(set(xs)) if is_log else _ticks(0, max(xs))
    up = _ticks(0, max(y for points in given.values() for _, y in points))
    low, high = (math.log10(across[0]), math.log10(across[-1])) if is_log else (0.0, across[-1])

    def place(x: float, y: float) -> tuple[float, float]:
        along = ((math.log10(x) if is_log else x) - low) / (high - low)
        return left + (right - left) * along, bottom - (bottom - top) * y / up[-1]

    parts = _head(title, note, palette)
    for tick in up:
        y = place(across[-1], tick)[1]
        parts.append(_line(left, y, right, y, palette.grid))
        parts.append(_text(left - 8, y + 4, _plain(tick), palette.faint, size=11, anchor="end"))
    for tick in across:
        x = place(tick, 0)[0]
        anchor = "end" if x > right - 30 else "middle"
        parts.append(_text(x, bottom + 18, _plain(tick), palette.faint, size=11, anchor=anchor))
    parts.append(_text(left, bottom + 36, x_name, palette.faint, size=11))
    parts.append(_text(left, top - 10, y_name, palette.faint, size=11))
    legend = float(right)
    for (name, points), colour in reversed(list(zip(given.items(), palette.curves, strict=False))):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in (place(*p) for p in points)
        ]
        parts.append(_text(legend, top - 10, name, colour, anchor="end", is_bold=True))
        legend -= 9 + 7.2 * len(name)
    return _svg(title, bottom + 48, parts, palette)


def _ticks(low: float, high: float) -> list[float]:
    """Choose four to seven round values from `low` to at least `high`."""
    rough = (high - low) / 5 or 1.0
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    return [low + step * n for n in range(math.ceil((high - low) / step - 1e-9) + 1)]


def _plain(value: float) -> str:
    return f"{value:,.10g}"


def _head(title: str, note: str, palette: Palette) -> list[str]:
    return [_text(12, 22, title, palette.text, size=15, is_bold=True), _text(12, 40, note, palette.faint, size=12)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'


def _text(
    x: float, y: float, text: str, colour: str, *, size: int = 13, anchor: str = "start", is_bold: bool = False,
    halo: str = "",
) -> str:  # fmt: skip
    weight = ' font-weight="600"' if is_bold else ""
    if halo:  # what lies behind shines through no letter
        weight += f' stroke="{halo}" stroke-width="5" paint-order="stroke"'
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )


def _svg(title: str, height: float, parts: Iterable[str], palette: Palette) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label={quoteattr(title)} {FONT}>'
    )
    ground = f'<rect width="{WIDTH}" height="{height:.0f}" fill="{palette.ground}"/>'
    return "\n".join([head, ground, *parts, "</svg>", ""])
