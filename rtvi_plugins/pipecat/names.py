"""What a `use:` stands for: a short name of Pipecat's, or a class as `module:Class`.

Pipecat's list of services is not documented API; without it there are no short names for services, and class paths do.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Final, NamedTuple

import importlib_metadata
from loguru import logger

from rtvi_plugins.errors import did_you_mean
from rtvi_plugins.hooks.beside import has_module, package_of, written
from rtvi_plugins.hooks.installed import error_text
from rtvi_plugins.hooks.startup import StartInterrupted, at_work

_IMPORT: Final = re.compile(r"from (?P<module>[\w.]+) import (?P<names>[\w, ]+)")
_EXTRA: Final = re.compile(r"pipecat-ai\[(?P<extra>[\w,\-]+)\]")
_PATH: Final = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.\w+)*):(?P<name>[A-Za-z_]\w*(?:\.\w+)*)")
_DOTTED: Final = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.\w+)+)\.(?P<name>[A-Z]\w*)")
_NOISY: Final = ("pipecat.adapters", "pipecat.services", "pipecat.transports")
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"stt": ("STT_SERVICES",), "llm": ("LLM_SERVICES", "REALTIME_SERVICES"), "tts": ("TTS_SERVICES",)}
)
"""Kinds of service → the lists of Pipecat's registry that hold them."""

STRATEGIES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "start": ("pipecat.turns.user_start", "UserTurnStartStrategy"),
        "stop": ("pipecat.turns.user_stop", "UserTurnStopStrategy"),
        "mute": ("pipecat.turns.user_mute", "UserMuteStrategy"),
        "turns": ("pipecat.turns.user_turn_strategies", "UserTurnStrategies"),
    }
)
"""Where turn strategies are, and how their names end: `speech_timeout` is `SpeechTimeoutUserTurnStopStrategy`."""

ANALYZERS: Final[Mapping[str, str]] = MappingProxyType({"silero": "pipecat.audio.vad.silero:SileroVADAnalyzer"})


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a name stands for nothing; the words of a `Problem`."""

    slug: str
    text: str
    expected: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of Pipecat's registry.

    path:   its class, as `module:Class`.
    extra:  what to install of Pipecat, or empty.
    prefix: what its environment variables begin with by custom, or empty.
    """

    path: str
    extra: str = ""
    prefix: str = ""


@cache
def services(kind: str) -> Mapping[str, Service]:
    """Give the services of a kind by short name, `openai_llm`; none when Pipecat has no such list any more."""
    try:
        from pipecat.cli.registry import ServiceRegistry  # noqa: PLC0415 - it may go, and nothing else needs it

        found: dict[str, Service] = {}
        for listed in KINDS[kind]:
            for definition in getattr(ServiceRegistry, listed):
                path = _class_path(ServiceRegistry.IMPORTS[definition.value], definition.class_name or ())
                if path:
                    extra = _EXTRA.search(definition.package)
                    found[definition.value] = Service(
                        path, extra["extra"] if extra else "", definition.env_prefix or ""
                    )
    except (ImportError, AttributeError, KeyError, TypeError):
        return MappingProxyType({})
    return MappingProxyType(found)


def _class_path(statements: list[str], names: list[str] | tuple[str, ...]) -> str:
    wanted = next((name for name in names if name.endswith("Service")), None)
    for statement in statements:
        match = _IMPORT.match(statement)
        if wanted and match and wanted in match["names"].replace(" ", "").split(","):
            return f"{match['module']}:{wanted}"
    return ""


def short_names(kind: str) -> Mapping[str, Service]:
    """Give what may be written under `stt:`, `llm:` or `tts:`: `openai` for `openai_llm`, and the full name."""
    full = services(kind)
    suffix = f"_{kind}"
    return {name.removesuffix(suffix): service for name, service in full.items()} | dict(full)


def elsewhere(kind: str) -> Mapping[str, str]:
    """Say of short names where else than under `kind:` they mean something. `kind` is empty for `stages:`."""
    found = dict.fromkeys(ANALYZERS, "it is known under 'vad:'")
    if not kind:
        return found
    for other in KINDS:
        for name in short_names(other) if other != kind else ():
            found[name] = f"{found[name]} and '{other}:'" if name in found else f"it is known under '{other}:'"
    return found


def all_services() -> Mapping[str, Service]:
    """Give every service by its full name."""
    return {name: service for kind in KINDS for name, service in services(kind).items()}


