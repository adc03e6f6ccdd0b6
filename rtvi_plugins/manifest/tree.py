"""The tree of values and places, built in one loop over the YAML parser's events.

PyYAML's own `compose` calls itself once for each level, so text that nests deeply ends the process; a loop only counts.
"""

from __future__ import annotations

import io
import math
import re
from typing import Any, Final, NamedTuple

import yaml
from yaml.error import Mark
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from rtvi_plugins.errors import Location, Problem
from rtvi_plugins.manifest.paths import KeyPath, dotted, shown
from rtvi_plugins.manifest.places import Entry, Place, location_of, mark_of, moved
from rtvi_plugins.manifest.syntax import MAX_DEPTH, TOO_DEEP, syntax_problem

MAX_NODES: Final = 500_000
"""Values after every alias is written out; the parts themselves are shared until they become JSON."""
MAX_PROBLEMS: Final = 100
"""Problems reported of one file's YAML before reading it is given up."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PLAIN: Final[dict[str, Any]] = {"": None, "null": None, "true": True, "false": False}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SMALLEST_INTEGER: Final = -(2**63)
_LARGEST_INTEGER: Final = 2**64 - 1
# libyaml hides the bare tag `!` from its events, so the text is asked, but only when it may hold one.
_MAY_HOLD_BARE_TAG: Final = re.compile(r"(?:^|[\s,\[{])!(?=\s|$)")
_BARE_TAG: Final = re.compile(r"(?:&\S+\s+)?!(?:\s|$)")


class _NamedText(io.StringIO):
    """Text with a name, which the parser puts into every mark."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class _StopReadingError(Exception):
    """The file cannot or shall not be read any further; the reason is among the problems."""


class _Open:
    """A list or mapping whose end has not come yet.

    keys:     None for a list.
    key:      None where a key comes next; its mark is None when it is no use, so that its value is dropped.
    is_key:   it stands where a key should; it is read only to find its end.
    before:   number of values before it.
    """

    __slots__ = ("anchor", "before", "height", "is_key", "items", "key", "key_mark", "keys", "mark", "values")

    def __init__(self, mark: Mark, before: int, anchor: str | None, *, is_mapping: bool, is_key: bool) -> None:
        self.values: Any = {} if is_mapping else []
        self.mark = mark
        self.before = before
        self.anchor = anchor
        self.height = 0
        self.is_key = is_key
        self.key: str | None = None
        self.key_mark: Mark | None = None
        self.keys: dict[str, Entry] | None = {} if is_mapping else None
        self.items: list[Place] = []


class _Anchor(NamedTuple):
    """What an alias stands for. `size` counts its values, `height` the levels inside; None while it is still open."""

    value: Any
    place: Place
    size: int | None
    height: int


