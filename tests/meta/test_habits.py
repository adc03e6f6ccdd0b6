"""Habits of the whole repository: sizes, names, documentation, paths."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import rtvi_plugins
from rtvi_plugins.binding.bot import discover_plugins, load_bots
from rtvi_plugins.hooks import hookspecs

ROOT: Final = Path(__file__).parent.parent.parent
PACKAGE: Final = ROOT / "rtvi_plugins"
FILES: Final = sorted(PACKAGE.rglob("*.py"))
MAX_LINES: Final = 400
NEEDS_A_HOST: Final = "pipecat"
HOOKS: Final = {
    name: spec for name, spec in vars(hookspecs).items() if name.startswith("rtvi_") and inspect.isfunction(spec)
}


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_too_long() -> None:
    long = {str(path.relative_to(ROOT)): count for path in FILES if (count := lines_of(path)) > MAX_LINES}
    assert not long


def modules() -> list[str]:
    return [
        info.name
        for info in pkgutil.walk_packages(rtvi_plugins.__path__, "rtvi_plugins.")
        if not info.name.endswith("__main__") and NEEDS_A_HOST not in info.name.split(".")
    ]


@pytest.mark.parametrize("name", ["rtvi_plugins", *modules()])
def test_public_names_are_sorted_and_there(name: str) -> None:
    module = importlib.import_module(name)
    public = getattr(module, "__all__", None)
    if public is None:
        assert name != "rtvi_plugins"
        return
    # Constants first, then classes, then functions, each by alphabet: the order that ruff keeps.
    assert len(set(public)) == len(public)
    assert [n for n in public if not hasattr(module, n)] == []
    assert list(public) == sorted(public, key=lambda n: (not n.isupper(), not n[:1].isupper(), n))


def test_importing_the_package_loads_no_plugin_and_no_host() -> None:
    heavy = ["starlette", "uvicorn", "typer", "rich", "httpx", "websockets", "google.protobuf", "pipecat"]
    code = f"import sys, rtvi_plugins; print([m for m in {heavy!r} + ['rtvi_plugin_voice'] if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == "[]"


def public_definitions() -> Iterator[tuple[str, ast.AST]]:
    """Give every public class and function, methods of public classes too."""
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = path.relative_to(ROOT)
        yield f"{where}", tree
        stack: list[ast.AST] = [tree]
        while stack:
            for node in getattr(stack.pop(), "body", []):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
                    yield f"{where}:{node.lineno}: {node.name}", node
                    if isinstance(node, ast.ClassDef):
                        stack.append(node)


def test_what_is_public_is_documented() -> None:
    bare = [place for place, node in public_definitions() if not ast.get_docstring(node)]  # type: ignore[arg-type]
    # An empty `__init__.py` has nothing to say.
    bare = [place for place in bare if not place.endswith("__init__.py") or (ROOT / place).read_text().strip()]
    assert not bare, "\n".join(["", *bare])


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_are_documented(name: str) -> None:
    documentation = inspect.getdoc(HOOKS[name]) or ""
    found = set(re.findall(r"^(\w+): ", documentation, re.MULTILINE))
    assert {"When", "Errors", "Since"} <= found
    gives = inspect.signature(HOOKS[name]).return_annotation
    if "None" not in str(gives):
        assert "Returns" in found
    if "reason" in inspect.signature(HOOKS[name]).parameters:
        assert "Reason" in found


def test_hooks_are_used() -> None:
    """Every hook has a real plugin, built in or in `plugins/`, that implements it; the documentation names one."""
    host = discover_plugins()
    known = {plugin.name: plugin for plugin in host.plugins}
    missing = {"builtin", "conversation", "knowledge", "room", "voice"} - known.keys()
    assert not missing, f"install the plugins in plugins/ first: {missing}"
    used = {hook for plugin in known.values() for hook in plugin.hooks}
    assert HOOKS.keys() - used == set()
    for name, spec in HOOKS.items():
        example = re.search(r"^Example: +(\S+)", inspect.getdoc(spec) or "", re.MULTILINE)
        assert example is not None, name
        texts = [path.read_text(encoding="utf-8") for path in (ROOT / example[1]).rglob("*.py")]
        assert any(f"def {name}" in text for text in texts), f"{example[1]} has no {name}"


def test_manifests_are_sound() -> None:
    files = sorted((ROOT / "manifests").glob("*.yaml"))
    bots, problems = load_bots(files, host=discover_plugins(), environ={})
    assert [problem.render() for problem in problems] == []
    assert len(bots) == len(files) > 0


def tracked() -> list[Path]:
    """List what belongs to the repository: what git tracks, and what it would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / name.decode() for name in done.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file() and path != Path(__file__)]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


FORBIDDEN: Final = {
    "a folder of somebody's machine": re.compile(r"(?<![\w.])/(?:home|Users|work|root)/\w"),
    "a task nobody owns": re.compile(r"\b(?:TODO|FIXME|XXX)\b"),
    "a conflict": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}


@pytest.mark.parametrize(("what", "pattern"), FORBIDDEN.items(), ids=FORBIDDEN.keys())
def test_nothing_of_this_is_in_any_file(what: str, pattern: re.Pattern[str]) -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in texts()
        if not name.endswith(("package-lock.json", ".svg", ".lock"))
        for match in pattern.finditer(text)
    ]
    assert not found, f"{what}\n" + "\n".join(found)


def test_no_test_is_named_for_a_number() -> None:
    names = [path for path, _ in texts() if re.search(r"test_(?:issue|bug|gh)_?\d", path)]
    assert not names
