"""Configuration: describing it, reading it, and changing it all or nothing.

The current values are one immutable mapping. An update is checked whole, then applied handler by handler, then swapped
in at once; when a handler fails, those before it are told the old values again and the mapping stays. One lock per
session keeps updates and reads in the order they came.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rtvi_plugins.errors import ActionError, Category, Suggestions
from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.processor.changes import Change, Values, apply, apply_all, check, faultless, named, read_update
from rtvi_plugins.processor.initial import initial_values
from rtvi_plugins.processor.keeping import hold_value, keep_values
from rtvi_plugins.processor.requests import Code, Refusal, Request, invalid
from rtvi_plugins.processor.tables import NOTHING, RTVIService, RTVIServiceOption, Tables
from rtvi_plugins.protocol.messages import ServerType, event
from rtvi_plugins.schema import MISSING, Fault
from rtvi_plugins.schema import check as validate

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.dispatching import Answering

logger = logging.getLogger(__name__)


def with_defaults(config: Values, service: RTVIService) -> Values:
    """Add the defaults of a service that is registered late; of one it replaces, keep the values that still fit."""
    values = {o.name: o.default for o in service.options if o.default is not MISSING}
    for name, value in config.get(service.name, NOTHING).items():
        option = service.named_options.get(name)
        if option is not None and not validate(option.schema, value):
            values[name] = value
    return MappingProxyType({**config, service.name: MappingProxyType(values)})


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
                for option in service.options
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
        raise invalid("expected bool", "interrupt")
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
    except BaseException as error:
        pass_on(error)
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
    """Give every option that has a value to its handler, before the bot is ready. Return what went wrong.

    A value that is refused is not the current one: the option has what it would have had without it.
    """
    async with _lock(processor):
        texts = [*(processor._unkept or ()), *(refusal.text for refusal in _refused(processor._tables))]
        processor._unkept = None
        for text in texts:
            logger.warning("session %s: %s", processor.session.id, text)
        for service, options in processor.values.items():
            for name, value in options.items():
                option = processor._tables.services[service].named_options[name]
                try:
                    is_own = processor._tables is not type(processor).tables  # else all sessions share the value
                    if is_own and (service, name) not in (processor.value_holds or ()):
                        keep_values(processor, {(service, name): hold_value(processor, service, name, value)})
                    await apply(processor, service, option, value)
                except Refusal as refusal:
                    texts.append(refusal.text)
                    _log_once(processor, refusal)
                    await _fall_back(processor, service, option, value)
        # From here on, a service that is registered late has its defaults: nobody gave its handlers other values.
        processor._config = processor.values
    return texts


def _refused(tables: Tables) -> Iterator[Refusal]:
    """Yield what is wrong with the initial values: of unknown services and options, and those that do not fit."""
    texts = []
    for service, options in tables.config.items():
        known = tables.services.get(service)
        if known is None:
            texts.append(f"Unknown service {service} in the initial configuration")
            continue
        texts += [
            f"Unknown option {service}.{o} in the initial configuration"
            for o in options
            if o not in known.named_options
        ]
    for text in texts:
        yield Refusal(text, Code.INVALID_CONFIGURATION, Category.CONFIGURATION)
    for name, declared in tables.services.items():
        for option in declared.options:
            value = tables.config.get(name, NOTHING).get(option.name, option.default)
            if value is not MISSING and (faults := validate(option.schema, value)):
                told = [named(fault, f"{name}.{option.name}") for fault in faults]
                lead, code = "Invalid initial configuration", Code.INVALID_CONFIGURATION
                yield Refusal.of_faults(lead, told, code, Category.CONFIGURATION)


async def _fall_back(processor: RTVIProcessor, service: str, option: RTVIServiceOption, failed: Any) -> None:
    """Take the next best initial value for one that failed.

    Where all fail, the default is the current one all the same: other handlers rely on it to be there.
    """
    tried = [failed]
    for value in initial_values(option.name, option, processor._tables.offers(service)):
        if value in tried:
            continue
        tried.append(value)
        _store(processor, service, option.name, value)
        try:
            await apply(processor, service, option, value)
        except Refusal as refusal:
            _log_once(processor, refusal)
        else:
            return
    is_sound = option.default is not MISSING and not validate(option.schema, option.default)
    _store(processor, service, option.name, option.default if is_sound else MISSING)


def _store(processor: RTVIProcessor, service: str, name: str, value: Any) -> None:
    """Make a value the current one; `MISSING`: none."""
    options = {key: other for key, other in processor.values[service].items() if key != name}
    if value is not MISSING:
        options[name] = value
    processor._config = MappingProxyType({**processor.values, service: MappingProxyType(options)})


def _log_once(processor: RTVIProcessor, refusal: Refusal) -> None:
    """Log an initial value that its handler refused; what a handler did not foresee is logged already."""
    if isinstance(refusal.__cause__, ActionError):
        logger.warning("session %s: %s (initial configuration)", processor.session.id, refusal.text)


async def set_own(processor: RTVIProcessor, values: Values) -> None:
    """Change options for the bot itself, all or nothing. Raises ActionError."""
    changes: list[Change] = []
    faults: list[Fault] = []
    suggest = Suggestions()
    for service, options in values.items():
        for name, value in options.items():
            found = check(processor._tables, service, name, value, (service, name), "own", suggest)
            if isinstance(found, Change):
                changes.append(found)
            else:
                faults.extend(found)
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
