"""Following a job from the command line: its progress, its end, and Ctrl-C to cancel it.

Source: rtvi-protocol 7 (`ui-job-group`); clients of 0.3 get the same data as `server-message`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.cli.output import as_json, console, is_terminal, say
from rtvi_plugins.errors import ExitCode
from rtvi_plugins.log import one_line
from rtvi_plugins.protocol.messages import ClientType, Message, ServerType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rtvi_plugins.testing.client import Client

_PORTIONS: Final = (("progress", 1.0), ("fraction", 1.0), ("percent", 100.0), ("percentage", 100.0))
"""Names under which a report says how far the job is, and what they count up to."""
_COUNTS: Final = ("done", "completed", "current", "step")
_TOTALS: Final = ("total", "of", "steps")


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended. status: completed, cancelled, failed or error; response: what came with it."""

    status: str
    response: Any

    @property
    def exit_code(self) -> ExitCode:
        """What the shell is told."""
        if self.status == "completed":
            return ExitCode.FINE
        return ExitCode.CANCELLED if self.status == "cancelled" else ExitCode.PROBLEMS


def portion_of(data: Any) -> float | None:
    """Return how far a report says the job is, from 0 to 1; None when it does not say."""
    if not isinstance(data, Mapping):
        return _within(data, 1.0) if _is_number(data) and 0 <= data <= 1 else None
    for name, whole in _PORTIONS:
        if _is_number(data.get(name)):
            value = data[name]
            return _within(value, 100.0 if value > whole else whole)
    done = next((data[name] for name in _COUNTS if _is_number(data.get(name))), None)
    total = next((data[name] for name in _TOTALS if _is_number(data.get(name)) and data[name] > 0), None)
    return None if done is None or total is None else _within(done, total)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _within(value: float, whole: float) -> float:
    return min(max(value / whole, 0.0), 1.0)


def words_of(data: Any) -> str:
    """Return what a report says in words: its texts, or all of it as JSON where it has none."""
    if not isinstance(data, Mapping):
        return one_line(data if isinstance(data, str) else as_json(data, indent=None))[:80]
    texts = [value for value in data.values() if isinstance(value, str)]
    return one_line(" ".join(texts) if texts else as_json(dict(data), indent=None))[:80]


def _unseen(_: Any) -> None:
    """Show nothing: it has not begun."""


class Following:
    """Starts one job and follows it by what its client receives."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._job_id: str | None = None
        self._is_cancellable = True
        self._seen = 0
        self._end: JobEnd | None = None
        self._was_interrupted = False
        self._left = asyncio.Event()
        self._cancelling: asyncio.Future[str] | None = None
        self._show: Callable[[Any], None] = _unseen

    async def follow(self, starting: Awaitable[Any]) -> JobEnd:
        """Start the job and wait for its end, showing progress on standard error.

        starting: gives the answer to the action, `{"job_id": …}`.
        Raises what that raises, and ConnectionError when the connection is lost first.
        """
        with _progress_shown() as self._show, self._interruptible():
            self._job_id = str((await starting)["job_id"])
            if self._was_interrupted:
                self._cancel()
            while True:
                news = asyncio.ensure_future(self._news())
                left = asyncio.ensure_future(self._left.wait())
                try:
                    await asyncio.sleep(0)  # from here on nothing comes unnoticed
                    self._read_new()
                    if self._end is not None or self._left.is_set():
                        return self._end or JobEnd("cancelled", None)
                    await asyncio.wait((news, left), return_when=asyncio.FIRST_COMPLETED)
                    if news.done():
                        news.result()
                finally:
                    for waiting in (news, left):
                        waiting.cancel()
                    await asyncio.gather(news, left, return_exceptions=True)

    async def _news(self) -> None:
        """Wait for any message that may be about the job, which may be silent for as long as it likes."""
        is_legacy = self._client.version is None
        with contextlib.suppress(TimeoutError):
            await self._client.next(ServerType.SERVER_MESSAGE if is_legacy else ServerType.UI_JOB_GROUP)

    def _read_new(self) -> None:
        for message in self._client.received[self._seen :]:
            self._read(message)
        self._seen = len(self._client.received)

    def _read(self, message: Message) -> None:
        data = message.get("data")
        if not isinstance(data, Mapping) or data.get("job_id") != self._job_id:
            return
        match data.get("kind"):
            case "group_started":
                self._is_cancellable = data.get("cancellable") is not False
                if self._was_interrupted and not self._is_cancellable:
                    self._leave()
            case "job_update":
                self._show(data.get("data"))
            case "job_completed":
                self._end = JobEnd(str(data.get("status")), data.get("response"))

    # -- Ctrl-C ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Have Ctrl-C cancel the job instead of ending the command."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGINT, self._interrupt)
        except NotImplementedError:  # Windows: Ctrl-C ends the command, which cancels what may be cancelled
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _interrupt(self) -> None:
        if self._job_id is not None:
            self._read_new()  # what was printed already may say that it cannot be cancelled
        if self._was_interrupted or not self._is_cancellable:
            self._leave()
            return
        self._was_interrupted = True
        say("rtvi: cancelling the job; Ctrl-C again leaves without waiting", to_stderr=True)
        if self._job_id is not None:
            self._cancel()

    def _leave(self) -> None:
        say("rtvi: leaving" if self._is_cancellable else "rtvi: leaving; the job goes on", to_stderr=True)
        self._left.set()

    def _cancel(self) -> None:
        data = {"job_id": self._job_id, "reason": "the user pressed Ctrl-C"}
        self._cancelling = asyncio.ensure_future(self._client.send(ClientType.UI_CANCEL_JOB_GROUP, data))


@contextmanager
def _progress_shown() -> Iterator[Callable[[Any], None]]:
    """Show reports as a bar on a terminal, and nowhere else; gives what takes each report's data."""
    if not is_terminal(sys.stderr):
        yield lambda _data: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        began, count = time.monotonic(), 0

        def show(data: Any) -> None:
            nonlocal count
            count += 1
            portion = portion_of(data)
            if portion is None:
                rate = count / max(time.monotonic() - began, 0.001)
                progress.update(task, description=f"{words_of(data)} ({count} reports, {rate:.1f}/s)")
            else:
                progress.update(task, total=1.0, completed=portion, description=f"{portion:.0%} {words_of(data)}")

        yield show
