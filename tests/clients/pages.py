"""The two clients as tests see them.

A `Client` is a page in the browser that holds a real, published JavaScript client (src/driver.js). `Request`s hide how
a generation spells a call, so that one table of calls serves both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from playwright.async_api import BrowserContext, Page

    from .harness import Bot

REFUSAL_MS = 2000
"""A refusal takes no longer; the clients' own limit, after which they give up on an answer, is 10 s."""


@dataclass(frozen=True)
class Request:
    """One call of a client's method. `unwrap` takes the answer out of what that generation wraps around it."""

    method: str
    args: tuple[Any, ...] = ()
    unwrap: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True)
class Outcome:
    """What a call came to: `value`, or the `error` text with its `kind` and `data`. `ms` is how long it took."""

    value: Any = None
    error: str | None = None
    kind: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    ms: float = 0.0

    @classmethod
    def of(cls, told: Mapping[str, Any], unwrap: Callable[[Any], Any]) -> Outcome:
        if fault := told.get("error"):
            return cls(error=fault["message"], kind=fault["kind"], data=fault.get("data") or {}, ms=told["ms"])
        return cls(value=unwrap(told["value"]), ms=told["ms"])


Config = dict[str, dict[str, Any]]
"""Service → option → value."""


def to_wire(config: Config) -> list[dict[str, Any]]:
    """Spell values as `update-config` does."""
    return [
        {"service": service, "options": [{"name": name, "value": value} for name, value in options.items()]}
        for service, options in config.items()
    ]


def from_wire(config: Sequence[Mapping[str, Any]]) -> Config:
    """Read values as `config` and the legacy `bot-ready` spell them; services without options are left out."""
    return {
        one["service"]: {option["name"]: option["value"] for option in one["options"]}
        for one in config
        if one["options"]
    }


