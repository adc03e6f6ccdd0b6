"""Ways into the Pipecat host that the standalone one has not: WebRTC, and the path that telephone companies share."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from pipecat.frames.frames import InputAudioRawFrame
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from rtvi_plugins import RTVIProcessor
from rtvi_plugins.testing.client import Client
from tests.hosts import pipecat_class
from tests.pipecat import memory
from tests.pipecat.launching import Process, running

pytestmark = pytest.mark.slow

LIMIT_S = 3
RUNTIME: dict[str, Any] = {
    "responder": "echo",
    "auth": {"tokens": {"anna": "anna-token-1"}},
    "limits": {"client_ready_timeout": LIMIT_S, "max_sessions_per_start": 2},
}
ANNA = {"authorization": "Bearer anna-token-1"}
PATIENCE_S = 120
TWILIO = [
    {"event": "connected", "protocol": "Call", "version": "1.0.0"},
    {"event": "start", "start": {"streamSid": "s", "callSid": "c", "customParameters": {}}},
]


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    manifest = tmp_path_factory.mktemp("patient") / "bot.yaml"
    bot = {"manifest": 1, "bot": "patient", "services": {"room": {"use": "room"}}, "pipeline": {}, "runtime": RUNTIME}
    manifest.write_text(json.dumps(bot))
    with running(manifest) as process:
        yield process


async def sessions(process: Process) -> int:
    async with httpx.AsyncClient(base_url=process.address, trust_env=False) as http:
        return int((await http.get("/ready")).json()["sessions"]["patient"])


async def until_sessions(process: Process, number: int) -> None:
    """Wait until so many sessions run; the test's own time limit ends it."""
    while await sessions(process) != number:
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("said", [0, 1], ids=["nothing", "half of what a telephone company says"])
async def test_who_does_not_say_who_it_is(patient: Process, said: int) -> None:
    async with connect(f"{patient.ws}/ws?token=anna-token-1", proxy=None) as silent:
        for message in TWILIO[:said]:
            await silent.send(json.dumps(message))
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(silent.recv(), PATIENCE_S)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4408, "client-ready did not come in time")


class Peer:
    """A client over WebRTC."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._peer = RTCPeerConnection()
        self._channel = self._peer.createDataChannel("chat", ordered=True)
        self.is_open, self.is_closed = asyncio.Event(), asyncio.Event()
        self._channel.on("open", self.is_open.set)
        self._channel.on("close", self.is_closed.set)
        self._channel.on("message", self._hear)
        self.client = Client(self._send)
        self._peer.addTransceiver("audio", direction="recvonly")

    async def _send(self, message: Any) -> None:
        self._channel.send(json.dumps(message))

    def _hear(self, text: str) -> None:
        if "rtvi-ai" in text:
            self.client.receive(json.loads(text))

    async def offer(self, key: str, **more: Any) -> httpx.Response:
        if self._peer.localDescription is None:
            await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = {"sdp": self._peer.localDescription.sdp, "type": "offer", **more}
        async with httpx.AsyncClient(base_url=self._process.address, trust_env=False, timeout=PATIENCE_S) as http:
            return await http.post(f"/sessions/{key}/api/offer", json=offer)

    async def connect(self, key: str) -> None:
        answer = (await self.offer(key)).json()
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await asyncio.wait_for(self.is_open.wait(), PATIENCE_S)

    async def close(self) -> None:
        await self._peer.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(others, timeout=5) if others else None  # of the library, which does not wait for them


async def started(process: Process) -> str:
    async with httpx.AsyncClient(base_url=process.address, trust_env=False) as http:
        return str((await http.post("/start", json={"transport": "webrtc"}, headers=ANNA)).json()["sessionId"])


async def test_peers_have_to_come_in(patient: Process) -> None:
    silent = Peer(patient)
    try:
        await silent.connect(await started(patient))
        told = await asyncio.wait_for(silent.client.next("error"), PATIENCE_S)
        assert (told["data"]["code"], told["data"]["fatal"]) == ("not-ready", True)
        await until_sessions(patient, 0)
    finally:
        await silent.close()


async def test_offers_that_lead_to_no_connection(patient: Process) -> None:
    absent = Peer(patient)
    try:
        key = await started(patient)
        assert (await absent.offer(key)).status_code == 200
        await until_sessions(patient, 1)
        await until_sessions(patient, 0)
    finally:
        await absent.close()


async def test_offers_by_one_start(patient: Process) -> None:
    key = await started(patient)
    peers = [Peer(patient) for _ in range(2)]
    try:
        for peer in peers:
            await peer.connect(key)
            await peer.client.ready()
        assert (await peers[0].offer(key)).status_code == 429
        await peers[0].offer(key, pc_id="made-up")  # which begins a connection, too
        assert await sessions(patient) == 2
        await peers[1].client.get_config()
        await peers[0].close()
        await until_sessions(patient, 1)
    finally:
        for peer in peers:
            await peer.close()
    await until_sessions(patient, 0)


async def test_sound_is_a_sign_of_life() -> None:
    """A caller on the telephone, or a page that only speaks, sends no message at all."""
    limits = MappingProxyType({**RTVIProcessor.limits, "client_ready_timeout": 2.0, "idle_timeout": 2.0})
    rtvi = pipecat_class(type("Quick", (RTVIProcessor,), {"limits": limits, "__slots__": ()}))()
    async with memory.connect(rtvi, ready=False) as client:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            await client.worker.queue_frame(InputAudioRawFrame(bytes(320), 16_000, 1))
            await asyncio.sleep(0.02)
        assert client.processor._end_reason is None
        told = await client.next("error")
        assert told["data"]["code"] == "idle"
