"""Who may import whom: design, section 2. Every import is read, whatever it stands in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = Path(__file__).parent.parent.parent / "rtvi_plugins"

LAYERS: Final = {
    "annotations": 0,
    "errors": 0,
    "interrupts": 0,
    "log": 0,
    "schema": 0,
    "llm": 1,
    "manifest": 1,
    "protocol": 1,
    "handlers": 1,
    "hooks": 2,
    "binding": 3,
    "processor": 3,
    "jobs": 3,
    "compat": 3,
    "responders": 3,
    "hosting": 3,
    "server": 4,
    "pipecat": 4,
    "testing": 4,
    "console": 4,
    "cli": 5,
    "__main__": 5,
}
OPEN_LAYERS: Final = {0, 3}
"""Layers whose parts may import each other."""

NARROWER: Final = {
    # Names of old for the application; nothing that runs uses them.
    "compat": {"errors", "processor", "protocol"},
    # What runs with every message knows nothing of plugins and hooks.
    "processor": {"errors", "interrupts", "schema", "handlers", "protocol", "jobs", "llm"},
    # Jobs are run by the processor and know nothing of it.
    "jobs": {"errors", "interrupts", "schema", "handlers", "protocol"},
    # The built-in responders are a plugin like any other: nothing of the binding that loads them.
    "responders": {"errors", "schema", "hooks"},
    # What hosts share decides; it is given the bot and knows nothing of how it came about, but for its type.
    "hosting": {"log", "processor", "protocol", "binding"},
}

FOREIGN: Final = {
    "pluggy": {"hooks/hookspecs.py", "hooks/host.py"},
    "starlette": {"server", "pipecat", "console", "cli"},
    "uvicorn": {"server", "cli"},
    "uvloop": {"server", "cli"},
    "websockets": {"server", "cli", "testing"},
    "httpx": {"cli", "testing"},
    "google": {"server", "pipecat", "cli", "testing"},
    "socket": {"server", "cli"},
    "typer": {"cli"},
    "rich": {"cli"},
    "pipecat": {"pipecat"},
}
"""Libraries that only some parts, or files, may import."""


class Import(NamedTuple):
    """One import. `is_typing`: it stands under `if TYPE_CHECKING:`."""

    file: str
    line: int
    target: str
    is_typing: bool

    @property
    def part(self) -> str:
        return self.file.partition("/")[0].removesuffix(".py")

    def __str__(self) -> str:
        return f"rtvi_plugins/{self.file}:{self.line}: {self.target}"


def imports_of(file: str, source: str, modules: set[str]) -> Iterator[Import]:
    """Read every import of a module: absolute and relative, nested ones too."""
    tree = ast.parse(source)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    package = ["rtvi_plugins", *Path(file).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from rtvi_plugins import schema` names a module, `from rtvi_plugins.schema import Fault` a name in one.
            targets = [f"{module}.{a.name}" if f"{module}.{a.name}" in modules else module for a in node.names]
        else:
            continue
        for target in dict.fromkeys(targets):
            yield Import(file, node.lineno, target, id(node) in typing_only)


def all_imports() -> list[Import]:
    files = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    modules = {
        ".".join(["rtvi_plugins", *Path(name).with_suffix("").parts]).removesuffix(".__init__") for name in files
    }
    return [one for name, path in files.items() for one in imports_of(name, path.read_text(encoding="utf-8"), modules)]


IMPORTS: Final = all_imports()


def is_legal(one: Import) -> bool:
    """Whether an import of ours keeps to the table."""
    target = one.target.split(".")[1:2]
    if one.file == "__init__.py" or not target:
        return one.part == "cli" or one.file == "__init__.py"
    mine, theirs = LAYERS[one.part], LAYERS[target[0]]
    if target[0] == one.part:
        return True
    if one.part in NARROWER:
        return target[0] in NARROWER[one.part]
    if one.part == "cli" or (mine, theirs) == (5, 5):
        return True
    return theirs < mine or (theirs == mine and mine in OPEN_LAYERS)


def test_every_part_has_its_layer() -> None:
    parts = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert parts - {"__pycache__", "__init__"} - {"py.typed"} <= LAYERS.keys()


def test_no_import_breaches_the_layers() -> None:
    ours = [one for one in IMPORTS if one.target.partition(".")[0] == "rtvi_plugins"]
    assert len(ours) > 100  # it does read them
    breaches = [one for one in ours if not is_legal(one)]
    assert not breaches, "\n".join(["", *map(str, breaches)])


def test_libraries_stay_where_they_belong() -> None:
    breaches = [
        one
        for one in IMPORTS
        if (allowed := FOREIGN.get(one.target.partition(".")[0])) is not None
        and one.part not in allowed
        and one.file not in allowed
    ]
    assert not breaches, "\n".join(["", *map(str, breaches)])


def test_every_kind_of_import_is_seen() -> None:
    source = (
        "import rtvi_plugins.errors\nfrom rtvi_plugins import schema\nfrom . import tables\n"
        "from ..protocol import wire\nfrom ..protocol.wire import encode\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from rtvi_plugins.binding import Bot\n"
        "def late():\n    from rtvi_plugins.server import app\n"
    )
    modules = {
        f"rtvi_plugins.{name}" for name in ("errors", "schema", "processor.tables", "protocol.wire", "server.app")
    }
    found = [(one.target, one.is_typing) for one in imports_of("processor/core.py", source, modules)]
    assert sorted(found) == [
        ("rtvi_plugins.binding", True),
        ("rtvi_plugins.errors", False),
        ("rtvi_plugins.processor.tables", False),
        ("rtvi_plugins.protocol.wire", False),
        ("rtvi_plugins.protocol.wire", False),
        ("rtvi_plugins.schema", False),
        ("rtvi_plugins.server.app", False),
        ("typing", False),
    ]
