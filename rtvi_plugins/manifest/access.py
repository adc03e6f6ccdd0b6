"""Who may come in, as a manifest or the command line says it: what lets everybody in unasked, or can never match."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import Problem
from rtvi_plugins.manifest.paths import KeyPath, dotted, shown
from rtvi_plugins.manifest.source import Source
from rtvi_plugins.manifest.veil import veil

if TYPE_CHECKING:
    from rtvi_plugins.manifest.load import LoadedManifest

ANY: Final = "*"
ORIGIN: Final = "an origin like https://app.example or http://localhost:5173, or '*' for any"
HOST: Final = "a host name like bot.example, or '*' for any"
OPEN: Final = "leave 'auth' out to let everybody in unasked"
_ORIGIN: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#@]*)(?P<rest>/?)")
_AUTHORITY: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_PAGES: Final = {"ws": "http", "wss": "https"}
_SHORTEST_TOKEN: Final = 8


def origin_fault(text: str) -> str:
    """Say why no page can have this origin; empty when one can.

    The scheme and the host in any case, and one '/' at the end, are as good as what a browser sends.
    """
    if text in (ANY, "null"):
        return ""
    if text != text.strip() or not text:
        return "white space is part of no origin"
    match = _ORIGIN.fullmatch(text)
    if match is None:
        what = "no scheme" if "://" not in text else "a path, a query or a user, which no origin has"
        return f"it has {what}"
    scheme = match["scheme"].lower()
    if scheme in _PAGES:
        return f"a page's address begins with '{_PAGES[scheme]}:'"
    if "*" in match["host"]:
        return "'*' stands for any origin by itself, not for a part of one"
    return _authority_fault(match["host"], _DEFAULT_PORTS.get(scheme))


def _authority_fault(text: str, default_port: str | None) -> str:
    if not text.isascii():
        return "browsers write such a name in its form of ASCII, 'xn--…'"
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return "its host is not a name or an address"
    port = match["port"]
    if port is not None and int(port) not in range(1, 65_536):
        return "there is no such port"
    if port is not None and port == default_port:
        return f"browsers leave the usual port {port} out"
    return ""


def host_fault(text: str) -> str:
    """Say why no request can be for this host; empty when one can. Case, a port and a last dot do not matter."""
    if text == ANY:
        return ""
    if text != text.strip() or not text:
        return "white space is part of no host name"
    if "://" in text:
        return "a host name has no scheme"
    if "/" in text:
        return "a host name has no path"
    if "*" in text:
        return "'*' stands for any name by itself, not for a part of one"
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _authority_fault(text, None)
    return ""


def token_fault(text: str) -> str:
    """Say why a token proves nothing, or reaches nobody; empty for a sound one."""
    if not text.strip():
        return "is blank"
    if text != text.strip():
        return "begins or ends with white space, which no header keeps"
    if not text.isprintable():
        return "has a character that no header carries"
    if len(set(text)) == 1:
        return "is one character again and again, which anybody can guess"
    return ""


def check_access(source: Source) -> Iterator[tuple[KeyPath, Problem]]:
    """Check `runtime.auth`, `origins` and `hosts` of a manifest; each problem with the path that is no use.

    What has the wrong form is left to the models.
    """
    runtime = source.value.get("runtime")
    if not isinstance(runtime, dict):
        return

    def problem(slug: str, path: KeyPath, text: str, expected: str = "", hint: str = "") -> tuple[KeyPath, Problem]:
        made = Problem(slug, text, source.locate(path), dotted(path), expected=expected, hint=hint)
        return path, veil(made, source, path)

    for path, text in _open_doors(runtime):
        if path not in source.faulty:
            yield problem("bad-auth", path, text, "'tokens: {CALLER: TOKEN}'", OPEN)
    for path, text in _token_faults(runtime):
        yield problem("bad-auth", path, text)
    for key, fault_of, expected in (("origins", origin_fault, ORIGIN), ("hosts", host_fault, HOST)):
        entries = runtime.get(key)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, str) and (text := fault_of(entry)):
                yield problem("bad-origin", ("runtime", key, index), f"{shown(entry)} never matches: {text}", expected)


def _open_doors(runtime: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    auth = runtime.get("auth", ...)
    if auth is None:
        yield ("runtime", "auth"), "'auth' is empty, so that nobody would be asked for a token"
    elif isinstance(auth, dict) and auth.get("tokens") == {}:
        yield ("runtime", "auth", "tokens"), "there is no token, so that nobody would be asked for one"


def _token_faults(runtime: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    first: dict[str, str] = {}
    for caller, token in tokens_in(runtime):
        path = ("runtime", "auth", "tokens", caller)
        if len(token) < _SHORTEST_TOKEN:
            continue  # the models say so
        if text := token_fault(token):
            yield path, f"the token of {shown(caller)} {text}"
        elif token in first:
            yield path, f"{shown(caller)} has the same token as {shown(first[token])}"
        first.setdefault(token, caller)


def tokens_in(runtime: Any) -> list[tuple[str, str]]:
    """List the callers and their tokens, as far as they are text."""
    auth = runtime.get("auth") if isinstance(runtime, dict) else None
    tokens = auth.get("tokens") if isinstance(auth, dict) else None
    pairs = tokens.items() if isinstance(tokens, dict) else ()
    return [(caller, token) for caller, token in pairs if isinstance(token, str)]


def check_together(loaded: Iterable[LoadedManifest]) -> Iterator[Problem]:
    """Check what only matters where bots share a server: two of one name, and one token for two callers."""
    names: dict[str, LoadedManifest] = {}
    holders: dict[str, tuple[str, str]] = {}
    for item in loaded:
        source, bot = item.source, item.manifest.bot
        if ("bot",) not in item.omitted:
            if bot in names:
                text = f"the bot '{bot}' is declared in {names[bot].source.locate(('bot',))} too"
                at = source.locate(("bot",))
                problem = Problem("duplicate-bot", text, at, "bot", hint="give it another name")
                yield veil(problem, source, ("bot",))
            names.setdefault(bot, item)
        for caller, token in tokens_in(source.value.get("runtime")):
            other, its_bot = holders.setdefault(token, (caller, bot))
            if other != caller:
                path = ("runtime", "auth", "tokens", caller)
                text = f"{shown(caller)} has the same token as {shown(other)} of the bot {shown(its_bot)}"
                if its_bot != bot or item is not names.get(bot):
                    yield veil(Problem("bad-auth", text, source.locate(path), dotted(path)), source, path)
