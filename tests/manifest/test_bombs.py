"""Files made to harm: each is refused, or read, quickly and in bounded memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from rtvi_plugins.errors import Problem
from rtvi_plugins.manifest.load import load_manifests
from tests.pace import times_reference

pytestmark = pytest.mark.slow

HEAD = "manifest: 1\nbot: x\nservices: {}\n"
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
)
CHAIN = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 5_000))

BOMBS = [
    ("billion laughs", LAUGHS, "too-large"),
    ("aliases that nest", CHAIN, "too-large"),
    ("10 MB", HEAD + "# " + "x" * 10_000_000, "too-large"),
    ("open brackets", "[" * 200_000, "too-large"),
    ("open braces", "{a: " * 200_000, "too-large"),
    ("nested items", "- " * 200_000, "too-large"),
    ("nested keys", "".join(" " * level + "a:\n" for level in range(2_000)), "too-large"),
    ("nested complex keys", "? " * 200_000, "too-large"),
    ("a million duplicate keys", HEAD + "k:\n" * 1_000_000, "too-large"),
    ("a million items", HEAD + "k: [" + "1," * 1_000_000 + "]", "too-large"),
    ("huge scalar", HEAD + "k: " + "x" * 4_000_000, "unknown-key"),
    ("huge key", HEAD + "'" + "x" * 4_000_000 + "': 1", "bad-yaml"),
    ("huge number", HEAD + "k: " + "1" * 4_000_000, "bad-value"),
    ("many unknown keys", HEAD + "".join(f"k{i}: 1\n" for i in range(100_000)), "too-large"),
    ("many tags", HEAD + "k:\n" + "- !!str a\n" * 300_000, "too-large"),
    ("many references", HEAD + "description: '" + "${env:BIG}" * 300_000 + "'", "too-large"),
    ("references that never close", HEAD + "description: '" + "$${env:" * 500_000 + "'", ""),
]


ENVIRON = {"BIG": "x" * 100_000}


@pytest.mark.parametrize(("text", "slug"), [row[1:] for row in BOMBS], ids=[row[0] for row in BOMBS])
def test_bombs(tmp_path: Path, text: str, slug: str) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(text)
    problems: list[Problem] = []
    work = times_reference(lambda: problems.extend(load_manifests([path], shipped={}, environ=ENVIRON)[1]))
    assert work < 500, "it takes a second, fifty times the reference; what is quadratic takes minutes"
    assert not slug or slug in {problem.slug for problem in problems}
    assert all(len(problem.render()) < 1_000 for problem in problems)
    assert len(problems) < 1_200


@pytest.mark.parametrize(
    "name", ["billion laughs", "aliases that nest", "10 MB", "open brackets", "nested items", "many references"]
)
def test_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(next(row[1] for row in BOMBS if row[0] == name))
    tracemalloc.start()
    try:
        load_manifests([path], shipped={}, environ=ENVIRON)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000, "what stays in bounds needs a few copies of the file"
    finally:
        tracemalloc.stop()


def test_one_large_service_file_used_many_times(tmp_path: Path) -> None:
    options = "".join(f"  o{i}: {{type: string, default: a}}\n" for i in range(20_000))
    (tmp_path / "big.yaml").write_text(f"manifest: 1\noptions:\n{options}")
    uses = "".join(f"  s{i}: {{use: ./big.yaml}}\n" for i in range(200))
    path = tmp_path / "bot.yaml"
    path.write_text(f"manifest: 1\nbot: x\nservices:\n{uses}")
    loaded, problems = load_manifests([path], shipped={}, environ={})
    assert {problem.slug for problem in problems} == {"too-large"}
    assert len(loaded[0].manifest.services) == 500_000 // 60_000


def test_a_long_chain_of_service_files(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"s{number}.yaml").write_text(f"manifest: 1\nuse: ./s{number + 1}.yaml\n")
    path = tmp_path / "bot.yaml"
    path.write_text("manifest: 1\nbot: x\nservices: {a: {use: ./s0.yaml}}\n")
    _, problems = load_manifests([path], shipped={}, environ={})
    assert [(problem.slug, Path(problem.location.path).name) for problem in problems] == [("too-large", "s31.yaml")]
