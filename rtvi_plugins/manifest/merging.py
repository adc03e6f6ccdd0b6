"""Taking documents apart and putting them together, values and places alike. Nothing is changed: results are new."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rtvi_plugins.manifest.paths import KeyPath
from rtvi_plugins.manifest.places import Entry, Place, mark_of
from rtvi_plugins.manifest.source import Source


def part_at(source: Source, path: tuple[str, ...]) -> Source:
    """Give the part of a document that a path of existing keys leads to."""
    value, place = source.value, source.place
    for key in path:
        value, place = value[key], _entries(place)[key][1]
    faulty = frozenset(faulty[len(path) :] for faulty in source.faulty if faulty[: len(path)] == path)
    return replace(source, value=value, place=place, faulty=faulty)


def with_part(source: Source, path: tuple[str, ...], part: Source) -> Source:
    """Give the document with the part at a path of existing keys replaced, or added when only the last key is new."""
    value, place = _with_part(source.value, source.place, path, part)
    others = (faulty for faulty in source.faulty if faulty[: len(path)] != path)
    return replace(source, value=value, place=place, faulty=frozenset([*others, *_below(path, part.faulty)]))


def without_keys(source: Source, *keys: str) -> Source:
    """Give a mapping without some of its keys."""
    value = {key: item for key, item in source.value.items() if key not in keys}
    entries = {key: entry for key, entry in _entries(source.place).items() if key not in keys}
    faulty = frozenset(path for path in source.faulty if not path or path[0] not in keys)
    return replace(source, value=value, place=(mark_of(source.place), entries), faulty=faulty)


def laid_over(base: Source, overlay: Source) -> Source:
    """Merge mappings key by key, deep; anything else in `overlay` replaces what `base` has."""
    value, place = _merged((base.value, base.place), (overlay.value, overlay.place))
    kept = (path for path in base.faulty if not _covers(overlay.value, path))
    return replace(overlay, value=value, place=place, faulty=frozenset([*kept, *overlay.faulty]))


def _entries(place: Place) -> dict[str, Entry]:
    return place[1] if isinstance(place, tuple) and isinstance(place[1], dict) else {}


def _below(path: KeyPath, faulty: frozenset[KeyPath]) -> list[KeyPath]:
    return [(*path, *rest) for rest in faulty]


def _with_part(value: Any, place: Place, path: tuple[str, ...], part: Source) -> tuple[Any, Place]:
    if not path:
        return part.value, part.place
    key, *rest = path
    entries = _entries(place)
    mark, inside = entries.get(key) or (mark_of(part.place), part.place)
    new_value, new_place = _with_part(value.get(key), inside, tuple(rest), part)
    return {**value, key: new_value}, (mark_of(place), {**entries, key: (mark, new_place)})


def _merged(base: tuple[Any, Place], overlay: tuple[Any, Place]) -> tuple[Any, Place]:
    below, above = base[0], overlay[0]
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return overlay
    value = dict(below)
    entries = dict(_entries(base[1]))
    for key, (mark, place) in _entries(overlay[1]).items():
        if key in value:
            value[key], place = _merged((value[key], entries[key][1]), (above[key], place))  # noqa: PLW2901
        else:
            value[key] = above[key]
        entries[key] = (mark, place)
    return value, (mark_of(overlay[1]), entries)


def _covers(overlay: Any, path: KeyPath) -> bool:
    """Tell whether an overlay replaces what a path leads to."""
    for part in path:
        if not isinstance(overlay, dict):
            return True
        if part not in overlay:
            return False
        overlay = overlay[part]
    return True
