"""The jobs of one session: actions with `job: true`, groups that plugins start, and their cancellation by the client.

When the client leaves, nothing more is sent. Groups that are cancellable are cancelled; the others stand for work that
must not be left half done: they go on to their end or their deadline, and their results are dropped. `wait_idle` waits
for those too. Closing the executor ends them all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import ActionError, Category
from rtvi_plugins.handlers import HandlerKind, Signature
from rtvi_plugins.interrupts import contained
from rtvi_plugins.jobs.base import Executor, InvalidResultError, Job, JobFunction, epoch_ms
from rtvi_plugins.jobs.group import Data, Gate, JobGroup, Worker
from rtvi_plugins.jobs.local import LocalExecutor
from rtvi_plugins.jobs.pacing import Pacer
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.processor.running import checked, sound_result
from rtvi_plugins.processor.serial import lock_of
from rtvi_plugins.protocol.frames import RTVIUIJobGroupFrame
from rtvi_plugins.protocol.messages import ServerType, event
from rtvi_plugins.protocol.versions import Generation

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.memory import Hold
    from rtvi_plugins.processor.tables import RTVIAction

logger = logging.getLogger(__name__)

MAX_JOBS: Final = 32
"""Workers of one session that run at once, where its limits do not say."""
_STOPPING_S: Final = 5.0
"""How long the end of a session waits for its cancelled jobs; the executor sees to those that need longer."""

InvokeJob = Callable[[Any, Job, dict[str, Any]], Awaitable[Any]]
"""`invoke(processor, job, arguments)`: run the handler of an action that is a job, whatever its form."""


LINGERING: Final = 8
"""Jobs that go on without their clients, over all sessions of a bot, in multiples of `max_jobs`."""


class SessionJobs:
    """The job groups of one session that have not ended.

    executor: what runs them, shared with other sessions; None: one of this session's own.
    """

    __slots__ = ("_executor", "_groups", "_holds", "_is_closed", "_pacer", "_processor")

    def __init__(self, processor: RTVIProcessor, executor: Executor | None = None) -> None:
        self._processor = processor
        self._executor: Executor = LocalExecutor() if executor is None else executor
        self._groups: dict[str, JobGroup] = {}
        self._holds: dict[str, Hold] = {}
        self._pacer = Pacer()
        self._is_closed = False

    def __len__(self) -> int:
        """How many workers have not ended."""
        return sum(len(group.workers) - len(group.results()) for group in self._groups.values())

    @property
    def tasks(self) -> set[asyncio.Task[Any]]:
        """The tasks that follow what runs; empty when the session is idle."""
        return {task for group in self._groups.values() for task in group.tasks}

    # -- starting -----------------------------------------------------------------------------------------------------

    def start_group(
        self,
        *,
        workers: Mapping[str, Worker],
        label: str | None = None,
        cancellable: bool = True,
        deadline: float | None = None,
    ) -> JobGroup:
        """Start workers side by side and show them to the client as one group.

        workers:     name → `async (job) -> response`; each gets a job of its own, for its updates.
        cancellable: whether the client may cancel the group, and whether it is cancelled when the client leaves.
        deadline:    seconds each worker may take; None: no bound.
        Raises ActionError when too many jobs run or the session has ended, ValueError without workers.
        """
        if not workers:
            raise ValueError("a job group needs a worker")
        functions = {name: _as_function(worker) for name, worker in workers.items()}
        try:
            group = self._made(functions, label=label, cancellable=cancellable, deadline=deadline)
        except Refusal as refusal:
            raise ActionError(refusal.text, code=refusal.code) from None
        group.begin()
        return group

    def start_action(self, request: Request, action: RTVIAction, arguments: dict[str, Any]) -> None:
        """Check the arguments, answer the request with the job's id, and begin. Raises Refusal."""
        group = self._of_action(action, checked(action, arguments), is_detached=request.is_detached)
        result = {"job_id": group.id}
        self._processor.answer(request, request.answer_result(result))
        if request.attempt is not None:
            request.attempt.settle(self._processor, result, None)
        hold, self._processor.arriving = self._processor.arriving, None
        if hold is not None:  # the arguments are kept until the job ends
            self._holds[group.id] = hold
        group.begin()

    def start_own(self, action: RTVIAction, arguments: dict[str, Any]) -> JobGroup:
        """Start the job of an action for the bot itself; the client sees it too. Raises ActionError."""
        try:
            group = self._of_action(action, checked(action, arguments))
        except Refusal as refusal:
            raise ActionError(refusal.text, code=refusal.code, details=refusal.details) from None
        group.begin()
        return group

    def _of_action(self, action: RTVIAction, arguments: dict[str, Any], *, is_detached: bool = False) -> JobGroup:
        return self._made(
            {f"{action.service}.{action.action}": _action_function(self._processor, action)},
            arguments=arguments,
            label=action.description or None,
            cancellable=action.cancellable,
            is_detached=is_detached,
            deadline=action.timeout,
            gate=None if action.serial is None else lock_of(self._processor, action.serial),
        )

    def _made(
        self,
        functions: Mapping[str, JobFunction],
        *,
        label: str | None,
        cancellable: bool,
        deadline: float | None,
        is_detached: bool = False,
        arguments: Any = None,
        gate: Gate | None = None,
    ) -> JobGroup:
        """Make a group that counts from now on. Raises Refusal when there is no room for it."""
        if self._is_closed:
            raise Refusal("The session has ended", Code.SHUTTING_DOWN, Category.ACTION)
        running, most = len(self), int(self._processor.limits.get("max_jobs", MAX_JOBS))
        if running + len(functions) > most:
            text = f"Too many jobs at once: {running} are running, {most} may"
            raise Refusal(text, Code.BUSY, Category.ACTION)
        lingering = len(self._processor.lingering)
        if (is_detached or not cancellable) and lingering + len(functions) > LINGERING * most:
            text = f"Too many jobs at once: {lingering} go on for clients that have left"
            raise Refusal(text, Code.BUSY, Category.ACTION)
        group = JobGroup(
            self._executor,
            functions,
            report=self._report,
            pacer=self._pacer,
            on_end=self._forget,
            arguments=arguments,
            label=label,
            cancellable=cancellable,
            is_detached=is_detached,
            deadline=deadline,
            gate=gate,
        )
        self._groups[group.id] = group
        return group

    def _report(self, data: Data) -> None:
        if not self._is_closed:
            try:
                send_job_group(self._processor, data)
            except Exception:
                logger.exception("a job of session %s could not report", self._processor.session.id)

    def _forget(self, group: JobGroup) -> None:
        self._groups.pop(group.id, None)
        self._holds.pop(group.id, None)

    # -- stopping -----------------------------------------------------------------------------------------------------

    def cancel(self, job_id: str, reason: str = "") -> None:
        """Cancel a group for the client; one that it does not know, or may not cancel, is passed over."""
        group = self._groups.get(job_id)
        if group is None or not group.cancellable:
            logger.debug("the client may not cancel job %.100s, or it has ended", job_id)
        else:
            logger.debug("the client cancels job %s: %.200s", job_id, reason)
            group.cancel()

    async def wait_idle(self) -> None:
        """Wait until every group has ended, those that outlive the session included."""
        while tasks := self.tasks - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Stop reporting, cancel what is cancellable and wait for it to stop. May be called more than once."""
        self._is_closed = True
        self._pacer.clear()
        tasks: set[asyncio.Task[Any]] = set()
        for group in self._groups.values():
            if group.cancellable and not group.is_detached:
                group.cancel()
                tasks |= group.tasks
            else:  # it goes on without its client, and counts for the whole bot
                self._processor.lingering.update(group.tasks)
                for task in group.tasks:
                    task.add_done_callback(self._processor.lingering.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=_STOPPING_S)


def send_job_group(processor: RTVIProcessor, data: Data) -> None:
    """Send `data` of a `ui-job-group`; legacy clients, which do not know that message, get it as `server-message`."""
    is_legacy = processor.generation is Generation.LEGACY
    processor.send(event(ServerType.SERVER_MESSAGE if is_legacy else ServerType.UI_JOB_GROUP, data))


def send_frame(processor: RTVIProcessor, frame: RTVIUIJobGroupFrame) -> None:
    """Send the message of a pushed frame; nothing for one without data. `at` is filled in where it was left out."""
    given = frame.data
    if given is not None:
        data = {key: v for key, v in given.model_dump().items() if v is not None or key in given.model_fields_set}
        send_job_group(processor, data | {"at": given.at or epoch_ms()})


# -- handlers ---------------------------------------------------------------------------------------------------------


def _as_function(worker: Worker) -> JobFunction:
    return lambda job, _arguments: worker(job)


def _action_function(processor: RTVIProcessor, action: RTVIAction) -> JobFunction:
    """Make what the executor runs for an action: its handler, and the check of what that returns."""
    invoke = job_invoke(action)

    async def run(job: Job, arguments: dict[str, Any]) -> Any:
        if action.serial is not None:
            # The lock was taken by the task that follows this one; what this one runs itself must not wait for it.
            lock_of(processor, action.serial)._owner = asyncio.current_task()
        result = await invoke(processor, job, arguments)
        if action.check_result is None:
            return result
        try:
            return sound_result(action, result)
        except Refusal as bad:
            raise InvalidResultError(bad.text) from None

    return run


def job_invoke(action: RTVIAction) -> InvokeJob:
    """Hide the form of a job's handler: one that asks for its job gets it, any other is called as usual."""
    signature = Signature.of(action.handler, HandlerKind.ACTION)

    async def invoke(processor: Any, job: Job, given: dict[str, Any]) -> Any:
        return await (action.invoke(processor, given, job) if signature.takes_job else action.invoke(processor, given))

    return invoke if signature.is_async else _until_it_stops(invoke)


def _until_it_stops(invoke: InvokeJob) -> InvokeJob:
    """Let a cancelled job wait for its thread, which nothing can stop: cancelled means that nothing runs any more.

    Such a handler reads `job.cancelled` where it can end early.
    """

    async def waiting(processor: Any, job: Job, given: dict[str, Any]) -> Any:
        thread = asyncio.ensure_future(contained(invoke(processor, job, given)))
        was_cancelled = False
        while not thread.done():
            try:
                await asyncio.wait((thread,))
            except asyncio.CancelledError:
                was_cancelled = True
        if was_cancelled:
            if not thread.cancelled() and (error := thread.exception()) is not None:
                logger.debug("a cancelled job ended with %r", error)
            raise asyncio.CancelledError
        return thread.result()

    return waiting
