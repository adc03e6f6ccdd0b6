"""What is installed: duplicates, requirements, damaged distributions, and the time it takes."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from rtvi_plugins.hooks.host import PluginHost

if TYPE_CHECKING:
    from tests.hooks.conftest import Site


def discover(*names: str) -> PluginHost:
    return PluginHost.discover(only=names)


def slugs(host: PluginHost) -> list[str]:
    return [problem.slug for problem in host.problems]


def test_one_name_in_two_distributions(site: Site) -> None:
    site.install("parrot", site.sound, distribution="rtvi-plugin-a", version="1.5")
    site.install("parrot", site.sound, distribution="rtvi-plugin-b", version="2.5")
    host = discover("parrot")
    assert [(p.distribution, bool(p.problems)) for p in host.plugins] == [
        ("rtvi-plugin-a", False),
        ("rtvi-plugin-b", True),
    ]
    (problem,) = host.problems
    assert problem.slug == "duplicate-plugin"
    assert "rtvi-plugin-a 1.5" in problem.text
    assert "rtvi-plugin-b 2.5" in problem.text
    assert len(host.handlers()) == 1


def test_one_name_twice_in_one_distribution(site: Site) -> None:
    lines = "[rtvi_plugins]\nparrot = rtvi_plugins.errors\nparrot = rtvi_plugins.handlers\n"
    site.install("parrot", None, entry_points=lines)
    assert slugs(discover("parrot")) == ["duplicate-plugin"]


def test_name_of_an_extra_is_taken(site: Site) -> None:
    site.install("echo", site.sound)
    host = PluginHost.discover({"echo": SimpleNamespace()}, only=["echo"])
    assert slugs(host) == ["duplicate-plugin"]
    assert [p.distribution for p in host.plugins] == ["", "rtvi-plugin-echo"]


def test_distribution_seen_twice_is_no_duplicate(make_site: Callable[[str], Site]) -> None:
    installed, sources = make_site("installed"), make_site("sources")
    module = installed.install("parrot", installed.sound)
    egg = sources.folder / "RTVI_Plugin.parrot.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: rtvi-plugin-parrot\nVersion: 1.0\n")
    (egg / "entry_points.txt").write_text(f"[rtvi_plugins]\nparrot = {module}\n")
    (egg / "requires.txt").write_text("pydantic>=2\n")
    host = discover("parrot")
    assert host.problems == ()
    assert len(host.plugins) == 1


def test_copy_behind_another_copy_does_not_count(make_site: Callable[[str], Site]) -> None:
    old = make_site("old")
    old.install("gone", old.sound, distribution="rtvi-plugin-parrot")
    new = make_site("new")
    new.install("parrot", new.sound, distribution="rtvi-plugin-parrot", version="2.0")
    assert [(p.name, p.version) for p in PluginHost.discover(only=["gone", "parrot"]).plugins] == [("parrot", "2.0")]


def install_by_hand(site: Site, folder: str, name: str, *, requires: str = "", is_ours: bool = True) -> None:
    """Write a distribution whose folder's name no installer would have chosen, without a RECORD."""
    info = site.folder / folder
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}\n")
    if is_ours:
        (info / "entry_points.txt").write_text("[rtvi_plugins]\nparrot = rtvi_plugin_by_hand\n")
        code = "\n".join(line[4:] for line in site.sound.splitlines())
        (site.folder / "rtvi_plugin_by_hand.py").write_text(code)
    importlib.invalidate_caches()


@pytest.mark.parametrize("spelling", ["my-plug", "my_plug", "my.plug", "My-Plug", "MY_plug", "my--plug"])
@pytest.mark.parametrize("name", ["my-plug", "my_plug", "my.plug", "My-Plug"])
def test_every_spelling_of_a_folder(site: Site, spelling: str, name: str) -> None:
    install_by_hand(site, f"{spelling}-1.0.dist-info", name)
    host = discover("parrot")
    assert host.problems == ()
    assert [(p.name, p.distribution, p.version) for p in host.plugins] == [("parrot", name, "1.0")]
    assert len(host.handlers()) == 1


def test_requirement_in_a_folder_of_another_spelling(site: Site) -> None:
    install_by_hand(site, "Its-Need.Of-1.0.dist-info", "its-need.of", is_ours=False)
    site.install("parrot", site.sound, requires=("ITS_need-of>=1", "its-need-of>=2"))
    (problem,) = discover("parrot").problems
    assert "needs 'its-need-of>=2', but its-need-of 1.0 is installed" in problem.text


def test_copy_behind_one_that_is_no_plugin_does_not_count(make_site: Callable[[str], Site]) -> None:
    old = make_site("old")
    old.install("gone", old.sound, distribution="rtvi-plugin-parrot")
    install_by_hand(make_site("new"), "rtvi-plugin-parrot-2.0.dist-info", "rtvi.plugin.parrot", is_ours=False)
    assert discover("gone").plugins == ()


