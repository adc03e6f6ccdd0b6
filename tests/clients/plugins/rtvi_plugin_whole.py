"""A plugin whose handlers do what their caller says, and note what they hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from rtvi_plugins import (
    ActionError,
    Handlers,
    RTVIClientMessageFrame,
    RTVIProcessor,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
    hookimpl,
)

if TYPE_CHECKING:
    from rtvi_plugins.jobs.base import Job

desk = Handlers("desk")
llm = Handlers("llm")
app = Handlers()

HIDDEN = "what only the log may hold"


class State:
    """What one session knows."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.context: list[dict[str, Any]] = []
        self.runs: dict[str, int] = {}
        self.doors: dict[str, asyncio.Event] = {}


def state(processor: RTVIProcessor) -> State:
    found: State = processor.session.state.setdefault("whole", State())
    return found


# -- options ----------------------------------------------------------------------------------------------------------


@desk.option("sign")
async def set_sign(processor: RTVIProcessor, service: str, option: Any) -> None:
    if option.value == "back soon":
        raise ActionError("Nobody ever comes back soon")


@desk.option("pin")
async def set_pin(processor: RTVIProcessor, service: str, option: Any) -> None:
    state(processor).runs["pin"] = state(processor).runs.get("pin", 0) + 1


# -- functions and tools ----------------------------------------------------------------------------------------------


@desk.action("call")
async def call(processor: RTVIProcessor, *, name: str, arguments: dict[str, Any]) -> Any:
    return await processor.call_function(name, arguments)


@desk.action("handle")
async def handle(
    processor: RTVIProcessor, *, name: str, tool_call_id: str, arguments: Any, is_async: bool = True
) -> Any:
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def take(result: Any) -> None:
        told.set_result(result)

    callback = take if is_async else told.set_result
    await processor.handle_function_call(
        function_name=name,
        tool_call_id=tool_call_id,
        arguments=arguments,
        llm=None,
        context=None,
        result_callback=callback,
    )
    return await told


@desk.action("use_tool")
async def use_tool(processor: RTVIProcessor, *, name: str, arguments: dict[str, Any]) -> Any:
    return await processor.call_tool(name, arguments, f"call_{name}")


@desk.action("list_tools")
async def list_tools(processor: RTVIProcessor) -> list[dict[str, Any]]:
    return [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in processor.tools
    ]


@desk.action("add")
async def add(processor: RTVIProcessor, *, a: int, b: int) -> int:
    return a + b


@desk.action("break_down")
async def break_down(processor: RTVIProcessor) -> None:
    raise ActionError("Out of order", code="out-of-order")


# -- changes, the page, messages --------------------------------------------------------------------------------------


@desk.action("set_option")
async def set_option(processor: RTVIProcessor, *, name: str, value: Any) -> None:
    await processor.set_option("desk", name, value)


@desk.action("command")
async def command(processor: RTVIProcessor, *, name: str, payload: Any) -> None:
    try:
        await processor.ui_command(name, payload)
    except ValueError as error:
        raise ActionError(str(error), code="bad-command") from None


@desk.action("push")
async def push(processor: RTVIProcessor, *, data: Any) -> None:
    await processor.push_frame(RTVIServerMessageFrame(data))


@desk.action("heard")
async def heard(processor: RTVIProcessor) -> list[Any]:
    return state(processor).heard


@desk.action("snapshot")
async def snapshot(processor: RTVIProcessor) -> Any:
    return processor.session.snapshot


@app.event("room_clicked")
async def room_clicked(processor: RTVIProcessor, payload: dict[str, Any]) -> None:
    state(processor).heard.append(["room_clicked", payload])
    await processor.ui_command("show_map", {"room": payload["room"]})


@app.event("trap")
async def trap(processor: RTVIProcessor, payload: Any) -> None:
    if payload == "refuse":
        raise ActionError("Not here", code="not-here")
    raise RuntimeError(HIDDEN)


@app.message("echo")
async def echo(processor: RTVIProcessor, data: dict[str, Any]) -> dict[str, Any]:
    return data


async def on_ui_message(processor: RTVIProcessor, frame: Any) -> None:
    state(processor).heard.append([type(frame).__name__, {k: v for k, v in vars(frame).items() if k != "msg_id"}])


