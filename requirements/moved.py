"""Compares what is installed here with the lock: `python requirements/moved.py`.

`python requirements/moved.py wanted` prints what `make test-newest` installs: everything that the packages of this
repository name, with their lower bounds, without their upper ones.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
_REQUIREMENT: Final = re.compile(r"(?P<name>[\w.-]+)(?P<extras>\[[^\]]*\])?(?P<bounds>[^;]*)(?P<marker>;.*)?")
_LOCKED: Final = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)


def _named() -> Iterator[re.Match[str]]:
    """Read every requirement of every package in this repository, but for those of each other."""
    files = [HERE.parent / "pyproject.toml", *sorted(HERE.parent.glob("plugins/*/pyproject.toml"))]
    projects = [tomllib.loads(file.read_text(encoding="utf-8")) for file in files]
    own = {project["project"]["name"] for project in projects}
    for project in projects:
        extras = project["project"].get("optional-dependencies", {})
        needs = [project["project"].get("dependencies", []), *extras.values(), project["build-system"]["requires"]]
        for line in (line for lines in needs for line in lines):
            match = _REQUIREMENT.fullmatch(line)
            if match is not None and match["name"] not in own:
                yield match


def wanted() -> list[str]:
    """Give the requirements without their upper bounds."""
    found = []
    for match in _named():
        lower = ",".join(bound for bound in match["bounds"].split(",") if bound.strip().startswith(">"))
        found.append(f"{match['name']}{match['extras'] or ''}{lower}{match['marker'] or ''}")
    return sorted(set(found))


def moved() -> list[str]:
    """Tell what is installed in another version than the lock has, and what of that is beyond a bound of ours."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - what `wanted` runs with need not have it

    bounds = {match["name"]: SpecifierSet(match["bounds"]) for match in _named()}
    locked: dict[str, list[str]] = {}  # a few packages have one version for one Python, and one for the others
    for name, one in _LOCKED.findall((HERE / "test.txt").read_text(encoding="utf-8")):
        locked.setdefault(name, []).append(one)
    lines = []
    for name, versions in locked.items():
        try:
            here = version(name)
        except PackageNotFoundError:
            continue
        if here not in versions:
            is_beyond = not bounds.get(name, SpecifierSet()).contains(here, prereleases=True)
            own = f" (our bounds: {bounds[name]})" if is_beyond else ""
            lines.append(f"{name} {' or '.join(versions)} -> {here}{own}")
    return lines


if __name__ == "__main__":
    told = wanted() if sys.argv[1:] == ["wanted"] else moved() or ["nothing moved against requirements/test.txt"]
    sys.stdout.write("".join(f"{line}\n" for line in told))
