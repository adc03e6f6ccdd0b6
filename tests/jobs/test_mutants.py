"""The conformance suite refuses executors that break one promise each."""

import asyncio
from typing import Any

import pytest

from rtvi_plugins.jobs.base import Status, json_copy, timed_out
from rtvi_plugins.jobs.local import LocalExecutor
from rtvi_plugins.testing.executor_checks import ConformanceError
from rtvi_plugins.testing.executor_conformance import CASES, check


class Proxy:
    """The job as it is; what a mutant changes is overridden."""

    def __init__(self, job: Any) -> None:
        self._job = job

    @property
    def key(self) -> Any:
        return self._job.key

    @property
    def id(self) -> Any:
        return self._job.id

    @property
    def cancelled(self) -> Any:
        return self._job.cancelled

    async def update(self, data: Any) -> None:
        await self._job.update(data)


class Wrapping(LocalExecutor):
    """Calls every function through `call`; breaks nothing by itself."""

    def register(self, name: Any, function: Any) -> None:
        async def wrapped(job: Any, arguments: Any) -> Any:
            return await self.call(function, job, arguments)

        self._functions[name] = wrapped

    async def call(self, function: Any, job: Any, arguments: Any) -> Any:
        return await function(job, arguments)


class Forgetful(LocalExecutor):
    """Runs a repeated call again."""

    async def start(self, key: Any, name: Any, arguments: Any = None, *, deadline: Any = None) -> Any:
        await self.forget(key)
        return await super().start(key, name, arguments, deadline=deadline)


class Silent(Wrapping):
    """Loses every update."""

    async def call(self, function: Any, job: Any, arguments: Any) -> Any:
        class Quiet(Proxy):
            async def update(self, data: Any) -> None:
                pass

        return await function(Quiet(job), arguments)


class Forgiving(LocalExecutor):
    """Lets a function that swallowed its deadline complete."""

    def _on_done(self, record: Any, task: Any) -> None:
        if record.ended is None and record.is_expired and not task.cancelled() and task.exception() is None:
            self._end(record, Status.COMPLETED, task.result())
        super()._on_done(record, task)


class Refusing(LocalExecutor):
    """Lets a function that swallowed its deadline fail with a text of its own."""

    def _on_done(self, record: Any, task: Any) -> None:
        if record.ended is None and record.is_expired and not task.cancelled() and task.exception() is not None:
            self._end(record, Status.FAILED, {"error": str(task.exception())})
        super()._on_done(record, task)


class Patient(LocalExecutor):
    """Never gives up a job past its deadline."""

    def _give_up(self, record: Any) -> None:
        if record.is_cancelled:
            super()._give_up(record)


class PatientOnceAsked(LocalExecutor):
    """Never gives up a job past its deadline that was cancelled before."""

    def _give_up(self, record: Any) -> None:
        if not record.is_cancelled:
            super()._give_up(record)


class Polite(LocalExecutor):
    """Reports a cancelled job that it gave up as cancelled."""

    def _end(self, record: Any, status: Any, response: Any) -> None:
        if record.is_cancelled:
            status, response = Status.CANCELLED, None
        super()._end(record, status, response)


class Reviving(LocalExecutor):
    """Reports a second end when a given-up job returns after all."""

    def _on_done(self, record: Any, task: Any) -> None:
        record.ended = None
        super()._on_done(record, task)


class Early(LocalExecutor):
    """Reports the end at the deadline, whatever the function still does."""

    def _expire(self, record: Any) -> None:
        super()._expire(record)
        if record.is_expired:
            self._end(record, Status.ERROR, timed_out(record.deadline))


class Deaf(Wrapping):
    """Does not tell the job that its deadline has passed."""

    async def call(self, function: Any, job: Any, arguments: Any) -> Any:
        class Unaware(Proxy):
            @property
            def cancelled(self) -> Any:
                return self._job._record.is_cancelled

        return await function(Unaware(job), arguments)


class Chatty(Wrapping):
    """Reports updates after the deadline."""

    async def call(self, function: Any, job: Any, arguments: Any) -> Any:
        class Late(Proxy):
            async def update(self, data: Any) -> None:
                record = self._job._record
                was, record.is_expired = record.is_expired, False
                await super().update(data)
                record.is_expired = was

        return await function(Late(job), arguments)


