"""Print what each message costs each host: `python -m benchmarks.hostile [--over MS] [HOST] [WORD in way or shape]`."""

from __future__ import annotations

import asyncio
import sys
import time

import orjson

from benchmarks.hostile.hosts import session
from benchmarks.hostile.shapes import cases


async def main(host: str, word: str) -> None:
    rows = []
    current = []
    async with session(host) as opened:
        for case in cases():
            if word not in f"{case.way} / {case.shape}" or (case.path and host != "standalone"):
                continue
            began = time.thread_time()
            try:
                orjson.loads(case.text)
            except ValueError:
                pass
            floor = time.thread_time() - began
            current[:] = [case.way, case.shape]
            if case.path:
                cost, status = await opened.post(case.path, case.text.encode())
                answer = str(status)
            else:
                if case.way.startswith("result") and "unknown" not in case.way:
                    async def done(_):
                        pass
                    for old in list(opened.processor._calls or {}):
                        opened.processor._calls.pop(old)
                    await opened.processor.handle_function_call(function_name=case.way.split()[-1].replace("any", "anything"), tool_call_id="c", arguments={}, result_callback=done)
                cost, said = await asyncio.wait_for(opened.cost(case.text), 20)
                answer = " ".join({orjson.loads(s)["type"] for s in said} - {"actions-available"})
            if cost > 0.025:
                print("%8.1f ms  floor %6.1f  %8d  %s   -> %s" % (cost * 1e3, floor * 1e3, len(case.text), f"{case.way} / {case.shape}", answer), flush=True)
            rows.append((cost * 1e3, floor * 1e3, len(case.text), f"{case.way} / {case.shape}", answer))
    print("END", len(rows))


asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
