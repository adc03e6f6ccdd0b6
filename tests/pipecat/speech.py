"""A client that speaks to a bot and listens to it: Pipecat's protobuf frames over a real WebSocket.

Its voice is espeak-ng's; its microphone sends blocks of 20 ms as they would come from a room, silence between phrases.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
from rtvi_plugin_espeak.library import Manner, library, thread
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import Message
from rtvi_plugins.server.codec import Frame, write_binary
from rtvi_plugins.testing.client import Client

MICROPHONE = 16_000
BLOCK_S = 0.02
SPEAKER = Manner("gmw/en-US+f2", rate=150)
"""The voice that the acoustic model of pocketsphinx hears best, at a calm rate."""


def speech(text: str) -> bytes:
    """Give a text as the user says it: 16-bit mono samples at the microphone's rate."""
    library()
    samples = np.frombuffer(thread.submit(library().speak, text, SPEAKER).result(), dtype=np.int16)
    return bytes(soxr.resample(samples, library().sample_rate, MICROPHONE).astype(np.int16).tobytes())


@dataclass(frozen=True)
class Sound:
    """What the bot said: 16-bit mono samples at `rate`."""

    samples: bytes
    rate: int

    @property
    def seconds(self) -> float:
        """How long it is, silence at both ends left out."""
        loud = np.flatnonzero(np.abs(self._array()) > 200)
        return float(loud[-1] - loud[0]) / self.rate if len(loud) else 0.0

    @property
    def loudness(self) -> float:
        """Root mean square of its samples; 0 for nothing at all."""
        return float(np.sqrt(np.mean(self._array() ** 2))) if self.samples else 0.0

    @property
    def pitch(self) -> float:
        """How high the voice is, in Hz: the median over its voiced moments; 0 when there are none."""
        samples, width = self._array(), self.rate // 20
        low, high = self.rate // 400, self.rate // 60
        found = []
        for start in range(0, len(samples) - width, width):
            moment = samples[start : start + width] - samples[start : start + width].mean()
            if np.sqrt(np.mean(moment**2)) < 500:
                continue
            echo = np.correlate(moment, moment, "full")[width - 1 :]
            best = low + int(np.argmax(echo[low:high]))
            if echo[best] > 0.4 * echo[0]:
                found.append(self.rate / best)
        return float(np.median(found)) if found else 0.0

    def _array(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.frombuffer(self.samples, dtype=np.int16).astype(np.float64)


@dataclass(frozen=True)
class Turn:
    """One exchange. `heard`: transcripts of the user; `text`: the answer; `spoken`: what of it was said; `sound`."""

    heard: list[str]
    text: str
    spoken: str
    sound: Sound


class Talker(Client):
    """A client with a voice. `socket`: its connection; `sounds`: every block of the bot's sound, as (samples, rate)."""

    def __init__(self, socket: ClientConnection, version: str | None = "2.1.0") -> None:
        super().__init__(self._send_message, version=version, timeout=120)
        self.socket = socket
        self.sounds: list[tuple[bytes, int]] = []
        self._to_say: asyncio.Queue[bytes] = asyncio.Queue()
        self._heard = asyncio.Event()
        self._frame_ids = itertools.count(1)

    async def _send_message(self, message: Message) -> None:
        await self.socket.send(write_binary(wire.encode(message)))

    async def listen(self) -> None:
        """Take in what the bot sends, until the connection ends."""
        try:
            async for data in self.socket:
                assert isinstance(data, bytes)
                frame = Frame.FromString(data)
                if frame.WhichOneof("frame") == "audio":
                    self.sounds.append((frame.audio.audio, frame.audio.sample_rate))
                    self._heard.set()
                elif frame.WhichOneof("frame") == "message":
                    self.receive(wire.decode(frame.message.data))
        except ConnectionClosed:
            pass
        finally:
            self.close()

    async def open_microphone(self) -> None:
        """Send what is to be said, and silence meanwhile, as time goes by."""
        silence = bytes(2 * int(MICROPHONE * BLOCK_S))
        rest = b""
        clock = asyncio.get_running_loop().time
        due = clock()
        try:
            while True:
                if not rest and not self._to_say.empty():
                    rest = self._to_say.get_nowait()
                block, rest = rest[: len(silence)].ljust(len(silence), b"\0"), rest[len(silence) :]
                audio = {"id": next(self._frame_ids), "audio": block, "sample_rate": MICROPHONE, "num_channels": 1}
                await self.socket.send(Frame(audio=audio).SerializeToString())
                due += BLOCK_S
                await asyncio.sleep(max(0.0, due - clock()))
        except ConnectionClosed:
            pass

    def speak(self, text: str) -> None:
        """Begin to say something."""
        self._to_say.put_nowait(speech(text))

    async def next_sound(self) -> None:
        """Wait until more of the bot's sound comes."""
        self._heard.clear()
        await asyncio.wait_for(self._heard.wait(), self.timeout)

    async def say(self, text: str) -> Turn:
        """Say something, and give what came of it once the bot has spoken."""
        return await self._turn(lambda: self.speak(text))

    async def type(self, text: str) -> Turn:
        """Type something, and give what came of it once the bot has spoken."""

        async def send() -> None:
            await self.send("send-text", {"content": text})

        return await self._turn(send)

    async def _turn(self, begin: Any) -> Turn:
        messages, sounds = len(self.received), len(self.sounds)
        stopped = asyncio.ensure_future(self.next("bot-stopped-speaking"))
        outcome = begin()
        if outcome is not None:
            await outcome
        await stopped
        return self.turn_since(messages, sounds)

    def turn_since(self, messages: int, sounds: int) -> Turn:
        """Give the exchange since so many messages and blocks of sound had come."""
        told = self.received[messages:]

        def texts(type_: str) -> list[str]:
            return [message["data"]["text"] for message in told if message["type"] == type_]

        blocks = self.sounds[sounds:]
        rates = {rate for _, rate in blocks}
        assert len(rates) <= 1
        sound = Sound(b"".join(samples for samples, _ in blocks), rates.pop() if rates else 24_000)
        final = [m["data"]["text"] for m in told if m["type"] == "user-transcription" and m["data"]["final"]]
        return Turn(final, "".join(texts("bot-llm-text")), " ".join(texts("bot-tts-text")), sound)


@asynccontextmanager
async def talking(url: str, *, version: str | None = "2.1.0", microphone: bool = True) -> AsyncIterator[Talker]:
    """Connect a client that speaks; it has done the handshake. `microphone`: whether it is open."""
    async with connect(url, compression=None, max_size=None, proxy=None, close_timeout=2) as socket:
        talker = Talker(socket, version)
        tasks = [asyncio.create_task(talker.listen())]
        try:
            await talker.ready()
            if microphone:
                tasks.append(asyncio.create_task(talker.open_microphone()))
            yield talker
        finally:
            for task in tasks[1:]:
                task.cancel()
            await socket.close()
            await asyncio.gather(*tasks, return_exceptions=True)
