"""The problems of one manifest while it is bound, with their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtvi_plugins.errors import Location, Problem, Severity
from rtvi_plugins.manifest.env import read_part
from rtvi_plugins.manifest.veil import veil

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtvi_plugins.manifest.load import LoadedManifest

Path = tuple[str | int, ...]


class Report:
    """Collects problems; knows where in the files each declaration stands."""

    def __init__(self, loaded: LoadedManifest) -> None:
        self.loaded = loaded
        self.problems: list[Problem] = []
        self.is_sound = not loaded.omitted
        """Whether the manifest can become a bot; False also where the reason was told already, by another."""

    def add(
        self,
        slug: str,
        path: Sequence[str | int],
        text: str,
        *,
        expected: str = "",
        hint: str = "",
        on_key: bool = False,
        location: Location | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add a problem at a path of the manifest, or at another place that `location` gives.

        A warning leaves the manifest sound.
        """
        if severity is Severity.ERROR:
            self.is_sound = False
        place = self.loaded.source.locate(path, key=on_key) if location is None else location
        problem = Problem(slug, text, place, dotted(path), expected, hint, severity)
        self.problems.append(veil(problem, self.loaded.source, tuple(path[:-1] if on_key else path)))

    def typed(self, value: Any, path: Sequence[str | int], schema: Any) -> Any:
        """Return a part of the manifest in which what came from the environment has the types of a schema."""
        if not self.loaded.source.filled:
            return value
        new, problems = read_part(self.loaded.source, value, tuple(path), schema)
        self.problems += problems
        self.is_sound = self.is_sound and not problems
        return new

    def is_omitted(self, *path: str | int) -> bool:
        """Whether this part, or one around it, was faulty and told already."""
        return any(path[: len(part)] == part for part in self.loaded.omitted)


def dotted(path: Sequence[str | int]) -> str:
    """Write a path for people: `services.voice.options.rate`, `rules[2].say`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
