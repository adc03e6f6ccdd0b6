"""The generated parts are up to date, and nothing that a user can meet is missing from the documentation or made up."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rtvi_plugins import RTVIProcessor, errors, load_bots
from rtvi_plugins.errors import Category
from rtvi_plugins.hooks import hookspecs
from rtvi_plugins.hooks.results import SPECS
from rtvi_plugins.manifest import model, pipeline
from rtvi_plugins.manifest.json_schema import language_schema
from rtvi_plugins.manifest.primitives import Choice, Model
from rtvi_plugins.processor.events import EVENTS
from rtvi_plugins.processor.requests import Code
from rtvi_plugins.processor.ui import STANDARD_COMMANDS

from .blocks import PAGES, ROOT


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference: Any = _load()


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """Give what stands below a heading, up to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}$\n(.*?)(?=^#|\Z)", text_of(page), re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no heading {heading!r}"
    return found[1]


HEADS = frozenset({"argument", "code", "command", "event", "exit code", "key", "package", "slug"})


def first_column(text: str) -> list[str]:
    """Give the first cells of the tables in a text, without their backticks."""
    cells = [cell.strip("`") for cell in re.findall(r"^\| ((?:[^|\\]|\\.)+?) \|", text, re.MULTILINE)]
    return [cell for cell in cells if cell not in HEADS and cell != "---"]


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_generated_parts_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- generated: ") == len(reference.PART.findall(text)), "a part is not closed"
    assert text == reference.renewed(text), "run `make docs`"


def test_schema_is_up_to_date() -> None:
    assert json.loads(text_of("docs/manifest.schema.json")) == language_schema(), "run `make docs`"


def test_parts_that_nobody_knows_are_errors() -> None:
    with pytest.raises(KeyError):
        reference.renewed("<!-- generated: nonsense -->\n<!-- /generated -->")


def models() -> Iterable[Any]:
    skipped = (Model, Choice, model.Value, model.Limits, model.Arguments)  # the last is written by hand: two forms
    found = {name: value for part in (model, pipeline) for name, value in vars(part).items()}
    for name, value in found.items():
        if isinstance(value, type) and issubclass(value, Model) and value not in skipped:
            yield pytest.param(value, id=name)


@pytest.mark.parametrize("kind", list(models()))
def test_every_key_is_documented(kind: type[Model]) -> None:
    """Where the heading says, and no key more than there is."""
    name = kind.__name__
    keys = {field.alias or key for key, field in kind.model_fields.items()}
    if name == "Service":
        keys.add("use")
    is_of_pipeline = name in reference.PIPELINE_TITLES
    page = "docs/pipelines.md" if is_of_pipeline else "docs/manifest.md"
    title = (reference.PIPELINE_TITLES if is_of_pipeline else reference.TITLES)[name]
    assert set(first_column(section(page, title))) == keys


def test_every_limit_is_documented() -> None:
    assert first_column(section("docs/manifest.md", "limits")) == list(model.Limits.model_fields)
    assert reference.AT_THE_BOUND.keys() == model.Limits.model_fields.keys()


def test_every_hook_is_documented() -> None:
    """With its exact signature below its own heading, and an example that implements it."""
    hooks = [name for name in vars(hookspecs) if name.startswith("rtvi_")]
    assert sorted(hooks) == sorted(SPECS)
    assert re.findall(r"^### (rtvi_\w+)$", text_of("docs/plugins.md"), re.MULTILINE) == hooks
    for hook in hooks:
        text = section("docs/plugins.md", hook)
        signature = str(inspect.signature(getattr(hookspecs, hook))).replace("'", "")
        assert f"def {hook}{signature}: ..." in text
        for example in re.findall(r"^- \*\*Example\*\*: (\S+)", text, re.MULTILINE):
            assert (ROOT / example).is_dir()
        assert f"@hookimpl\ndef {hook}(" in text or f"@hookimpl\nasync def {hook}(" in text


def test_every_slug_is_documented() -> None:
    assert first_column(section("docs/problems.md", "Slugs")) == list(errors.SLUGS)


def test_every_exit_code_is_documented() -> None:
    assert first_column(section("docs/problems.md", "Exit codes")) == [str(code.value) for code in errors.ExitCode]


def test_every_code_and_category_is_documented() -> None:
    text = section("docs/protocol.md", "Refusals")
    assert first_column(text) == [code.value for code in Code]
    assert reference.CODES.keys() == set(Code)
    assert f"({', '.join(f'`{category}`' for category in Category)})" in " ".join(text.split())


def test_every_event_is_documented() -> None:
    assert first_column(section("docs/plugins.md", "Events")) == sorted(EVENTS)
    assert reference.EVENT_ARGUMENTS.keys() == EVENTS


def test_every_command_is_documented() -> None:
    commands = reference.command_names()
    assert re.findall(r"^## rtvi (\w+)$", text_of("docs/commands.md"), re.MULTILINE) == list(commands)
    assert re.findall(r"^\| `rtvi (\w+)` \|", text_of("README.md"), re.MULTILINE) == list(commands)


def test_every_option_of_a_command_is_documented() -> None:
    for name, function in reference._commands():
        told = section("docs/commands.md", f"rtvi {name}")
        assert len(first_column(told)) == len(inspect.signature(function).parameters), name


def test_commands_in_the_text_exist() -> None:
    for page in PAGES:
        said = set(re.findall(r"(?:`|\$ )rtvi ([a-z]+)", page.read_text(encoding="utf-8")))
        assert said <= set(reference.command_names()), page.name


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]

    def names(lines: list[str]) -> list[str]:
        return [re.split(r"[\s\[<>=!~;]", line)[0] for line in lines]

    text = section("README.md", "Dependencies")
    assert first_column(text) == names(project["dependencies"])
    for extra, lines in project.get("optional-dependencies", {}).items():
        told = " ".join(text.split()).partition(f"extra `{extra}`:")[2].partition("`")[0]
        assert told, f"the extra {extra!r} is not named"
        assert [name for name in names(lines) if name.lower() not in told.lower()] == [], extra


