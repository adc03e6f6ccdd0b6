"""What can go wrong, and how it is told to people.

Bad manifests and plugins never raise on their own: they become `Problem`s, collected until the whole picture is known.
`Problem.render` is the only place that turns one into text. The exceptions form this tree:

    RTVIPluginsError
    ├── StartupError      the run cannot begin; carries every Problem, warnings included
    └── ActionError       a handler refuses; its text goes to the client
"""

from __future__ import annotations

import difflib
import enum
import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SLUGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # reading a file
        "unreadable-file": "the file or folder cannot be read, or holds no manifest",
        "outside-root": "the file, links resolved, lies outside the folder that files are taken from",
        "too-large": "the file, its nesting or its aliases go beyond what a manifest may be",
        "bad-yaml": "the text is not YAML, or not UTF-8",
        "duplicate-key": "a key stands twice in one mapping",
        "bad-tag": "YAML tags are not part of the manifest language",
        "many-documents": "a manifest is one YAML document",
        # the manifest's form
        "bad-version": "the manifest is written for another version of the language",
        "missing-key": "a required key is absent",
        "unknown-key": "the language has no such key here",
        "wrong-type": "a value has the wrong type",
        "bad-value": "a value has the right type but is not one of the legal ones",
        "bad-name": "a name is not made of letters, digits, '_' and '-', beginning with a letter",
        "bad-duration": "a duration is not like 500ms, 10s, 5m or a number of seconds",
        "empty-bot": "the manifest declares no service, function, message or ui, and nothing that answers",
        "bad-auth": "`auth:` would ask nobody, or its tokens prove nothing",
        "bad-origin": "an entry of `origins:` or `hosts:` that nothing can ever match",
        "reserved-name": "the name is taken by the protocol",
        "duplicate-bot": "two manifests that run together have one name",
        # references
        "unset-env": "an environment variable has no value and no default",
        "bad-env": "a ${env:...} reference is malformed",
        "unresolved-use": "`use:` names no shipped manifest and no file",
        "use-cycle": "files take services from each other in a circle",
        "unresolved-ref": "a $ref points to nothing",
        # value schemas
        "unknown-type": "no such value type",
        "unknown-format": "nobody knows this `format`, so nothing can check it",
        "bad-schema": "the value schema is not valid JSON Schema 2020-12",
        "bad-default": "a default or initial value does not satisfy its own schema",
        "bad-from": "`from:` names no start data, or the option does not take what that may be",
        "unknown-option": "`config:` or an overlay names an option that the service does not have",
        "unknown-service": "a name refers to a service that the manifest does not declare",
        # plugins
        "broken-plugin": "a plugin failed while it was imported or asked for what it supplies",
        "duplicate-plugin": "two plugins use one name, or supply a manifest, responder or stage of one name",
        "unknown-hook": "a plugin implements a hook that does not exist",
        "bad-hook": "a hook's signature or result is not what the contract says",
        "unmet-requirement": "a plugin needs another version of a distribution",
        "unknown-plugin": "the manifest names a plugin that is not installed",
        # binding
        "missing-handler": "something declared has no handler",
        "unknown-handler": "a plugin handles something that the manifest does not declare",
        "duplicate-handler": "two handlers serve one name",
        "bad-handler": "a handler's parameters do not fit what is declared",
        "ambiguous-plugin": "several plugins could supply the handlers; name one with `plugin:`",
        "unknown-responder": "no such responder",
        "bad-responder": "a responder's settings are wrong",
        "duplicate-tool": "an LLM would know two things by one name",
        "missing-host": "a section needs a host or an extra that is not there",
        # pipelines
        "unknown-stage": "no such stage, service, strategy or class",
        "missing-extra": "a stage needs packages that are not installed",
        "bad-stage": "a stage is not given what it takes, or given what it does not take, or cannot be made",
        "bad-order": "stages cannot work in this order, or one is missing or there twice",
        "bad-bind": "`bind:` names no field of a stage, or the option does not fit the field",
    }
)


class ExitCode(enum.IntEnum):
    """What the `rtvi` command answers to the shell."""

    FINE = 0
    """Everything asked for was done."""
    PROBLEMS = 1
    """Problems were found and printed."""
    USAGE = 2
    """The command line itself was wrong."""
    UNAVAILABLE = 3
    """The server could not serve, or could not be reached."""
    CANCELLED = 130
    """The job that was followed was cancelled, or left with Ctrl-C."""


class Category(enum.StrEnum):
    """The kind of failure a client is told of, in `data.category` of `error` and `error-response`."""

    CONFIGURATION = "configuration"
    ACTION = "action"
    FUNCTION_CALL = "function-call"
    PROTOCOL = "protocol"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file; `line` and `column` count from 1 and are 0 where unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.path]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


