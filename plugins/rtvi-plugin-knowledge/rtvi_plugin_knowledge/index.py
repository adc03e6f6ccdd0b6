"""Full-text search with SQLite FTS5: an index in memory, built once, then only read.

Ranking is bm25 with the title counting most; words are stemmed (porter) and stripped of accents (unicode61).
"""

from __future__ import annotations

import re
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rtvi_plugin_knowledge.guide import Entry

_TABLE: Final = (
    "CREATE VIRTUAL TABLE entries USING fts5(title, keywords, text, tokenize = 'porter unicode61 remove_diacritics 2')"
)

# bm25 is negative and lowest for the best. Weights: a word in the title says most about an entry, then its keywords.
# The snippet is of column 2, the text, about 16 words long.
_SEARCH: Final = """
SELECT title, text, snippet(entries, 2, '**', '**', '…', 16), bm25(entries, 8.0, 4.0, 1.0) AS score
FROM entries WHERE entries MATCH ? ORDER BY score, rowid LIMIT ?
"""

_WORD: Final = re.compile(r"[^\W_]+")

# Words of questions that say nothing about what is asked: left in, "where is the spa" would find every "the".
# The single letters are what is left of "I'm", "don't" and the like.
_QUESTION_WORDS: Final = """
a about am an and any are as at be by can could d do does for from give has have how i if in into is it its ll m me
my of on or our please re s show t tell that the their them there these they this to ve want was we what when where
which who why will with would you your
"""
_STOP_WORDS: Final = frozenset(_QUESTION_WORDS.split())


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry found.

    snippet: part of the text, with the words found between `**`.
    score:   0 and up, higher is better.
    """

    title: str
    text: str
    snippet: str
    score: float


def match_expression(text: str) -> str:
    """Turn what people type into an FTS5 expression; empty when it holds no word to look for.

    Each word is quoted, so that quotes, operators (`AND`, `NEAR`, `*`, `-`, `title:`) and other marks mean nothing.
    They are joined by OR: an entry with more of them, or with rarer ones, comes first. A word is also looked for
    together with the stop word after it, since that may be its other half: `check in`.
    """
    words = [word.lower() for word in _WORD.findall(text)]
    terms: dict[str, None] = {}
    for word, following in pairwise([*words, ""]):
        if word not in _STOP_WORDS:
            terms[word] = None
            if following in _STOP_WORDS:
                terms[f"{word} {following}"] = None
    return " OR ".join(f'"{term}"' for term in terms)


class Index:
    """The searchable entries; any thread may search.

    One connection serves all threads behind a lock (a search takes well under a millisecond), so it does not matter
    which threading mode SQLite was compiled for.
    """

    def __init__(self, entries: Callable[[], Sequence[Entry]]) -> None:
        self._entries = entries
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def search(self, text: str, limit: int) -> list[Hit]:
        """Find the best entries for a text of any kind, best first; raises nothing on account of the text."""
        expression = match_expression(text)
        if not expression:
            return []
        with self._lock:
            if self._connection is None:
                self._connection = self._build()
            rows = self._connection.execute(_SEARCH, (expression, limit)).fetchall()
        return [Hit(title, whole, snippet, round(abs(score), 3)) for title, whole, snippet, score in rows]

    def _build(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, connection.close)
        connection.execute(_TABLE)
        rows = [(entry.title, ", ".join(entry.keywords), entry.text) for entry in self._entries()]
        with connection:
            connection.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
            connection.execute("INSERT INTO entries(entries) VALUES ('optimize')")
        connection.execute("PRAGMA query_only = ON")
        return connection


def require_fts5() -> None:
    """Raise `RuntimeError` where Python's SQLite was built without FTS5; start-up is the time to say so."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute(_TABLE)
        except sqlite3.OperationalError as error:
            raise RuntimeError(f"SQLite {sqlite3.sqlite_version} of this Python lacks FTS5: {error}") from error
