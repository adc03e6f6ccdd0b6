"""The FTS5 index: ranking, safety of what people type, threads."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from rtvi_plugin_knowledge.guide import Entry, shipped_guide
from rtvi_plugin_knowledge.index import Hit, Index, match_expression, require_fts5


@pytest.fixture(scope="module")
def index() -> Index:
    return Index(shipped_guide)


QUESTIONS = [
    pytest.param("spa", "Spa and sauna", id="word"),
    pytest.param("Where is the spa?", "Spa and sauna", id="question"),
    pytest.param("SWIMMING", "Pool", id="capitals"),
    pytest.param("swims", "Pool", id="stem"),
    pytest.param("parked my cars", "Parking", id="two-stems"),
    pytest.param("How do I get to the airport?", "Airport transfer", id="title-before-text"),
    pytest.param("wifi", "Wi-Fi", id="keyword"),
    pytest.param("wi-fi password", "Wi-Fi", id="hyphen"),
    pytest.param("charge an electric car", "Parking", id="most-words"),
    pytest.param("bréakfast", "Breakfast", id="accent"),
    pytest.param("bre\u0301akfast", None, id="a-mark-of-its-own-parts-the-word"),
    pytest.param("can I bring my dog", "Pets", id="stop-words"),
    pytest.param("When can I check in?", "Check-in", id="two-halves"),
    pytest.param("until when must we check out", "Check-out", id="the-other-two-halves"),
    pytest.param("helicopter", None, id="absent"),
]


@pytest.mark.parametrize(("query", "best"), QUESTIONS)
def test_the_best_entry_comes_first(index: Index, query: str, best: str | None) -> None:
    titles = [hit.title for hit in index.search(query, 3)]
    assert titles[:1] == ([] if best is None else [best])


HOSTILE = [
    pytest.param("", id="empty"),
    pytest.param("   \t\n", id="blank"),
    pytest.param("?!.,;:-…", id="punctuation"),
    pytest.param('"', id="one-quote"),
    pytest.param('""" OR """', id="quotes-and-operator"),
    pytest.param("'; DROP TABLE entries; --", id="sql"),
    pytest.param("AND", id="and"),
    pytest.param("NEAR(spa pool, 2)", id="near"),
    pytest.param("NOT spa", id="not"),
    pytest.param("spa*", id="prefix-operator"),
    pytest.param("^spa", id="first-token-operator"),
    pytest.param("title : spa", id="column-filter"),
    pytest.param("{title keywords} : spa", id="column-set"),
    pytest.param("- {text} : spa", id="column-exclusion"),
    pytest.param("spa + pool", id="phrase-operator"),
    pytest.param("((((", id="parentheses"),
    pytest.param("spa\x00pool", id="nul"),
    pytest.param("_ __", id="underscores"),
    pytest.param("² ½ Ⅷ", id="odd-numbers"),
    pytest.param("🏊 🧖‍♀️", id="emoji"),
    pytest.param("温泉 はどこ", id="japanese"),
    pytest.param("\u0301\u0308", id="marks-alone"),
    pytest.param("\u0130stanbul \u017fpa", id="letters-that-change-length"),
    pytest.param("\ud800", id="lone-surrogate"),
    pytest.param("x " * 100, id="one-word-often"),
    pytest.param(" ".join(f"w{n}" for n in range(100)), id="many-words"),
]


@pytest.mark.parametrize("query", HOSTILE)
def test_no_text_is_an_error(index: Index, query: str) -> None:
    hits = index.search(query, 10)
    assert all(isinstance(hit, Hit) for hit in hits)
    assert index.search("breakfast", 1)[0].title == "Breakfast"


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        pytest.param("Where is the SPA?", '"spa"', id="question"),
        pytest.param("sauna spa Sauna", '"sauna" OR "spa"', id="repeats-drop"),
        pytest.param('a"b* -c', '"b" OR "c"', id="operators-drop"),
        pytest.param("check in the dog", '"check" OR "check in" OR "dog"', id="with-the-stop-word-after-it"),
        pytest.param("the", "", id="stop-word"),
        pytest.param("", "", id="empty"),
    ],
)
def test_match_expression(text: str, expression: str) -> None:
    assert match_expression(text) == expression


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_limit_and_order(index: Index, limit: int) -> None:
    query = "rooms that are open or free at reception, or the breakfast"
    hits = index.search(query, limit)
    assert len(hits) == limit
    assert hits == sorted(hits, key=lambda hit: -hit.score)
    assert hits == index.search(query, 10)[:limit]


def test_a_snippet_marks_the_words_found(index: Index) -> None:
    (hit,) = index.search("Finnish saunas", 1)
    assert "**Finnish** **sauna**" in hit.snippet
    assert hit.snippet.replace("**", "").strip("…") in hit.text
    assert "**" not in hit.text


def test_it_is_built_once_and_searched_from_many_threads() -> None:
    builds: list[int] = []

    def entries() -> tuple[Entry, ...]:
        builds.append(1)
        return shipped_guide()

    index = Index(entries)
    threads = 8
    barrier = Barrier(threads)
    queries = ["spa", "pool", "wifi", "parking"]

    def search(number: int) -> list[list[Hit]]:
        barrier.wait()
        return [index.search(queries[(number + turn) % len(queries)], 3) for turn in range(50)]

    assert builds == []
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(search, range(threads)))
    assert builds == [1]
    alone = [index.search(query, 3) for query in queries]
    expected = [[alone[(number + turn) % len(queries)] for turn in range(50)] for number in range(threads)]
    assert found == expected


def test_the_built_index_cannot_be_written(index: Index) -> None:
    index.search("spa", 1)
    connection = index._connection
    assert connection is not None
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM entries")


def test_fts5_is_there() -> None:
    require_fts5()
