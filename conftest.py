"""What holds for every test: no clock judges, and only what lies in this repository is taken for a plugin."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

import importlib_metadata
import pytest
from hypothesis import HealthCheck, settings
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parent
IN_PIPELINES: Final = tuple(
    str(ROOT / folder) for folder in ("tests/pipecat", "plugins/rtvi-plugin-espeak", "plugins/rtvi-plugin-pocketsphinx")
)

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")


def pytest_configure(config: pytest.Config) -> None:
    """Hide plugins of others that are installed here, from this process and from those it starts."""
    folder = Path(tempfile.mkdtemp(prefix="rtvi-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    hidden = hide_foreign_plugins(folder)
    if hidden:
        sys.path.insert(0, str(folder))
        os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
        config.stash[HIDDEN] = hidden


HIDDEN: Final = pytest.StashKey[list[str]]()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what was hidden."""
    return [f"hidden from these tests: {', '.join(hidden)}"] if (hidden := config.stash.get(HIDDEN, [])) else []


def hide_foreign_plugins(folder: Path) -> list[str]:
    """Write, for each foreign distribution with plugins, one of the same name without; the first on the path counts."""
    files = [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
    own = {canonicalize_name(tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"]) for file in files}
    hidden = []
    for distribution in importlib_metadata.distributions():
        name = _name_if_it_has_plugins(distribution)
        if name and canonicalize_name(name) not in own:
            info = folder / f"{canonicalize_name(name).replace('-', '_')}-{distribution.version}.dist-info"
            info.mkdir(exist_ok=True)
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {distribution.version}\n"
            (info / "METADATA").write_text(text, encoding="utf-8")
            hidden.append(f"{name} {distribution.version}")
    return hidden


def _name_if_it_has_plugins(distribution: importlib_metadata.Distribution) -> str:
    try:
        groups = distribution.read_text("entry_points.txt") or ""
        return str(distribution.metadata["Name"]) if re.search(r"^\[rtvi_plugins", groups, re.MULTILINE) else ""
    except Exception:  # noqa: BLE001 - of a damaged distribution nothing is known, its name included
        return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs in a Pipecat pipeline, on both hosts' account or its own."""
    for item in items:
        chosen = getattr(getattr(item, "callspec", None), "params", {})
        if str(item.path).startswith(IN_PIPELINES) or "pipecat" in [v for v in chosen.values() if isinstance(v, str)]:
            item.add_marker("pipelines")
