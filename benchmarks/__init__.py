"""How fast this package is, against the floor and its peers, in turns: `python -m benchmarks [--smoke]`, `... report`.

aims          what is measured, a module for each subject
timing        contestants take turns; lines: what is told of it, bounds and verdicts
bot           the bot that is measured, and the floor: the least anybody has to do for the same answer
ours          our contestants and the floors beside them, each in a process of its own
peers         the peers' scripts and their pinned requirements; environments: makes them; parties: runs all of these
traffic       sessions and round trips over WebSocket; client: the cheap client under it
distributions plugins made for a measurement
report        the page and its plots, from results/

No timing here is asserted anywhere: machines differ, and the verdicts are for people.
"""