class Severity(enum.StrEnum):
    """What a problem means for the run."""

    ERROR = "error"
    """The bot does not start."""
    WARNING = "warning"
    """The bot starts; `rtvi check --strict` treats it as an error."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a manifest or plugin.

    slug:     stable code, a key of `SLUGS`.
    text:     what is wrong: lower case, values in single quotes, no full stop.
    location: where; `Location("")` when no file is involved.
    where:    dotted path inside the manifest (`services.voice.options.rate`) or empty.
    expected: what would have been right, or empty.
    hint:     the way out (`did you mean 'string'?`), or empty.
    severity: whether it keeps the bot from starting.
    """

    slug: str
    text: str
    location: Location = Location("")
    where: str = ""
    expected: str = ""
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        if self.slug not in SLUGS:
            raise ValueError(f"unknown problem slug {self.slug!r}")

    @property
    def is_warning(self) -> bool:
        """Whether the bot starts all the same."""
        return self.severity is Severity.WARNING

    def render(self) -> str:
        """Give the one-line text: where, what, what was expected, suggestion, slug; `warning:` behind the place."""
        kind = "warning" if self.is_warning else ""
        lead = "".join(f"{part}: " for part in (str(self.location), kind, self.where) if part)
        tail = "".join(f"; {part}" for part in (self.expected and f"expected {self.expected}", self.hint) if part)
        return f"{lead}{self.text}{tail} [{self.slug}]"

    def as_dict(self) -> dict[str, object]:
        """Give the JSON form that `rtvi check --format json` prints."""
        return {
            "slug": self.slug,
            "severity": self.severity.value,
            "path": self.location.path,
            "line": self.location.line,
            "column": self.location.column,
            "where": self.where,
            "text": self.text,
            "expected": self.expected,
            "hint": self.hint,
        }


def sort_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Order by place and drop exact repeats."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.location, p.where, p.slug, p.text)))


def errors_of(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that keep a bot from starting."""
    return tuple(problem for problem in problems if not problem.is_warning)


def warnings_of(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems with which a bot starts all the same."""
    return tuple(problem for problem in problems if problem.is_warning)


# Spellings that are far from the right word by letters but near in meaning.
_SYNONYMS: Final = MappingProxyType(
    {
        "int": "integer",
        "float": "number",
        "double": "number",
        "str": "string",
        "text": "string",
        "list": "array",
        "tuple": "array",
        "dict": "object",
        "map": "object",
        "args": "arguments",
        "params": "arguments",
        "parameters": "arguments",
        "min": "minimum",
        "max": "maximum",
        "choices": "enum",
        "values": "enum",
        "returns": "result",
        "return": "result",
        "name": "bot",
        "doc": "description",
        "desc": "description",
    }
)


MAX_COMPARED: Final = 64
"""Names that an unknown word is compared with, letter by letter; among more, those that begin alike come first."""
_MAX_LENGTH: Final = 80


def did_you_mean(word: str, legal: Iterable[str]) -> str:
    """Give `did you mean 'x'?` for the nearest legal word, or an empty string when nothing is near."""
    names = sorted(set(legal))
    lower = word[:_MAX_LENGTH].lower()
    synonym = _SYNONYMS.get(lower)
    if synonym in names:
        return f"did you mean '{synonym}'?"
    by_lower = {name.lower(): name for name in names if len(name) <= 2 * _MAX_LENGTH}
    compared: Iterable[str] = by_lower
    if len(by_lower) > MAX_COMPARED:
        compared = heapq.nsmallest(
            MAX_COMPARED, by_lower, key=lambda name: (name[:1] != lower[:1], abs(len(name) - len(lower)), name)
        )
    near = difflib.get_close_matches(lower, compared, n=1, cutoff=0.6)
    return f"did you mean '{by_lower[near[0]]}'?" if near else ""


class Suggestions:
    """`did_you_mean` for as many words as are shown of one answer; nothing for the others.

    most: how many words it is asked for at most. What it is compared with is bounded in all, too.
    """

    def __init__(self, most: int = 20) -> None:
        self._left = most
        self._names_left = most * 20

    def __call__(self, word: str, legal: Collection[str]) -> str:
        """Give the nearest legal word, as `did_you_mean`, while there is room for it."""
        if self._left <= 0 or self._names_left <= 0:
            return ""
        self._left -= 1
        self._names_left -= min(len(legal), MAX_COMPARED)
        return did_you_mean(word, legal)


def quoted(words: Iterable[str]) -> str:
    """List words for a message: quoted, sorted, comma-separated, `or` before the last."""
    items = [f"'{word}'" for word in sorted(words)]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}" if items else "nothing"


class RTVIPluginsError(Exception):
    """Base of every exception this package raises on purpose."""


class StartupError(RTVIPluginsError):
    """The bot cannot start; `problems` holds every reason, ordered by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sort_problems(problems)
        super().__init__("\n".join(problem.render() for problem in self.problems))


class ActionError(RTVIPluginsError):
    """Raise from a handler to refuse: `text` is sent to the client as it stands.

    code:    stable word for programs, sent as `data.code`.
    details: JSON value sent as `data.details`, or None.
    """

    def __init__(self, text: str, *, code: str = "refused", details: object = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.details = details
