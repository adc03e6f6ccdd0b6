"""Configuration: describing it, reading it, and changing it all or nothing.

The current values are one immutable mapping. An update is checked whole, then applied handler by handler, then swapped
in at once; when a handler fails, those before it are told the old values again and the mapping stays. One lock per
session keeps updates and reads in the order they came.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rtvi_plugins.errors import ActionError, Category, did_you_mean
from rtvi_plugins.processor.actions import is_from_outside
from rtvi_plugins.processor.calling import store_only
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.processor.tables import (
    NOTHING,
    RTVIService,
    RTVIServiceOption,
    RTVIServiceOptionConfig,
    Tables,
    is_integer,
)
from rtvi_plugins.protocol.messages import ServerType, event
from rtvi_plugins.schema import MISSING, Fault

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.loop import Answering

logger = logging.getLogger(__name__)

Values = Mapping[str, Mapping[str, Any]]
"""Service → option → value."""


class Change(NamedTuple):
    """One option's new value."""

    service: str
    option: RTVIServiceOption
    value: Any


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
    config = processor.config
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
    changes = _read_update(processor._tables, data, "live" if processor._readiness.bot else "start")
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
            await _apply_all(processor, changes)
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


def check_start(tables: Tables, data: Any) -> Values:
    """Check the configuration a client wants to begin with (`{config: […]}`). Raises Refusal naming every fault."""
    values: dict[str, dict[str, Any]] = {}
    for change in _read_update(tables, data, "start"):
        values.setdefault(change.service, {})[change.option.name] = change.value
    return values


def _read_update(tables: Tables, data: Any, moment: str) -> list[Change]:
    """Compare an `update-config` with what is declared. Raises Refusal naming every fault.

    moment: `start` before the bot is ready, `live` after; `own` for the bot itself, which may do everything.
    """
    entries = data.get("config") if data else None
    if not isinstance(entries, list):
        raise Refusal("Invalid message: config: expected array", Code.INVALID_MESSAGE, Category.PROTOCOL)
    changes: list[Change] = []
    faults: list[tuple[str, Fault]] = []
    for index, entry in enumerate(entries):
        options = entry.get("options") if isinstance(entry, dict) else None
        if not isinstance(options, list) or not isinstance(entry.get("service"), str):
            raise Refusal(
                f"Invalid message: config[{index}]: expected object with service and options",
                Code.INVALID_MESSAGE,
                Category.PROTOCOL,
            )
        for number, given in enumerate(options):
            if not isinstance(given, dict) or not isinstance(given.get("name"), str):
                raise Refusal(
                    f"Invalid message: config[{index}].options[{number}]: expected object with name and value",
                    Code.INVALID_MESSAGE,
                    Category.PROTOCOL,
                )
            pointer = f"/config/{index}/options/{number}"
            _check(tables, entry["service"], given["name"], given.get("value"), pointer, changes, faults, moment)
    return _faultless(changes, faults)


def _faultless(changes: list[Change], faults: list[tuple[str, Fault]]) -> list[Change]:
    if faults:
        raise Refusal.of_faults("Invalid configuration", faults, Code.INVALID_CONFIGURATION, Category.CONFIGURATION)
    return changes


def _check(
    tables: Tables,
    service_name: str,
    name: str,
    value: Any,
    pointer: str,
    changes: list[Change],
    faults: list[tuple[str, Fault]],
    moment: str,
) -> None:
    """Check one new value; add it to `changes`, or what is wrong with it to `faults`."""
    services = tables.services
    service = services.get(service_name)
    where = f"{service_name[:100]}.{name[:100]}:"
    if service is None:
        hint = did_you_mean(service_name, services)
        faults.append((f"{service_name[:100]}:", Fault(pointer, _with_hint("unknown service", hint))))
        return
    option = service.options.get(name)
    if option is None or (option.client == "none" and moment != "own"):
        known = [o.name for o in service.options.values() if o.client != "none"]
        faults.append((where, Fault(pointer, _with_hint("unknown option", did_you_mean(name, known)))))
        return
    if moment != "own":
        if option.client == "read" or option.mutable == "never":
            faults.append((where, Fault(pointer, "is read-only")))
            return
        if option.mutable == "start" and moment == "live":
            faults.append((where, Fault(pointer, "can only be set before the bot is ready")))
            return
    found = option.schema.faults(value)
    faults.extend((where, Fault(f"{pointer}/value{fault.pointer}", _inside(fault))) for fault in found)
    if not found:
        if value.__class__ is float and is_integer(option.schema.document):
            value = int(value)
        changes.append(Change(service_name, option, value))


