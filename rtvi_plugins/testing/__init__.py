"""Testing bots without sockets: a client and a host in memory; and the checks that every executor of jobs must pass.

async with connect(Bot.load("bot.yaml")) as client:
    assert await client.call("knowledge.search", query="spa")
"""

from rtvi_plugins.testing.client import Client, Config, RequestError
from rtvi_plugins.testing.memory import MemoryPort, connect

__all__ = ["Client", "Config", "MemoryPort", "RequestError", "connect"]
