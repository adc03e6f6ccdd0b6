"""Configuration: all or nothing, in order, who may change what, and what goes wrong at the start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rtvi_plugins import ActionError, RTVIProcessor, RTVIServiceOptionConfig
from rtvi_plugins.processor.configuration import set_own
from rtvi_plugins.testing import RequestError
from tests.hosts import make
from tests.processor.conftest import Told, action, config, quick, service, session


def voice(told: Told, made: Callable[[], RTVIProcessor] = make) -> RTVIProcessor:
    rtvi = made(config=config({"voice": {"pitch": 2}}))
    options = {name: {"type": "number", "default": number} for number, name in enumerate(("rate", "pitch", "volume"))}
    rtvi.register_service(service("voice", told.option, **options))
    rtvi.register_service(service("other", told.option, x={"type": "number"}))
    return rtvi


INITIAL = {"voice": {"rate": 0, "pitch": 2, "volume": 2}, "other": {}}


async def test_an_update_reaches_the_handlers_in_order_and_is_stored_at_once() -> None:
    told = Told()
    async with session(voice(told)) as client:
        assert told == [("voice", "rate", 0), ("voice", "pitch", 2), ("voice", "volume", 2)]
        told.clear()
        after = await client.update_config({"voice": {"volume": 9, "rate": 7}, "other": {"x": 1}})
        assert told == [("voice", "volume", 9), ("voice", "rate", 7), ("other", "x", 1)]
        assert after == {"voice": {"rate": 7, "pitch": 2, "volume": 9}, "other": {"x": 1}}
        assert await client.get_config() == after


async def test_every_fault_is_told_and_nothing_is_applied() -> None:
    told = Told()
    async with session(voice(told)) as client:
        told.clear()
        with pytest.raises(RequestError) as refused:
            await client.update_config({"voice": {"rate": 3, "pitch": "high", "volum": 1}, "vioce": {"rate": 1}})
        assert refused.value.text == (
            "Invalid configuration: voice.pitch: expected number, got string; "
            "voice.volum: unknown option; did you mean 'volume'?; vioce: unknown service; did you mean 'voice'?"
        )
        assert (refused.value.code, refused.value.category) == ("invalid-configuration", "configuration")
        assert [fault["pointer"] for fault in refused.value.details] == [
            "/config/0/options/1/value",
            "/config/0/options/2",
            "/config/1/options/0",
        ]
        assert told == []
        assert await client.get_config() == INITIAL


MALFORMED: dict[str, tuple[Any, str]] = {
    "no data": (None, "config: expected array"),
    "empty": ({}, "config: expected array"),
    "config is an object": ({"config": {}}, "config: expected array"),
    "entry is text": ({"config": ["voice"]}, "config.0: expected object with service and options"),
    "no options": ({"config": [{"service": "voice"}]}, "config.0: expected object with service and options"),
    "service is a number": ({"config": [{"service": 3, "options": []}]}, "config.0: expected object"),
    "option is text": ({"config": [{"service": "voice", "options": ["rate"]}]}, "config.0.options.0: expected"),
    "option without name": ({"config": [{"service": "voice", "options": [{"value": 1}]}]}, "config.0.options.0: "),
    "interrupt is text": ({"config": [], "interrupt": "yes"}, "interrupt: expected bool"),
}


@pytest.mark.parametrize(("data", "text"), MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("version", [None, "2.1.0"])
async def test_malformed_updates(version: str | None, data: Any, text: str) -> None:
    async with session(voice(Told()), version=version) as client:
        with pytest.raises(RequestError) as refused:
            await client._ask_either("update-config", data)
        assert refused.value.text.startswith(f"Invalid message: {text}")
        assert await client.get_config() == INITIAL


async def test_a_failing_handler_takes_everything_back() -> None:
    told = Told()
    told.fail_on = [13]
    async with session(voice(told)) as client:
        told.clear()
        with pytest.raises(RequestError) as failed:
            await client.update_config({"voice": {"rate": 5, "pitch": 6}, "other": {"x": 13}})
        assert failed.value.text == "Option other.x failed"
        assert (failed.value.code, failed.value.category) == ("option-failed", "configuration")
        assert told == [
            ("voice", "rate", 5),
            ("voice", "pitch", 6),
            ("other", "x", 13),
            ("voice", "pitch", 2),
            ("voice", "rate", 0),
        ]
        assert await client.get_config() == INITIAL


async def test_going_back_goes_on_when_a_handler_fails_again(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    async with session(voice(told)) as client:
        told.clear()
        told.fail_on = [13, 2]
        with pytest.raises(RequestError, match=r"Option voice\.volume failed") as failed:
            await client.update_config({"voice": {"rate": 5, "pitch": 6, "volume": 13}})
        assert failed.value.code == "rollback-failed"
        assert failed.value.text.endswith("; the old value of voice.pitch could not be restored")
        assert told[-2:] == [("voice", "pitch", 2), ("voice", "rate", 0)]
        assert await client.get_config() == INITIAL
    assert "going back failed: Option voice.pitch failed" in caplog.text
    assert "not restored: voice.pitch;" in caplog.text


async def test_going_back_well_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    async with session(voice(told)) as client:
        told.fail_on = [13]
        with pytest.raises(RequestError) as failed:
            await client.update_config({"voice": {"rate": 5, "pitch": 6, "volume": 13}})
        assert (failed.value.code, failed.value.text) == ("option-failed", "Option voice.volume failed")
    assert "restored" not in caplog.text


async def test_the_bot_itself_hears_that_going_back_failed() -> None:
    told = Told()
    async with session(voice(told)) as client:
        told.fail_on = [13, 2]
        with pytest.raises(ActionError) as failed:
            await set_own(client.processor, {"voice": {"pitch": 6, "volume": 13}})
        assert failed.value.code == "rollback-failed"


async def test_an_option_given_twice_goes_back_to_the_first_value() -> None:
    told = Told()
    told.fail_on = [13]
    rtvi = voice(told)
    async with session(rtvi) as client:
        told.clear()
        options = [{"name": "rate", "value": value} for value in (4, 5, 13)]
        with pytest.raises(RequestError):
            await client.ask("update-config", {"config": [{"service": "voice", "options": options}]})
        assert told[-1] == ("voice", "rate", 0)
        assert rtvi.config["voice"]["rate"] == 0


async def test_refusing_with_a_text() -> None:
    async def refuse(processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:
        if option.value == "x":
            raise ActionError("no such voice here", code="no-voice", details={"known": ["alba"]})

    rtvi = make()
    rtvi.register_service(service("s", refuse, o="string"))
    async with session(rtvi) as client:
        with pytest.raises(RequestError) as refused:
            await client.update_config({"s": {"o": "x"}})
        assert refused.value.text == "Option s.o was refused: no such voice here"
        assert (refused.value.code, refused.value.details) == ("no-voice", {"known": ["alba"]})


async def test_an_option_handler_that_hangs_is_given_up() -> None:
    told = Told()
    told.waits = [(5, asyncio.Event())]
    async with session(voice(told, quick(option_timeout=0.3))) as client:
        with pytest.raises(RequestError, match=r"Option voice\.pitch failed: timed out after 0\.3 s"):
            await client.update_config({"voice": {"rate": 4, "pitch": 5}})
        assert told[-1] == ("voice", "rate", 0)
        assert await client.get_config() == INITIAL
        assert (await client.update_config({"voice": {"pitch": 6}}))["voice"]["pitch"] == 6


@pytest.mark.parametrize("error", [asyncio.CancelledError, StopIteration, TimeoutError, ValueError])
async def test_whatever_an_option_handler_raises(error: type[BaseException]) -> None:
    async def fail(processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:
        raise error("private")

    def fail_in_a_thread(processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:
        raise error("private")

    rtvi = quick(option_timeout=1.0)()
    rtvi.register_service(service("s", fail, o="string"))
    rtvi.register_service(service("t", fail_in_a_thread, o="string"))
    async with session(rtvi, timeout=120) as client:
        for name in ("s", "t"):
            with pytest.raises(RequestError) as failed:
                await client.update_config({name: {"o": "x"}})
            assert failed.value.text == f"Option {name}.o failed"
        assert await client.get_config() == {"s": {}, "t": {}}


async def test_updates_and_reads_keep_their_order() -> None:
    told = Told()
    gate = asyncio.Event()
    told.waits = [(5, gate)]
    async with session(voice(told)) as client:
        told.clear()
        first = asyncio.create_task(client.update_config({"voice": {"rate": 5}}))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(client.update_config({"voice": {"rate": 6, "pitch": 7}}))
        reading = asyncio.create_task(client.get_config())
        third = asyncio.create_task(client.update_config({"voice": {"rate": 8}}))
        await asyncio.sleep(0.01)
        assert told == [("voice", "rate", 5)]
        assert await client.describe_actions() == []  # the others are not held up
        gate.set()
        assert [(await task)["voice"]["rate"] for task in (first, second, reading, third)] == [5, 6, 6, 8]
        assert told == [("voice", "rate", 5), ("voice", "rate", 6), ("voice", "pitch", 7), ("voice", "rate", 8)]


async def test_interrupting_first() -> None:
    told = Told()
    async with session(voice(told)) as client:
        await client.update_config({"voice": {"rate": 5}}, interrupt=True)
        assert client.port.interruptions == 1
        with pytest.raises(RequestError):
            await client.update_config({"voice": {"rate": "x"}}, interrupt=True)
        assert client.port.interruptions == 1  # a refused update disturbs nobody


RULES: dict[str, tuple[dict[str, Any], str | None]] = {
    "plain": ({}, None),
    "client read": ({"client": "read"}, "Invalid configuration: s.o: is read-only"),
    "client none": ({"client": "none"}, "Invalid configuration: s.o: unknown option"),
    "mutable start": (
        {"mutable": "start"},
        "Invalid configuration: s.o: can only be set before the bot is ready",
    ),
    "mutable never": ({"mutable": "never"}, "Invalid configuration: s.o: is read-only"),
    "secret": ({"secret": True}, None),
}


@pytest.mark.parametrize(("keywords", "text"), RULES.values(), ids=RULES.keys())
async def test_who_may_change_what(keywords: dict[str, Any], text: str | None) -> None:
    told = Told()
    rtvi = make()
    rtvi.register_service(service("s", told.option, o={"type": "number", "default": 1, **keywords}))
    shown = {} if "secret" in keywords or keywords.get("client") == "none" else {"o": 1}
    async with session(rtvi) as client:
        assert await client.get_config() == {"s": shown}
        names = [option["name"] for option in (await client.describe_config())[0]["options"]]
        assert names == ([] if keywords.get("client") == "none" else ["o"])
        if text is None:
            await client.update_config({"s": {"o": 2}})
        else:
            with pytest.raises(RequestError) as refused:
                await client.update_config({"s": {"o": 2}})
            assert refused.value.text == text
        # The bot itself may change everything.
        await rtvi.set_option("s", "o", 3)
        assert rtvi.config["s"]["o"] == 3
    assert told[-1] == ("s", "o", 3)


async def test_setting_options_from_elsewhere() -> None:
    told = Told()
    told.fail_on = [13]
    rtvi = voice(told)
    async with session(rtvi) as client:
        await rtvi.set_option("voice", "rate", 50)
        assert (await client.get_config())["voice"]["rate"] == 50
        for name, value, text in (
            ("rate", "x", "Invalid configuration: voice.rate: expected number, got string"),
            ("rat", 1, "Invalid configuration: voice.rat: unknown option; did you mean 'rate'?"),
            ("rate", 13, "Option voice.rate failed"),
        ):
            with pytest.raises(ActionError) as refused:
                await rtvi.set_option("voice", name, value)
            assert str(refused.value) == text
        assert rtvi.config["voice"]["rate"] == 50


async def test_an_option_handler_cannot_wait_for_itself() -> None:
    outcomes: list[str] = []
    rtvi = make()

    async def change_another(processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:
        if option.name == "a":
            try:
                await processor.set_option("s", "b", 1)
            except ActionError as error:
                outcomes.append(error.text)

    rtvi.register_service(service("s", change_another, a="number", b="number"))
    async with session(rtvi) as client:
        await client.update_config({"s": {"a": 1}})
    assert outcomes == ["An option handler cannot change options"]


async def test_an_action_may_change_options() -> None:
    told = Told()
    rtvi = voice(told)

    async def louder(processor: RTVIProcessor) -> float:
        await processor.set_option("voice", "volume", processor.config["voice"]["volume"] + 1)
        return processor.config["voice"]["volume"]  # type: ignore[no-any-return]

    rtvi.register_action(action("voice.louder", louder))
    async with session(rtvi) as client:
        assert await asyncio.gather(client.call("voice.louder"), client.call("voice.louder")) in (
            [3, 4],
            [4, 4],
            [3, 3],
        )


async def test_whole_numbers_arrive_as_integers() -> None:
    told = Told()
    rtvi = make()
    rtvi.register_service(service("s", told.option, o="integer"))
    async with session(rtvi) as client:
        await client.update_config({"s": {"o": 5.0}})
    assert [(value, type(value)) for _, _, value in told] == [(5, int)]


@pytest.mark.parametrize("version", [None, "1.2.0", "2.1.0"])
async def test_a_failing_initial_configuration_still_makes_the_bot_ready(version: str | None) -> None:
    told = Told()
    told.fail_on = [2]
    rtvi = make(config=config({"voice": {"pitch": 2, "rate": "fast", "rat": 1}, "gone": {"x": 1}}))
    rtvi.register_service(service("voice", told.option, rate="number", pitch="number", volume={"default": "loud"}))
    async with session(rtvi, version=version) as client:
        errors = [m["data"]["error"] for m in client.received if m["type"] == "error"]
        assert sorted(errors) == [
            "Invalid initial configuration: voice.rate: expected number, got string",
            "Option voice.pitch failed",
            "Unknown option voice.rat in the initial configuration",
            "Unknown service gone in the initial configuration",
        ]
        assert {m["data"]["category"] for m in client.received if m["type"] == "error"} == {"configuration"}
        assert client.types()[-1] == "bot-ready"
        assert ("voice", "volume", "loud") in told
        assert (await client.update_config({"voice": {"rate": 3}}))["voice"]["rate"] == 3
