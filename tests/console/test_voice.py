"""Microphone and speaker, with the voice bot on the Pipecat host: what is said is heard, and the answer is played."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.console.conftest import Open, launch
from tests.console.harness import ConsolePage, serve
from tests.pipecat.launching import REPOSITORY
from tests.pipecat.speech import MICROPHONE, speech

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, WebSocketRoute

pytestmark = [pytest.mark.browser, pytest.mark.sound]

VOICE_BOT = REPOSITORY / "manifests" / "voice-concierge.yaml"
LAMP_IS_ON = "The lamp is now on."
LONG = "tell me about breakfast"
SILENCE_BEFORE = 3
"""Seconds the microphone is silent first: it runs from when it is asked for, the page hears it a moment later."""
WATCH = """() => {
  const seen = (window.heardBot = []);
  setInterval(() => {
    const meter = document.querySelector('meter[aria-label="loudness, bot"]');
    if (meter && meter.value > 0.1) seen.push(performance.now());
  }, 10);
}"""
"""Notes when the speaker's meter moves."""


@pytest.fixture(scope="module")
def bot() -> Iterator[str]:
    with serve(VOICE_BOT) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone hears a moment of silence, then somebody who speaks, then silence."""
    recording = tmp_path_factory.mktemp("microphone") / "lamp.wav"
    with wave.open(str(recording), "wb") as file:
        file.setparams((1, 2, MICROPHONE, 0, "NONE", ""))
        before, after = (bytes(2 * MICROPHONE * seconds) for seconds in (SILENCE_BEFORE, 60))
        file.writeframes(before + speech("turn on the lamp") + after)
    with launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={recording}%noloop",
    ) as running:
        yield running


def meter(console: ConsolePage, side: str) -> Locator:
    return console.page.get_by_label(f"loudness, {side}")


def wait_for_level(console: ConsolePage, side: str) -> None:
    """Wait until one of the two meters moves."""
    script = f"""() => document.querySelector('meter[aria-label="loudness, {side}"]').value > 0.3"""
    console.page.wait_for_function(script)


def state(console: ConsolePage) -> Locator:
    return console.page.locator(".voice-state")


def seconds_played(console: ConsolePage, text: str) -> float:
    """Write something and give how long the answer is heard, by the meter of what is really played."""
    console.view("talk")
    console.page.evaluate("() => { window.heardBot.length = 0 }")
    console.say(text)
    wait_for_level(console, "bot")
    expect(state(console)).not_to_contain_text("is speaking")
    expect(meter(console, "bot")).to_have_attribute("value", "0")
    first, last = console.page.evaluate("() => [window.heardBot[0], window.heardBot.at(-1)]")
    return float(last - first) / 1000


def test_what_is_said_is_heard_and_the_answer_is_played(open_page: Open, axe: str) -> None:
    console = open_page()
    console.see("Turn on the microphone and speak, or write below.")
    expect(meter(console, "microphone")).to_have_attribute("value", "0")
    console.button("Turn on microphone").click()
    expect(state(console)).to_have_text("Listening: speak now.")
    wait_for_level(console, "microphone")
    said = console.page.locator(".turn.is-you")
    expect(said).to_contain_text("turn on the lamp")
    expect(said.locator(".badge")).to_have_text("voice")
    wait_for_level(console, "bot")
    expect(state(console)).to_have_text("voice-concierge is speaking.")
    expect(console.page.locator(".turn.is-bot")).to_contain_text(LAMP_IS_ON)
    expect(state(console)).to_have_text("Listening: speak now.")
    assert console.page.locator(".is-interrupted").count() == 0
    assert console.findings(axe) == []
    types = {type_ for type_ in ("user-transcription", "bot-tts-text") if console.wire(type_)}
    assert types == {"user-transcription", "bot-tts-text"}


def test_another_rate_is_heard_at_once(open_page: Open) -> None:
    console = open_page()
    console.page.evaluate(WATCH)
    usual = seconds_played(console, "turn on the lamp")
    assert 0.7 < usual < 2.0
    console.view("configure")
    console.field("rate").locator("input[type=number]").fill("330")
    console.button("Apply").click()
    console.page.locator(".outcome.is-good").wait_for()
    fast = seconds_played(console, "turn on the lamp")
    assert 1.5 < usual / fast < 2.7, "twice as many words a minute"


NOTE_RATES = """() => {
  const Real = AudioContext;
  window.rates = [];
  window.AudioContext = class extends Real {
    constructor(options) {
      super(options);
      window.rates.push(this.sampleRate);
    }
  };
}"""


@pytest.mark.parametrize("rate", [24_000, 8_000])
def test_sound_is_played_at_the_rate_it_has(open_page: Open, tmp_path: Path, rate: int) -> None:
    """The published transport plays everything at 24 kHz; a bot that sends less is not to sound like a dwarf.

    How long it lasts would not show that: the bot sends no faster than one speaks.
    """
    manifest = tmp_path / "bot.yaml"
    text = VOICE_BOT.read_text(encoding="utf-8").replace("out: 24000", f"out: {rate}")
    manifest.write_text(text, encoding="utf-8")
    shutil.copytree(VOICE_BOT.parent / "services", tmp_path / "services")
    with serve(manifest) as address:
        console = open_page(address)
        console.page.evaluate(NOTE_RATES)
        console.say("hello")
        wait_for_level(console, "bot")
        assert console.page.evaluate("window.rates") == [rate]
        console.button("Disconnect").click()


def test_nothing_is_sent_while_muted(open_page: Open) -> None:
    """A written exchange goes by meanwhile, in which an open microphone would send some fifty blocks."""
    sent: list[bytes] = []

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            sent.append(message if isinstance(message, bytes) else message.encode())
            server.send(message)

        route.on_message(pass_on)

    def blocks() -> int:
        return sum(b"rtvi-ai" not in message for message in sent)

    console = open_page(between=between)
    assert blocks() == 0, "the microphone is off until it is turned on"
    console.button("Turn on microphone").click()
    expect(state(console)).to_have_text("Listening: speak now.")
    wait_for_level(console, "microphone")
    assert blocks() > 0
    console.button("Mute").click()
    expect(state(console)).to_have_text("Muted: the bot hears nothing.")
    expect(meter(console, "microphone")).to_have_attribute("value", "0")
    console.say("hello")
    console.see("Welcome to Harbour House.")
    before = blocks()
    console.say("turn on the lamp")
    wait_for_level(console, "bot")
    console.see(LAMP_IS_ON)
    assert blocks() == before
    console.button("Unmute").click()
    expect(state(console)).not_to_contain_text("Muted")
    console.say("hello")
    wait_for_level(console, "bot")
    assert blocks() > before


def test_the_bot_can_be_silenced(open_page: Open) -> None:
    console = open_page()
    console.say(LONG)
    wait_for_level(console, "bot")
    console.page.locator(".turn.is-bot .caret").wait_for()
    console.button("stop the bot").click()
    expect(console.page.locator(".turn.is-bot.is-interrupted .unsaid")).to_contain_text("Breakfast is served")
    expect(meter(console, "bot")).to_have_attribute("value", "0")
    expect(console.button("stop the bot")).to_have_count(0)
    console.say("turn on the lamp")
    wait_for_level(console, "bot")
    expect(console.page.locator(".turn.is-bot").last).to_contain_text(LAMP_IS_ON)


def test_the_microphone_stays_on_when_the_network_comes_back(open_page: Open) -> None:
    sockets: list[WebSocketRoute] = []
    blocks: list[int] = []

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        number = len(sockets)
        sockets.append(route)

        def pass_on(message: str | bytes) -> None:
            server.send(message)
            if isinstance(message, bytes) and b"rtvi-ai" not in message:
                blocks.append(number)

        route.on_message(pass_on)

    console = open_page(between=between, errors="signaling socket closed")
    console.button("Turn on microphone").click()
    wait_for_level(console, "microphone")
    sockets[0].close(code=1011)
    console.wait_for_status("Reconnecting")
    console.wait_for_status("Connected")
    expect(console.button("Mute")).to_be_visible()
    wait_for_level(console, "microphone")
    assert set(blocks) == {0, 1}, "both connections got sound"
    console.button("Disconnect").click()
    console.page.locator(".banner").get_by_role("button", name="Connect").click()
    console.wait_for_status("Connected")
    expect(console.button("Turn on microphone")).to_be_enabled()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NotAllowedError", "The browser does not let this page use the microphone"),
        ("NotFoundError", "There is no microphone."),
        ("NotReadableError", "Another program has the microphone."),
        ("AbortError", "The microphone cannot be used."),
    ],
)
def test_why_there_is_no_microphone_is_told(open_page: Open, name: str, text: str) -> None:
    console = open_page()
    refuse = "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)) }"
    console.page.evaluate(refuse, name)
    console.button("Turn on microphone").click()
    expect(console.page.locator(".voice").get_by_role("alert")).to_contain_text(text)
    expect(console.button("Turn on microphone")).to_be_enabled()


def test_a_host_that_does_not_tell_about_sound(open_page: Open) -> None:
    """Before Pipecat 1.14, `bot-ready` has no `capabilities`: microphone and speaker are offered, and work."""

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            assert isinstance(message, bytes)
            route.send(message.replace(b'"capabilities"', b'"x-unheard-of"'))  # as long as before

        server.on_message(pass_on)

    console = open_page(between=between)
    expect(state(console)).to_have_text("This bot does not say whether it hears.")
    console.button("Turn on microphone").click()
    expect(console.page.locator(".turn.is-you")).to_contain_text("turn on the lamp")
    wait_for_level(console, "bot")


ASKED = """() => {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.asked = [];
  navigator.mediaDevices.getUserMedia = (wanted) => {
    const id = wanted.audio?.deviceId;
    window.asked.push(typeof id === "object" ? id.exact : (id ?? ""));
    return real(wanted);
  };
  const sink = AudioContext.prototype.setSinkId;
  window.sinks = [];
  AudioContext.prototype.setSinkId = function (id) {
    window.sinks.push(id);
    return sink.call(this, id);
  };
}"""
"""Notes which microphones are asked for, and where sound is sent."""
UNPLUG = """id => {
  const real = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
  navigator.mediaDevices.enumerateDevices = async () => (await real()).filter((one) => one.deviceId !== id);
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
}"""


def choices(console: ConsolePage, label: str) -> list[tuple[str, str]]:
    """The devices one can choose, each as its id and its name; without the system's own."""
    options = console.page.get_by_label(label, exact=True).locator("option").all()
    return [(option.get_attribute("value") or "", option.inner_text()) for option in options][1:]


