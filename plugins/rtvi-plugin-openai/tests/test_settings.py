"""Settings: what is refused at start, and that the key is told to nobody."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rtvi_plugin_openai import OpenAIResponder
from rtvi_plugin_openai.settings import Settings

from rtvi_plugins import Bot, StartupError
from rtvi_plugins.llm import failures
from rtvi_plugins.testing import connect

from . import provider as p
from .home import KEY, Home, load, talking

SHIPPED = Path(__file__).parents[3] / "manifests" / "openai.yaml"

REFUSED: list[Any] = [
    pytest.param({}, "'model' is missing", id="no-model"),
    pytest.param({"model": "m", "modle": "m"}, "modle", id="unknown-setting"),
    pytest.param({"model": "m", "temperature": 3}, "temperature", id="out-of-range"),
    pytest.param({"model": "m", "max_history": 1}, "max_history", id="no-room-for-a-turn"),
    pytest.param({"model": "m", "extra_body": {"stream": False}}, "extra_body", id="fields-that-are-ours"),
    pytest.param(
        {"model": "m", "base_url": "localhost:11434"},
        "settings.base_url: responder 'openai': not a URL",
        id="no-scheme",
    ),
    pytest.param(
        {"model": "m", "base_url": "http://[::1/v1"},
        "settings.base_url: responder 'openai': not a URL",
        id="broken-address",
    ),
    pytest.param(
        {"model": "m", "base_url": "http://h:99999/v1"},
        "settings.base_url: responder 'openai': not a URL",
        id="no-such-port",
    ),
    pytest.param({"model": "m", "base_url": f"http://u:{KEY}@h/v1"}, "more than an address", id="password-in-address"),
    pytest.param({"model": "m", "base_url": f"http://h/v1?key={KEY}"}, "more than an address", id="key-in-address"),
    pytest.param(
        {"model": "m", "api_key": f"{KEY} \u00e9"},
        "settings.api_key: responder 'openai': holds spaces",
        id="no-such-key",
    ),
]


@pytest.mark.parametrize(("settings", "expected"), REFUSED)
def test_refused_at_start_without_telling_values(tmp_path: Path, settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(StartupError) as caught:
        load(tmp_path, settings, Home())
    (problem,) = caught.value.problems
    assert problem.slug == "bad-responder"
    assert expected in problem.render()
    assert KEY not in problem.render()


def test_integers_may_be_written_with_a_point_and_keys_end_in_a_line_break() -> None:
    settings = Settings.read({"model": "m", "max_history": 10.0, "seed": 3.0, "api_key": f"{KEY}\n"})
    assert (settings.max_history, settings.sampling["seed"], settings.api_key) == (10, 3, KEY)
    assert isinstance(settings.max_history, int)
    assert isinstance(settings.sampling["seed"], int)


def test_every_setting_is_described() -> None:
    properties = OpenAIResponder.settings_schema["properties"]
    assert all(schema["description"] for schema in properties.values())
    assert not Settings.read({"model": "m"}).sampling


def test_the_readme_names_every_setting_and_every_text() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    texts = [value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str)]
    texts += failures._STATUS_TEXTS.values()
    assert [name for name in OpenAIResponder.settings_schema["properties"] if f"`{name}`" not in readme] == []
    assert len(texts) > 8
    assert [text for text in texts if text not in readme] == []


def test_the_shipped_manifest_loads_without_a_key_and_says_so_when_asked(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with connect(Bot.load(SHIPPED, environ={})) as client:
            assert await client.call("room.state")
            error = asyncio.ensure_future(client.next("error"))
            assert await client.send_text("Hello") == ""
            assert (await error)["data"]["error"] == "The bot has no key for its language model"

    asyncio.run(run())
    assert "OPENAI_API_KEY" in caplog.text


def test_a_server_on_another_host_needs_no_key(tmp_path: Path) -> None:
    async def run() -> None:
        async with p.running(p.says("Hi")) as provider, talking(tmp_path, provider, api_key="") as talk:
            assert await talk.say("Hello") == "Hi"

    asyncio.run(run())


def test_the_key_is_told_to_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        refused = p.Answer(status=401, body=f'{{"error": {{"message": "{KEY} is wrong"}}}}')
        busy = p.Answer(status=500, body=f'{{"error": {{"message": "{KEY} is wrong"}}}}')
        odd = p.Answer([{"error": {"message": f"{KEY} is wrong"}}])
        crash = p.calls(p.call("home_refuse", {}))
        async with (
            p.running(p.says("Hi"), refused, busy, odd, crash, p.says("Hm")) as provider,
            talking(tmp_path, provider) as talk,
        ):
            for text in ("a", "b", "c", "d", "e"):
                await talk.say(text)
            assert len(talk.errors) == 3
            responder = talk.client.processor.responder  # type: ignore[attr-defined]
            shown = [talk.client.received, responder, responder._settings, talk.client.processor.session.state]  # type: ignore[attr-defined]
            assert KEY not in repr(shown)
        assert all(KEY in head for head in provider.heads)

    with caplog.at_level(logging.NOTSET):
        logging.getLogger("openai").setLevel(logging.DEBUG)
        asyncio.run(run())
    assert "HTTP" in caplog.text  # the libraries did write at DEBUG
    assert KEY not in caplog.text


def test_importing_the_plugin_does_not_import_the_library() -> None:
    code = "import sys, rtvi_plugin_openai; sys.exit('openai' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
