"""The service `knowledge`: full-text search in the hotel guide that this plugin ships.

The guide and its index are shared by all sessions and never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from rtvi_plugin_knowledge.guide import find_entry, nearest_title, shipped_guide
from rtvi_plugin_knowledge.index import Index, require_fts5
from rtvi_plugins import ActionError, Handlers, RTVIProcessor, hookimpl

_INDEX: Final = Index(shipped_guide)

knowledge = Handlers("knowledge", optional=True)


@knowledge.action("search")
def search(processor: RTVIProcessor, *, query: str, limit: int) -> list[dict[str, Any]]:  # noqa: ARG001 - all handlers take it
    """Find the best entries, best first. A plain `def`: it runs in a thread, as SQLite blocks."""
    return [asdict(hit) for hit in _INDEX.search(query, int(limit))]  # JSON Schema lets 3.0 pass as an integer


@knowledge.action("topics")
async def topics(processor: RTVIProcessor) -> list[str]:  # noqa: ARG001 - all handlers take it
    """Give the titles of all entries, in the order of the guide."""
    return [entry.title for entry in shipped_guide()]


@knowledge.action("read")
async def read(processor: RTVIProcessor, *, title: str) -> dict[str, Any]:  # noqa: ARG001 - all handlers take it
    """Give one entry.

    Errors: `ActionError` `not-found`; where a title is near, it stands in the text and as `details.nearest`.
    """
    entry = find_entry(shipped_guide(), title)
    if entry is None:
        nearest = nearest_title(shipped_guide(), title)
        hint = f"; did you mean '{nearest}'?" if nearest else ""
        details = {"nearest": nearest} if nearest else None
        raise ActionError(f"the guide has no entry '{title}'{hint}", code="not-found", details=details)
    return {"title": entry.title, "text": entry.text, "keywords": list(entry.keywords)}


@hookimpl
def rtvi_handlers() -> Iterable[Handlers]:
    """Supply the three actions; raises `RuntimeError`, which start-up reports, where SQLite lacks FTS5."""
    require_fts5()
    return [knowledge]


@hookimpl
def rtvi_manifests() -> Mapping[str, Traversable]:
    """Ship the service for `use: knowledge`."""
    return {"knowledge": files(__name__) / "knowledge.yaml"}
