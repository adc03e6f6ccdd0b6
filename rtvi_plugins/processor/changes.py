"""Changes of options: checked against the declarations, applied handler by handler, taken back when one fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rtvi_plugins import schema
from rtvi_plugins.errors import ActionError, Category, Suggestions
from rtvi_plugins.interrupts import contained
from rtvi_plugins.processor.calling import store_only
from rtvi_plugins.processor.config import RTVIServiceOptionConfig
from rtvi_plugins.processor.fitting import fitted
from rtvi_plugins.processor.keeping import hold_value, keep_values
from rtvi_plugins.processor.requests import MAX_SHOWN, MAX_TOLD, Code, Refusal, invalid
from rtvi_plugins.processor.tables import NOTHING, RTVIServiceOption, Tables, is_integer
from rtvi_plugins.processor.values import own
from rtvi_plugins.protocol.messages import NotJSONError
from rtvi_plugins.schema import MISSING, Fault, cut, pointer

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor

logger = logging.getLogger(__name__)

Values = Mapping[str, Mapping[str, Any]]
"""Service → option → value."""


Path = tuple[str | int, ...]

MAX_CHANGES: Final = 1_000
"""Options that one update may change: each has its handler run."""


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
    """Compare an `update-config` with what is declared. Raises Refusal naming every fault, up to the hundredth.

    moment: `start` before the bot is ready, `live` after.
    """
    changes: list[Change] = []
    faults: list[Fault] = []
    suggest = Suggestions(MAX_SHOWN)
    with schema.shared_budget():
        for path, service, name, value in _entries(data):
            if name is None:
                if service not in tables.services:
                    faults.append(_unknown("service", service, tables.services, path, suggest))
            else:
                found = check(tables, service, name, value, path, moment, suggest)
                if isinstance(found, Change):
                    changes.append(found)
                else:
                    faults.extend(found)
            if len(faults) >= MAX_TOLD:
                break
            if len(changes) > MAX_CHANGES:
                raise invalid(f"expected at most {MAX_CHANGES} options", "config")
    return faultless(changes, faults)


def _entries(data: Any) -> Iterator[tuple[Path, str, str | None, Any]]:
    """Give each option of an update with its path, service, name and value; a service without any has no name.

    Raises Refusal where the form is wrong.
    """
    entries = data.get("config") if data else None
    if not isinstance(entries, list):
        raise invalid("expected array", "config")
    for index, entry in enumerate(entries):
        options = entry.get("options") if isinstance(entry, dict) else None
        if not isinstance(options, list) or not isinstance(entry.get("service"), str):
            raise invalid("expected object with service and options", "config", index)
        if not options:
            yield ("config", index), entry["service"], None, None
        for number, given in enumerate(options):
            path = ("config", index, "options", number)
            if not isinstance(given, dict) or not isinstance(given.get("name"), str):
                raise invalid("expected object with name and value", *path)
            yield path, entry["service"], given["name"], given.get("value")


def faultless(changes: list[Change], faults: Sequence[Fault]) -> list[Change]:
    """Give the changes when nothing is wrong with them. Raises Refusal naming every fault."""
    if faults:
        raise Refusal.of_faults("Invalid configuration", faults, Code.INVALID_CONFIGURATION, Category.CONFIGURATION)
    return changes


def check(
    tables: Tables, service: str, name: str, value: Any, path: Path, moment: str, suggest: Suggestions
) -> Change | Sequence[Fault]:
    """Check one new value: return the change, or what is wrong with it.

    path:   where it stands in the request.
    moment: as for `read_update`; `own` for the bot itself, which may change everything.
    """
    declared = tables.services.get(service)
    if declared is None:
        return (_unknown("service", service, tables.services, path, suggest),)
    option = declared.named_options.get(name)
    is_own = moment == "own"
    if option is None or (option.client == "none" and not is_own):
        known = [o.name for o in declared.options if o.client != "none"]
        return (_unknown("option", name, known, path, suggest, f"{cut(service)}."),)
    where = f"{service}.{name}"
    if not is_own and (option.client == "read" or option.mutable == "never"):
        return (Fault(pointer(path), "is read-only", where),)
    if option.mutable == "start" and moment == "live":
        return (Fault(pointer(path), "can only be set before the bot is ready", where),)
    try:
        value, faults = fitted(option.schema, value) if is_own else (value, schema.check(option.schema, value, suggest))
    except NotJSONError as error:
        logger.error("a value for option %s.%s is not JSON: %s", service, name, error)  # noqa: TRY400 - no traceback
        faults = (Fault("", "is not JSON"),)
    if faults:
        return [named(fault, where, (*path, "value")) for fault in faults]
    if value.__class__ is float and is_integer(option.schema.document):
        value = int(value)
    return Change(service, option, value, pointer(path))


def named(fault: Fault, name: str, lead: Path = ()) -> Fault:
    """Give a fault inside the value of something that people call by a name, if any, and that stands at a path."""
    inside = fault.place.removesuffix(":")
    return Fault(pointer(lead) + fault.pointer, fault.text, ".".join(part for part in (name, inside) if part))


def _unknown(what: str, name: str, known: Collection[str], path: Path, suggest: Suggestions, lead: str = "") -> Fault:
    hint = suggest(name, known)
    text = f"unknown {what}; {hint}" if hint else f"unknown {what}"
    return Fault(pointer(path), text, f"{lead}{cut(name)}")


async def apply_all(processor: RTVIProcessor, changes: list[Change]) -> None:
    """Run the handlers in order and swap the values in; when one fails, go back. Raises Refusal naming the option."""
    before = processor.values
    holds = {(c.service, c.option.name): hold_value(processor, c.service, c.option.name, c.value) for c in changes}
    done: list[Change] = []
    try:
        for change in changes:
            try:
                await apply(processor, change.service, change.option, change.value, change.pointer)
            except Refusal as refusal:
                if stuck := await _go_back(processor, done, before):
                    raise _not_restored(refusal, stuck) from None
                raise
            done.append(change)
    finally:
        processor._config_owner = None
    after = {name: dict(options) for name, options in before.items()}
    for change in changes:
        after.setdefault(change.service, {})[change.option.name] = change.value
    processor._config = MappingProxyType({name: MappingProxyType(options) for name, options in after.items()})
    keep_values(processor, holds)


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


async def _go_back(processor: RTVIProcessor, done: list[Change], before: Values) -> list[str]:
    """Tell the handlers that ran the old values again, the last one first. Return the options where that failed."""
    stuck: list[str] = []
    for change in reversed(done):
        old = before.get(change.service, NOTHING).get(change.option.name, MISSING)
        if old is not MISSING:
            try:
                await apply(processor, change.service, change.option, old)
            except Refusal as refusal:
                logger.error("going back failed: %s", refusal.text)  # noqa: TRY400 - its traceback is logged
                stuck.append(f"{change.service}.{change.option.name}")
    return stuck


def _not_restored(refusal: Refusal, stuck: list[str]) -> Refusal:
    """Return what the client is told when an update failed, and undoing it did, too."""
    names = ", ".join(dict.fromkeys(stuck))
    logger.error("not restored: %s; the handlers may use other values than the configuration says", names)
    text = f"{refusal.text}; the old value of {names} could not be restored"
    return Refusal(text, Code.ROLLBACK_FAILED, refusal.category, refusal.details)