def _with_hint(text: str, hint: str) -> str:
    return f"{text}; {hint}" if hint else text


def _inside(fault: Fault) -> str:
    return f"{fault.pointer} {fault.text}" if fault.pointer else fault.text


async def _apply_all(processor: RTVIProcessor, changes: list[Change]) -> None:
    """Run the handlers in order and swap the values in; when one fails, go back. Raises Refusal naming the option."""
    before = processor.config
    done: list[Change] = []
    processor._config_owner = asyncio.current_task()
    try:
        for change in changes:
            try:
                await _apply(processor, change.service, change.option, change.value)
            except Refusal:
                await _go_back(processor, done, before)
                raise
            done.append(change)
    finally:
        processor._config_owner = None
    after = {name: dict(options) for name, options in before.items()}
    for change in changes:
        after.setdefault(change.service, {})[change.option.name] = change.value
    processor._config = MappingProxyType({name: MappingProxyType(options) for name, options in after.items()})


async def _apply(processor: RTVIProcessor, service: str, option: RTVIServiceOption, value: Any) -> None:
    """Run one option's handler within the time limit. Raises Refusal."""
    if option.apply is store_only:
        return
    where = f"{service}.{option.name}"
    timeout = processor.limits["option_timeout"]
    try:
        async with asyncio.timeout(timeout) as clock:
            await option.apply(processor, RTVIServiceOptionConfig.model_construct(name=option.name, value=value))
    except ActionError as error:
        text = f"Option {where} was refused: {error.text}"
        raise Refusal(text, error.code, Category.CONFIGURATION, error.details) from None
    except TimeoutError:
        logger.exception("option %s failed", where)
        why = f": timed out after {timeout:g} s" if clock.expired() else ""  # or the handler's own time-out
        raise Refusal(f"Option {where} failed{why}", Code.OPTION_FAILED, Category.CONFIGURATION) from None
    except asyncio.CancelledError:
        if is_from_outside():
            raise
        raise Refusal(f"Option {where} failed", Code.OPTION_FAILED, Category.CONFIGURATION) from None
    except (Exception, SystemExit):  # sys.exit() in a handler must not end the server
        logger.exception("option %s failed", where)
        raise Refusal(f"Option {where} failed", Code.OPTION_FAILED, Category.CONFIGURATION) from None


async def _go_back(processor: RTVIProcessor, done: list[Change], before: Values) -> None:
    """Tell the handlers that ran the old values again, the last one first."""
    for change in reversed(done):
        old = before.get(change.service, NOTHING).get(change.option.name, MISSING)
        if old is not MISSING:
            try:
                await _apply(processor, change.service, change.option, old)
            except Refusal as refusal:
                logger.error("going back failed: %s", refusal.text)  # noqa: TRY400 - its traceback is logged


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
        for service, options in processor.config.items():
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
                    await _apply(processor, service, option, value)
                except Refusal as refusal:
                    texts.append(refusal.text)
    return texts


async def set_own(processor: RTVIProcessor, values: Values) -> None:
    """Change options for the bot itself, all or nothing. Raises ActionError."""
    changes: list[Change] = []
    faults: list[tuple[str, Fault]] = []
    for service, options in values.items():
        for name, value in options.items():
            _check(processor._tables, service, name, value, f"/{service}/{name}", changes, faults, "own")
    if processor._config_owner is asyncio.current_task():
        raise ActionError("An option handler cannot change options", code=Code.OPTION_FAILED)
    try:
        _faultless(changes, faults)
        async with _lock(processor):
            await _apply_all(processor, changes)
        if processor.announces_changes:
            _announce(processor, changes)
    except Refusal as refusal:
        raise ActionError(refusal.text, code=refusal.code, details=refusal.details) from None


def _announce(processor: RTVIProcessor, changes: list[Change]) -> None:
    """Tell the client by `server-message` what the bot changed, as far as clients may see it."""
    entries = [
        {"service": service, "options": [{"name": option.name, "value": value}]}
        for service, option, value in changes
        if option.is_shown
    ]
    if entries:
        data = {"type": "config-changed", "config": entries}
        processor.send(event(ServerType.SERVER_MESSAGE, data))
