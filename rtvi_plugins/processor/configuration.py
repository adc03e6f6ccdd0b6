"""Configuration: describing it, reading it, and changing it all or nothing.

The current values are one immutable mapping. An update is checked whole, then applied handler by handler, then swapped
in at once; when a handler fails, those before it are told the old values again and the mapping stays. One lock per
session keeps updates and reads in the order they came.
"""

from __future__ import annotations

import asyncio
import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rtvi_plugins.errors import ActionError, Category
from rtvi_plugins.processor.changes import Change, Values, apply, apply_all, check, faultless, read_update
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.processor.tables import (
    NOTHING,
    RTVIService,
    RTVIServiceOption,
    Tables,
)
from rtvi_plugins.protocol.messages import ServerType, event
from rtvi_plugins.schema import MISSING, Fault

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.dispatching import Answering

logger = logging.getLogger(__name__)

# -- tables -----------------------------------------------------------------------------------------------------------


def with_config(tables: Tables, values: Values) -> Tables:
    """Lay initial values over those of the tables."""
    merged = {name: dict(options) for name, options in tables.config.items()}
    for service, options in values.items():
        merged.setdefault(service, {}).update(options)
    return tables.with_config(MappingProxyType(merged))


def with_defaults(config: Values, service: RTVIService) -> Values:
    """Add the defaults of a service that is registered late."""
    defaults = {o.name: o.default for o in service.options.values() if o.default is not MISSING}
    return MappingProxyType({**config, service.name: {**defaults, **config.get(service.name, {})}})


# -- describing and reading -------------------------------------------------------------------------------------------


def on_describe_config(processor: RTVIProcessor, id_: str, _data: Any) -> None:
    """Answer `describe-config`."""
    describe(processor, Request(id_))


def describe(processor: RTVIProcessor, request: Request) -> None:
    """Answer with all services and the options clients may know of."""
    available = processor._tables.config_available
    processor.answer(request, request.answer(ServerType.CONFIG_AVAILABLE, {"config": available}))


def on_get_config(processor: RTVIProcessor, id_: str, _data: Any) -> Answering | None:
    """Answer `get-config`."""
    return read(processor, Request(id_))


def read(processor: RTVIProcessor, request: Request) -> Answering | None:
    """Answer with the current values, once the updates before this request are done."""
    lock = processor._config_lock
    if lock is None or not lock.locked():
        processor.answer(request, _config(processor, request))
        return None
    processor._starting = request
    return _read_later(processor, request, lock)


async def _read_later(processor: RTVIProcessor, request: Request, lock: asyncio.Lock) -> None:
    try:
        async with lock:
            processor.answer(request, _config(processor, request))
    finally:
        processor.untrack(request)


def _config(processor: RTVIProcessor, request: Request) -> dict[str, Any]:
    return request.answer(ServerType.CONFIG, {"config": shown(processor)})


def shown(processor: RTVIProcessor) -> list[dict[str, Any]]:
    """Give the values clients may see, as RTVI writes them; secrets and hidden options are left out."""
    config = processor.values
    return [
        {
            "service": name,
            "options": [
                {"name": option.name, "value": config[name][option.name]}
                for option in service.options.values()
                if option.is_shown and option.name in config.get(name, NOTHING)
            ],
        }
        for name, service in processor._tables.services.items()
    ]


# -- changing ---------------------------------------------------------------------------------------------------------


def on_update_config(processor: RTVIProcessor, id_: str, data: Any) -> Answering:
    """Start what `update-config` asks for."""
    return start_update(processor, Request(id_), data)


def start_update(processor: RTVIProcessor, request: Request, data: Any) -> Answering:
    """Check the whole update and give the coroutine that applies it and answers. Raises Refusal."""
    changes = read_update(processor._tables, data, "live" if processor._readiness.bot else "start")
    interrupt = data.get("interrupt", False)
    if not isinstance(interrupt, bool):
        raise Refusal("Invalid message: interrupt: expected bool", Code.INVALID_MESSAGE, Category.PROTOCOL)
    processor._starting = request
    return _update(processor, request, changes, interrupt=interrupt)


