"""What only the new client can do: the short form, `bot-output`, custom requests, refusals with their kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from .pages import Client, NewClient, Request

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from playwright.async_api import Browser

    from .conftest import NewPage
    from .harness import Bot


def short(name: str, data: object = None) -> Request:
    return Request("sendClientRequest", (name, data))


@pytest.fixture
def client(new_page: NewPage, bot: Bot) -> Client:
    page = new_page(NewClient)
    page.ask(page.start(bot))
    return page


@pytest.fixture(scope="module")
def steady(browser: Browser, portal: BlockingPortal, origin: str, bot: Bot) -> Iterator[Client]:
    """One session for all cases of a table."""
    page = NewClient(portal, portal.call(browser.new_context), origin)
    page.ask(page.start(bot))
    yield page
    page.close()


def test_the_short_form_gives_the_bare_result(steady: Client) -> None:
    whole = steady.ask(steady.action("knowledge", "search", query="spa", limit=2))
    assert steady.ask(short("knowledge.search", {"query": "spa", "limit": 2})) == whole
    assert steady.ask(short("knowledge.search", {"query": "spa"}))[:2] == whole
    assert steady.ask(short("conversation.print_message", {})) is True
    assert steady.ask(short("conversation.print_message")) is True
    assert steady.ask(short("room.state"))["tv"] is False


@pytest.mark.parametrize(
    ("word", "name", "data"),
    [
        pytest.param("query", "knowledge.search", {"query": 7}, id="wrong-type"),
        pytest.param("limit", "knowledge.search", {"query": "spa", "limit": 11}, id="out-of-range"),
        pytest.param("limit", "knowledge.search", {"query": "spa", "limit": 2.5}, id="not-an-integer"),
        pytest.param("query", "knowledge.search", {}, id="missing"),
        pytest.param("query", "knowledge.search", None, id="nothing-given"),
        pytest.param("lang", "knowledge.search", {"query": "spa", "lang": "fi"}, id="unknown-argument"),
        pytest.param("serach", "knowledge.serach", {"query": "spa"}, id="unknown-action"),
        pytest.param("minibar", "minibar.open", {}, id="unknown-service"),
    ],
)
def test_the_short_form_refuses_at_once_and_names_the_fault(
    steady: Client, word: str, name: str, data: Mapping[str, Any] | None
) -> None:
    assert word in steady.refused(short(name, data))
    assert steady.ask(short("knowledge.search", {"query": "spa", "limit": 1}))


def test_refusals_say_what_kind_they_are(steady: Client) -> None:
    def category(request: Request) -> object:
        return steady.outcome(request).data["category"]

    assert category(steady.update_config({"voice": {"rate": 1}})) == "configuration"
    assert category(steady.action("knowledge", "search")) == "action"
    assert category(short("make-tea")) == "protocol"


def test_an_unknown_message_without_a_request_is_told_by_callback(client: Client) -> None:
    client.ask(Request("sendClientMessage", ("make-tea", {"sugar": 2})))
    assert "make-tea" in client.event("onMessageError")["data"]["error"]


def test_text_leaves_as_bot_output_sentence_by_sentence(client: Client) -> None:
    text = 'Is there a sauna? She said “yes!” (Or did she?) Well, 3.5 hours. "Go." Now'
    client.ask(client.send_text(text))
    client.event("onBotLlmStopped")
    outputs = client.events("onBotOutput")
    assert len(outputs) > 2
    assert " ".join(output["text"] for output in outputs) == text
    assert len({output["segment_id"] for output in outputs}) == len(outputs)
    for output in outputs:
        assert output["aggregated_by"] == "sentence"
        assert output["spoken_status"] == "new"
        assert output["will_be_spoken"] is False
    assert [one["text"] for one in client.events("onBotTranscript")] == [output["text"] for output in outputs]
    assert client.events("onUserLlmText") == [{"text": text}]


def test_takes_a_message_of_the_size_the_client_allows_itself(client: Client) -> None:
    """The client refuses to send an envelope above 1 MiB; what it does send has to be answered."""
    told = client.refused(short("conversation.print_message", {"filler": "x" * 1_048_000}))
    assert "filler" in told
    assert len(told) < 1000
    assert "tv" in client.ask(short("room.state"))
