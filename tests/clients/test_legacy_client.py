"""What only the legacy client can do: use its helpers, hear by its own callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .pages import Client, LegacyClient, Request, from_wire
from .test_both_generations import CONFIG

if TYPE_CHECKING:
    from .conftest import NewPage
    from .harness import Bot


@pytest.fixture
def client(new_page: NewPage) -> Client:
    return new_page(LegacyClient)


def test_answers_arrive_by_callback_too(client: Client, bot: Bot) -> None:
    client.ask(client.start(bot))
    client.ask(client.update_config({"voice": {"rate": 80}}))
    assert from_wire(client.event("onConfig")) == CONFIG | {"voice": CONFIG["voice"] | {"rate": 80}}
    described = client.ask(client.describe_config())
    assert client.event("onConfigDescribe") == {"config": described}
    actions = client.ask(client.describe_actions())
    assert client.event("onActionsAvailable") == {"actions": actions}


def test_reads_and_edits_one_option_with_the_helpers(client: Client, bot: Bot) -> None:
    client.ask(client.start(bot))
    assert client.ask(Request("getServiceOptionValueFromConfig", ("voice", "rate"))) == 175
    edited = client.ask(Request("setServiceOptionInConfig", ("voice", {"name": "voice_id", "value": "alba"})))
    assert from_wire(edited) == CONFIG | {"voice": CONFIG["voice"] | {"voice_id": "alba"}}


def test_hears_no_type_that_is_newer_than_it(client: Client, bot: Bot) -> None:
    """What the client has no callback for ends in `onGenericMessage`: of the old types only `user-llm-text` does."""
    client.ask(client.start(bot))
    client.ask(client.send_text("Is there a sauna?"))
    client.event("onBotLlmStopped")
    client.ask(client.action("room", "set_device", device="tv", on=True))
    client.ask(client.get_config())
    assert client.events("onGenericMessage") == [{"text": "Is there a sauna?"}]