async def _update(processor: RTVIProcessor, request: Request, changes: list[Change], *, interrupt: bool) -> None:
    try:
        async with _lock(processor):
            if interrupt:
                await processor.interrupt_bot()
            await apply_all(processor, changes)
            processor.answer(request, _config(processor, request))
    except Refusal as refusal:
        processor.refuse(request, refusal)
    except Exception:
        logger.exception("update-config failed")
        processor.refuse(request, Refusal("Internal error", Code.INTERNAL, Category.INTERNAL))
    finally:
        processor.untrack(request)


def _lock(processor: RTVIProcessor) -> asyncio.Lock:
    if processor._config_lock is None:
        processor._config_lock = asyncio.Lock()
    return processor._config_lock


# -- from the bot's own side ------------------------------------------------------------------------------------------


async def apply_initial(processor: RTVIProcessor) -> list[str]:
    """Give every option that has a value to its handler, before the bot is ready. Returns what went wrong."""
    texts: list[str] = []
    async with _lock(processor):
        for service, options in processor._tables.config.items():
            known = processor._tables.services.get(service)
            if known is None:
                texts.append(f"Unknown service {service} in the initial configuration")
                continue
            texts += [
                f"Unknown option {service}.{o} in the initial configuration" for o in options if o not in known.options
            ]
        for service, options in processor.values.items():
            declared = processor._tables.services.get(service)
            for name, value in options.items():
                option = declared.options.get(name) if declared else None
                if option is None:
                    continue
                try:
                    if faults := option.schema.faults(value):
                        raise Refusal.of_faults(
                            "Invalid initial configuration",
                            [(f"{service}.{name}:", fault) for fault in faults],
                            Code.INVALID_CONFIGURATION,
                            Category.CONFIGURATION,
                        )
                    await apply(processor, service, option, value)
                except Refusal as refusal:
                    texts.append(refusal.text)
                    await _fall_back(processor, service, option, value)
    return texts


async def _fall_back(processor: RTVIProcessor, service: str, option: RTVIServiceOption, failed: Any) -> None:
    """Take the bot's own value for one that a client began with and that failed."""
    before = type(processor).tables.initial.get(service, NOTHING).get(option.name, MISSING)
    if before is MISSING or before == failed:
        return
    values = {**processor.values[service], option.name: before}
    processor._config = MappingProxyType({**processor.values, service: MappingProxyType(values)})
    try:
        await apply(processor, service, option, before)
    except Refusal as refusal:
        logger.error("going back failed: %s", refusal.text)  # noqa: TRY400 - its traceback is logged


async def set_own(processor: RTVIProcessor, values: Values) -> None:
    """Change options for the bot itself, all or nothing. Raises ActionError."""
    changes: list[Change] = []
    faults: list[tuple[str, Fault]] = []
    for service, options in values.items():
        for name, value in options.items():
            check(processor._tables, service, name, value, f"/{service}/{name}", changes, faults, "own")
    if processor._config_owner is asyncio.current_task():
        raise ActionError("An option handler cannot change options", code=Code.OPTION_FAILED)
    try:
        faultless(changes, faults)
        async with _lock(processor):
            await apply_all(processor, changes)
        if processor.announces_changes:
            _announce(processor, changes)
    except Refusal as refusal:
        raise ActionError(refusal.text, code=refusal.code, details=refusal.details) from None


def _announce(processor: RTVIProcessor, changes: list[Change]) -> None:
    """Tell the client by `server-message` what the bot changed, as far as clients may see it."""
    entries = [
        {"service": change.service, "options": [{"name": change.option.name, "value": change.value}]}
        for change in changes
        if change.option.is_shown
    ]
    if entries:
        data = {"type": "config-changed", "config": entries}
        processor.send(event(ServerType.SERVER_MESSAGE, data))
