"""Start data in all its forms: declared as a JSON Schema, left open, said by telephone, and handed to `make_worker`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pipecat.pipeline.worker import PipelineWorker
from websockets.asyncio.client import connect as open_socket

from rtvi_plugins.hosting.admission import Denied
from rtvi_plugins.pipecat import make_worker
from tests.pipecat.test_sentences import Transport
from tests.starts.harness import DECLARED, HOSTS, begun, load, serving

SCHEMA = """
start:
  type: object
  properties:
    customer: {type: string, pattern: "^c-[0-9]+$"}
    phone: {type: string}
    level: {type: integer, minimum: 1, default: 2}
    tags: {type: array, items: {type: string}}
  anyOf: [{required: [customer]}, {required: [phone]}]
"""
AS_SCHEMA = SCHEMA + DECLARED[DECLARED.index("services:") :]
OPEN = AS_SCHEMA.replace("  anyOf:", "  additionalProperties: {type: integer}\n  anyOf:")


@pytest.mark.parametrize("host", HOSTS)
async def test_a_schema_says_rules_across_the_data(tmp_path: Path, host: str) -> None:
    bot, _ = load(tmp_path, AS_SCHEMA, host)
    async with serving(bot, host) as served:
        answer = await served.start({"body": {"phone": "112"}})
        async with served.at(answer.json()["ws_url"]) as client:
            data, settings = await begun(client)
            assert data == {"phone": "112", "level": 2}
            assert (settings["depth"], settings["labels"]) == (2, ["none"])
        wrong = {
            "must have either 'customer' or 'phone'": {"level": 3},
            "email: not a known piece of start data": {"customer": "c-1", "email": "x"},
            "customer: must match": {"customer": "17"},
        }
        for text, body in wrong.items():
            answer = await served.start({"body": body})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid-start")
            assert text in answer.json()["error"]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_schema_may_be_open(tmp_path: Path, host: str) -> None:
    bot, _ = load(tmp_path, OPEN, host)
    async with serving(bot, host) as served:
        answer = await served.start({"body": {"phone": "112", "floor": 3}})
        async with served.at(answer.json()["ws_url"]) as client:
            assert (await begun(client))[0] == {"phone": "112", "floor": 3, "level": 2}
        answer = await served.start({"body": {"phone": "112", "floor": "third"}})
        assert answer.json()["details"][0]["pointer"] == "/body/floor"


TELEPHONE = [
    {"event": "connected", "protocol": "Call", "version": "1.0.0"},
    {
        "event": "start",
        "streamSid": "MZ1",
        "start": {"streamSid": "MZ1", "callSid": "CA1", "customParameters": {"customer": "c-17"}},
    },
]


async def test_what_a_telephone_company_adds_to_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "not-used-here")
    bot, desk = load(tmp_path, DECLARED, "pipecat")
    async with (
        serving(bot, "pipecat") as served,
        open_socket(f"{served.address.replace('http', 'ws', 1)}/ws") as socket,
    ):
        for message in TELEPHONE:
            await socket.send(json.dumps(message))
        async with asyncio.timeout(60):
            while ("who", "c-17") not in desk.told:
                await asyncio.sleep(0.01)


async def test_make_worker_checks_what_the_client_sent(tmp_path: Path) -> None:
    bot, _ = load(tmp_path, DECLARED, "pipecat")
    body: dict[str, Any] = {"customer": "c-17", "config": [{"service": "desk", "options": []}]}
    worker = make_worker(bot, Transport("2.1.0"), body=body)
    assert isinstance(worker, PipelineWorker)
    session = worker.rtvi.session_processor.session
    assert dict(session.start) == {"customer": "c-17", "level": 2}
    with pytest.raises(Denied, match="customer: missing"):
        make_worker(bot, Transport("2.1.0"), body={})