@pytest.mark.parametrize("name", ["bad name!", "1x", "a.b", "é", "x" * 101])
def test_name_that_no_manifest_can_write(site: Site, name: str) -> None:
    module = site.install("parrot", site.sound, entry_points=f"[rtvi_plugins]\n{name} = no_such_module\n")
    host = discover(name)
    (problem,) = host.problems
    assert problem.slug == "broken-plugin"
    assert problem.text.startswith(f"plugin '{name}' (rtvi-plugin-parrot 1.0): ")
    assert problem.expected == "a letter, then letters, digits, '_' and '-', at most 100 characters"
    assert host.handlers() == ()
    assert module not in sys.modules


REQUIREMENTS = {
    "met": (("pydantic>=2",), []),
    "too new": (("pydantic>=99",), ["needs 'pydantic>=99', but pydantic "]),
    "absent": (("nothing-like-it==1",), ["needs 'nothing-like-it==1', which is not installed"]),
    "ourselves": (("rtvi-plugins>=3",), ["needs 'rtvi-plugins>=3', but rtvi-plugins 0.1.0 is installed"]),
    "ourselves met": (("rtvi-plugins>=0.1,<1",), []),
    "marker does not hold": (("nothing-like-it; python_version < '3'",), []),
    "marker holds": (("nothing-like-it; python_version > '3'",), ["needs 'nothing-like-it', which"]),
    "in an extra": (("nothing-like-it; extra == 'loud'",), []),
    "pre-release": (("early>=1.0b1",), []),
    "by URL": (("early @ https://example.invalid/early.whl",), []),
    "unreadable": (("pydantic>>2",), ["unreadable requirement 'pydantic>>2'"]),
    "several": (("nothing-like-it", "pydantic>=99"), ["pydantic>=99", "nothing-like-it"]),
}


@pytest.mark.parametrize(("requires", "said"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_requirements(site: Site, requires: tuple[str, ...], said: list[str]) -> None:
    site.install("", None, distribution="rtvi-plugins", version="0.1.0", entry_points="[other]\nx = y\n")
    site.install("", None, distribution="early", version="1.0b2", entry_points="[other]\nx = y\n")
    site.install("parrot", site.sound, requires=requires)
    host = discover("parrot")
    assert slugs(host) == ["unmet-requirement"] * len(said)
    for text in said:
        assert text in "\n".join(problem.render() for problem in host.problems)
        assert "plugin 'parrot' (rtvi-plugin-parrot 1.0)" in "\n".join(problem.render() for problem in host.problems)
    assert len(host.handlers()) == 1, "what it supplies is still known, so that one fault does not look like many"


DAMAGED = {
    "no metadata": (None, b"[rtvi_plugins]\nbad = x\n", 1),
    "no name": (b"Metadata-Version: 2.1\n", b"[rtvi_plugins]\nbad = x\n", 1),
    "entry points without '='": (b"Metadata-Version: 2.1\nName: bad\nVersion: 1\n", b"[rtvi_plugins]\nbad\n", 1),
    "ours not UTF-8": (b"Metadata-Version: 2.1\nName: bad\nVersion: 1\n", b"[rtvi_plugins]\nb\xff = x\n", 1),
    "others' not UTF-8": (b"Metadata-Version: 2.1\nName: bad\nVersion: 1\n", b"[console]\nb\xff = x\n", 0),
}


@pytest.mark.parametrize(("metadata", "entry_points", "count"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_distribution(site: Site, metadata: bytes | None, entry_points: bytes, count: int) -> None:
    info = site.folder / "bad-1.0.dist-info"
    info.mkdir()
    if metadata is not None:
        (info / "METADATA").write_bytes(metadata)
    (info / "entry_points.txt").write_bytes(entry_points)
    site.install("parrot", site.sound)
    host = discover("parrot")
    assert slugs(host) == ["broken-plugin"] * count
    assert {p.location.path for p in host.problems} <= {str(site.folder)}
    assert len(host.handlers()) == 1


def test_only_leaves_the_rest_unimported(site: Site) -> None:
    module = site.install("parrot", "raise AssertionError")
    site.install("room", site.sound)
    assert [p.name for p in discover("room").plugins] == ["room"]
    assert module not in sys.modules


_MEASURE = """
import sys, time
sys.path.insert(0, sys.argv[1])
from rtvi_plugins.hooks.host import PluginHost
begin = time.process_time()
for number in range(200):
    __import__(f"rtvi_plugin_many_{number}")
imported = time.process_time() - begin
begin = time.process_time()
host = PluginHost.discover(only=[f"many{number}" for number in range(200)])
taken = time.process_time() - begin
assert len(host.handlers()) == 200 and not host.problems, host.problems[:3]
print(imported, taken)
"""


def test_two_hundred_plugins_are_found_quickly(site: Site) -> None:
    for number in range(200):
        info = site.folder / f"rtvi_plugin_many{number}-1.0.dist-info"
        info.mkdir()
        head = f"Name: rtvi-plugin-many{number}\nVersion: 1.0\nRequires-Dist: pydantic>=2\n"
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{head}\n{'Much text. ' * 500}")
        (info / "entry_points.txt").write_text(f"[rtvi_plugins]\nmany{number} = rtvi_plugin_many_{number}\n")
        code = "\n".join(line[4:] for line in site.sound.splitlines())
        (site.folder / f"rtvi_plugin_many_{number}.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(site.folder)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    imported, taken = map(float, done.stdout.split())
    assert taken < 10 * imported, "finding a plugin costs about as much as importing its module"
