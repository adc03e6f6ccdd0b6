"""`Bot.load`, the generated class, and what never shows: secrets."""

from __future__ import annotations

import dataclasses
import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins import Bot, Handlers, RTVIProcessor, StartupError
from rtvi_plugins.testing import RequestError, connect
from tests.binding.conftest import Bind, plugin

LAMP = "manifest: 1\nbot: {name}\nservices: {{lamp: {{options: {{level: {{type: number, client: none}}}}}}}}\n"


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "bot.yaml"
    path.write_text(LAMP.format(name="table-lamp"))
    bot = Bot.load(path)
    assert (bot.name, repr(bot)) == ("table-lamp", "<Bot 'table-lamp'>")


def test_load_reads_the_environment_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bot.yaml"
    path.write_text(LAMP.format(name='"${env:RTVI_TEST_NAME}"'))
    with pytest.raises(StartupError, match="environment variable 'RTVI_TEST_NAME' is not set"):
        Bot.load(path, environ={})
    assert Bot.load(path, environ={"RTVI_TEST_NAME": "given"}).name == "given"
    monkeypatch.setenv("RTVI_TEST_NAME", "process")
    assert Bot.load(path).name == "process"


def test_load_raises_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "bot.yaml"
    path.write_text(LAMP.format(name="a b") + "colour: red\nruntime: {limits: {max_sessions: 0}}\n")
    with pytest.raises(StartupError) as failed:
        Bot.load(path)
    assert [problem.slug for problem in failed.value.problems] == ["bad-name", "unknown-key", "bad-value"]
    assert str(failed.value) == "\n".join(problem.render() for problem in failed.value.problems)


@pytest.mark.parametrize(
    ("files", "text"),
    {
        "none": ({}, "the folder holds no *.yaml or *.yml file"),
        "two": ({"a.yaml": LAMP.format(name="a"), "b.yaml": LAMP.format(name="b")}, "2 manifests in one place"),
    }.values(),
    ids=["none", "two"],
)
def test_load_takes_one(tmp_path: Path, files: dict[str, str], text: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(StartupError, match=text.replace("*", r"\*")):
        Bot.load(tmp_path)


def test_load_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="no such file or folder"):
        Bot.load(tmp_path / "absent.yaml")


def test_a_faulty_manifest_gives_no_bot(binding: Bind) -> None:
    bot, problems = binding.load(LAMP.format(name="lamp") + "colour: red\n")
    assert bot is None
    assert [problem.slug for problem in problems] == ["unknown-key"]


def test_generated_class(binding: Bind) -> None:
    bot = binding.bot(
        LAMP.format(name="table-lamp") + "description: Gives light.\nruntime: {limits: {max_actions: 3}}\n"
    )
    made = bot.processor_class
    assert issubclass(made, RTVIProcessor)
    assert (made.__name__, made.__doc__) == ("TableLampProcessor", "Gives light.")
    assert made.limits["max_actions"] == 3
    first, second = made(), made()
    assert first._tables is second._tables is bot.tables is made.tables
    assert first.values is second.values
    assert not hasattr(first, "__dict__")
    with pytest.raises(TypeError):
        made.limits["max_actions"] = 4  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        bot.tables.config = {}  # type: ignore[misc]


def test_a_processor_made_by_hand_has_the_limits_of_a_manifest_that_names_none(binding: Bind) -> None:
    made = binding.bot(LAMP.format(name="lamp")).processor_class.limits
    assert RTVIProcessor.limits == {name: made[name] for name in RTVIProcessor.limits}


async def test_sessions_do_not_share_values(binding: Bind) -> None:
    handlers = Handlers("lamp")

    @handlers.option("level")
    async def set_level(processor: Any, service: str, option: Any) -> None: ...

    bot = binding.bot(
        "manifest: 1\nbot: b\nservices: {lamp: {plugin: p, options: {level: {type: number, default: 1}}}}\n",
        {"p": plugin(handlers)},
    )
    async with connect(bot) as one, connect(bot) as other:
        await one.update_config({"lamp": {"level": 5}})
        assert (await one.get_config(), await other.get_config()) == ({"lamp": {"level": 5}}, {"lamp": {"level": 1}})


SECRET = "hunter2-0123456789"  # noqa: S105 - made up
SECRETS = """
manifest: 1
bot: keeper
services:
  vault:
    plugin: vault
    options:
      key: {type: string, secret: true, minLength: 3, maxLength: 40, default: "${env:VAULT_KEY}"}
      pin: {type: string, secret: true, client: none, default: "${env:VAULT_KEY}"}
      port: {type: number, default: 1}
    actions: {open: {}}
config: {vault: {key: "${env:VAULT_KEY}x"}}
runtime:
  auth: {tokens: {kiosk: "${env:VAULT_KEY}"}}
"""


def vault() -> object:
    handlers = Handlers("vault")

    @handlers.option("key")
    @handlers.option("port")
    async def change(processor: Any, service: str, option: Any) -> None:
        if option.value in (f"{SECRET}y", 2):
            raise RuntimeError("the vault is jammed")

    @handlers.action("open")
    async def open_(processor: Any) -> bool:
        return processor.config["vault"]["key"] == f"{SECRET}x" and processor.config["vault"]["pin"] == SECRET

    return plugin(handlers)


@pytest.mark.parametrize("version", [None, "1.2.0", "2.1.0"])
async def test_secrets_never_show(binding: Bind, version: str | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bot = binding.bot(SECRETS, {"vault": vault()}, {"VAULT_KEY": SECRET})
    async with connect(bot, version=version) as client:
        assert await client.call("vault.open") is True
        await client.describe_config()
        await client.describe_actions()
        assert await client.get_config() == {"vault": {"port": 1}}
        assert await client.update_config({"vault": {"key": f"{SECRET}z", "port": 3}}) == {"vault": {"port": 3}}
        for value in (f"{SECRET}y", SECRET * 10, [SECRET], {"a": SECRET}):
            with pytest.raises(RequestError) as refused:
                await client.update_config({"vault": {"key": value}})
            assert SECRET not in json.dumps([refused.value.text, refused.value.details])
        with pytest.raises(RequestError):
            await client.update_config({"vault": {"key": f"{SECRET}z", "port": 2}})  # goes back to the old key
        processor = client.processor  # type: ignore[attr-defined]
        for shown in (repr(processor), repr(bot), repr(bot.tables), repr(processor.session), repr(type(processor))):
            assert SECRET not in shown
        assert SECRET not in json.dumps(client.received)
    assert "the vault is jammed" in caplog.text
    assert SECRET not in caplog.text


def test_secrets_are_not_in_the_manifest_as_text(binding: Bind) -> None:
    bot = binding.bot(SECRETS, {"vault": vault()}, {"VAULT_KEY": SECRET})
    assert SECRET not in repr(bot.manifest)


def test_secrets_are_not_in_problems(binding: Bind) -> None:
    text = SECRETS.replace("minLength: 3", "minLength: 300")
    _, problems = binding.load(text, {"vault": vault()}, {"VAULT_KEY": SECRET})
    assert {problem.slug for problem in problems} == {"bad-default"}
    assert SECRET not in "".join(problem.render() for problem in problems)
    with pytest.raises(StartupError) as failed:
        binding.bot(text, {"vault": vault()}, {"VAULT_KEY": SECRET})
    assert SECRET not in "".join(traceback.format_exception(failed.value))