class Tree:
    """One run over the events of one file; after a successful `read` the fields are those of a `Source`."""

    def __init__(self, path: str, text: str) -> None:
        self.value: Any = None
        self.place: Place
        self.size = 0
        self.faulty: set[KeyPath] = set()
        self.problems: list[Problem] = []
        self._path = path
        self._text = text
        self._wary = _MAY_HOLD_BARE_TAG.search(text) is not None
        self._bare_tags: set[int] = set()
        self._anchors: dict[str, _Anchor] = {}
        # The document itself is the one item of an outermost list.
        self._top = _Open(Mark(path, 0, 0, 0, None, 0), 0, None, is_mapping=False, is_key=False)
        self._stack: list[_Open] = []

    def read(self) -> bool:
        """Run to the end of the file; False when that cannot be reached or nothing is there."""
        root = self._top
        actions = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._begin_mapping,
            SequenceStartEvent: self._begin_list,
            MappingEndEvent: self._end,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._begin_document,
            DocumentEndEvent: _ignore,
            StreamStartEvent: _ignore,
        }
        loader = None
        try:
            loader = _Loader(_NamedText(self._path, self._text))
            event = loader.get_event()
            while type(event) is not StreamEndEvent:
                actions[type(event)](event)
                event = loader.get_event()
        except _StopReadingError:
            return False
        except yaml.YAMLError as error:
            self.problems.append(syntax_problem(error, self._path, self._where(), self._text))
            return False
        finally:
            if loader is not None:
                loader.dispose()
        if not root.values:
            self.problems.append(Problem("unreadable-file", "the file is empty", Location(self._path, 1, 1)))
            return False
        self.value, self.place = root.values[0], root.items[0]
        return True

    # One method for each kind of event.

    def _scalar(self, event: Any) -> None:
        top = self._top
        mark = event.start_mark
        text = event.value
        if self._wary or event.tag is not None:
            self._check_tag(event)
        if top.keys is not None and top.key is None:
            top.key = text
            top.key_mark = mark
            if text == "<<" and not event.style:
                top.key_mark = None
                hint = "take a service from a file with 'use:', or repeat a part with an alias"
                self._problem("unknown-key", "merge keys are not part of the manifest language", mark, hint=hint)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchor(text, mark, 1, 0)
            return
        value = text if event.style else self._plain(text, mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, mark, 1, 0)
        self.size += 1
        self._put(value, mark)

    def _plain(self, text: str, mark: Mark) -> Any:
        """Read a scalar without quotes: JSON's literals and numbers, or else text."""
        if text in _PLAIN:
            return _PLAIN[text]
        if text[0] not in "-0123456789":
            return text
        match = _NUMBER.fullmatch(text)
        if match is None:
            return text
        if match[1] or match[2]:
            number = float(text)
            if math.isfinite(number):
                return number
        elif len(text) <= 20 and _SMALLEST_INTEGER <= (integer := int(text)) <= _LARGEST_INTEGER:
            return integer
        self._unreadable("bad-value", f"the number {shown(text)} is too large", mark, expected="what 64 bits hold")
        return None

    def _begin_mapping(self, event: Any) -> None:
        self._begin(event, is_mapping=True)

    def _begin_list(self, event: Any) -> None:
        self._begin(event, is_mapping=False)

    def _begin(self, event: Any, *, is_mapping: bool) -> None:
        top = self._top
        mark = event.start_mark
        if self._wary or event.tag is not None:
            self._check_tag(event)
        is_key = top.keys is not None and top.key is None
        if is_key:
            self._problem("bad-yaml", "an array or object cannot be a key", mark, expected="text")
        self._check_depth(1, mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(None, mark, None, 0)
        self._stack.append(top)
        self.size += 1
        self._top = _Open(mark, self.size - 1, event.anchor, is_mapping=is_mapping, is_key=is_key)

    def _end(self, _: object) -> None:
        done = self._top
        parent = self._top = self._stack.pop()
        place: Place = (done.mark, done.items) if done.keys is None else (done.mark, done.keys)
        height = done.height + 1
        if done.anchor is not None:
            self._anchors[done.anchor] = _Anchor(done.values, place, self.size - done.before, height)
        parent.height = max(parent.height, height)
        if done.is_key:
            parent.key, parent.key_mark = "", None
        else:
            self._put(done.values, place)

    def _alias(self, event: Any) -> None:
        top = self._top
        mark = event.start_mark
        if top.keys is not None and top.key is None:
            self._problem("bad-yaml", "an alias cannot be a key", mark, expected="text")
            top.key, top.key_mark = "", None
            return
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            self._unreadable("bad-yaml", f"no anchor {shown(event.anchor)} before this alias", mark)
            self._put(None, mark)
        elif anchor.size is None:
            self._unreadable("bad-yaml", f"the alias {shown(event.anchor)} stands inside what it repeats", mark)
            self._put(None, mark)
        else:
            self._check_depth(anchor.height, mark)
            top.height = max(top.height, anchor.height)
            self.size += anchor.size
            self._put(anchor.value, moved(anchor.place, mark))

    def _begin_document(self, event: Any) -> None:
        if self._top.values:
            self._problem("many-documents", "a second document begins here", event.start_mark, expected="one document")
            raise _StopReadingError
        if event.tags:
            self._problem("bad-tag", "tags are not part of the manifest language", event.start_mark)

    def _put(self, value: Any, place: Place) -> None:
        """Store a value in the list or mapping that is open."""
        top = self._top
        if self.size > MAX_NODES:
            expected = f"at most {MAX_NODES:,} values, aliases written out"
            self._problem("too-large", "too many values", mark_of(place), expected=expected)
            raise _StopReadingError
        if top.keys is None:
            top.values.append(value)
            top.items.append(place)
            return
        key, mark = top.key, top.key_mark
        if mark is not None and key is not None:
            if key in top.values:
                first = location_of(top.keys[key][0])
                hint = f"first at line {first.line}"
                self._problem("duplicate-key", f"the key {shown(key)} stands twice", mark, hint=hint)
            else:
                top.values[key] = value
                top.keys[key] = (mark, place)
        top.key = None

    # Complaints.

    def _where(self) -> KeyPath:
        """Give the path of the value that is being read."""
        frames = [*self._stack, self._top][1:]
        parts = ((len(frame.values) if frame.keys is None else frame.key) for frame in frames)
        return tuple(part for part in parts if part is not None)

    def _problem(self, slug: str, text: str, mark: Mark, *, expected: str = "", hint: str = "") -> None:
        location = location_of(mark)
        if len(self.problems) >= MAX_PROBLEMS:
            text = f"more than {MAX_PROBLEMS} problems in this file; what follows was not read"
            self.problems.append(Problem("too-large", text, location))
            raise _StopReadingError
        self.problems.append(Problem(slug, text, location, dotted(self._where()), expected=expected, hint=hint))

    def _unreadable(self, slug: str, text: str, mark: Mark, *, expected: str = "") -> None:
        self._problem(slug, text, mark, expected=expected)
        self.faulty.add(self._where())

    def _check_depth(self, levels: int, mark: Mark) -> None:
        if len(self._stack) + levels > MAX_DEPTH:
            wrong, expected = TOO_DEEP
            self._problem("too-large", wrong, mark, expected=expected)
            raise _StopReadingError

    def _check_tag(self, event: Any) -> None:
        mark = event.start_mark
        tag = event.tag
        if tag is None:
            if mark.index in self._bare_tags or not _BARE_TAG.match(self._text, mark.index):
                return
            self._bare_tags.add(mark.index)
            tag = "!"
        name = shown(tag.replace("tag:yaml.org,2002:", "!!", 1))
        self._problem("bad-tag", f"the tag {name} is not part of the manifest language", mark, hint="leave it out")


def _ignore(_: object) -> None:
    """Pass over an event that says nothing."""
