"""Serve the wild bot in this process, as `rtvi run` serves: `serve_wild.py MANIFEST…`; prints the address."""

from __future__ import annotations

import sys

from wild import Wild

from rtvi_plugins.binding import Bot
from rtvi_plugins.cli.serving import listen, serve_bots
from rtvi_plugins.server.app import BotHost


def announce(address: str) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    bots = [Bot.load(path, plugins={"wild": Wild()}) for path in sys.argv[1:]]
    serve_bots(tuple(map(BotHost, bots)), listen("127.0.0.1", 0), announce)
