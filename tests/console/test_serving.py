"""How the page is served: headers, caching, compression, and what else stands at the same addresses."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from rtvi_plugins import Bot
from rtvi_plugins.console.page import ASSETS, Console
from rtvi_plugins.server.app import BotHost
from rtvi_plugins.server.routes import create_app
from tests.pipecat.launching import running

MANIFESTS = Path(__file__).parent.parent.parent / "manifests"
CSP = "content-security-policy"
SCRIPT = next(path.name for path in ASSETS.glob("console-*.js"))


def client(*manifests: str, address: str = "http://127.0.0.1:7860") -> TestClient:
    hosts = [BotHost(Bot.load(MANIFESTS / f"{name}.yaml")) for name in manifests or ("minimal",)]
    return TestClient(create_app(hosts, Console()), base_url=address, follow_redirects=False)


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml", "*/*", ""])
def test_people_get_the_page(accept: str) -> None:
    with client() as http:
        answer = http.get("/", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert f'src="assets/{SCRIPT}"' in answer.text
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_programs_get_the_bots() -> None:
    with client() as http:
        answer = http.get("/", headers={"accept": "application/json"})
    assert answer.json()["bots"][0]["bot"] == "minimal"
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("path", ["/", f"/assets/{SCRIPT}", "/assets/nothing.js"])
def test_what_the_page_may_do_is_little(path: str) -> None:
    with client() as http:
        headers = (http.get(path)).headers
    rules = dict(rule.split(" ", 1) for rule in headers[CSP].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["font-src"] == "'self'"
    assert rules["base-uri"] == rules["form-action"] == rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers[CSP]
    assert "blob:" not in headers[CSP]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_files_are_kept_for_ever_and_the_page_is_asked_for_again() -> None:
    with client() as http:
        page, script = http.get("/"), http.get(f"/assets/{SCRIPT}")
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = http.get("/", headers={"if-none-match": page.headers["etag"]})
        weak = http.get("/", headers={"if-none-match": f'"x", W/{page.headers["etag"]}'})
        other = http.get("/", headers={"if-none-match": '"x"'})
        plain = http.get("/", headers={"accept-encoding": "identity"})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == page.headers["etag"]
    assert CSP in again.headers
    assert (weak.status_code, other.status_code) == (304, 200)
    assert plain.headers["etag"] != page.headers["etag"], "the two codings must not be taken for one another"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.0", None),
        ("identity", None),
        ("x-gzip", None),
    ],
)
def test_compressed_for_those_who_take_it(accepted: str, coding: str | None) -> None:
    with client() as http, http.stream("GET", "/", headers={"accept-encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == coding
    body = gzip.decompress(raw) if coding else raw
    assert body == (ASSETS / "index.html").read_bytes()
    assert int(answer.headers["content-length"]) == len(raw)
    assert "Accept-Encoding" in answer.headers["vary"]


def test_head_gives_the_headers_only() -> None:
    with client() as http:
        answer = http.head(f"/assets/{SCRIPT}")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fpage.py", "%2e%2e%2fpage.py", ".", "index.html%00", "x/y.js"])
def test_nothing_else_is_served(name: str) -> None:
    with client() as http:
        answer = http.get(f"/assets/{name}")
    assert answer.status_code == 404


def test_every_bot_has_its_console() -> None:
    with client("minimal", "lobby") as http:
        page = http.get("/bots/lobby/", headers={"accept": "text/html"})
        moved = http.get("/bots/lobby", headers={"accept": "text/html"})
        listed = http.get("/", headers={"accept": "application/json"})
        one = http.get("/bots/lobby/", headers={"accept": "application/json"})
        script = http.get(f"/bots/lobby/assets/{SCRIPT}")
    assert "assets/console-" in page.text
    assert (moved.status_code, moved.headers["location"]) == (307, "lobby/")
    assert [bot["bot"] for bot in listed.json()["bots"]] == ["minimal", "lobby"]
    assert [bot["bot"] for bot in one.json()["bots"]] == ["lobby"]
    assert script.status_code == 200


def test_a_foreign_name_gets_no_page() -> None:
    with client(address="http://somebody.example") as http:
        answer = http.get("/", headers={"accept": "text/html"})
    assert answer.status_code == 403


def test_only_what_the_page_names_is_named_by_its_content() -> None:
    names = {path.name for path in ASSETS.iterdir()}
    named = set(re.findall(r'assets/([^"]+)', (ASSETS / "index.html").read_text()))
    worklets = {name for name in names if ".processor-" in name}
    assert len(worklets) == 2
    assert names == named | worklets | {"index.html", "licences.txt"}


def test_a_package_without_the_page_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make console"):
        Console(tmp_path)


@pytest.mark.parametrize("name", ["minimal", "text-pipecat"], ids=["standalone", "pipecat"])
def test_one_can_do_without(name: str) -> None:
    """`--no-console`: clients are served as ever, people get no page."""
    with running(MANIFESTS / f"{name}.yaml", "--no-console") as process:
        page = httpx.get(f"{process.address}/", headers={"accept": "text/html"})
        script = httpx.get(f"{process.address}/assets/{SCRIPT}")
        start = httpx.post(f"{process.address}/start", json={})
        assert process.stop() == 0
    assert "assets/console-" not in page.text
    assert script.status_code in (401, 404)
    assert start.json()["wsUrl"].startswith("ws://127.0.0.1")
