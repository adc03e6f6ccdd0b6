"""What a plugin may do: every hook, its contract and nothing else.

A plugin is a distribution with an entry point in the group `rtvi_plugins` that names a module or object whose functions
carry `@hookimpl`. All hooks are optional. The first five are called once, at start-up, in the order written here; the
last two once for each session. Order between plugins is by name of their entry points, the built-in ones first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any, Final

import pluggy

from rtvi_plugins.handlers import Handlers

if TYPE_CHECKING:
    from rtvi_plugins.hooks.contracts import Middleware, Responder

GROUP: Final = "rtvi_plugins"
"""The entry-point group, and the name of the pluggy project."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def rtvi_handlers() -> Iterable[Handlers]:  # type: ignore[empty-body]
    """Supply handlers for options, actions, messages and UI events.

    When:     once, at start-up, before any client connects.
    Returns:  `Handlers` collections; a second handler for the same thing is a problem that names both places.
    Errors:   an exception drops this plugin and is reported; a bot that needs the plugin does not start.
    Example:  plugins/rtvi-plugin-voice
    Since:    0.1
    """


@hookspec
def rtvi_manifests() -> Mapping[str, Traversable]:  # type: ignore[empty-body]
    """Ship service manifests, for `use: name`.

    When:     once, at start-up, before manifests are read.
    Returns:  name → a YAML file of the package (`importlib.resources.files(__package__) / "knowledge.yaml"`); the file
              holds one service: the mapping that would stand under `services.<name>`, with `manifest: 1` before it.
    Errors:   as `rtvi_handlers`; a name that two plugins ship is a problem.
    Example:  plugins/rtvi-plugin-knowledge
    Since:    0.1
    """


@hookspec
def rtvi_responders() -> Mapping[str, type[Responder]]:  # type: ignore[empty-body]
    """Supply responders: what answers `send-text` on the standalone host.

    When:     once, at start-up.
    Returns:  name → a `Responder` class; the manifest picks one with `runtime.responder`.
    Errors:   as `rtvi_handlers`; a name that two plugins supply is a problem.
    Example:  rtvi_plugins/responders (`echo` and `rules` come through this hook)
    Since:    0.1
    """


@hookspec
def rtvi_stages() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Supply Pipecat stages for `pipeline:`.

    When:     once, at start-up of a bot that has `pipeline:`, and only on the Pipecat host.
    Returns:  name → a callable that builds one `FrameProcessor` for one session. It may have an attribute
              `check_stage(check: StageCheck) -> Iterable[str]`, which is called at start-up and gives one line for each
              fault that no annotation can tell, such as a missing library; `args.phrases[2]: …` says where it is.
    Errors:   as `rtvi_handlers`.
    Example:  plugins/rtvi-plugin-espeak
    Since:    0.1
    """


@hookspec
def rtvi_middleware() -> Iterable[Middleware]:  # type: ignore[empty-body]
    """Wrap every option change and every action of a bot: audit, metrics, policy.

    For:      bots that use something of this plugin; every bot, when it supplies no handlers, manifests, responders or
              stages that a manifest could name.
    When:     once, at start-up; what is returned runs on every call.
    Returns:  `async def middleware(call, call_next)` functions; the first one given is the outermost.
              `call` is a `Call`; `await call_next(call)` runs the rest and gives the result; `ActionError` refuses.
    Errors:   as `rtvi_handlers`; what a middleware raises at run time answers that one request.
    Example:  plugins/rtvi-plugin-conversation
    Since:    0.1
    """


@hookspec
def rtvi_session_started(processor: Any) -> Awaitable[None] | None:
    """Prepare a session: fill `processor.session.state`, register event handlers.

    For:      bots that use something of this plugin; every bot, when it supplies no handlers, manifests, responders or
              stages that a manifest could name.
    When:     for each session, before its first message is handled. May be `async def`.
    Errors:   logged with their traceback; the session goes on.
    Example:  plugins/rtvi-plugin-room
    Since:    0.1
    """


@hookspec
def rtvi_session_ended(processor: Any, reason: str) -> Awaitable[None] | None:
    """Release what a session held.

    For:      bots that use something of this plugin; every bot, when it supplies no handlers, manifests, responders or
              stages that a manifest could name.
    When:     for each session, after its last message and after its running actions ended. May be `async def`.
    Reason:   `disconnected`, `ended` (disconnect-bot), `shutdown`, `failed`, `not-ready` (the client did not come in)
              or `idle` (nothing was heard of it).
    Errors:   logged with their traceback.
    Example:  plugins/rtvi-plugin-room
    Since:    0.1
    """
