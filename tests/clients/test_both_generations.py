"""What holds for the published clients of both generations alike."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from .harness import HERE, Bot, run_bot
from .pages import REFUSAL_MS, Client, Config, LegacyClient, Request, check_refusal, from_wire

if TYPE_CHECKING:
    from .conftest import NewPage

CONFIG: Config = {
    "voice": {"voice_id": "bruno", "rate": 175, "greeting": "Welcome!"},
    "room": {"scene": "day"},
}
"""What a session begins with: the defaults under `config:` of bot.yaml, without the option that clients never see."""


@pytest.mark.parametrize("way", ["start", "straight"])
def test_connects_and_is_told_that_the_bot_is_ready(client: Client, bot: Bot, way: str) -> None:
    ready = client.ask(getattr(client, way)(bot))
    assert client.event("onBotReady") == ready
    assert client.state == "ready"
    assert client.events("onError", "onMessageError") == []
    assert re.fullmatch(r"0\.3\.0" if isinstance(client, LegacyClient) else r"2\.\d+\.\d+", ready["version"])
    assert from_wire(ready["config"]) == CONFIG
    assert ready["actions"] == client.ask(client.describe_actions())


def test_an_initial_configuration_is_in_force_from_the_start_and_again_after_a_reconnect(
    client: Client, bot: Bot
) -> None:
    """`greeting` may only be set at the start: here is the start."""
    values: Config = {"voice": {"greeting": "Moi!", "rate": 90}, "room": {"scene": "night"}}
    ready = client.ask(client.start(bot, config=values))
    wanted = {"voice": CONFIG["voice"] | {"greeting": "Moi!", "rate": 90}, "room": {"scene": "night"}}
    assert from_wire(ready["config"]) == wanted
    assert client.ask(client.get_config()) == wanted
    assert client.ask(client.action("room", "state"))["curtains"] is False
    client.ask(client.disconnect())
    client.ask(client.again())
    assert client.ask(client.get_config()) == wanted


@pytest.mark.parametrize(
    ("word", "config"),
    [
        pytest.param("rate", {"voice": {"rate": "fast"}}, id="wrong-type"),
        pytest.param("rate", {"voice": {"voice_id": "alba", "rate": 1000}}, id="out-of-range"),
        pytest.param("speed", {"voice": {"speed": 1}}, id="unknown-option"),
        pytest.param("vioce", {"vioce": {"rate": 100}}, id="unknown-service"),
        pytest.param("api_key", {"voice": {"api_key": "stolen"}}, id="hidden"),
    ],
)
def test_a_bad_initial_configuration_is_refused_in_words(client: Client, bot: Bot, word: str, config: Config) -> None:
    outcome = client.outcome(client.start(bot, config=config))
    assert outcome.data["status"] == 400
    assert re.search(rf"\b{word}\b", str(outcome.error))
    assert outcome.ms < REFUSAL_MS
    client.ask(client.start(bot))
    assert client.ask(client.get_config()) == CONFIG


def test_describes_its_options(steady: Client) -> None:
    described = {one["name"]: one["options"] for one in steady.ask(steady.describe_config())}
    assert [(option["name"], option["type"]) for option in described["voice"]] == [
        ("voice_id", "string"),
        ("rate", "number"),
        ("greeting", "string"),
    ]
    rate = described["voice"][1]
    assert (rate["schema"]["minimum"], rate["schema"]["maximum"]) == (80, 450)
    assert [option["name"] for option in described["room"]] == ["scene"]


def test_describes_its_actions(steady: Client) -> None:
    described = {(one["service"], one["action"]): one for one in steady.ask(steady.describe_actions())}
    search = described["knowledge", "search"]
    assert [(argument["name"], argument["type"]) for argument in search["arguments"]] == [
        ("query", "string"),
        ("limit", "number"),
    ]
    assert search["result"] == "array"
    assert described["conversation", "print_message"]["result"] == "bool"
    assert {"set_device", "state"} <= {action for service, action in described if service == "room"}


def test_gives_and_changes_its_configuration(connected: Client) -> None:
    assert connected.ask(connected.get_config()) == CONFIG
    changed = connected.ask(connected.update_config({"voice": {"voice_id": "alba"}}))
    assert changed == CONFIG | {"voice": CONFIG["voice"] | {"voice_id": "alba"}}
    values: Config = {"voice": {"rate": 200.5}, "room": {"scene": "night"}}
    changed = connected.ask(connected.update_config(values, interrupt=True))
    assert changed == {"voice": CONFIG["voice"] | {"voice_id": "alba", "rate": 200.5}, "room": {"scene": "night"}}
    assert connected.ask(connected.get_config()) == changed


def test_runs_actions(steady: Client) -> None:
    assert steady.ask(steady.action("conversation", "print_message", message="Grüße, 東京 🛎")) is True
    assert steady.ask(steady.action("conversation", "print_message")) is True
    found = steady.ask(steady.action("knowledge", "search", query="spa"))
    assert 1 <= len(found) <= 3
    assert all(one["title"] and one["text"] for one in found)
    assert "spa" in found[0]["title"].lower()
    assert len(steady.ask(steady.action("knowledge", "search", query="spa", limit=1))) == 1
    assert steady.ask(steady.action("room", "state"))["tv"] is False


def test_hears_of_a_change_in_the_room(connected: Client) -> None:
    assert connected.ask(connected.action("room", "set_device", device="tv", on=True)) is True
    assert connected.event("onServerMessage") == {"event": "device-changed", "device": "tv", "on": True}
    assert connected.ask(connected.action("room", "state"))["tv"] is True


Faulty = Callable[[Client], Request]

FAULTS: list[tuple[str, str, Faulty]] = [
    # what is wrong, the word that the refusal has to hold, the call
    ("option-wrong-type", "rate", lambda c: c.update_config({"voice": {"rate": "200"}})),
    ("option-bool-for-number", "rate", lambda c: c.update_config({"voice": {"rate": True}})),
    ("option-null", "voice_id", lambda c: c.update_config({"voice": {"voice_id": None}})),
    ("option-too-small", "rate", lambda c: c.update_config({"voice": {"rate": 79.9}})),
    ("option-too-large", "rate", lambda c: c.update_config({"voice": {"rate": 451}})),
    ("option-not-in-enum", "voice_id", lambda c: c.update_config({"voice": {"voice_id": "carla"}})),
    ("option-only-at-start", "greeting", lambda c: c.update_config({"voice": {"greeting": "Hi"}})),
    ("option-hidden", "api_key", lambda c: c.update_config({"voice": {"api_key": "stolen"}})),
    ("option-unknown", "speed", lambda c: c.update_config({"voice": {"speed": 1}})),
    ("option-of-unknown-service", "vioce", lambda c: c.update_config({"vioce": {"rate": 100}})),
    ("one-bad-beside-a-good", "rate", lambda c: c.update_config({"voice": {"voice_id": "alba", "rate": 1}})),
    ("two-bad-first", "rate", lambda c: c.update_config({"voice": {"rate": 1, "voice_id": "carla"}})),
    ("two-bad-second", "voice_id", lambda c: c.update_config({"voice": {"rate": 1, "voice_id": "carla"}})),
    ("bad-with-interrupt", "rate", lambda c: c.update_config({"voice": {"rate": 1}}, interrupt=True)),
    ("config-missing", "config", lambda c: c.native("update-config", {}, bool)),
    ("config-wrong-shape", "config", lambda c: c.native("update-config", {"config": "loud"}, bool)),
    ("argument-wrong-type", "query", lambda c: c.action("knowledge", "search", query=7)),
    ("argument-null", "query", lambda c: c.action("knowledge", "search", query=None)),
    ("argument-bool-for-integer", "limit", lambda c: c.action("knowledge", "search", query="spa", limit=True)),
    ("argument-not-an-integer", "limit", lambda c: c.action("knowledge", "search", query="spa", limit=2.5)),
    ("argument-too-small", "limit", lambda c: c.action("knowledge", "search", query="spa", limit=0)),
    ("argument-too-large", "limit", lambda c: c.action("knowledge", "search", query="spa", limit=11)),
    ("argument-missing", "query", lambda c: c.action("knowledge", "search", limit=2)),
    ("argument-unknown", "lang", lambda c: c.action("knowledge", "search", query="spa", lang="fi")),
    ("argument-not-in-enum", "device", lambda c: c.action("room", "set_device", device="bell", on=True)),
    ("argument-text-for-bool", "on", lambda c: c.action("room", "set_device", device="tv", on="true")),
    ("action-unknown", "serach", lambda c: c.action("knowledge", "serach", query="spa")),
    ("action-of-unknown-service", "minibar", lambda c: c.action("minibar", "open")),
    ("action-name-missing", "action", lambda c: c.native("action", {"service": "knowledge"}, bool)),
]


@pytest.mark.parametrize(("word", "faulty"), [pytest.param(word, call, id=name) for name, word, call in FAULTS])
def test_refuses_at_once_and_names_the_fault(steady: Client, word: str, faulty: Faulty) -> None:
    assert re.search(rf"\b{word}\b", steady.refused(faulty(steady)))
    assert steady.ask(steady.get_config()) == CONFIG
    assert steady.ask(steady.action("conversation", "print_message", message="still here")) is True


def test_tells_of_a_refusal_by_callback_too(steady: Client) -> None:
    mark = steady.mark()
    steady.refused(steady.action("minibar", "open"))
    assert "minibar" in steady.event("onMessageError", after=mark)["data"]["error"]
    assert steady.events("onError", after=mark) == []


def test_refuses_an_unknown_request(steady: Client) -> None:
    mark = steady.mark()
    outcome = steady.outcome(steady.unknown("make-tea"))
    told = steady.event("onMessageError", after=mark)
    assert "make-tea" in told["data"]["error"]
    if not isinstance(steady, LegacyClient):  # whose client does not wait for an answer to what it does not know
        check_refusal(outcome)
    assert steady.ask(steady.get_config()) == CONFIG


def test_answers_fifty_requests_at_once_each_with_its_own_answer(connected: Client) -> None:
    titles = connected.ask(connected.action("knowledge", "topics"))[:20]
    assert len(set(titles)) == 20
    strangers = [f"stranger{number:02}" for number in range(15)]
    rates = list(range(100, 115))
    requests = [
        *(connected.action("knowledge", "read", title=title) for title in titles),
        *(connected.action("knowledge", "search", query="spa", **{stranger: True}) for stranger in strangers),
        *(connected.update_config({"voice": {"rate": rate}}) for rate in rates),
    ]
    mixed = [position * 7 % 50 for position in range(50)]
    answered = dict(zip(mixed, connected.together([requests[position] for position in mixed]), strict=True))
    outcomes = [answered[position] for position in range(50)]
    assert [outcome.value["title"] for outcome in outcomes[:20]] == titles
    assert [re.findall(r"stranger\d+", str(outcome.error)) for outcome in outcomes[20:35]] == [
        [one] for one in strangers
    ]
    assert [outcome.value["voice"]["rate"] for outcome in outcomes[35:]] == rates
    assert max(outcome.ms for outcome in outcomes) < 5000


def test_answers_text(connected: Client) -> None:
    connected.ask(connected.send_text("When does the spa open?"))
    connected.event("onBotLlmStopped")
    order = [name for name in connected.event_names() if name.startswith("onBotLlm")]
    assert order == ["onBotLlmStarted", *["onBotLlmText"] * (len(order) - 2), "onBotLlmStopped"]
    said = "".join(text["text"] for text in connected.events("onBotLlmText"))
    assert "When does the spa open?" in said
    assert "".join(text["text"] for text in connected.events("onBotTranscript")).strip() == said.strip()
    turns = connected.ask(connected.action("conversation", "history"))
    assert turns == [{"role": "user", "text": "When does the spa open?"}, {"role": "bot", "text": said}]


def test_hears_a_microphone_and_goes_on(client: Client, bot: Bot) -> None:
    """The browser's fake device never stops beeping: audio goes out between the messages."""
    client.ask(client.start(bot, enable_mic=True))
    until = time.monotonic() + 120
    while client.audio_frames < 20 and time.monotonic() < until:
        assert client.ask(client.get_config()) == CONFIG
    assert client.audio_frames >= 20
    assert client.events("onError", "onMessageError") == []


