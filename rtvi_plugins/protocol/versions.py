"""Protocol versions: what a client's `client-ready` says, and which generation that makes it.

Source: rtvi-protocol 0.1 (history), 4.2 to 4.4 (negotiation and gating).
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple


class Version(NamedTuple):
    """Three integers, compared one after the other."""

    major: int
    minor: int = 0
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


SERVER_VERSION: Final = Version(2, 2, 0)
"""What this server speaks; announced to clients of generation 2 and later."""
LEGACY_VERSION: Final = Version(0, 3, 0)
"""What clients that name no version speak."""


class Generation(enum.Enum):
    """The three families of clients, by what they know."""

    LEGACY = 0
    """0.x: configuration and actions by messages of their own, no `server-response`."""
    V1 = 1
    """1.x: `client-message`; `bot-output` in its first form; wants its own version echoed."""
    V2 = 2
    """2.x and later."""

    @classmethod
    def of(cls, version: Version) -> Generation:
        """Tell the generation of a client's version."""
        return cls(min(version.major, 2))


_NUMBERS: Final = re.compile(r"\s*v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?")


def parse_version(text: object) -> Version | None:
    """Read the leading integers of a version leniently (`0.2`, `2.1.0-rc1`); None when there are none."""
    match = _NUMBERS.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    return Version(*(int(part or 0) for part in match.groups()))
