"""`rtvi call`: every wish, every form of address, and every way in which a bot is out of reach."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from .conftest import Running, Site

KITCHEN = {"heat": 7, "mode": "gas", "tags": [], "is_open": False}
OBJECT = '{"list": [1], "any": {"a": null}}'


def with_values(**values: object) -> dict[str, object]:
    return {"kitchen": KITCHEN | values}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], with_values(), id="nothing gets"),
        pytest.param(["--get"], with_values(), id="get"),
        pytest.param(["kitchen.add", "a=2", "b=0.5"], 2.5, id="numbers"),
        pytest.param(["kitchen.add", "a=2"], 3, id="default"),
        pytest.param(
            ["kitchen.echo_back", "flag=yes", "list=[1]", "any=x=y"],
            {"flag": True, "list": [1], "any": "x=y"},
            id="types",
        ),
        pytest.param(
            ["kitchen.echo_back", "--json-arguments", OBJECT, "whole=3"],
            json.loads(OBJECT) | {"whole": 3},
            id="laid over JSON",
        ),
        pytest.param(["--legacy", "kitchen.echo_back", "--json-arguments", OBJECT], json.loads(OBJECT), id="legacy"),
        pytest.param(
            ["--set", "kitchen.heat=9", "--set", "kitchen.mode=steam"], with_values(heat=9, mode="steam"), id="set"
        ),
        pytest.param(
            ["--set", 'kitchen.tags=["a"]', "--interrupt", "--legacy"], with_values(tags=["a"]), id="legacy set"
        ),
        pytest.param(["--set", "kitchen.heat=9", "kitchen.heat_now"], 9, id="set, then call"),
        pytest.param(["--set", "kitchen.heat=2", "--get"], with_values(heat=2), id="set, then get"),
        pytest.param(["ping", "--json-arguments", "{}"], {"pong": {}}, id="message"),
        pytest.param(["ping", "a=1", "b=x"], {"pong": {"a": 1, "b": "x"}}, id="message with values"),
        pytest.param(["ping"], {"pong": None}, id="message without data"),
    ],
)
def test_result(shared: Site, bot: Running, arguments: list[str], expected: object) -> None:
    done = shared.rtvi("call", bot.url, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["kitchen.greet", "name=Ada"], "Hello, Ada!\n", id="bare text"),
        pytest.param(["kitchen.greet", "name=3"], "Hello, 3!\n", id="text that looks like a number"),
        pytest.param(["kitchen.echo_back", "any=ü"], '{"any": "ü"}\n', id="one line of JSON"),
        pytest.param(["--text", "fresh bread"], "fresh! bread! \n", id="streamed answer"),
        pytest.param(["--text", "fresh bread", "--legacy"], "fresh! bread! \n", id="legacy streamed answer"),
        pytest.param(["--text", ""], "", id="no answer"),
        pytest.param(["--set", "kitchen.heat=1", "--text", "hot"], "hot! \n", id="set, then text"),
    ],
)
def test_output(shared: Site, bot: Running, arguments: list[str], said: str) -> None:
    done = shared.rtvi("call", bot.url, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


@pytest.mark.parametrize(
    "form",
    [
        "ws://{address}/ws",
        "ws://{address}",
        "ws://{address}/bots/kitchen/ws",
        "http://{address}",
        "http://{address}/",
        "http://{address}/start",
        "http://{address}/connect",
        "http://{address}/bots/kitchen/",
        "{address}",
        "{address}/bots/kitchen",
        "localhost:{port}",
        ":{port}",
        ":{port}/bots/kitchen/",
    ],
)
def test_forms_of_address(shared: Site, bot: Running, form: str) -> None:
    port = bot.address.rpartition(":")[2]
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}  # nothing leads there
    done = shared.rtvi("call", form.format(address=bot.address, port=port), "kitchen.add", "a=1", env=proxy)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["kitchen.refuse"], "The oven is off [cold]", id="handler refuses"),
        pytest.param(["kitchen.refuse", "--legacy"], "The oven is off [cold]", id="handler refuses a legacy client"),
        pytest.param(["kitchen.add", "a=2000"], "add: a: must be at most 1000 [invalid-arguments]", id="out of range"),
        pytest.param(["kitchen.add"], "[invalid-arguments]", id="missing argument"),
        pytest.param(["kitchen.add", "a=1", "c=1"], "[invalid-arguments]", id="unknown argument"),
        pytest.param(["kitchen.ad", "a=1"], "did you mean 'add'? [unknown-action]", id="unknown action"),
        pytest.param(["pong"], "[unknown-message]", id="unknown message"),
        pytest.param(["--set", "kitchen.heat=10"], "must be at most 9 [invalid-configuration]", id="bad option"),
        pytest.param(["--set", "kitchen.hat=1"], "did you mean 'heat'? [invalid-configuration]", id="unknown option"),
        pytest.param(["--set", "kitchen.pin=1"], "[invalid-configuration]", id="hidden option"),
        pytest.param(["--set", "kitchen.is_open=yes", "kitchen.add"], "is_open", id="set is refused, call is not made"),
        pytest.param(["--text", "hush"], "I do not talk", id="responder refuses"),
    ],
)
def test_refusal(shared: Site, bot: Running, arguments: list[str], said: str) -> None:
    done = shared.rtvi("call", bot.url, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rtvi: ")
    assert said in done.stderr


def test_responder_that_fails_in_the_middle(shared: Site, bot: Running) -> None:
    done = shared.rtvi("call", bot.url, "--text", "choke on this")
    assert (done.returncode, done.stdout) == (1, "choke! on! this! \n")
    assert done.stderr.startswith("rtvi: The bot could not answer")


def test_bot_without_responder(site: Site) -> None:
    site.add_manifest("a.yaml", "manifest: 1\nbot: a\nservices: {kitchen: {actions: {refuse: {}}}}\n")
    with site.running("a.yaml") as running:
        done = site.rtvi("call", running.url, "--text", "hello")
        assert (done.returncode, done.stdout) == (1, "")
        assert "no responder" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["kitchen.add", "a=x"], "argument 'a' (number): expected a number", id="no number"),
        pytest.param(["kitchen.echo_back", "whole=1.5"], "argument 'whole' (integer): expected", id="no integer"),
        pytest.param(["kitchen.echo_back", "list=3"], "argument 'list' (array): expected an array", id="no array"),
        pytest.param(["--set", "kitchen.heat=hot"], "--set kitchen.heat (integer): expected", id="option"),
        pytest.param(["--set", "kitchen.mode=wood"], "--set kitchen.mode (string): expected", id="no member"),
        pytest.param(["--set", "heat=1"], "'heat' is no option; expected service.option=value", id="no service"),
        pytest.param(["--set", "kitchen.heat"], "expected name=value", id="no value"),
        pytest.param(["--set", "kitchen.heat=1", "--set", "kitchen.heat=2"], "is given twice", id="option twice"),
        pytest.param(["kitchen.add", "a"], "'a' is no argument; expected name=value", id="no pair"),
        pytest.param(["kitchen.add", "a=1", "a=2"], "argument 'a' is given twice", id="argument twice"),
        pytest.param(["a=1"], "write SERVICE.ACTION before it", id="no action"),
        pytest.param(["kitchen.add", "--json-arguments", "{"], "--json-arguments: not JSON at character", id="no JSON"),
        pytest.param(["kitchen.add", "--json-arguments", "NaN"], "--json-arguments: not JSON", id="NaN"),
        pytest.param(["kitchen.add", "--json-arguments", "[1]"], "expected a JSON object", id="no object"),
        pytest.param(["--json-arguments", "{}"], "--json-arguments needs an action", id="arguments of nothing"),
        pytest.param(["--interrupt"], "--interrupt needs --set", id="interrupt alone"),
        pytest.param(["kitchen.add", "--text", "x"], "exclude each other", id="action and text"),
        pytest.param(["kitchen.add", "--get"], "exclude each other", id="action and get"),
        pytest.param(["ping", "--legacy"], "'ping' is no action", id="legacy message"),
        pytest.param(["--timeout", "0"], "--timeout", id="no time"),
        pytest.param(["--shout"], "--shout", id="unknown option"),
    ],
)
def test_bad_usage(shared: Site, bot: Running, arguments: list[str], said: str) -> None:
    done = shared.rtvi("call", bot.url, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: rtvi call" in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("address", ["ftp://h/", "http://", "http://h:x", "ws://[1", "http://h:99999", ""])
def test_bad_address(shared: Site, address: str) -> None:
    done = shared.rtvi("call", address)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr


# -- out of reach -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["http://127.0.0.1:{port}", "ws://127.0.0.1:{port}/ws"], ids=["http", "ws"])
def test_nobody_listens(shared: Site, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = shared.rtvi("call", form.format(port=port))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith("connection refused; is the bot running?\n")


@pytest.mark.parametrize("form", ["http://127.0.0.1:{port}", "ws://127.0.0.1:{port}/ws"], ids=["http", "ws"])
def test_nobody_answers(shared: Site, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = shared.rtvi("call", form.format(port=server.getsockname()[1]), "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith("no answer within 0.2 s\n")


@pytest.mark.parametrize("path", ["/ws/nope", "/bots/other/ws"])
def test_no_bot_there_by_websocket(shared: Site, bot: Running, path: str) -> None:
    done = shared.rtvi("call", f"ws://{bot.address}{path}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"rtvi: cannot connect to ws://{bot.address}{path}: HTTP 40")


def test_no_bot_there_names_those_that_are(shared: Site, bot: Running) -> None:
    done = shared.rtvi("call", f"{bot.address}/bots/other/")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"rtvi: no bot at http://{bot.address}/bots/other; it serves /bots/kitchen/\n"


def test_tokens(site: Site) -> None:
    manifest = "manifest: 1\nbot: a\nservices: {kitchen: {actions: {add: {arguments: {a: number, b: number}}}}}\n"
    site.add_manifest("a.yaml", manifest + "runtime: {auth: {tokens: {ada: open-sesame}}}\n")
    with site.running("a.yaml") as running:
        for url in (running.url, f"ws://{running.address}/ws"):
            call = ["call", url, "kitchen.add", "a=1", "b=2"]
            for more, env in ((["--token", "open-sesame"], {}), ([], {"RTVI_TOKEN": "open-sesame"})):
                done = site.rtvi(*call, *more, env=env)
                assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
            done = site.rtvi(*call, "--token", "open-barley")
            assert (done.returncode, done.stdout) == (3, "")
            assert done.stderr.endswith(": A valid token is needed (HTTP 401)\n")


def test_action_that_takes_too_long(shared: Site, bot: Running) -> None:
    done = shared.rtvi("call", bot.url, "kitchen.wait", "--timeout", "0.5")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith("within 0.5 s\n")


READY = '{"label": "rtvi-ai", "type": "bot-ready", "id": "c1", "data": {"version": "2.2.0"}}'
FATAL = '{"label": "rtvi-ai", "type": "error", "data": {"error": "Out of bread", "fatal": true}}'


UNREAD = (
    '{"label": "rtvi-ai", "type": "error", "data": {"error": "Cannot read that", "code": "invalid-message", '
    '"category": "protocol", "fatal": false}}'
)
FAILED = UNREAD.replace("protocol", "internal").replace("Cannot read that", "No gas")


def _serve(handle: Callable[[ServerConnection], None]) -> Iterator[str]:
    def guarded(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            handle(connection)

    with serve(guarded, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        server.shutdown()
        thread.join()


@pytest.fixture
def odd_bot(request: pytest.FixtureRequest) -> Iterator[str]:
    """A bot that sends each of these texts after a message of the client, then closes; for None it stays silent."""
    texts: list[str | None] = request.param

    def handle(connection: ServerConnection) -> None:
        for text in texts:
            connection.recv()
            if text is None:
                connection.recv()
            else:
                connection.send(text)

    yield from _serve(handle)


@pytest.mark.parametrize("odd_bot", [[READY, UNREAD, None], [UNREAD, None]], indirect=True, ids=["later", "at-once"])
def test_an_error_is_taken_for_the_answer(shared: Site, odd_bot: str) -> None:
    done = shared.rtvi("call", odd_bot, "--timeout", "20")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "rtvi: Cannot read that [invalid-message]\n"


@pytest.mark.parametrize("odd_bot", [[READY, FAILED, None]], indirect=True, ids=["failed"])
def test_another_error_is_shown_while_waiting(shared: Site, odd_bot: str) -> None:
    done = shared.rtvi("call", odd_bot, "--timeout", "0.5")
    assert (done.returncode, done.stdout) == (3, "")
    first, second, _ = done.stderr.split("\n")
    assert first == "rtvi: the bot says: No gas"
    assert "no answer from" in second


@pytest.mark.parametrize(
    ("odd_bot", "said"),
    [
        pytest.param([], "closed the connection", id="closes at once"),
        pytest.param([READY], "closed the connection", id="closes after the handshake"),
        pytest.param([READY, FATAL], "closed the connection: Out of bread", id="says why it closes"),
        pytest.param(["not JSON"], "closed the connection", id="no JSON"),
        pytest.param(["[1]"], "closed the connection", id="no object"),
        pytest.param(['{"label": "rtvi-ai"}'], "closed the connection", id="no message"),
        pytest.param([None], "no answer from", id="silent"),
        pytest.param([READY, None], "no answer from", id="silent after the handshake"),
        pytest.param(
            [READY, '{"label": "rtvi-ai", "type": "config", "id": "c2", "data": {"config": 5}}'],
            "does not answer as RTVI bots do",
            id="answers something else",
        ),
        pytest.param(
            [READY, '{"label": "rtvi-ai", "type": "server-response", "id": "c2"}'],
            "does not answer as RTVI bots do",
            id="answers nothing",
        ),
    ],
    indirect=["odd_bot"],
)
def test_odd_bot(shared: Site, odd_bot: str, said: str) -> None:
    done = shared.rtvi("call", odd_bot, "--timeout", "0.5")
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
