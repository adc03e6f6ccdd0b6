"""How fast this package is, as ratios to a floor measured in the same run: `python -m benchmarks [--smoke]`.

timing    interleaved rounds, medians, verdicts, the table
bot       the bot that is measured, and the floor: the least anybody has to do for the same answer
dispatch  one action, JSON text in to JSON text out, in process
ws        server CPU per round trip over WebSocket
sessions  memory per connected session
imports   `import rtvi_plugins`
check     loading and binding a large manifest
servers   our server and a bare one, each in a process of its own; client: what drives them

No timing here is asserted anywhere: machines differ, and the verdicts are for people.
"""