def test_standard_commands_are_named() -> None:
    text = " ".join(section("docs/manifest.md", "ui").split())
    assert f"({', '.join(f'`{name}`' for name in STANDARD_COMMANDS)})" in text


def test_every_method_for_plugins_exists() -> None:
    assert [name for name in reference.PROCESSOR if not hasattr(RTVIProcessor, name)] == []


@pytest.mark.parametrize(
    ("row", "section"),
    [
        pytest.param(
            "options, actions, messages, configuration, jobs, functions, UI, for clients of 0.3, 1.x and 2.x",
            "services: {room: {use: room, actions: {open_curtains: {job: true}}}, voice: {use: voice}}\n"
            "functions: {locate: {arguments: {}, result: object}}\n"
            "config: {voice: {rate: 200}}",
            id="offers",
        ),
        pytest.param(
            "`bind:`, `rtvi_stages()`, frames to and from other stages",
            "services: {ears: {options: {stop_secs: {bind: vad.stop_secs}}}}",
            id="bind",
        ),
    ],
)
def test_host_table_is_true(row: str, section: str, tmp_path: Path) -> None:
    """What the table says a host has is accepted there; what it has not is a problem."""
    cells = re.search(rf"^\| {re.escape(row)} \| ([^|]+) \| ([^|]+) \|", text_of("README.md"), re.MULTILINE)
    assert cells
    for said, added in zip(cells.groups(), ("", "pipeline: {vad: silero}\n"), strict=True):
        (tmp_path / "bot.yaml").write_text(
            f"manifest: 1\nbot: x\nui: {{commands: {{a: {{}}}}}}\nruntime: {{responder: echo}}\n{added}{section}\n"
        )
        problems = [problem.render() for problem in load_bots([tmp_path / "bot.yaml"])[1]]
        assert (said == "yes") == (problems == []), problems


def test_readme_is_read_in_ten_minutes() -> None:
    words = re.sub(r"^```.*?^```$|^\|.*$", "", text_of("README.md"), flags=re.DOTALL | re.MULTILINE).split()
    assert len(words) < 2_000  # prose at 200 words a minute
