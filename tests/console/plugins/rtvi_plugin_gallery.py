"""A plugin for the console's tests: its handlers do what their caller says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from rtvi_plugins import ActionError, Handlers, RTVIProcessor, hookimpl

if TYPE_CHECKING:
    from rtvi_plugins.jobs.base import Job

speech = Handlers("speech")
texts = Handlers("texts")
structures = Handlers("structures")
desk = Handlers("desk", optional=True)
app = Handlers()

MARKUP = '<img src=x onerror="document.title=1"><b>bold</b><script>document.title=2</script>'


# -- options ----------------------------------------------------------------------------------------------------------


@speech.option("voice")
async def set_voice(processor: RTVIProcessor, service: str, option: Any) -> None:
    if option.value == "carla":
        raise ActionError("Carla is on holiday")


async def keep(processor: RTVIProcessor, service: str, option: Any) -> None:
    """Leave it at the value that the session keeps."""


for _name in ("rate", "pitch", "volume", "whisper", "greeting", "uptime", "api_key"):
    speech.option(_name)(keep)
for _name in ("nickname", "contact", "opening", "instructions", "note", "fixed"):
    texts.option(_name)(keep)
for _name in ("words", "days", "rooms", "place", "limit", "labels", "settings", "anything"):
    structures.option(_name)(keep)


# -- actions ----------------------------------------------------------------------------------------------------------


@desk.action("greet")
async def greet(processor: RTVIProcessor, *, name: str, times: int, loud: bool) -> str:
    words = " ".join([f"Hello, {name}!"] * times)
    return words.upper() if loud else words


@desk.action("search")
async def search(processor: RTVIProcessor, *, query: str, limit: int) -> list[dict[str, Any]]:
    return [{"title": f"{query} {number}", "score": 1 / (number + 1), "tags": ["a"]} for number in range(limit)]


@desk.action("book")
async def book(processor: RTVIProcessor, service: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return arguments


@desk.action("refuse")
async def refuse(processor: RTVIProcessor, *, code: str) -> None:
    details = [{"pointer": "/code", "text": "is not a code of today"}]
    raise ActionError("Not today", code="not-today", details=details)


@desk.action("mark_up")
async def mark_up(processor: RTVIProcessor) -> str:
    return MARKUP


@desk.action("nothing")
async def nothing(processor: RTVIProcessor) -> None:
    return None


@desk.action("point")
async def point(processor: RTVIProcessor, *, command: str, payload: Any) -> None:
    try:
        await processor.ui_command(command, payload)
    except ValueError as error:
        raise ActionError(str(error)) from None


@desk.action("ask_page")
async def ask_page(processor: RTVIProcessor, *, name: str) -> Any:
    return await processor.call_function(name, {})


@desk.action("bake")
async def bake(processor: RTVIProcessor, job: Job, *, steps: int, wait: bool) -> dict[str, Any]:
    for step in range(steps):
        await job.update({"step": step + 1, "steps": steps})
    if wait:
        await asyncio.Event().wait()
    return {"cakes": steps}


@desk.action("retune")
async def retune(processor: RTVIProcessor, *, rate: float) -> None:
    await processor.set_option("speech", "rate", rate)


@desk.action("fail")
async def fail(processor: RTVIProcessor) -> None:
    await processor.send_error("The kettle is empty", code="empty-kettle")


@desk.action("leave")
async def leave(processor: RTVIProcessor) -> None:
    await processor.port.end()


@desk.action("expire")
async def expire(processor: RTVIProcessor, *, code: str) -> None:
    await processor.send_error("It is over", fatal=True, code=code)


@desk.action("measure")
async def measure(processor: RTVIProcessor, *, data: dict[str, Any]) -> None:
    processor.send({"label": "rtvi-ai", "type": "metrics", "data": data})


@desk.action("tidy")
async def tidy(processor: RTVIProcessor) -> int | None:
    return None


@desk.action("sort")
async def sort(processor: RTVIProcessor, job: Job) -> None:
    await job.update({"done": 1, "total": 1})


@desk.action("take")
async def take(processor: RTVIProcessor, service: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return arguments


# -- messages and events ----------------------------------------------------------------------------------------------


@app.message("echo")
async def echo(processor: RTVIProcessor, data: dict[str, Any]) -> dict[str, Any]:
    return data


@app.message("count")
async def count(processor: RTVIProcessor, data: int) -> int:
    return data + 1


@app.event("room_clicked")
async def room_clicked(processor: RTVIProcessor, payload: dict[str, Any]) -> None:
    if payload["room"] == "green":
        raise ActionError("The green room is closed")
    await processor.ui_command("show_map", {"room": payload["room"]})


# -- talking ----------------------------------------------------------------------------------------------------------


class Slow:
    """A responder that says what it is told, word by word; `wait` has it stop half-way until it is interrupted."""

    settings_schema: ClassVar[Mapping[str, Any]] = {"type": "object"}

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        pass

    async def respond(self, processor: RTVIProcessor, text: str) -> AsyncIterator[str]:
        if text == "fail":
            raise ActionError("I have no answer to that")
        if text == "markup":
            yield MARKUP
            return
        for word in f"You said: {text}.".split():
            yield f"{word} "
        if "wait" in text:
            await asyncio.Event().wait()
        yield "That is all."


@hookimpl
def rtvi_handlers() -> Iterable[Handlers]:
    return [speech, texts, structures, desk, app]


@hookimpl
def rtvi_responders() -> Mapping[str, Any]:
    return {"slow": Slow}