def arguments_to_wire(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Spell arguments as `action` does."""
    return [{"name": name, "value": value} for name, value in arguments.items()]


def check_refusal(outcome: Outcome) -> None:
    """A refusal is the bot's, comes at once, says what kind it is, and shows nothing of the server's insides."""
    assert outcome.kind == "error-response", f"{outcome.kind}: {outcome.error}"
    assert outcome.ms < REFUSAL_MS, f"refused only after {outcome.ms:.0f} ms"
    category = outcome.data.get("category")
    assert category in {"configuration", "action", "function-call", "protocol"}, f"{category}: {outcome.error}"
    assert outcome.data.get("code"), outcome.data
    for inside in ("Traceback", "pydantic", "http:", "https:", ".py"):
        assert inside not in str(outcome.error), outcome.error


class Client:
    """A page with a real client in it. Subclasses say how their generation spells things."""

    generation: str

    def __init__(self, portal: BlockingPortal, context: BrowserContext, origin: str) -> None:
        self._portal = portal
        self._context = context
        self.page_errors: list[str] = []
        self.foreign_requests: list[str] = []
        self.console: list[str] = []
        self.audio_frames = 0
        self.may_trip = False
        self._page = portal.call(self._load, f"{origin}/{self.generation}.html")

    async def _load(self, address: str) -> Page:
        """Open the page. All of it in the browser's own thread: even subscribing to an event speaks to the browser."""
        page = await self._context.new_page()
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("request", lambda request: self._note(request.url))
        page.on("websocket", lambda socket: socket.on("framesent", self._count))
        await page.goto(address)
        return page

    def _note(self, url: str) -> None:
        if not re.match(r"(\w+://127\.0\.0\.1[:/])|data:|blob:", url):
            self.foreign_requests.append(url)

    def _count(self, sent: str | bytes) -> None:
        # The first byte of a protobuf frame is its kind; 0x12 is audio.
        self.audio_frames += isinstance(sent, bytes) and sent[:1] == b"\x12"

    def _evaluate(self, expression: str, argument: object = None) -> Any:
        return self._portal.call(self._page.evaluate, expression, argument)

    def close(self) -> None:
        """Leave the browser; nothing the page did may have gone past this machine or past its own error handling."""
        self._portal.call(self._context.close)
        print(*self.console, sep="\n")  # noqa: T201 - pytest shows it when the test failed
        assert not self.foreign_requests, self.foreign_requests
        assert self.may_trip or not self.page_errors, self.page_errors

    def open(self, **options: object) -> None:
        """Make a fresh client in the page."""
        self._evaluate("options => window.rtvi.open(options)", options)

    def outcome(self, request: Request) -> Outcome:
        return self.together([request])[0]

    def together(self, requests: Sequence[Request]) -> list[Outcome]:
        """Have all requests under way at once; gives their outcomes in the order of the requests."""
        calls = [[request.method, list(request.args)] for request in requests]
        told = self._evaluate("calls => window.rtvi.callAll(calls)", calls)
        return [Outcome.of(one, request.unwrap) for one, request in zip(told, requests, strict=True)]

    def ask(self, request: Request) -> Any:
        """Give the answer, which has to be a good one."""
        outcome = self.outcome(request)
        assert outcome.error is None, f"{request.method}{request.args}: {outcome.kind}: {outcome.error}"
        return outcome.value

    def refused(self, request: Request) -> str:
        """Give the text of a refusal by the bot, which has to come at once and be fit for a user's eyes."""
        outcome = self.outcome(request)
        assert outcome.error is not None, f"accepted with {outcome.value!r}"
        check_refusal(outcome)
        return outcome.error

    @property
    def state(self) -> str:
        return str(self._evaluate("() => window.rtvi.state()"))

    def mark(self) -> int:
        """Remember where the record of callbacks ends now."""
        return int(self._evaluate("() => window.rtvi.events.length"))

    def event_names(self) -> list[str]:
        """The callbacks so far, in order."""
        return [str(name) for name in self._evaluate("() => window.rtvi.events.map((event) => event.name)")]

    def events(self, *names: str, after: int = 0) -> list[Any]:
        """What the callbacks of these names were called with so far, in order."""
        recorded = self._evaluate("after => window.rtvi.events.slice(after)", after)
        return [event["data"] for event in recorded if event["name"] in names]

    def event(self, name: str, *, having: str = "", after: int = 0) -> Any:
        """Wait for a callback whose data holds a text and give what it was called with."""
        expression = "([name, having, after]) => window.rtvi.event(name, having, after, 5000)"
        event = self._evaluate(expression, [name, having, after])
        assert event is not None, f"no {name}; what came: {self._evaluate('() => window.rtvi.events')}"
        return event["data"]

    # How a generation spells things.
    def start(self, bot: Bot, *, config: Config | None = None, enable_mic: bool = False) -> Request:
        """Make a fresh client; the request connects it by asking the bot's HTTP endpoint for the address."""
        raise NotImplementedError

    def straight(self, bot: Bot) -> Request:
        """Make a fresh client; the request connects it straight to the bot's socket."""
        raise NotImplementedError

    def again(self) -> Request:
        """Connect the client that is there once more, without saying where to."""
        return Request("connect")

    def native(self, kind: str, data: Mapping[str, Any], unwrap: Callable[[Any], Any]) -> Request:
        """Give a legacy request type with its data, whatever way the generation sends it."""
        raise NotImplementedError

    def unknown(self, name: str) -> Request:
        raise NotImplementedError

    def send_text(self, text: str) -> Request:
        raise NotImplementedError

    # The calls themselves.
    def describe_config(self) -> Request:
        return self.native("describe-config", {}, lambda data: data["config"])

    def get_config(self) -> Request:
        return self.native("get-config", {}, lambda data: from_wire(data["config"]))

    def update_config(self, config: Config, *, interrupt: bool = False) -> Request:
        data = {"config": to_wire(config), "interrupt": interrupt}
        return self.native("update-config", data, lambda data: from_wire(data["config"]))

    def describe_actions(self) -> Request:
        return self.native("describe-actions", {}, lambda data: data["actions"])

    def action(self, service: str, action: str, /, **arguments: object) -> Request:
        data = {"service": service, "action": action, "arguments": arguments_to_wire(arguments)}
        return self.native("action", data, lambda data: data["result"])

    def disconnect(self) -> Request:
        return Request("disconnect")


class NewClient(Client):
    """`PipecatClient`: everything is a `client-message`."""

    generation = "new"

    def start(self, bot: Bot, *, config: Config | None = None, enable_mic: bool = False) -> Request:
        self.open(enableMic=enable_mic)
        body = {} if config is None else {"requestData": {"config": to_wire(config)}}
        return Request("startBotAndConnect", ({"endpoint": f"{bot.http}/start", **body},))

    def straight(self, bot: Bot) -> Request:
        self.open()
        return Request("connect", ({"wsUrl": bot.ws},))

    def native(self, kind: str, data: Mapping[str, Any], unwrap: Callable[[Any], Any]) -> Request:
        return Request("sendClientRequest", (kind, data), unwrap)

    def unknown(self, name: str) -> Request:
        return Request("sendClientRequest", (name, {}))

    def send_text(self, text: str) -> Request:
        return Request("sendText", (text,))


class LegacyClient(Client):
    """`RTVIClient`: a method for every request; `get-config` unwraps itself, the rest gives whole envelopes."""

    generation = "legacy"

    def start(self, bot: Bot, *, config: Config | None = None, enable_mic: bool = False) -> Request:
        body = {} if config is None else {"config": to_wire(config)}
        self.open(enableMic=enable_mic, params={"baseUrl": bot.http, **body})
        return Request("connect")

    def straight(self, bot: Bot) -> Request:
        self.open(wsUrl=bot.ws)
        return Request("connect")

    def native(self, kind: str, data: Mapping[str, Any], unwrap: Callable[[Any], Any]) -> Request:
        match kind:
            case "get-config":
                return Request("getConfig", (), lambda config: unwrap({"config": config}))
            case "update-config":
                args: tuple[Any, ...] = (data.get("config"), data.get("interrupt", False))
            case "action":
                args = (data,)
            case _:
                args = ()
        method = {
            "describe-config": "describeConfig",
            "update-config": "updateConfig",
            "describe-actions": "describeActions",
            "action": "action",
        }[kind]
        return Request(method, args, lambda envelope: unwrap(envelope["data"]))

    def unknown(self, name: str) -> Request:
        return Request("sendMessage", (name, {}))

    def send_text(self, text: str) -> Request:
        return Request("sendMessage", ("send-text", {"content": text}))