@pytest.mark.parametrize("is_fresh", [False, True], ids=["same-client", "fresh-client"])
def test_connects_again_to_a_new_session(connected: Client, bot: Bot, is_fresh: bool) -> None:
    connected.ask(connected.update_config({"voice": {"rate": 99}}))
    connected.ask(connected.disconnect())
    assert connected.state == "disconnected"
    mark = connected.mark()
    connected.ask(connected.start(bot) if is_fresh else connected.again())
    connected.event("onBotReady", after=mark)
    assert connected.ask(connected.get_config()) == CONFIG
    assert connected.events("onError", "onMessageError", after=mark) == []


def test_ends_when_the_client_dismisses_the_bot(connected: Client, bot: Bot) -> None:
    connected.ask(Request("disconnectBot"))
    connected.event("onDisconnected")
    connected.ask(connected.start(bot))
    assert connected.ask(connected.get_config()) == CONFIG


def test_is_told_when_the_bot_stops(client: Client, origin: str) -> None:
    """`run_bot` checks the other side: that the command ends by itself, without an error."""
    # The clients disconnect on a fatal error and again when the socket closes; their media manager trips over that.
    client.may_trip = True
    with run_bot(HERE / "bot.yaml", origin=origin) as own:
        client.ask(client.start(own))
    # They also read messages later than they notice the close, so this may come after an `onError` about the socket.
    assert client.event("onError", having="shutting down")["data"]["fatal"] is True
    client.event("onDisconnected")


def test_keeps_sessions_apart(connected: Client, new_page: NewPage, bot: Bot) -> None:
    other = new_page(type(connected))
    other.ask(other.start(bot))
    connected.ask(connected.update_config({"voice": {"rate": 99}, "room": {"scene": "night"}}))
    connected.ask(connected.send_text("only for me"))
    connected.event("onBotLlmStopped")
    assert other.ask(other.get_config()) == CONFIG
    assert other.ask(other.action("conversation", "history")) == []
    assert other.events("onServerMessage", "onBotLlmText") == []
    other.ask(other.disconnect())
    assert connected.ask(connected.get_config())["voice"]["rate"] == 99


@pytest.mark.parametrize("way", ["start", "straight"])
def test_refuses_a_page_of_another_origin(
    kind: type[Client], new_page: NewPage, foreign_origin: str, bot: Bot, way: str
) -> None:
    stranger = new_page(kind, foreign_origin)
    outcome = stranger.outcome(getattr(stranger, way)(bot))
    assert outcome.error
    assert outcome.kind != "no-answer"
    assert stranger.events("onBotReady", "onConnected") == []
