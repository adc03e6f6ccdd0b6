"""The command line `rtvi`: one module per command, and these beside them.

application  the Typer application, which Pipecat's CLI mounts too
options      options that several commands have
output       plain text when piped, rich on a terminal
tables       columns, likewise
problems     how problems are printed
serving      sockets, signals and the end of the process
launching    bots with `pipeline:`, on Pipecat's runner
reloading    starting again when a file changes
target       the forms of an address
connecting   a client connected to an address
calling      what `call` does in its session
description  what `describe` prints
values       values of the command line, read by the schemas that a bot describes
schemas      JSON Schema in few words

Heavy things (server, HTTP and WebSocket clients) are imported by the command that needs them, when it runs.
"""

from rtvi_plugins.manifest.collecting import collector_paused

with collector_paused():  # nothing of what is imported is garbage, and there is much of it
    from rtvi_plugins.cli.application import app, main

__all__ = ["app", "main"]
