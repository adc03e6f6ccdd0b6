"""Arguments, settings and fields of a pipeline that come from the environment, read as the types that they have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .building import Folder

TEXT = """
pipeline:
  llm:
    use: openai
    args: {api_key: "${env:KEY}", retry_on_timeout: "${env:YES}"}
    settings: {temperature: "${env:HALF}", max_tokens: "${env:N}", model: "${env:N}"}
  context: {user: {audio_idle_timeout: "${env:HALF}"}}
"""
ENVIRON = {"KEY": "4242", "YES": "true", "HALF": "0.5", "N": "42"}


def test_they_have_the_types_of_their_fields(tmp_path: Path) -> None:
    plan: Any = Folder(tmp_path).bot(TEXT, environ=ENVIRON).pipeline
    (part,) = [stage.part for stage in plan.stages if stage.id == "llm"]
    assert dict(part.arguments) == {"api_key": "4242", "retry_on_timeout": True}
    assert dict(part.settings) == {"temperature": 0.5, "max_tokens": 42, "model": "42"}
    assert dict(plan.pipeline.context.user) == {"audio_idle_timeout": 0.5}


def test_what_does_not_fit_is_not_shown(tmp_path: Path) -> None:
    _, problems = Folder(tmp_path).load(TEXT, environ={**ENVIRON, "HALF": "hunter2"})
    assert {problem.where for problem in problems} == {
        "pipeline.llm.settings.temperature", "pipeline.context.user.audio_idle_timeout",
    }  # fmt: skip
    assert all("'HALF'" in problem.render() and "hunter2" not in problem.render() for problem in problems)
