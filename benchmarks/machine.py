"""Where the figures come from: the processor, the system, the versions. No names of hosts, no paths."""

from __future__ import annotations

import gc
import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "rtvi-plugins",
    "jsonschema-rs",
    "orjson",
    "pydantic",
    "protobuf",
    "starlette",
    "uvicorn",
    "uvloop",
    "websockets",
)
"""Whose versions bear on the figures."""


def describe_machine() -> dict[str, object]:
    """Say what this is."""
    return {
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "collector": f"on {gc.get_threshold()}" if gc.isenabled() else "off",
        "versions": {name: version(name) for name in PACKAGES},
    }


def file_name(machine: Mapping[str, object]) -> str:
    """Give the name of the file that keeps this kind of machine's figures; a newer run replaces an older one."""
    told = f"{machine['cpu']} {machine['cpus']} cpus {machine['python']}"
    return re.sub(r"[^a-z0-9.]+", "-", told.lower()).strip("-")


def load() -> list[float] | None:
    """Give how many processes wanted to run lately: 1, 5 and 15 minutes. Above nothing, figures are noisy."""
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30), 1)
    except (AttributeError, ValueError, OSError):
        return None
