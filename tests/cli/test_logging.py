"""What `rtvi run` logs: in which form, and what libraries say."""

from __future__ import annotations

import json
import logging

import pytest

from rtvi_plugins.log import JSONFormatter, QuietLibraries

from .conftest import Site


def test_log_as_json(site: Site) -> None:
    site.add_plugin(
        "noisy",
        """
        import logging
        from rtvi_plugins import Handlers, hookimpl
        noisy = Handlers("noisy")
        @noisy.action("say")
        async def say(processor):
            logging.getLogger("httpx").info("HTTP Request: POST https://somewhere")
            logging.getLogger("noisy").info("two\\nlines")
            raise RuntimeError("a\\nbone")
        @hookimpl
        def rtvi_handlers():
            return [noisy]
        """,
    )
    site.add_manifest("a.yaml", "manifest: 1\nbot: a\nservices: {noisy: {actions: {say: {}}}}\n")
    with site.running("a.yaml", "--log-format", "json") as running:
        site.rtvi("call", running.url, "noisy.say")
        running.process.terminate()
        running.process.wait(30)
        running.err.join()
    records = [json.loads(line) for line in running.err.all]
    assert [r for r in records if r["logger"] == "httpx"] == []
    (said,) = [r for r in records if r["logger"] == "noisy"]
    assert (said["level"], said["message"]) == ("info", "two\nlines")
    assert said["time"].endswith("+00:00")
    (failed,) = [r for r in records if "exception" in r]
    assert failed["level"] == "error"
    assert "RuntimeError: a" in failed["exception"]


@pytest.mark.parametrize("name", ["httpx", "httpx2", "openai._base_client", "httpcore.connection", "uvicorn.access"])
def test_libraries_are_quiet_until_something_is_wrong(name: str) -> None:
    quiet = QuietLibraries()
    made = [logging.LogRecord(name, level, "f", 1, "HTTP Request", (), None) for level in (logging.INFO, logging.ERROR)]
    assert [quiet.filter(record) for record in made] == [False, True]
    assert quiet.filter(logging.LogRecord("rtvi_plugins.x", logging.INFO, "f", 1, "m", (), None))


def test_a_json_record_is_one_line() -> None:
    record = logging.LogRecord("a", logging.WARNING, "f", 1, "x\n%s", ("\x1b[31m",), None)
    line = JSONFormatter().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line)["message"] == "x\n\x1b[31m"
