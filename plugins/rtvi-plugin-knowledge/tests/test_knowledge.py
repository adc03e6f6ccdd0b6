"""The service `knowledge` as clients meet it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins import Bot
from rtvi_plugins.testing import RequestError, connect

MANIFEST = """
manifest: 1
bot: librarian
services:
  knowledge: {use: knowledge}
"""


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    path = tmp_path / "librarian.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return Bot.load(path)


def call(bot: Bot, action: str, **arguments: object) -> Any:
    async def run() -> Any:
        async with connect(bot) as client:
            return await client.call(f"knowledge.{action}", **arguments)

    return asyncio.run(run())


def test_search_gives_titles_texts_snippets_and_scores(bot: Bot) -> None:
    best, second = call(bot, "search", query="swimming pool", limit=2)
    assert best["title"] == "Pool"
    assert best["text"].startswith("The indoor pool")
    assert "**pool**" in best["snippet"]
    assert best["score"] > second["score"] > 0


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        pytest.param({"query": "open"}, 3, id="three-by-default"),
        pytest.param({"query": "open", "limit": 1}, 1, id="one"),
        pytest.param({"query": "open", "limit": 2.0}, 2, id="an-integer-written-with-a-point"),
        pytest.param({"query": '" AND ('}, 0, id="operators-only"),
        pytest.param({"query": "helicopter"}, 0, id="absent"),
    ],
)
def test_search_counts(bot: Bot, arguments: dict[str, object], count: int) -> None:
    assert len(call(bot, "search", **arguments)) == count


REFUSED = [
    pytest.param({"query": ""}, "query", id="empty"),
    pytest.param({"query": "x" * 201}, "query", id="too-long"),
    pytest.param({"query": 7}, "query", id="number"),
    pytest.param({}, "query", id="missing"),
    pytest.param({"query": "spa", "limit": 0}, "limit", id="limit-too-low"),
    pytest.param({"query": "spa", "limit": 11}, "limit", id="limit-too-high"),
    pytest.param({"query": "spa", "limit": 2.5}, "limit", id="limit-no-integer"),
    pytest.param({"query": "spa", "page": 2}, "page", id="unknown-argument"),
]


@pytest.mark.parametrize(("arguments", "named"), REFUSED)
def test_search_refuses_what_the_manifest_refuses(bot: Bot, arguments: dict[str, object], named: str) -> None:
    with pytest.raises(RequestError, match=named):
        call(bot, "search", **arguments)


def test_every_topic_can_be_read(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            topics = await client.call("knowledge.topics")
            assert {"Spa and sauna", "Breakfast", "Parking", "Wi-Fi"} <= set(topics)
            for topic in topics:
                entry = await client.call("knowledge.read", title=topic.upper())
                assert entry["title"] == topic
                assert entry["text"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("title", "text", "details"),
    [
        pytest.param(
            "brekfast",
            "the guide has no entry 'brekfast'; did you mean 'Breakfast'?",
            {"nearest": "Breakfast"},
            id="near",
        ),
        pytest.param("zzz", "the guide has no entry 'zzz'", None, id="far"),
    ],
)
def test_an_unknown_title_is_refused(bot: Bot, title: str, text: str, details: object) -> None:
    with pytest.raises(RequestError) as refusal:
        call(bot, "read", title=title)
    assert (refusal.value.text, refusal.value.code, refusal.value.details) == (text, "not-found", details)


def test_a_legacy_client_is_served_as_well(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot, version=None) as client:
            assert [action["action"] for action in await client.describe_actions()] == ["search", "topics", "read"]
            assert (await client.call("knowledge.search", query="wifi"))[0]["title"] == "Wi-Fi"
            with pytest.raises(RequestError, match="did you mean 'Pool'"):
                await client.call("knowledge.read", title="pol")

    asyncio.run(run())


def test_searches_run_side_by_side(bot: Bot) -> None:
    async def run() -> list[str]:
        async with connect(bot) as client:
            topics = await client.call("knowledge.topics")
            found = await asyncio.gather(*(client.call("knowledge.search", query=topic, limit=1) for topic in topics))
            assert [hits[0]["title"] for hits in found] == topics
            return list(topics)

    assert len(asyncio.run(run())) > 12
