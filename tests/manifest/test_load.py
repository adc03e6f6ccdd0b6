"""Manifests from files: what their form must be, and what is still usable of a faulty one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rtvi_plugins.manifest import tree
from rtvi_plugins.manifest.form import check_form
from rtvi_plugins.manifest.model import Value
from rtvi_plugins.manifest.source import read_source

Load = Callable[..., Any]
HEAD = "manifest: 1\nbot: x\n"
NAME = "expected a letter, then letters, digits, '_' or '-', at most 100 in all [bad-name]"
VALUE = "expected a type name, bool or object [wrong-type]"
DURATION = "expected a duration like 500ms, 10s, 5m, 1h or a number of seconds"


def test_a_whole_manifest(load: Load) -> None:
    manifest = load(
        """\
        manifest: 1
        bot: concierge
        description: Answers guests.
        services:
          voice:
            plugin: voice
            options:
              voice_id: {type: string, enum: [alba, bruno], default: alba, description: Who speaks.}
              key: {type: string, secret: true, default: "${env:KEY:-}", client: none, mutable: start}
            actions:
              say:
                arguments: {text: string, loud: {type: bool, required: false}, any: true}
                result: bool
                timeout: 500ms
        functions:
          get_location: {timeout: 5m, result: {type: object}}
        ui:
          commands: {show_map: {payload: {type: object}}}
          events: {clicked: {plugin: room, payload: false}}
        messages:
          echo: {plugin: conversation, data: {type: object}, timeout: 2}
        config: {voice: {voice_id: bruno}}
        runtime: {responder: rules, limits: {max_sessions: 5}, auth: {tokens: {me: 12345678}}, origins: ["*"]}
        $defs: {Name: {type: string}}
        """.replace("12345678", "'12345678'")
    ).only.manifest
    voice = manifest.services["voice"]
    assert list(voice.options) == ["voice_id", "key"]
    assert voice.options["voice_id"].keywords == {"type": "string", "enum": ["alba", "bruno"]}
    assert (voice.options["key"].default, voice.options["key"].has_default) == ("", True)
    assert voice.actions["say"].timeout == 0.5
    assert voice.actions["say"].result == Value.model_validate({"type": "bool"})
    assert voice.actions["say"].arguments.properties["any"].keywords == {}
    assert manifest.functions["get_location"].timeout == 300
    assert manifest.messages["echo"].timeout == 2
    event = manifest.ui.events["clicked"].payload
    assert event is not None
    assert event.keywords == {"not": {}}
    assert manifest.config["voice"]["voice_id"] == "bruno"
    assert manifest.runtime.responder is not None
    assert manifest.runtime.responder.use == "rules"
    assert manifest.defs["Name"] == {"type": "string"}


def test_what_is_loaded_cannot_be_changed(load: Load) -> None:
    manifest = load(HEAD + "services: {a: {}}").only.manifest
    with pytest.raises(TypeError, match="does not support item assignment"):
        manifest.services["b"] = manifest.services["a"]


# (name, text below the head, expected lines, a part of what is omitted)
FORM = [
    (
        "unknown key with a near word",
        "services: {a: {option: {}}}",
        ["bot.yaml:3:16: services.a.option: unknown key 'option'; did you mean 'options'? [unknown-key]"],
        {("services", "a", "option")},
    ),
    (
        "unknown key with none near",
        "ui: {commands: {}, events: {e: {}}, xyzzy: 1}",
        ["bot.yaml:3:37: ui.xyzzy: unknown key 'xyzzy'; expected 'commands' or 'events' [unknown-key]"],
        {("ui", "xyzzy")},
    ),
    (
        "`use` is legal in services only",
        "services: {a: {uze: 1}}\nfunctions: {b: {use: x}}",
        [
            "bot.yaml:3:16: services.a.uze: unknown key 'uze'; did you mean 'use'? [unknown-key]",
            (
                "bot.yaml:4:17: functions.b.use: unknown key 'use'; expected 'arguments', 'description', 'result' or "
                "'timeout' [unknown-key]"
            ),
        ],
        {("functions", "b", "use")},
    ),
    (
        "wrong types",
        (
            "services: {a: {description: 1, options: [], actions: null, concurrency: true}}\n"
            "runtime: {origins: x, hosts: [1], announce_changes: 'no', limits: {max_depth: 4.5}}"
        ),
        [
            "bot.yaml:3:29: services.a.description: wrong type: number; expected string [wrong-type]",
            "bot.yaml:3:41: services.a.options: wrong type: array; expected object [wrong-type]",
            "bot.yaml:3:54: services.a.actions: wrong type: null; expected object [wrong-type]",
            "bot.yaml:3:73: services.a.concurrency: wrong type: bool; expected 'parallel' or 'serial' [wrong-type]",
            "bot.yaml:4:20: runtime.origins: wrong type: string; expected array [wrong-type]",
            "bot.yaml:4:31: runtime.hosts[0]: wrong type: number; expected string [wrong-type]",
            "bot.yaml:4:53: runtime.announce_changes: wrong type: string; expected bool [wrong-type]",
            "bot.yaml:4:79: runtime.limits.max_depth: wrong type: number; expected integer [wrong-type]",
        ],
        {("services", "a", "actions"), ("runtime", "hosts")},
    ),
    (
        "value schemas",
        "services: {a: {options: {b: 5, c: [string]}, actions: {d: {result: null, arguments: {e: {required: 1}}}}}}",
        [
            f"bot.yaml:3:29: services.a.options.b: wrong type: number; {VALUE}",
            f"bot.yaml:3:35: services.a.options.c: wrong type: array; {VALUE}",
            (
                "bot.yaml:3:100: services.a.actions.d.arguments.e.required: wrong type: number; expected bool or array "
                "[wrong-type]"
            ),
        ],
        {("services", "a", "actions", "d", "arguments", "e", "required")},
    ),
    (
        "not a legal word",
        "services: {a: {options: {b: {mutable: nevr}, c: {client: all}}}}",
        [
            (
                "bot.yaml:3:39: services.a.options.b.mutable: 'nevr' is not one of the legal words; expected 'live', "
                "'never' or 'start'; did you mean 'never'? [bad-value]"
            ),
            (
                "bot.yaml:3:58: services.a.options.c.client: 'all' is not one of the legal words; expected 'none', "
                "'read' or 'write' [bad-value]"
            ),
        ],
        {("services", "a", "options", "b", "mutable")},
    ),
    (
        "names",
        "services: {1a: {}, b: {options: {'c d': string}, plugin: 'é'}}",
        [
            f"bot.yaml:3:12: services.1a: '1a' is not a name; {NAME}",
            f"bot.yaml:3:34: services.b.options.c d: 'c d' is not a name; {NAME}",
            f"bot.yaml:3:58: services.b.plugin: 'é' is not a name; {NAME}",
        ],
        {("services", "1a")},
    ),
    (
        "a long name",
        f"services: {{{'a' * 101}: {{}}}}",
        [f"bot.yaml:3:12: services.{'a' * 59}…: '{'a' * 59}…' is not a name; {NAME}"],
        {("services", "a" * 101)},
    ),
    (
        "durations",
        (
            "services: {a: {actions: {b: {timeout: 10x}, c: {timeout: 0}, d: {timeout: 25h}, e: {timeout: true}, "
            "f: {timeout: ٣s}}}}"
        ),
        [
            f"bot.yaml:3:39: services.a.actions.b.timeout: '10x' is not a duration; {DURATION} [bad-duration]",
            (
                "bot.yaml:3:58: services.a.actions.c.timeout: '0' is out of range; expected a duration above 0 "
                "and up to "
                "24h [bad-duration]"
            ),
            (
                "bot.yaml:3:75: services.a.actions.d.timeout: '25h' is out of range; expected a duration above "
                "0 and up to "
                "24h [bad-duration]"
            ),
            f"bot.yaml:3:94: services.a.actions.e.timeout: wrong type: bool; {DURATION} [wrong-type]",
            f"bot.yaml:3:114: services.a.actions.f.timeout: '٣s' is not a duration; {DURATION} [bad-duration]",
        ],
        {("services", "a", "actions", "e", "timeout")},
    ),
    (
        "bounds, without showing tokens",
        "services: {a: {}}\nruntime: {auth: {tokens: {me: hunter2}}, limits: {max_depth: 1}}",
        [
            "bot.yaml:4:31: runtime.auth.tokens.me: the text is too short; expected at least 8 characters [bad-value]",
            "bot.yaml:4:62: runtime.limits.max_depth: the number is too small; expected at least 4 [bad-value]",
        ],
        {("runtime", "auth", "tokens", "me")},
    ),
    (
        "missing key inside",
        "services: {a: {}}\nruntime: {auth: {}, responder: {settings: {}}}",
        [
            "bot.yaml:4:17: runtime.auth: missing key 'tokens' [missing-key]",
            "bot.yaml:4:32: runtime.responder: missing key 'use' [missing-key]",
        ],
        {("runtime", "auth"), ("runtime", "responder")},
    ),
    (
        "short forms",
        "services: {a: {}}\nruntime: {responder: 1x}",
        [f"bot.yaml:4:22: runtime.responder: '1x' is not a name; {NAME}"],
        {("runtime", "responder")},
    ),
    (
        "what is left without its required key goes too",
        "services: {a: {}}\nruntime: {responder: {use: 1x, settings: {}}}",
        [f"bot.yaml:4:28: runtime.responder.use: '1x' is not a name; {NAME}"],
        {("runtime", "responder")},
    ),
    (
        "reserved message",
        "messages: {action: {}, echo: {}}",
        ["bot.yaml:3:12: messages.action: 'action' is a request of the protocol; choose another name [reserved-name]"],
        {("messages", "action")},
    ),
    (
        "shared parts are taken out only where they are wrong",
        "services: {a: {options: {b: &x {type: string, mutable: live}}, actions: {c: *x}}}",
        [
            (
                "bot.yaml:3:33: services.a.actions.c.type: unknown key 'type'; expected 'arguments', 'cancellable', "
                "'concurrency', 'description', 'job', 'result', 'timeout' or 'tool' [unknown-key]"
            ),
            (
                "bot.yaml:3:47: services.a.actions.c.mutable: unknown key 'mutable'; expected 'arguments', "
                "'cancellable', "
                "'concurrency', 'description', 'job', 'result', 'timeout' or 'tool' [unknown-key]"
            ),
        ],
        {("services", "a", "actions", "c", "mutable")},
    ),
    (
        "what YAML could not read is wrong only once",
        "services: {a: {plugin: 1e999, description: *nowhere}}",
        [
            "bot.yaml:3:24: services.a.plugin: the number '1e999' is too large; expected what 64 bits hold [bad-value]",
            "bot.yaml:3:44: services.a.description: no anchor 'nowhere' before this alias [bad-yaml]",
        ],
        {("services", "a", "plugin")},
    ),
]


@pytest.mark.parametrize(("text", "expected", "omitted"), [row[1:] for row in FORM], ids=[row[0] for row in FORM])
def test_form(load: Load, text: str, expected: list[str], omitted: set[tuple[str, ...]]) -> None:
    outcome = load(HEAD + text)
    assert outcome.lines == expected
    assert outcome.only.omitted >= omitted
    assert outcome.only.manifest.bot == "x"


def test_the_sound_parts_of_a_faulty_manifest_stay(load: Load) -> None:
    loaded = load(
        HEAD + "services: {a: &a {options: {b: {type: string, mutable: nevr, default: x}, c: 5}}, d: *a}"
    ).only
    for name in ("a", "d"):
        assert list(loaded.manifest.services[name].options) == ["b"]
        assert loaded.manifest.services[name].options["b"].default == "x"
        assert loaded.manifest.services[name].options["b"].mutable == "live"
    assert loaded.omitted == {
        ("services", service, "options", *rest) for service in ("a", "d") for rest in (("b", "mutable"), ("c",))
    }


# Whole files. (name, text, expected lines, is something usable?)
FILES = [
    (
        "no version",
        "bot: x\nservices: {a: {}}",
        ["bot.yaml:1:1: missing key 'manifest'; begin the file with 'manifest: 1' [missing-key]"],
        True,
    ),
    (
        "another version",
        "manifest: 2\nbott: x",
        [
            (
                "bot.yaml:1:11: manifest: '2' is not a version of the language that is known here; expected the "
                "number 1 "
                "[bad-version]"
            )
        ],
        False,
    ),
    (
        "version as text",
        "manifest: '1'\nbot: x\nservices: {a: {}}",
        [
            (
                "bot.yaml:1:11: manifest: '1' is not a version of the language that is known here; expected the "
                "number 1 "
                "[bad-version]"
            )
        ],
        True,
    ),
    (
        "version true",
        "manifest: true\nbot: x\nservices: {a: {}}",
        [
            (
                "bot.yaml:1:11: manifest: 'true' is not a version of the language that is known here; expected "
                "the number "
                "1 [bad-version]"
            )
        ],
        True,
    ),
    ("no bot", "manifest: 1\nservices: {a: {}}", ["bot.yaml:1:1: missing key 'bot' [missing-key]"], True),
    (
        "a bad bot name",
        "manifest: 1\nbot: 5\nservices: {a: {}}",
        ["bot.yaml:2:6: bot: wrong type: number; expected string [wrong-type]"],
        True,
    ),
    (
        "a service file",
        "manifest: 1\noptions: {a: string}",
        [
            (
                "bot.yaml:1:1: missing key 'bot'; it looks like a service file: keep those in a folder of their "
                "own and "
                "name them in 'use:' [missing-key]"
            )
        ],
        False,
    ),
    (
        "nothing declared",
        "manifest: 1\nbot: x\nservices: {}\nui: {commands: {}}",
        ["bot.yaml:1:1: the manifest declares no service, function, message or ui [empty-bot]"],
        True,
    ),
    (
        "a pipeline that answers nothing",
        "manifest: 1\nbot: x\npipeline: {}",
        ["bot.yaml:1:1: the manifest declares no service, function, message or ui [empty-bot]"],
        True,
    ),
    ("a pipeline with something in it", "manifest: 1\nbot: x\npipeline: {llm: openai}", [], True),
    ("a pipeline with a responder", "manifest: 1\nbot: x\npipeline: {}\nruntime: {responder: echo}", [], True),
    (
        "what belongs into a service",
        "manifest: 1\nbot: x\nservices: {a: {}}\noptions: {b: string}",
        [
            (
                "bot.yaml:4:1: options: unknown key 'options'; write it in a service: "
                "'services: {NAME: {options: …}}' [unknown-key]"
            )
        ],
        True,
    ),
    (
        "a wrong section is not an empty one",
        "manifest: 1\nbot: x\nservices:",
        ["bot.yaml:3:10: services: wrong type: null; expected object [wrong-type]"],
        True,
    ),
    ("a list", "- manifest: 1", ["bot.yaml:1:1: wrong type: array; expected object [wrong-type]"], False),
    ("text", "hello", ["bot.yaml:1:1: wrong type: string; expected object [wrong-type]"], False),
    ("nothing", "---\n", ["bot.yaml:2:1: wrong type: null; expected object [wrong-type]"], False),
    ("empty", "", ["bot.yaml:1:1: the file is empty [unreadable-file]"], False),
]


@pytest.mark.parametrize(("text", "expected", "usable"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_whole_files(load: Load, text: str, expected: list[str], usable: bool) -> None:
    outcome = load(text)
    assert outcome.lines == expected
    assert bool(outcome.loaded) is usable


def test_half_a_surrogate_pair_from_the_other_parser(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_Loader", yaml.SafeLoader)
    assert load(HEAD + 'description: "\\ud800"').lines == ["bot.yaml: text that is not Unicode [bad-yaml]"]


def test_a_missing_bot_has_a_stand_in(load: Load) -> None:
    loaded = load("manifest: 1\nservices: {a: {}}").only
    assert ("bot",) in loaded.omitted
    assert loaded.manifest.bot == "unnamed"


GOOD = HEAD + "services: {a: {}}"


def test_folders_give_their_yaml_files_in_order(load: Load) -> None:
    outcome = load(
        {
            "bots/b.yml": GOOD.replace("x", "b"),
            "bots/a.yaml": GOOD.replace("x", "a"),
            "bots/.hidden.yaml": "]",
            "bots/notes.txt": "]",
            "bots/deeper.yaml/c.yaml": "]",
        },
        paths=("bots", "bots/a.yaml"),
    )
    assert outcome.lines == []
    assert [Path(item.path).name for item in outcome.loaded] == ["a.yaml", "b.yml"]


def test_every_problem_of_every_file_in_one_run(load: Load) -> None:
    outcome = load(
        {"bots/a.yaml": "]", "bots/b.yaml": GOOD + "\nxyzzy: 1", "bots/c.yaml": GOOD, "empty/x.txt": ""},
        paths=("bots", "missing.yaml", "empty", "bots/a.yaml/x", "x" * 300, "nul\0.yaml"),
    )
    assert [line.partition(":")[0] + " " + line.rpartition("[")[2][:-1] for line in outcome.lines] == [
        "bots/a.yaml bad-yaml",
        "bots/a.yaml/x unreadable-file",
        "bots/b.yaml unknown-key",
        "bots/c.yaml duplicate-bot",
        "empty unreadable-file",
        "missing.yaml unreadable-file",
        "nul\0.yaml unreadable-file",
        f"{'x' * 300} unreadable-file",
    ]
    assert "missing.yaml: no such file or folder [unreadable-file]" in outcome.lines
    assert "empty: the folder holds no *.yaml or *.yml file [unreadable-file]" in outcome.lines


def test_two_bots_of_one_name(load: Load) -> None:
    outcome = load({"a.yaml": GOOD, "b.yaml": GOOD}, paths=("a.yaml", "b.yaml"))
    assert outcome.lines == [
        "b.yaml:2:6: bot: the bot 'x' is declared in a.yaml:2:6 too; give it another name [duplicate-bot]"
    ]
    assert len(outcome.loaded) == 2


def test_a_broken_link_is_a_problem(load: Load, tmp_path: Path) -> None:
    (tmp_path / "bots").mkdir()
    (tmp_path / "bots" / "gone.yaml").symlink_to("nowhere.yaml")
    assert load({}, paths=("bots",)).lines == ["bots/gone.yaml: no such file or folder [unreadable-file]"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
KEYS = st.sampled_from(
    [
        "services",
        "a",
        "options",
        "actions",
        "arguments",
        "type",
        "default",
        "timeout",
        "result",
        "runtime",
        "limits",
        "responder",
        "ui",
        "events",
        "commands",
        "payload",
        "messages",
        "functions",
        "$defs",
        "config",
        "bot",
        "use",
    ]
)
SHAPES = st.recursive(JSON, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=30)


@given(st.dictionaries(KEYS, SHAPES, max_size=6))
def test_no_shape_raises(shape: dict[str, object]) -> None:
    """Documents of the right keys with anything in them: form is checked, and something sound is always left."""
    raw = orjson.dumps({"manifest": 1, "bot": "x", **shape})
    source, problems = read_source("f.yaml", raw.decode().replace("\x7f", ""))
    if source is None:
        assert problems
        return
    checked = check_form(source, orjson.dumps(source.value), ())
    assert checked.manifest is not None
    assert bool(checked.omitted) <= bool(checked.problems or problems)
