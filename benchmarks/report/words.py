"""What the page says besides figures. No figure stands here: those come from the results."""

from __future__ import annotations

OPENING = """\
# Performance

<!-- figures: written by `python -m benchmarks report` from benchmarks/results/; words in benchmarks/report/words.py -->

`make bench` measures this project, its peers and a floor on your machine, in turns within one run: A B C, B C A, and so
on, so that a slow phase of the machine meets all of them. A ratio is the median of the ratios within the rounds, and
stands with the least and the greatest of them. CPU time of the process is judged wherever there is a choice; by the
clock the same ratio stands beside it. Every answer of every contestant is checked.

The **checked floor** is the least that anybody has to do for the same answer: read JSON, look the action up, check its
arguments with a compiled schema, await the handler, write JSON. It has no time-out, no check of the result, no limit,
no session and no error path; ours has all of them, switched on. The **bare server** is uvicorn and Starlette on uvloop
with that floor in it."""

SECTIONS: dict[int, tuple[str, str]] = {
    1: (
        "One action, in process",
        """\
JSON text in, JSON text out, with the same arguments and the same handler for everybody. One at a time: each request is
sent once the one before was answered. In flight: a hundred handlers wait before the first may answer. At once: a
hundred requests are sent without waiting for answers.

Answers are kept as lines of text, to be checked afterwards. What orjson writes it writes into a page of memory, and as
long as an answer is kept just as it came, so is its page: asking the system for a new one each time would take ours and
the floor a good microsecond more, and make the ratio between them look better than it is.

The peers, each in an environment of its own and on asyncio's own loop, which is what they run unless told otherwise,
and ours beside them likewise:

- **pipecat 0.0.108**, the last release with `register_action`, and **1.14.0**, whose `client-message` is answered by an
  event handler; neither checks arguments. *Minimal wiring* is the `RTVIProcessor` and a sink in a `Pipeline`, run by
  its task with everything off that can be: no observer, no turn tracking, no idle detection. *As shipped* is what a bot
  is told to write: the default observers, and the FastAPI WebSocket transport with its protobuf serializer, whose
  socket ends in memory. *Processor alone* has no pipeline at all, which nobody runs: it shows the processor's own
  share. Logging is as it comes: the transport writes every message to stderr.
- **python-socketio**: an event with its acknowledgement, through the library's ASGI application. Nothing is checked.
- **mcp**: a tool call between the library's client and server in one process; arguments are checked. Both halves of the
  work are counted, and no JSON text is between them.
- **ajsonrpc**: a JSON-RPC request, text in, text out. Nothing is checked.

Pipecat's bounds are those for one request at a time; with a hundred at once its queues are emptied in fewer turns of
the loop, which helps it, and its figures stand without a bound.""",
    ),
    2: (
        "Round trips over WebSocket",
        """\
Each connection sends its next request when the last was answered. The client is another process and is not counted.
Pipecat's server is FastAPI on the same uvicorn and uvloop, with a pipeline as shipped for each connection.""",
    ),
    3: (
        "Sessions",
        """\
Memory is what the server's process gained, resident, after a garbage collection, for each session that was connected,
did its handshake and one action; new processes in every round. How many fit into a GiB follows from thousands that are
held at once, all answering. Set-up is the time from opening the connection to the first action's answer, one session
after the other, by the clock. Growth is read from the server when a tenth of the work is done, and at its end: until
then pools and caches fill.""",
    ),
    4: (
        "A hundred actions at once",
        """\
One client sends a hundred requests whose handlers take 5 ms each; the time is until the last is answered, by the
clock.""",
    ),
    5: (
        "Start-up",
        """\
Whole processes, interpreter included, by the clock, in an environment that has this package and what it needs and
nothing else; plugins are real distributions. The large manifest is measured in process too, by CPU, where it is judged:
everything that `rtvi check` does with the file, over what PyYAML's C loader alone needs to read it. Loading and binding
pause the garbage collector, which PyYAML does not: how it stands against the loader with the collector off is told in
a line of its own.""",
    ),
    6: (
        "Cost grows linearly",
        """\
Bots in which every ten actions have a service of their own and every hundred a plugin. Judged is a client that calls
ten actions, wherever they lie in the bot. One that calls all of them in turn meets data that no cache of the processor
holds any more, as anything would that touches so much memory; that stands beside, without a bound.""",
    ),
    7: (
        "Inside a running Pipecat pipeline",
        """\
A request through a pipeline as shipped, its WebSocket in memory; and the longest time that another frame took to pass
while an action of half a second ran.""",
    ),
    8: (
        "Messages made to cost time",
        """\
Messages of about a megabyte, of every shape, on every way in: as arguments, options, texts, payloads, results, start
data, in an envelope that is none. Time is what the thread of the event loop spends on one message until it is dealt
with and answered, with the client's own work left out. Judged is the worst message that was taken, and the worst that
was refused; beside it stands what `orjson.loads` needs for the same text.""",
    ),
}

CLOSING = """\
## Measuring yourself

`make bench` makes the peers' environments under `.bench/` when they are missing (that downloads them, and takes minutes
the first time), measures, writes `benchmarks/results/` and this page. `python -m benchmarks --help` tells how to choose
subjects and peers; `make bench-smoke` does a little of each, which shows that they run and not how fast."""