def test_microphone_and_loudspeaker_are_chosen(open_page: Open, axe: str) -> None:
    console = open_page(viewport={"width": 320, "height": 800})
    console.page.evaluate(ASKED)
    console.page.locator(".devices summary").click()
    console.button("Turn on microphone").click()
    expect(state(console)).to_have_text("Listening: speak now.")
    console.page.get_by_label("Microphone", exact=True).wait_for()
    (first, name), *_ = choices(console, "Microphone")
    assert name
    console.page.get_by_label("Microphone", exact=True).select_option(first)
    console.page.wait_for_function("id => window.asked.at(-1) === id", arg=first)
    expect(console.button("Mute")).to_be_visible()
    wait_for_level(console, "microphone")
    assert console.findings(axe) == []
    assert console.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    speakers = choices(console, "Loudspeaker")
    if speakers:
        console.page.get_by_label("Loudspeaker", exact=True).select_option(speakers[0][0])
        console.say(LONG)
        wait_for_level(console, "bot")
        assert console.page.evaluate("window.sinks") == [speakers[0][0]]
    # It is pulled out.
    console.page.evaluate(UNPLUG, first)
    expect(console.page.locator(".devices-note")).to_have_text(
        f"{name} is gone; the system's own microphone is used now."
    )
    console.page.wait_for_function("() => window.asked.at(-1) === ''")
    expect(console.button("Mute")).to_be_visible()
    assert first not in [id_ for id_, _ in choices(console, "Microphone")]
    expect(console.page.get_by_label("Microphone", exact=True)).to_have_value("")


def test_a_microphone_that_cannot_be_opened_gives_way(open_page: Open) -> None:
    console = open_page()
    console.page.evaluate(ASKED)
    console.button("Turn on microphone").click()
    expect(state(console)).to_have_text("Listening: speak now.")
    console.page.locator(".devices summary").click()
    (first, name), *_ = choices(console, "Microphone")
    console.page.evaluate("""() => {
      const real = navigator.mediaDevices.getUserMedia;
      navigator.mediaDevices.getUserMedia = (wanted) =>
        wanted.audio?.deviceId ? Promise.reject(new DOMException("", "NotReadableError")) : real(wanted);
    }""")
    console.page.get_by_label("Microphone", exact=True).select_option(first)
    expect(console.page.locator(".devices-note")).to_contain_text(f"{name} cannot be used")
    expect(console.button("Mute")).to_be_visible()
    expect(console.page.get_by_label("Microphone", exact=True)).to_have_value("")