@cache
def strategies(group: str) -> Mapping[str, str]:
    """Give the turn strategies of a group as short name → class path."""
    module_name, suffix = STRATEGIES[group]
    module = importlib.import_module(module_name)
    found = {}
    for name, value in sorted(vars(module).items()):
        stem = name.removesuffix(suffix)
        if isinstance(value, type) and stem not in (name, "", "Base"):
            found[_WORD.sub("_", stem).lower()] = f"{module_name}:{name}"
    return MappingProxyType(found)


class Folder(NamedTuple):
    """The folder of a manifest, whose modules it may name, and the root that they must lie in."""

    path: Path
    root: str


def load(path: str, folder: Folder | None = None) -> Any | Unusable:
    """Import what `module:name` stands for, or say why it cannot be had. Raises nothing but `StartInterrupted`.

    folder: where modules lie that are not installed.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        dotted = _DOTTED.fullmatch(path)
        hint = f"write '{dotted['module']}:{dotted['name']}'" if dotted else ""
        return Unusable("unknown-stage", f"'{path}' is no class path", "'module:Class'", hint)
    module = _import(match["module"], folder)
    if isinstance(module, Unusable):
        return module
    value: Any = module
    for name in match["name"].split("."):
        if not hasattr(value, name):
            near = did_you_mean(name, [n for n in dir(value) if isinstance(getattr(value, n, None), type)])
            return Unusable("unknown-stage", f"module '{match['module']}' has no '{match['name']}'", hint=near)
        value = getattr(value, name)
    return value


def _import(name: str, folder: Folder | None) -> ModuleType | Unusable:
    for package in _NOISY:  # they log what is missing, which is told here, at its place in the manifest
        logger.disable(package)
    try:
        with at_work(f"module '{name}'", "importing it"):
            if folder is not None and has_module(name.partition(".")[0], *folder):
                name = f"{package_of(folder.path)}.{name}"
            return importlib.import_module(name)
    except StartInterrupted:
        raise
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            hint = _near_module(error.name)
            return Unusable("unknown-stage", f"there is no module '{written(error.name)}'", hint=hint)
        return _missing(name, error)
    except BaseException as error:  # noqa: BLE001 - whatever a module does when it is imported, it ends here
        return _missing(name, error)
    finally:
        for package in _NOISY:
            logger.enable(package)


def _near_module(name: str) -> str:
    """Suggest a module beside one that is not there, or how it could be there."""
    parent, _, last = name.rpartition(".")
    if not parent:
        return "install it, or name its folder in PYTHONPATH"
    folders = getattr(importlib.import_module(parent), "__path__", ())  # it was imported on the way already
    return did_you_mean(last, [info.name for info in pkgutil.iter_modules(folders)])


def _missing(module: str, error: BaseException) -> Unusable:
    """Say what to install, as far as it can be found out, or how the import failed."""
    absent, module = written(_absent(error)), written(module)
    extra = _extra_of(module, error) if module.startswith("pipecat.") else ""
    if extra:
        lacks = f"'{module}' needs '{absent}', which is not installed" if absent else f"'{module}' cannot be imported"
        return Unusable("missing-extra", lacks, hint=f"pip install 'pipecat-ai[{extra}]'")
    if absent:
        return Unusable("missing-extra", f"'{module}' needs '{absent}', which is not installed", hint="install it")
    return Unusable("bad-stage", f"'{module}' cannot be imported: {error_text(error)}")


def _absent(error: BaseException | None) -> str:
    """Name the module that an import did not find, however it was wrapped."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name
        error = error.__cause__ or error.__context__
    return ""


def _extra_of(module: str, error: BaseException) -> str:
    """Find the extra of Pipecat that a module of it needs.

    Pipecat's registry knows it for services; the module that failed says so in its own text; else an extra may be
    called like the package.
    """
    provided = _extras()
    for service in all_services().values():
        if service.extra and service.path.partition(":")[0] == module:
            return service.extra
    files = [
        frame.filename for frame in reversed(traceback.extract_tb(error.__traceback__)) if "pipecat" in frame.filename
    ]
    spec = PathFinder.find_spec(module)
    for file in [*files, *([spec.origin] if spec and spec.origin else [])]:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        named = [extra for extra in _EXTRA.findall(text) if provided.issuperset(extra.split(","))]
        if named:
            return str(named[0])
    parts = (part.replace("_", "-") for part in reversed(module.split(".")))
    return next((part for part in parts if part in provided), "")


@cache
def _extras() -> frozenset[str]:
    try:
        found = importlib_metadata.metadata("pipecat-ai").get_all("Provides-Extra") or ()
    except importlib_metadata.PackageNotFoundError:
        return frozenset()
    return frozenset(map(str, found))