async def on_client_message(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
    """Answer what is asked for by name; everything else stays without an answer."""
    state(processor).heard.append([message.type, message.data])
    if message.type == "answer-directly":
        await processor.send_server_response(message, message.data)
    elif message.type == "answer-by-frame":
        await processor.push_frame(RTVIServerResponseFrame(message, data=message.data))
    elif message.type == "refuse-by-frame":
        await processor.push_frame(RTVIServerResponseFrame(message, error="No tea today"))


# -- calls that count, and wait ---------------------------------------------------------------------------------------


@desk.action("count")
async def count(processor: RTVIProcessor, *, key: str, fail: bool, wait: bool, value: Any) -> dict[str, Any]:
    own = state(processor)
    own.runs[key] = own.runs.get(key, 0) + 1
    if wait:
        await own.doors.setdefault(key, asyncio.Event()).wait()
    if fail:
        raise ActionError(f"Failed for the {own.runs[key]}. time", code="failed-on-purpose")
    return {"runs": own.runs[key], "value": value}


@desk.action("open")
async def open_door(processor: RTVIProcessor, *, key: str) -> None:
    state(processor).doors.setdefault(key, asyncio.Event()).set()


@desk.action("later")
async def later(processor: RTVIProcessor) -> None:
    await asyncio.Event().wait()


# -- jobs -------------------------------------------------------------------------------------------------------------


@desk.action("search")
async def search(processor: RTVIProcessor, job: Job, *, steps: int, then: str) -> Any:
    for number in range(steps):
        await job.update({"found": number + 1})
    if then == "wait":
        await until_cancelled(processor, "search")
    if then == "fail":
        raise ActionError("No flights")
    return "text" if then == "misreport" else {"best": "XY1"}


async def until_cancelled(processor: RTVIProcessor, name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.1)  # it takes its time
        state(processor).heard.append([name, "stopped"])


@desk.action("hurry")
async def hurry(processor: RTVIProcessor) -> None:
    await asyncio.Event().wait()


@desk.action("keep")
async def keep(processor: RTVIProcessor, *, key: str) -> str:
    await state(processor).doors.setdefault(key, asyncio.Event()).wait()
    return key


@desk.action("fan_out")
async def fan_out(processor: RTVIProcessor, *, wait: bool) -> str:
    async def flights(job: Job) -> Any:
        await job.update({"found": 4})
        return {"best": "XY1"}

    async def hotels(job: Job) -> Any:
        if wait:
            await until_cancelled(processor, "hotels")
        return None

    async def trains(job: Job) -> Any:
        raise ActionError("No rails")

    workers = {"flights": flights, "hotels": hotels, "trains": trains}
    return processor.job_group(workers=workers, label="Everything").id


# -- the context of an LLM that is none -------------------------------------------------------------------------------


class Ledger:
    """A responder that keeps a context and answers with its length."""

    settings_schema: ClassVar[Mapping[str, Any]] = {"type": "object"}

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        pass

    def append(self, processor: RTVIProcessor, role: str, content: Any) -> None:
        state(processor).context.append({"role": role, "content": content})

    async def respond(self, processor: RTVIProcessor, text: str) -> AsyncIterator[str]:
        self.append(processor, "user", text)
        answer = f"That makes {len(state(processor).context)} messages."
        self.append(processor, "assistant", answer)
        yield answer


@llm.action("get_context")
async def get_context(processor: RTVIProcessor) -> dict[str, Any]:
    return {"messages": state(processor).context, "tools": []}


@llm.action("set_context")
async def set_context(processor: RTVIProcessor, *, messages: list[dict[str, Any]], interrupt: bool) -> bool:
    if interrupt:
        await processor.interrupt_bot()
    state(processor).context[:] = messages
    return True


@llm.action("append_to_messages")
async def append_to_messages(
    processor: RTVIProcessor, *, messages: list[dict[str, Any]], run_immediately: bool
) -> bool:
    state(processor).context.extend(messages)
    return True


@llm.action("run")
async def run(processor: RTVIProcessor, *, interrupt: bool) -> bool:
    await processor.send_server_message({"type": "ran", "interrupt": interrupt})
    return True


# -- hooks ------------------------------------------------------------------------------------------------------------


@hookimpl
def rtvi_handlers() -> Iterable[Handlers]:
    return [desk, llm, app]


@hookimpl
def rtvi_responders() -> Mapping[str, Any]:
    return {"ledger": Ledger}


@hookimpl
def rtvi_session_started(processor: RTVIProcessor) -> None:
    processor.add_event_handler("on_ui_message", on_ui_message)
    processor.add_event_handler("on_client_message", on_client_message)
