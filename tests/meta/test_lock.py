"""What `make` installs is what the lock files say, and they say all of it, for everybody."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).parent.parent.parent
REQUIREMENTS: Final = ROOT / "requirements"
LOCKS: Final = ("build", "run", "voice", "test", "lowest")
EXTRAS: Final = {"build": (), "run": (), "voice": ("pipecat",), "test": ("pipecat", "test", "lint")}
PYTHONS: Final = ("3.11", "3.12", "3.13")
PLATFORMS: Final = ("linux", "darwin", "win32")
BOUNDED: Final = ("jsonschema-rs", "pipecat-ai", "pyyaml", "uvicorn", "websockets")
"""Libraries whose private members or own words this package relies on."""

_LOCKED: Final = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\\n", re.MULTILINE)


def text_of(lock: str) -> str:
    return (REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8")


def locked(lock: str) -> dict[str, list[tuple[Version, str]]]:
    """Give the versions of each package, mostly one, each with where it is installed."""
    held: dict[str, list[tuple[Version, str]]] = {}
    for match in _LOCKED.finditer(text_of(lock)):
        held.setdefault(canonicalize_name(match["name"]), []).append((Version(match["version"]), match["marker"] or ""))
    return held


def projects() -> list[dict[str, object]]:
    files = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
    return [tomllib.loads(file.read_text(encoding="utf-8"))["project"] for file in files]


def required(lock: str) -> Iterator[Requirement]:
    """Give what the packages of this repository that are installed with a lock ask for."""
    own = {str(project["name"]): project for project in projects()}
    for line in sources_of(lock):
        folder, _, extras = line.partition("[")
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        needs = list(project.get("dependencies", []))
        for extra in filter(None, extras.rstrip("]").split(",")):
            needs += project["optional-dependencies"][extra]
        yield from (need for need in map(Requirement, needs) if canonicalize_name(need.name) not in own)


def sources_of(lock: str) -> Iterator[str]:
    for line in (REQUIREMENTS / f"{lock}.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from sources_of(line.removeprefix("-r ").removesuffix(".in"))
        elif line.startswith("-e "):
            yield line.removeprefix("-e ")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_and_hashed(lock: str) -> None:
    text = text_of(lock)
    blocks = [block for block in re.split(r"^(?=\w)", text, flags=re.MULTILINE) if not block.startswith("#")]
    assert len(blocks) == sum(map(len, locked(lock).values())) > 3
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block
    assert not re.search(r"://|^-|--(?:index|extra|find|trusted)|/(?:work|tmp|root|home|opt)/", text, re.MULTILINE)
    assert not any(canonicalize_name(str(project["name"])) in locked(lock) for project in projects())


@pytest.mark.parametrize("lock", LOCKS[1:])
def test_what_is_locked_is_what_is_asked_for(lock: str) -> None:
    held = locked(lock)
    names = set()
    for need in required(lock):
        versions = held[canonicalize_name(need.name)]
        names.add(need.name)
        assert all(need.specifier.contains(version) for version, _ in versions), need
        for python in PYTHONS:
            for platform in PLATFORMS:
                here = {"python_full_version": f"{python}.0", "python_version": python, "sys_platform": platform}
                here |= {"implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": ""}
                is_needed = need.marker is None or need.marker.evaluate(here)
                found = [version for version, marker in versions if not marker or Marker(marker).evaluate(here)]
                assert not is_needed or len(found) == 1, (need, here)
    assert names


@pytest.mark.parametrize("lock", LOCKS[:3])
def test_the_locks_agree(lock: str) -> None:
    versions = {name: {version for version, _ in held} for name, held in locked("test").items()}
    assert {name: {version for version, _ in held} for name, held in locked(lock).items()}.items() <= versions.items()


def test_the_lowest_lock_has_the_lowest_pipecat() -> None:
    (bound,) = {str(need.specifier) for need in required("test") if need.name == "pipecat-ai"}
    ((lowest, _),) = locked("lowest")["pipecat-ai"]
    assert f">={lowest.major}.{lowest.minor}" in bound.split(",")


def test_what_is_relied_on_beyond_its_promises_has_an_upper_bound() -> None:
    bounds = {need.name: str(need.specifier) for need in required("voice")}
    assert [name for name in BOUNDED if "<" not in bounds[name]] == []
    assert [name for name in BOUNDED if re.search(r"<\d+$", bounds[name]) and name != "websockets"] == []


def test_the_makefile_installs_nothing_else() -> None:
    """Every installation is from a lock, of our own packages, or one of the two that exist to be newer."""
    lines = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "$(PIP)" in line]
    loose = [line.strip() for line in lines if not re.match(r"PIP|LOCKED|OURS", line)]
    assert all(re.search(r"/lock/bin/python|/newest/bin/python", line) for line in loose), loose
