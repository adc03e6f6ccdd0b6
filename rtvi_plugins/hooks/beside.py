"""Python code beside a manifest: modules and packages of its folder, imported without being installed.

Each folder is a package of its own, which nothing else can be named like: two manifests may have modules of one name,
`from . import helper` finds a file beside, and `sys.path` stays as it is. No bytecode is written or read: a file that
changes twice in a second is read twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from rtvi_plugins.errors import Location, Problem, did_you_mean
from rtvi_plugins.hooks.candidate import Candidate, Marker, inspect_plugin
from rtvi_plugins.hooks.results import LEGAL_NAME, is_name
from rtvi_plugins.hooks.startup import StartInterrupted, at_work
from rtvi_plugins.manifest.files import ROOT_HINT, is_within, outside
from rtvi_plugins.manifest.plugin_files import PluginFile

PREFIX: Final = "_rtvi_beside_"
"""What the names of all modules beside manifests begin with."""


class _Loader(SourceFileLoader):
    """Reads sources alone."""

    def path_stats(self, path: Any) -> Any:
        """Tell nothing of a file, so that no bytecode is looked for or written."""
        raise OSError(path)


class _Finder(MetaPathFinder):
    """Finds the modules in the packages that folders are."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """Return the spec of a module beside a manifest; None for every other."""
        del target
        if not fullname.startswith(PREFIX) or path is None:
            return None
        specs = (FileFinder(folder, (_Loader, [".py"])).find_spec(fullname) for folder in path)
        return next((spec for spec in specs if spec is not None and spec.loader is not None), None)


_FINDER: Final = _Finder()


def package_of(folder: Path) -> str:
    """Return the name of the package that a folder is, and see that it can be imported from."""
    resolved = os.path.realpath(folder)
    name = PREFIX + hashlib.sha256(os.fsencode(resolved)).hexdigest()[:12]
    if name not in sys.modules:
        package = ModuleType(name, f"The modules in {resolved}.")
        package.__path__ = [resolved]
        package.__spec__ = ModuleSpec(name, None, is_package=True)
        sys.modules[name] = package
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    return name


def has_module(name: str, folder: Path, root: str) -> bool:
    """Return whether a folder has a module or package of this name, and nothing that is installed has the name."""
    files = (folder / f"{name}.py", folder / name / "__init__.py")
    if not any(file.is_file() and is_within(os.path.realpath(file), root) for file in files):
        return False
    return not _is_installed(name)


def _is_installed(name: str) -> bool:
    """Return whether a name can be imported from elsewhere than from the folder the command was started in."""
    if name in sys.builtin_module_names:
        return True
    here = {"", os.curdir, str(Path.cwd()), os.path.realpath(Path.cwd())}
    path = sys.path[1:] if sys.path and sys.path[0] in here else sys.path  # `python -m` puts it there
    for finder in sys.meta_path:
        with contextlib.suppress(Exception):  # finders of others may raise anything
            spec = finder.find_spec(name, path if finder is PathFinder else None)
            if spec is not None and spec.loader is not None:
                return True
    return False


def written(module: str) -> str:
    """Return a module's name as people write it, without the package that its folder is."""
    return module.partition(".")[2] if module.startswith(PREFIX) else module


def load_file(file: PluginFile, marker: Marker) -> Candidate:
    """Import the plugin that a manifest has beside it; what is wrong is reported on the candidate."""
    path = Path(os.path.normpath(os.path.join(os.path.dirname(file.manifest), file.said)))  # noqa: PTH118, PTH120
    package = package_of(path.parent)
    name = path.name if path.suffix != ".py" else path.stem
    candidate = Candidate(name, "", "", file.said, package, Location(str(path)), is_beside=True)
    problem = _unfit(file, path, name)
    if problem is not None:
        candidate.is_dropped = True
        candidate.problems.append(problem)
        return candidate
    try:
        with at_work(candidate.who, f"importing '{path}'"):
            module = _executed(f"{package}.{name}", path)
    except StartInterrupted:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit too: a plugin must not end the host
        candidate.fail(f"cannot load '{file.said}'", error, candidate.location, hint=_hint(error, path.parent))
        return candidate
    inspect_plugin(candidate, module, marker)
    return candidate


def _unfit(file: PluginFile, path: Path, name: str) -> Problem | None:
    """Return why a file cannot be a plugin, or None."""

    def problem(slug: str, text: str, expected: str = "", hint: str = "") -> Problem:
        return Problem(slug, text, file.location, file.where, expected, hint)

    shown = f"'{file.said[:200]}'"
    try:
        source = path / "__init__.py" if path.is_dir() else path
        if not is_within(os.path.realpath(source), file.root) or not is_within(os.path.realpath(path), file.root):
            return problem("outside-root", outside(shown, file.root), hint=ROOT_HINT)
        if not path.exists():
            return problem("unreadable-file", f"{shown}: no such file or folder", hint=_near(path))
        if source is not path and not source.is_file():
            return problem("unreadable-file", f"{shown} is a folder without '__init__.py'", "a module or a package")
        if not source.is_file() or source.suffix != ".py":
            return problem("unreadable-file", f"{shown} is no Python file", "a module, './shop.py', or a package")
    except (OSError, ValueError):
        return problem("unreadable-file", f"{shown} cannot be read", "a module, './shop.py', or a package")
    if not is_name(name):
        return problem("bad-name", f"no manifest can write the name of {shown}", LEGAL_NAME, "rename the file")
    return None


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == ".py" or entry.is_dir()]
    except OSError:
        return ""
    return did_you_mean(path.name, names)


def _executed(name: str, path: Path) -> ModuleType:
    """Import a file or folder under a name. Raises what its code raises."""
    file = path / "__init__.py" if path.is_dir() else path
    found = sys.modules.get(name)
    if found is not None and found.__file__ == os.path.abspath(file):  # noqa: PTH100 - as importlib writes it
        return found
    loader = _Loader(name, str(file))
    locations = [os.path.abspath(path)] if path.is_dir() else None  # noqa: PTH100
    spec = importlib.util.spec_from_file_location(name, file, loader=loader, submodule_search_locations=locations)
    if spec is None:
        raise ImportError(f"cannot import '{path}'")
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        for added in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
            if added == name or added not in before:
                del sys.modules[added]
        raise
    package, _, last = name.rpartition(".")
    setattr(sys.modules[package], last, module)
    return sys.modules[name]


def _hint(error: BaseException, folder: Path) -> str:
    """Say how a file beside is imported, where that is what failed."""
    name = (getattr(error, "name", None) or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if name and ((folder / f"{name}.py").is_file() or (folder / name).is_dir()):
        return f"what lies beside is imported by 'from . import {name}'"
    return ""
