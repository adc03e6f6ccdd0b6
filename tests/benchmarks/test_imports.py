"""The names of `rtvi_plugins` are loaded when they are used, for a quick import; type checkers see all of them."""

from __future__ import annotations

import ast
from pathlib import Path

import rtvi_plugins


def test_public_names_are_those_that_type_checkers_see() -> None:
    source = Path(rtvi_plugins.__file__).read_text(encoding="utf-8")
    block = next(node for node in ast.parse(source).body if isinstance(node, ast.If))
    seen = {name.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names}
    homes = {name: f"rtvi_plugins.{module}" for name, module in rtvi_plugins._HOMES.items()}
    assert homes == seen
    assert rtvi_plugins.__all__ == sorted(seen)
    assert all(getattr(rtvi_plugins, name) is not None for name in rtvi_plugins.__all__)
