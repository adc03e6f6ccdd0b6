"""Serving the console: files that the build has put into `assets/`, and the headers that keep the page to itself.

The page is the same for every bot: what it shows, it learns over RTVI. Its addresses are relative, so that it works
wherever it is mounted. No request of it leaves its server.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

ASSETS: Final = Path(__file__).parent / "assets"

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

POLICY: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "media-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # The browser itself refuses whoever would turn text into HTML or script.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
"""What the page may load and do: what comes from its own server, and nothing that stands in the page itself."""

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "; ".join(f"{what} {whence}" for what, whence in POLICY.items()),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

ALWAYS_ASK: Final = "no-cache"
FOR_EVER: Final = "public, max-age=31536000, immutable"
"""For files that have a hash of their content in their name."""


@dataclass(frozen=True)
class Asset:
    """One file, as it is and compressed."""

    body: bytes
    media_type: str
    cache_control: str

    @cached_property
    def compressed(self) -> bytes:
        """The file in gzip; made when it is first asked for."""
        return gzip.compress(self.body, 9, mtime=0)

    @cached_property
    def etag(self) -> str:
        """A strong validator of the content."""
        return hashlib.sha256(self.body).hexdigest()[:32]

    def response(self, request: Request) -> Response:
        """Answer a request: compressed for those that take it, and only once for those that keep it."""
        accepts_gzip = _accepts(request.headers.get("accept-encoding", ""), "gzip")
        etag = f'"{self.etag}-gz"' if accepts_gzip else f'"{self.etag}"'
        headers = {**HEADERS, "cache-control": self.cache_control, "etag": etag, "vary": "Accept, Accept-Encoding"}
        if _names(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        if accepts_gzip:
            headers["content-encoding"] = "gzip"
        body = self.compressed if accepts_gzip else self.body
        return Response(body, headers=headers, media_type=self.media_type)


class Console:
    """The page and its files, read once. Raises FileNotFoundError where the package was made without them."""

    def __init__(self, folder: Path = ASSETS) -> None:
        self._assets = {
            path.name: Asset(path.read_bytes(), MEDIA_TYPES[path.suffix], _cache_control(path))
            for path in sorted(folder.iterdir())
            if path.suffix in MEDIA_TYPES
        }
        if "index.html" not in self._assets:
            raise FileNotFoundError(f"the console was not built into {folder}; `make console` does that")

    def index(self, request: Request) -> Response:
        """Answer `GET /`."""
        return self._assets["index.html"].response(request)

    def asset(self, request: Request) -> Response:
        """Answer `GET /assets/{name}`."""
        found = self._assets.get(request.path_params["name"])
        if found is None:
            return Response("there is no such file\n", 404, headers=dict(HEADERS), media_type="text/plain")
        return found.response(request)


def _cache_control(path: Path) -> str:
    """Say how long a file may be kept: as long as one likes where its name changes with its content."""
    return FOR_EVER if "-" in path.stem and path.suffix != ".txt" else ALWAYS_ASK


def _accepts(header: str, coding: str) -> bool:
    """Whether `Accept-Encoding` names a coding without ruling it out (RFC 9110, 12.5.3)."""
    for entry in header.lower().split(","):
        name, _, parameters = entry.partition(";")
        if name.strip() == coding:
            quality = parameters.strip().removeprefix("q=").strip()
            return not quality or quality.rstrip("0") not in ("", ".", "0.")
    return False


def _names(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names a validator; weak ones count as well (RFC 9110, 13.1.2)."""
    given = {entry.strip().removeprefix("W/") for entry in header.split(",")}
    return etag in given or "*" in given
