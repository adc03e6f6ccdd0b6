"""Annotations that do not agree with the declared types."""

from rtvi_plugins import Handlers, hookimpl

tickets = Handlers("tickets")


@tickets.action("buy")
async def buy(processor, *, count: str, name: dict[str, str]) -> int:
    return 0


@tickets.action("list")
async def list_(processor, *, since: str) -> dict[str, str]:
    return {}


@tickets.action("price")
async def price(processor, *, weight: int) -> float:
    return 1.5


@tickets.action("cancel")
async def cancel(processor, *, numbers: int | str) -> None:
    pass


@hookimpl
def rtvi_handlers():
    return [tickets]
