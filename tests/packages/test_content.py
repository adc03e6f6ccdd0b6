"""What is published: every wheel and sdist is built, and holds what it should and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
FOLDERS = {"rtvi-plugins": ROOT} | {folder.name: folder for folder in sorted(ROOT.glob("plugins/*/"))}
MINE = {
    "rtvi-plugins": {"CHANGELOG.md"},
}
AT_THE_TOP = {".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
PYTHONS = ("3.11", "3.12", "3.13")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)|^\[[^\]]+\]: (?P<reference>\S+)", re.MULTILINE)


@dataclass
class Built:
    name: str
    wheel: Path
    sdist: Path

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    def in_wheel(self) -> dict[str, bytes]:
        with zipfile.ZipFile(self.wheel) as file:
            return {name: file.read(name) for name in file.namelist()}

    def in_sdist(self) -> set[str]:
        with tarfile.open(self.sdist) as file:
            return {name.partition("/")[2] for name in file.getnames()}

    def metadata(self) -> Message:
        (text,) = [text for name, text in self.in_wheel().items() if name.endswith(".dist-info/METADATA")]
        return message_from_string(text.decode())


@pytest.fixture(scope="module", params=FOLDERS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    name = request.param
    to = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(to)]
    done = subprocess.run(command, cwd=FOLDERS[name], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,), (sdist,) = to.glob("*.whl"), to.glob("*.tar.gz")
    return Built(name, wheel, sdist)


def test_wheel_holds_the_package_alone(built: Built) -> None:
    tops = {name.partition("/")[0] for name in built.in_wheel()}
    assert tops == {built.module, f"{built.module}-0.1.0.dist-info"}
    files = {str(file.relative_to(FOLDERS[built.name])) for file in FOLDERS[built.name].glob(f"{built.module}/**/*")}
    packed = {name for name in built.in_wheel() if name.startswith(f"{built.module}/")}
    assert packed <= files
    assert {name for name in files if name.endswith((".py", ".yaml", "py.typed"))} <= packed
    assert not any("__pycache__" in name or "node_modules" in name for name in packed)


def test_sdist_holds_its_own_files_alone(built: Built) -> None:
    files = built.in_sdist()
    folders = {built.module} | (set() if built.name == "rtvi-plugins" else {"tests"})
    assert {name for name in files if "/" not in name} == AT_THE_TOP | MINE.get(built.name, set())
    assert {name.partition("/")[0] for name in files if "/" in name} <= folders
    assert f"{built.module}/__init__.py" in files


def test_licence_is_in_both(built: Built) -> None:
    (licence,) = [text for name, text in built.in_wheel().items() if name.endswith("dist-info/licenses/LICENSE")]
    assert licence == (ROOT / "LICENSE").read_bytes()
    assert "LICENSE" in built.in_sdist()
    assert built.metadata()["License-Expression"] == "BSD-2-Clause"


def test_metadata_says_whose_it_is_and_where_it_runs(built: Built) -> None:
    said = built.metadata()
    assert said["Author"] == "the rtvi-plugins authors"
    urls = dict(line.split(", ") for line in said.get_all("Project-URL") or [])
    assert {"Homepage", "Changelog", "Issues"} <= urls.keys()
    classifiers = said.get_all("Classifier") or []
    assert [c.rpartition(" ")[2] for c in classifiers if re.search(r":: 3\.\d+$", c)] == list(PYTHONS)
    assert "Typing :: Typed" in classifiers
    assert said["Requires-Python"] == ">=3.11"
    assert said["Summary"]


def test_every_link_an_index_shows_is_absolute_and_leads_somewhere(built: Built) -> None:
    text = str(built.metadata().get_payload())
    assert text.startswith(f"# {built.name}")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    home = "https://github.com/rtvi-plugins/rtvi-plugins/blob/main/"
    for match in LINK.finditer(text):
        target = match["target"] or match["reference"]
        assert re.match(r"https?://|#|mailto:", target), target
        if target.startswith(home):
            assert (ROOT / target.removeprefix(home).partition("#")[0]).exists(), target