class Killing(LocalExecutor):
    """Ends the running jobs of a function that is unregistered."""

    def unregister(self, name: Any) -> None:
        super().unregister(name)
        for record in self._records.values():
            if record.call[0] == name:
                self._ask_to_stop(record)


class Hasty(LocalExecutor):
    """Does not wait for clean-ups when it is closed."""

    async def aclose(self) -> None:
        self._grace = 0
        await super().aclose()


class Disturbing(LocalExecutor):
    """Cancels jobs that are cleaning up once more when it is closed."""

    async def aclose(self) -> None:
        for record in self._records.values():
            record.task.cancel()
        await super().aclose()


class LendingArguments(Wrapping):
    """Hands over the arguments uncopied."""

    async def start(self, key: Any, name: Any, arguments: Any = None, *, deadline: Any = None) -> Any:
        self.lent = arguments
        return await super().start(key, name, arguments, deadline=deadline)

    async def call(self, function: Any, job: Any, _arguments: Any) -> Any:
        return await function(job, self.lent)


class LendingResponse(Wrapping):
    """Hands over the response uncopied, though it was right at the end."""

    async def call(self, function: Any, job: Any, arguments: Any) -> Any:
        self.lent = await function(job, arguments)
        return self.lent

    def _end(self, record: Any, status: Any, response: Any) -> None:
        self.lent.clear()
        self.lent.update(json_copy(response))
        super()._end(record, status, self.lent)


class CopyingLate(Wrapping):
    """Copies the response only when others had their turn."""

    async def call(self, function: Any, job: Any, arguments: Any) -> Any:
        response = await function(job, arguments)
        await asyncio.sleep(0)
        return response


NEVER = "never"
MUTANTS = [
    (Forgetful, "a_duplicate_key_attaches", "the same call finds the ended job"),
    (Silent, "progress_keeps_its_order", "every update is there"),
    (Forgiving, "a_swallowed_deadline_ends_as_error", "the job ends as error"),
    (Refusing, "a_swallowed_deadline_ends_as_error", "the job ends as error"),
    (Patient, "a_job_that_will_not_stop_is_given_up", NEVER),
    (PatientOnceAsked, "a_job_that_will_not_stop_is_given_up", NEVER),
    (Polite, "a_job_that_will_not_stop_is_given_up", r"given up ends as error \(cancelled\)"),
    (Reviving, "a_job_that_will_not_stop_is_given_up", "does later is dropped"),
    (Early, "a_deadline_waits_for_the_function", "only when the function has stopped"),
    (Deaf, "a_deadline_waits_for_the_function", "`cancelled` tells"),
    (Chatty, "a_deadline_waits_for_the_function", "late updates are dropped"),
    (Killing, "unregistering_leaves_jobs_alone", "leaves running jobs alone"),
    (Hasty, "closing_waits_for_clean_up", "every clean-up has run"),
    (Disturbing, "closing_waits_for_clean_up", "every clean-up has run"),
    (LendingArguments, "arguments_are_copied", "the response is"),
    (LendingResponse, "a_response_is_copied", "the response is"),
    (CopyingLate, "a_response_is_copied", "the response is"),
]


def run(name: Any, make: Any, timeout: float) -> None:
    case = next(case for case in CASES if case.__name__ == name)
    grace = 0.1 if case.__name__ == "a_job_that_will_not_stop_is_given_up" else 0.5
    asyncio.run(check(case, lambda: make(grace=grace), timeout=timeout))


@pytest.mark.parametrize(
    ("mutant", "name", "text"), MUTANTS, ids=[f"{mutant.__name__}-{name}" for mutant, name, _ in MUTANTS]
)
def test_the_suite_refuses(mutant: Any, name: Any, text: Any) -> None:
    # What waits for something that never comes ends by the time-out of `check`.
    refused = pytest.raises(TimeoutError) if text is NEVER else pytest.raises(ConformanceError, match=text)
    with refused:
        run(name, mutant, timeout=0.6 if text is NEVER else 10)


@pytest.mark.parametrize("name", sorted({name for _, name, _ in MUTANTS}))
def test_the_bases_of_the_mutants_break_nothing(name: Any) -> None:
    class Plain(Wrapping):
        async def call(self, function: Any, job: Any, arguments: Any) -> Any:
            return await function(Proxy(job), arguments)

    run(name, Plain, timeout=10)
