"""Changes of options: checked against the declarations, applied handler by handler, taken back when one fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rtvi_plugins.errors import ActionError, Category, did_you_mean
from rtvi_plugins.interrupts import contained
from rtvi_plugins.processor.calling import store_only
from rtvi_plugins.processor.config import RTVIServiceOptionConfig
from rtvi_plugins.processor.fitting import fitted
from rtvi_plugins.processor.requests import Code, Refusal
from rtvi_plugins.processor.tables import NOTHING, RTVIServiceOption, Tables, is_integer
from rtvi_plugins.processor.values import own
from rtvi_plugins.protocol.messages import NotJSONError
from rtvi_plugins.schema import MISSING, Fault

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor

logger = logging.getLogger(__name__)

Values = Mapping[str, Mapping[str, Any]]
"""Service → option → value."""


class Change(NamedTuple):
    """One option's new value. `pointer`: where it stands in the request."""

    service: str
    option: RTVIServiceOption
    value: Any
    pointer: str = ""


def check_start(tables: Tables, data: Any) -> Values:
    """Check the configuration a client wants to begin with (`{config: […]}`). Raises Refusal naming every fault."""
    values: dict[str, dict[str, Any]] = {}
    for change in read_update(tables, data, "start"):
        values.setdefault(change.service, {})[change.option.name] = change.value
    return values


def read_update(tables: Tables, data: Any, moment: str) -> list[Change]:
    """Compare an `update-config` with what is declared. Raises Refusal naming every fault.

    moment: `start` before the bot is ready, `live` after.
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
        if entry["service"] not in tables.services and not options:
            hint = did_you_mean(entry["service"], tables.services)
            fault = Fault(f"/config/{index}", _with_hint("unknown service", hint))
            faults.append((f"{entry['service'][:100]}:", fault))
        for number, given in enumerate(options):
            if not isinstance(given, dict) or not isinstance(given.get("name"), str):
                raise Refusal(
                    f"Invalid message: config[{index}].options[{number}]: expected object with name and value",
                    Code.INVALID_MESSAGE,
                    Category.PROTOCOL,
                )
            pointer = f"/config/{index}/options/{number}"
            check(tables, entry["service"], given["name"], given.get("value"), pointer, changes, faults, moment)
    return faultless(changes, faults)


def faultless(changes: list[Change], faults: list[tuple[str, Fault]]) -> list[Change]:
    """Give the changes when nothing is wrong with them. Raises Refusal naming every fault."""
    if faults:
        raise Refusal.of_faults("Invalid configuration", faults, Code.INVALID_CONFIGURATION, Category.CONFIGURATION)
    return changes


def check(
    tables: Tables,
    service_name: str,
    name: str,
    value: Any,
    pointer: str,
    changes: list[Change],
    faults: list[tuple[str, Fault]],
    moment: str,
) -> None:
    """Check one new value; add it to `changes`, or what is wrong with it to `faults`.

    moment: as for `read_update`; `own` for the bot itself, which may change everything.
    """
    services = tables.services
    service = services.get(service_name)
    where = f"{service_name[:100]}.{name[:100]}:"
    if service is None:
        hint = did_you_mean(service_name, services)
        faults.append((f"{service_name[:100]}:", Fault(pointer, _with_hint("unknown service", hint))))
        return
    option = service.named_options.get(name)
    if option is None or (option.client == "none" and moment != "own"):
        known = [o.name for o in service.options if o.client != "none"]
        faults.append((where, Fault(pointer, _with_hint("unknown option", did_you_mean(name, known)))))
        return
    if moment != "own":
        if option.client == "read" or option.mutable == "never":
            faults.append((where, Fault(pointer, "is read-only")))
            return
        if option.mutable == "start" and moment == "live":
            faults.append((where, Fault(pointer, "can only be set before the bot is ready")))
            return
    try:
        value, found = fitted(option.schema, value) if moment == "own" else (value, option.schema.faults(value))
    except NotJSONError as error:
        logger.error("a value for option %s.%s is not JSON: %s", service_name, name, error)  # noqa: TRY400 - no traceback
        found = (Fault("", "is not JSON"),)
    faults.extend((where, Fault(f"{pointer}/value{fault.pointer}", _inside(fault))) for fault in found)
    if not found:
        if value.__class__ is float and is_integer(option.schema.document):
            value = int(value)
        changes.append(Change(service_name, option, value, pointer))


def _with_hint(text: str, hint: str) -> str:
    return f"{text}; {hint}" if hint else text


def _inside(fault: Fault) -> str:
    return f"{fault.pointer} {fault.text}" if fault.pointer else fault.text


async def apply_all(processor: RTVIProcessor, changes: list[Change]) -> None:
    """Run the handlers in order and swap the values in; when one fails, go back. Raises Refusal naming the option."""
    before = processor.values
    done: list[Change] = []
    try:
        for change in changes:
            try:
                await apply(processor, change.service, change.option, change.value, change.pointer)
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


async def apply(
    processor: RTVIProcessor, service: str, option: RTVIServiceOption, value: Any, pointer: str = ""
) -> None:
    """Run one option's handler within the time limit. Raises Refusal, which names the option by `pointer` too."""
    if option.apply is store_only:
        return
    where = f"{service}.{option.name}"
    given = RTVIServiceOptionConfig.model_construct(name=option.name, value=own(value))
    # In a task of its own: a handler that does not even end when it is cancelled must not hold up what comes after it.
    task = asyncio.get_running_loop().create_task(contained(_run_handler(option, processor, given)))
    processor._config_owner = task
    timeout = processor.limits["option_timeout"]
    try:
        done, _ = await asyncio.wait((task,), timeout=timeout)
    except asyncio.CancelledError:
        processor.abandon(task)
        raise
    if not done:
        processor.abandon(task)
        logger.error("option %s: its handler took longer than %g s", where, timeout)
        raise _failure(where, pointer, "failed", f"timed out after {timeout:g} s")
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if isinstance(error, ActionError):
        if option.secret:  # whatever the handler wrote may hold the value
            raise _failure(where, pointer, "was refused", code=error.code) from error
        raise _failure(where, pointer, "was refused", error.text, error.code, error.details) from error
    if error is not None:
        if option.secret:
            logger.error("option %s failed: %s", where, type(error).__name__)
        else:
            logger.error("option %s failed", where, exc_info=error)
        raise _failure(where, pointer, "failed")


def _failure(
    where: str, pointer: str, what: str, why: str = "", code: str = Code.OPTION_FAILED, details: Any = None
) -> Refusal:
    """Say which option failed: in the form of other faults, unless its handler gave `details` of its own."""
    if details is None and pointer:
        details = [{"pointer": pointer, "where": f"{where}:", "text": why or what}]
    text = f"Option {where} {what}: {why}" if why else f"Option {where} {what}"
    return Refusal(text, code, Category.CONFIGURATION, details)


async def _run_handler(option: RTVIServiceOption, processor: RTVIProcessor, given: RTVIServiceOptionConfig) -> None:
    await option.apply(processor, given)  # here: a handler may raise before there is anything to await


async def _go_back(processor: RTVIProcessor, done: list[Change], before: Values) -> None:
    """Tell the handlers that ran the old values again, the last one first."""
    for change in reversed(done):
        old = before.get(change.service, NOTHING).get(change.option.name, MISSING)
        if old is not MISSING:
            try:
                await apply(processor, change.service, change.option, old)
            except Refusal as refusal:
                logger.error("going back failed: %s", refusal.text)  # noqa: TRY400 - its traceback is logged
