"""Plugins made for a measurement: real distributions, as an installer leaves them, in a folder put on the path."""

from __future__ import annotations

from pathlib import Path

MODULE = '''"""Supplies the handlers of one service."""

from rtvi_plugins import Handlers, hookimpl

handlers = Handlers("{service}")

{actions}

@hookimpl
def rtvi_handlers():
    return [handlers]
'''
ACTION = """
@handlers.action("action_{number}")
async def action_{number}(processor, *, message: str, count: int = 1) -> dict:
    return {{"done": True}}
"""
METADATA = """Metadata-Version: 2.1
Name: benchmark-{name}
Version: 1.0
Requires-Dist: rtvi-plugins
"""


def install_plugins(folder: Path, names: list[str], actions: int) -> None:
    """Put a distribution for each name into the folder: its module, its metadata, its entry point.

    Each supplies the handlers of the service of its own name, for so many actions.
    """
    for name in names:
        body = "\n".join(ACTION.format(number=number) for number in range(actions))
        (folder / f"benchmark_{name}.py").write_text(MODULE.format(service=name, actions=body), encoding="utf-8")
        info = folder / f"benchmark_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(METADATA.format(name=name.replace("_", "-")), encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[rtvi_plugins]\n{name} = benchmark_{name}\n", encoding="utf-8")


def manifest_of(names: list[str], actions: int) -> str:
    """Write the manifest that uses them all, each service with an option as well."""
    lines = ["manifest: 1", "bot: typical", "description: A bot of ordinary size.", "services:"]
    for name in names:
        lines += [f"  {name}:", f"    plugin: {name}", "    description: What it does.", "    options:"]
        lines.append("      rate: {type: number, minimum: 80, maximum: 450, default: 175, mutable: never}")
        lines.append("    actions:")
        for number in range(actions):
            lines += [
                f"      action_{number}:",
                f"        description: Does number {number}.",
                "        arguments:",
                "          message: {type: string, maxLength: 200, description: What to say.}",
                "          count: {type: integer, minimum: 0, default: 1, description: How often.}",
                "        result: {type: object, properties: {done: {type: boolean}}, required: [done]}",
            ]
    return "\n".join(lines) + "\n"
