"""Writes `docs/performance.md` and its plots from the newest full results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lines import TIMES, Line, number
from benchmarks.report.plots import plots
from benchmarks.report.svg import PALETTES
from benchmarks.report.words import CLOSING, OPENING, SECTIONS

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"


def newest(folder: Path = RESULTS) -> dict[str, Any]:
    """Read the results that were measured last. Raises FileNotFoundError when there are none."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    whole = [results for results in found if not results["is_smoke"]]
    if not whole:
        raise FileNotFoundError("no results of a full run; run `python -m benchmarks` first")
    return max(whole, key=lambda results: str(results["measured"]))


def write(results: Mapping[str, Any] | None = None, *, page: Path = PAGE, folder: Path = PLOTS) -> list[Path]:
    """Write the page and its plots; plots of earlier results go. Gives what was written."""
    results = newest() if results is None else results
    lines = [Line.from_dict(given) for given in results["lines"]]
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    written: list[Path] = []
    pictures: dict[int, list[str]] = {}
    for name, (aim, told, draw) in plots(lines).items():
        for mode, palette in PALETTES.items():
            path = folder / f"{name}-{mode}.svg"
            path.write_text(draw(palette), encoding="utf-8")
            written.append(path)
        pictures.setdefault(aim, []).append(_picture(f"{folder.name}/{name}", told))
    page.write_text(_page(results, lines, pictures), encoding="utf-8")
    return [page, *written]


def _picture(name: str, told: str) -> str:
    return (
        "<picture>\n"
        f'  <source media="(prefers-color-scheme: dark)" srcset="{name}-dark.svg">\n'
        f'  <img alt="{told}" src="{name}-light.svg">\n'
        "</picture>"
    )


def _page(results: Mapping[str, Any], lines: Sequence[Line], pictures: Mapping[int, Sequence[str]]) -> str:
    parts = [OPENING, _machine(results), "## The aims at a glance", _glance(lines)]
    for aim, (title, words) in SECTIONS.items():
        own = [line for line in lines if line.aim == aim]
        if own:
            parts += [f"## {aim}. {title}", words, *pictures.get(aim, ()), _table(own)]
    return "\n\n".join([*parts, CLOSING]) + "\n"


def _machine(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    load = results["load_before"]
    busy = f" Before it began, {load[0]:g} processes wanted to run." if load else ""
    peers = ", ".join(results["peers"]) or "none"
    minutes = sum(results["seconds"].values()) / 60
    return (
        f"Measured {results['measured']} on {machine['cpu']}, {machine['cpus']} CPUs, {machine['memory_gib']:g} GiB, "
        f"{machine['system']}, {machine['python']}, garbage collector {machine['collector']}, in {minutes:.0f} minutes."
        f"{busy}\n\nOurs: {versions}. Peers: {peers}."
    )


def _glance(lines: Sequence[Line]) -> str:
    rows = ["| aim | bounds met | missed |", "| --- | --- | --- |"]
    for aim, (title, _) in SECTIONS.items():
        judged = [line for line in lines if line.aim == aim and line.verdict]
        met = sum(line.verdict == "met" for line in judged)
        missed = "; ".join(
            f"{line.case}{f' against {line.against}' if line.against else ''}: {number(line.spread.median)}{line.sign} "
            f"(aim {line.bound_text})"
            for line in judged
            if line.verdict == "missed"
        )
        rows.append(f"| {aim}. {title} | {f'{met} of {len(judged)}' if judged else 'not judged yet'} | {missed} |")
    return "\n".join(rows)


def _table(lines: Sequence[Line]) -> str:
    rows = [
        "| figure (least to most) | aim | verdict | case | ours | compared with | by the clock | rounds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for line in lines:
        ours = "" if line.ours is None else f"{number(line.ours)} {line.unit}"
        theirs = "" if line.reference is None else f"{line.against}: {number(line.reference)} {line.unit}"
        wall = "" if line.wall_ratio is None else f"{number(line.wall_ratio)}{TIMES}"
        case = f"{line.case} ({line.note})" if line.note else line.case
        cells = (line.figure_text, line.bound_text, line.verdict, case, ours, theirs, wall, str(line.rounds))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
