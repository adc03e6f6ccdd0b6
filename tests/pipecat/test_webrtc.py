"""The text bot over WebRTC, as the JavaScript client negotiates it: start, offer, data channel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from rtvi_plugins.testing.client import Client
from tests.pipecat.launching import Process, running

MANIFEST = """
manifest: 1
bot: guarded
services: {room: {use: room}}
pipeline: {}
runtime: {responder: echo, auth: {tokens: {anna: anna-token-1}}}
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    manifest = tmp_path_factory.mktemp("guarded") / "bot.yaml"
    manifest.write_text(MANIFEST)
    with running(manifest) as process:
        yield process


async def test_session_over_webrtc(guarded: Process) -> None:
    peer = RTCPeerConnection()
    channel = peer.createDataChannel("chat", ordered=True)
    is_open = asyncio.Event()
    channel.on("open", is_open.set)
    client = Client(lambda message: _send(channel, message))
    channel.on("message", lambda text: client.receive(json.loads(text)) if "rtvi-ai" in text else None)
    peer.addTransceiver("audio", direction="sendrecv")
    await peer.setLocalDescription(await peer.createOffer())
    config = [{"service": "room", "options": [{"name": "scene", "value": "night"}]}]
    start = {"transport": "webrtc", "body": {"config": config}}
    async with httpx.AsyncClient(base_url=guarded.address, trust_env=False) as http:
        started = await http.post("/start", json=start, headers={"authorization": "Bearer anna-token-1"})
        offer = {"sdp": peer.localDescription.sdp, "type": "offer"}
        answer = (await http.post(f"/sessions/{started.json()['sessionId']}/api/offer", json=offer)).json()
    try:
        await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await asyncio.wait_for(is_open.wait(), 15)
        await client.ready()
        assert await client.get_config() == {"room": {"scene": "night"}}
        assert await client.send_text("Good evening.") == "Good evening."
    finally:
        await peer.close()
        await _end_of_library_tasks()


async def _send(channel: Any, message: Any) -> None:
    channel.send(json.dumps(message))


async def _end_of_library_tasks() -> None:
    """Let the library's own tasks end, which it does not wait for."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(others, timeout=5) if others else None


def test_offer_without_token_is_refused(guarded: Process, tmp_path: Path) -> None:
    answer = httpx.post(f"{guarded.address}/api/offer", json={"sdp": "x", "type": "offer"}, trust_env=False)
    assert answer.status_code == 401
