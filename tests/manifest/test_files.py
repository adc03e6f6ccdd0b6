"""Only regular files are read, and only those under the root."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins.manifest.files import UnfitFileError, read_bytes
from rtvi_plugins.manifest.load import load_manifests

Load = Callable[..., Any]
HEAD = "manifest: 1\nbot: x\n"
SERVICE = "manifest: 1\nplugin: hunter2\nxyzzy: hunter2\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes, sockets and devices")


def slugs(path: str | Path, root: Path | None = None) -> list[tuple[str, str]]:
    _, problems = load_manifests([path], shipped={}, environ={}, root=root)
    return [(problem.slug, problem.text) for problem in problems]


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    # A path of a socket is at most about 100 bytes long.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def make_folder(path: Path) -> None:
    path.mkdir()


ODD = {"pipe": make_pipe, "socket": make_socket, "folder": make_folder}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD.keys())
def test_what_is_no_regular_file_is_a_problem_at_once(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "odd.yaml")
    (tmp_path / "bot.yaml").write_text(HEAD + "services: {a: {use: ./odd.yaml}}")
    ((slug, text),) = slugs(tmp_path / "bot.yaml")
    assert slug == "unreadable-file"
    assert text.startswith("'./odd.yaml': is a ")


def test_a_pipe_named_on_the_command_line_and_in_a_folder(tmp_path: Path) -> None:
    make_pipe(tmp_path / "odd.yaml")
    told = [("unreadable-file", "is a pipe, not a regular file")]
    assert slugs(tmp_path / "odd.yaml") == told
    assert slugs(tmp_path) == told


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_devices(path: str) -> None:
    assert slugs(path) == [("unreadable-file", "is a device, not a regular file")]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_files_that_the_system_makes_up() -> None:
    ((slug, text),) = slugs("/proc/self/environ")
    assert (slug, text) == ("unreadable-file", "is made up by the system, not a regular file")


def test_a_file_that_becomes_a_pipe_while_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look before and the look after opening are both needed."""
    regular, pipe = tmp_path / "a.yaml", tmp_path / "pipe"
    regular.write_text(HEAD)
    make_pipe(pipe)
    plain = os.open
    monkeypatch.setattr(os, "open", lambda _, flags: plain(pipe, flags))
    with pytest.raises(UnfitFileError, match="pipe"):
        read_bytes(regular)


def write(folder: Path) -> Path:
    """Make `in/bot.yaml`, and what it may not read in `out/`."""
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    (folder / "out" / "foreign.yaml").write_text(SERVICE)
    (folder / "in" / "link.yaml").symlink_to("../out/foreign.yaml")
    (folder / "in" / "linked").symlink_to("../out")
    return folder / "in" / "bot.yaml"


OUTSIDE = ["./link.yaml", "../out/foreign.yaml", "./linked/foreign.yaml", "../out/absent.yaml", "/etc/passwd.yaml"]


@pytest.mark.parametrize("use", OUTSIDE)
def test_use_does_not_lead_out_of_the_folder(tmp_path: Path, use: str) -> None:
    bot = write(tmp_path)
    bot.write_text(HEAD + f"services: {{a: {{use: {use}}}}}")
    _, problems = load_manifests([bot], shipped={}, environ={})
    assert [problem.slug for problem in problems] == ["outside-root"]
    assert "--root" in problems[0].hint
    assert "hunter2" not in problems[0].render()


@pytest.mark.parametrize("use", OUTSIDE[:3])
def test_a_wider_root_lets_it(tmp_path: Path, use: str) -> None:
    bot = write(tmp_path)
    bot.write_text(HEAD + f"services: {{a: {{use: {use}}}}}")
    _, problems = load_manifests([bot], shipped={}, environ={}, root=tmp_path)
    assert [problem.slug for problem in problems] == ["unknown-key"]


def test_a_manifest_that_links_out_of_its_folder(tmp_path: Path) -> None:
    bot = write(tmp_path)
    bot.symlink_to("../out/foreign.yaml")
    ((slug, text),) = slugs(bot)
    assert (slug, text.partition(" lies ")[0]) == ("outside-root", "what this link leads to")
    assert [slug for slug, _ in slugs(tmp_path / "in")] == ["outside-root"]
    assert [slug for slug, _ in slugs(tmp_path / "in", tmp_path / "out")] == ["missing-key"]


def test_a_manifest_outside_the_root_that_was_given(tmp_path: Path) -> None:
    bot = write(tmp_path)
    bot.write_text(HEAD + "services: {a: {}}")
    assert [slug for slug, _ in slugs(bot, tmp_path / "out")] == ["outside-root"]


def test_links_inside_the_folder_are_fine(load: Load, tmp_path: Path) -> None:
    """As where a cluster mounts its configuration."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "bot.yaml").write_text(HEAD + "services: {a: {use: ./a.yaml}}")
    (tmp_path / "..data" / "a.yaml").write_text("manifest: 1\nplugin: a\n")
    for name in ("bot.yaml", "a.yaml"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    assert load({}).lines == []


def test_each_manifest_has_its_own_root(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bot.yaml").write_text(f"manifest: 1\nbot: {name}\nservices: {{a: {{use: ../one/a.yaml}}}}")
    (tmp_path / "one" / "a.yaml").write_text("manifest: 1\nplugin: a\n")
    paths = [tmp_path / "one" / "bot.yaml", tmp_path / "two" / "bot.yaml"]
    _, problems = load_manifests(paths, shipped={}, environ={})
    assert [(problem.slug, Path(problem.location.path).parent.name) for problem in problems] == [
        ("outside-root", "two")
    ]
