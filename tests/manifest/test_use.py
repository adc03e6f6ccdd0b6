"""`use:`: services from plugins and files, what is laid over them, and the schemas they bring."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins.errors import Location
from rtvi_plugins.manifest.load import load_manifests

Load = Callable[..., Any]
HEAD = "manifest: 1\nbot: x\n"
ROOM = """\
manifest: 1
plugin: room
options:
  light: {type: number, minimum: 0, maximum: 100, default: 50}
actions:
  open_curtains:
    arguments:
      how_far: {type: number, default: 100}
    timeout: 5s
"""


def test_a_file_beside_with_an_overlay(load: Load) -> None:
    outcome = load(
        {
            "bots/bot.yaml": HEAD
            + "services:\n"
            + "  room:\n"
            + "    use: ./services/room.yaml\n"
            + "    options: {light: {default: 7, type: integer}, extra: string}\n"
            + "    actions: {open_curtains: {timeout: 20s, job: true}}\n",
            "bots/services/room.yaml": ROOM,
        },
        paths=("bots/bot.yaml",),
    )
    assert outcome.lines == []
    loaded = outcome.only
    room = loaded.manifest.services["room"]
    assert loaded.used == {"room": "./services/room.yaml"}
    assert room.plugin == "room"
    assert list(room.options) == ["light", "extra"]
    assert room.options["light"].keywords == {"type": "integer", "minimum": 0, "maximum": 100}
    assert room.options["light"].default == 7
    assert (room.actions["open_curtains"].timeout, room.actions["open_curtains"].job) == (20, True)
    assert list(room.actions["open_curtains"].arguments.properties) == ["how_far"]


PLACES = [
    ("in the service file", ("options", "light", "minimum"), False, ("services/room.yaml", 4, 34)),
    ("in the overlay", ("options", "light", "default"), False, ("bot.yaml", 6, 32)),
    ("a key in the service file", ("actions", "open_curtains", "timeout"), True, ("services/room.yaml", 9, 5)),
    ("a mapping that both have", ("options", "light"), False, ("bot.yaml", 6, 22)),
    ("the service", (), False, ("bot.yaml", 5, 5)),
]


@pytest.mark.parametrize(("path", "key", "expected"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_every_part_keeps_its_place(
    load: Load, tmp_path: Path, path: tuple[str, ...], key: bool, expected: tuple[str, int, int]
) -> None:
    loaded = load(
        {
            "bot.yaml": HEAD
            + "services:\n  room:\n    use: ./services/room.yaml\n    options: {light: {default: 7}}\n",
            "services/room.yaml": ROOM,
        }
    ).only
    file, line, column = expected
    place = loaded.source.locate(("services", "room", *path), key=key)
    assert place == Location(f"{tmp_path}/{file}", line, column)


def test_an_overlay_of_null_is_what_it_says(load: Load) -> None:
    outcome = load({"bot.yaml": HEAD + "services: {room: {use: ./room.yaml, options: null}}", "room.yaml": ROOM})
    assert outcome.lines == ["bot.yaml:3:46: services.room.options: wrong type: null; expected object [wrong-type]"]


def test_shipped_manifests_and_chains(load: Load) -> None:
    outcome = load(
        {
            "bot.yaml": HEAD + "services: {a: {use: fancy}, b: {use: room.yml}}",
            "room.yml": ROOM,
            "plugin/fancy.yaml": "manifest: 1\nuse: ./plain.yaml\nplugin: fancy\n",
            "plugin/plain.yaml": ROOM,
        },
        shipped=("plugin/fancy.yaml",),
    )
    assert outcome.lines == []
    services = outcome.only.manifest.services
    assert (services["a"].plugin, services["b"].plugin) == ("fancy", "room")
    assert list(services["a"].actions) == ["open_curtains"]
    assert outcome.only.used == {"a": "fancy", "b": "room.yml"}


def test_a_manifest_inside_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "plugin.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("pkg/room.yaml", "manifest: 1\nuse: ./inner/deep.yaml\n")
        content.writestr("pkg/inner/deep.yaml", ROOM)
        content.writestr("pkg/lost.yaml", "manifest: 1\nuse: ./nowhere.yaml\n")
    bot = tmp_path / "bot.yaml"
    bot.write_text(HEAD + "services: {a: {use: room}, b: {use: lost}}")
    with zipfile.ZipFile(archive) as content:
        shipped = {name: zipfile.Path(content, f"pkg/{name}.yaml") for name in ("room", "lost")}
        loaded, problems = load_manifests([bot], shipped=shipped, environ={})
    assert list(loaded[0].manifest.services["a"].actions) == ["open_curtains"]
    assert [problem.render().replace(f"{tmp_path}/", "") for problem in problems] == [
        "plugin.zip/pkg/lost.yaml:2:6: use: './nowhere.yaml': no such file or folder [unresolved-use]"
    ]


# (name, services, other files, expected lines)
BAD: list[tuple[str, str, dict[str, str], list[str]]] = [
    (
        "nothing of that name",
        "{a: {use: knowlege}}",
        {},
        [
            (
                "bot.yaml:3:21: services.a.use: no plugin ships a service manifest 'knowlege'; did you mean "
                "'knowledge'? "
                "[unresolved-use]"
            )
        ],
    ),
    (
        "nothing near",
        "{a: {use: xyzzy}}",
        {},
        [
            (
                "bot.yaml:3:21: services.a.use: no plugin ships a service manifest 'xyzzy'; expected a shipped one "
                "('knowledge') or a file, beginning with './' [unresolved-use]"
            )
        ],
    ),
    (
        "no such file",
        "{a: {use: ./a.yaml}, b: {use: ./a.yaml}}",
        {},
        [
            "bot.yaml:3:21: services.a.use: './a.yaml': no such file or folder [unresolved-use]",
            "bot.yaml:3:41: services.b.use: './a.yaml': no such file or folder [unresolved-use]",
        ],
    ),
    (
        "a folder",
        "{a: {use: ./sub/}}",
        {"sub/x": ""},
        ["bot.yaml:3:21: services.a.use: './sub/': is a folder [unreadable-file]"],
    ),
    (
        "no text",
        "{a: {use: [x]}, b: {use: null}}",
        {},
        [
            "bot.yaml:3:21: services.a.use: wrong type: array; expected string [wrong-type]",
            "bot.yaml:3:36: services.b.use: wrong type: null; expected string [wrong-type]",
        ],
    ),
    (
        "a variable that is not set",
        "{a: {use: '${env:NONE}'}}",
        {},
        [
            (
                "bot.yaml:3:21: services.a.use: environment variable 'NONE' is not set; set it, or write "
                "'${env:NONE:-default}' [unset-env]"
            )
        ],
    ),
    (
        "a circle",
        "{a: {use: ./a.yaml}}",
        {"a.yaml": "manifest: 1\nuse: ./b.yaml", "b.yaml": "manifest: 1\nuse: ../t/a.yaml"},
        ["b.yaml:2:6: use: '../t/a.yaml' takes from this file again [use-cycle]"],
    ),
    (
        "itself",
        "{a: {use: ./a.yaml}}",
        {"a.yaml": "manifest: 1\nuse: a.yaml"},
        ["a.yaml:2:6: use: 'a.yaml' takes from this file again [use-cycle]"],
    ),
    (
        "a service file with faults is told of once",
        "{a: {use: ./a.yaml}, b: {use: ./a.yaml}}",
        {"a.yaml": "manifest: 1\nplugin: x\nplugin: y\nuse: z"},
        [
            "a.yaml:3:1: plugin: the key 'plugin' stands twice; first at line 2 [duplicate-key]",
            (
                "a.yaml:4:6: use: no plugin ships a service manifest 'z'; expected a shipped one ('knowledge') "
                "or a file, "
                "beginning with './' [unresolved-use]"
            ),
        ],
    ),
    (
        "no YAML, no mapping, no version, another version",
        "{a: {use: a.yaml}, b: {use: b.yaml}, c: {use: c.yaml}, d: {use: d.yaml}}",
        {"a.yaml": "]", "b.yaml": "- x", "c.yaml": "plugin: x", "d.yaml": "manifest: 2\nfuture: 1"},
        [
            "a.yaml:1:1: expected a value here [bad-yaml]",
            "b.yaml:1:1: wrong type: array; expected object [wrong-type]",
            "c.yaml:1:1: missing key 'manifest'; begin the file with 'manifest: 1' [missing-key]",
            (
                "d.yaml:1:11: manifest: '2' is not a version of the language that is known here; expected the number 1 "
                "[bad-version]"
            ),
        ],
    ),
    (
        "a bot in place of a service",
        "{a: {use: a.yaml}}",
        {"a.yaml": "manifest: 1\nbot: y\nservices: {}"},
        [
            (
                "a.yaml:2:1: services.a.bot: unknown key 'bot'; expected 'actions', 'concurrency', 'description', "
                "'options', 'plugin' or 'use' [unknown-key]"
            ),
            (
                "a.yaml:3:1: services.a.services: unknown key 'services'; expected 'actions', 'concurrency', "
                "'description', 'options', 'plugin' or 'use' [unknown-key]"
            ),
        ],
    ),
    (
        "faults on both sides of the overlay",
        "{a: {use: a.yaml, options: {o: {mutable: x}, p: 1}}}",
        {"a.yaml": "manifest: 1\noptions: {o: {client: y, mutable: z}, q: 2}\nplugin: 1e999"},
        [
            (
                "a.yaml:2:23: services.a.options.o.client: 'y' is not one of the legal words; expected 'none', "
                "'read' or "
                "'write' [bad-value]"
            ),
            "a.yaml:2:42: services.a.options.q: wrong type: number; expected a type name, bool or object [wrong-type]",
            "a.yaml:3:9: plugin: the number '1e999' is too large; expected what 64 bits hold [bad-value]",
            (
                "bot.yaml:3:52: services.a.options.o.mutable: 'x' is not one of the legal words; expected "
                "'live', 'never' "
                "or 'start' [bad-value]"
            ),
            (
                "bot.yaml:3:59: services.a.options.p: wrong type: number; expected a type name, bool or object "
                "[wrong-type]"
            ),
        ],
    ),
    (
        "shared schemas that are no mapping",
        "{a: {use: a.yaml}}",
        {"a.yaml": "manifest: 1\n$defs: 5"},
        [
            "a.yaml:2:8: $defs: wrong type: number; expected object [wrong-type]",
        ],
    ),
]


@pytest.mark.parametrize(("services", "files", "expected"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_refused(load: Load, services: str, files: dict[str, str], expected: list[str]) -> None:
    given = {"t/bot.yaml": f"{HEAD}services: {services}"} | {f"t/{name}": text for name, text in files.items()}
    outcome = load(
        given | {"t/shipped/knowledge.yaml": ROOM}, paths=("t/bot.yaml",), shipped=("t/shipped/knowledge.yaml",)
    )
    assert [line.removeprefix("t/") for line in outcome.lines] == expected


def test_a_service_that_cannot_be_taken_is_left_out(load: Load) -> None:
    loaded = load(HEAD + "services: {a: {use: nowhere, actions: {b: {timeout: 1s}}}, c: {}}").only
    assert list(loaded.manifest.services) == ["c"]
    assert ("services", "a") in loaded.omitted


def test_an_overlay_mends_what_is_wrong_below(load: Load) -> None:
    outcome = load(
        {
            "bot.yaml": HEAD + "services: {a: {use: a.yaml, options: {o: {default: fine}}}}",
            "a.yaml": "manifest: 1\noptions: {o: {type: string, default: '${env:NONE}'}}",
        }
    )
    assert outcome.lines == []
    assert outcome.only.manifest.services["a"].options["o"].default == "fine"


@pytest.mark.parametrize(
    "overlay", ["plugin: y", "options: {o: {default: fine}}", "options: {o: {default: {deep: fine}}}"]
)
def test_an_overlay_mends_what_cannot_be_read_below(load: Load, overlay: str) -> None:
    outcome = load(
        {
            "bot.yaml": HEAD + f"services: {{a: {{use: a.yaml, {overlay}}}}}",
            "a.yaml": "manifest: 1\nplugin: 1e999\noptions: {o: {default: {deep: 1e999}}}",
        }
    )
    assert len(outcome.lines) == 2, "the file itself stays wrong"
    mended = ("services", "a", *(("plugin",) if "plugin" in overlay else ("options", "o", "default", "deep")))
    unmended = {("services", "a", "plugin"), ("services", "a", "options", "o", "default", "deep")} - {mended}
    assert outcome.only.omitted == unmended


TEXT = "{type: string}"
NUMBER = "{type: number}"


def test_shared_schemas_come_along(load: Load) -> None:
    manifest = load(
        {
            "bot.yaml": HEAD + "services: {a: {use: a.yaml}}\n$defs: {Same: {type: string}}",
            "a.yaml": f"manifest: 1\n$defs: {{Same: {TEXT}, New: {NUMBER}}}\noptions: {{o: {{$ref: '#/$defs/New'}}}}",
        }
    ).only.manifest
    assert dict(manifest.defs) == {"Same": {"type": "string"}, "New": {"type": "number"}}
    assert manifest.services["a"].options["o"].keywords == {"$ref": "#/$defs/New"}


def test_of_two_meanings_the_service_keeps_its_own(load: Load) -> None:
    manifest = load(
        {
            "bot.yaml": HEAD
            + "services: {a: {use: sub/a.yaml, options: {mine: {$ref: '#/$defs/T'}}}}\n"
            + f"$defs: {{T: {TEXT}}}",
            "sub/a.yaml": """\
                manifest: 1
                $defs:
                  T: {type: number}
                  Pair: {type: array, items: {$ref: "#/$defs/T"}}
                options:
                  theirs: {$ref: "#/$defs/T", default: {$ref: "#/$defs/T"}, enum: [{$ref: "#/$defs/T"}]}
                  own: {$defs: {T: true}, $ref: "#/$defs/T"}
                actions:
                  act:
                    arguments:
                      x: {anyOf: [{$ref: "#/$defs/T/minimum"}, {properties: {default: {$ref: "#/$defs/Pair"}}}]}
                    result: {$ref: "#/$defs/Pair"}
                """,
        }
    ).only.manifest
    service = manifest.services["a"]
    assert manifest.defs["T"] == {"type": "string"}
    assert manifest.defs["a.T"] == {"type": "number"}
    assert manifest.defs["a.Pair"] == {"type": "array", "items": {"$ref": "#/$defs/a.T"}}
    assert service.options["mine"].keywords == {"$ref": "#/$defs/T"}
    assert service.options["theirs"].keywords == {"$ref": "#/$defs/a.T", "enum": [{"$ref": "#/$defs/T"}]}
    assert service.options["theirs"].default == {"$ref": "#/$defs/T"}
    assert service.options["own"].keywords == {"$defs": {"T": True}, "$ref": "#/$defs/T"}
    assert service.actions["act"].result.keywords == {"$ref": "#/$defs/a.Pair"}
    assert service.actions["act"].arguments.properties["x"].keywords == {
        "anyOf": [{"$ref": "#/$defs/a.T/minimum"}, {"properties": {"default": {"$ref": "#/$defs/a.Pair"}}}]
    }


def test_three_meanings_of_one_name(load: Load) -> None:
    loaded = load(
        {
            "bot.yaml": HEAD + f"services: {{a: {{use: a.yaml}}, b: {{use: a.yaml}}}}\n$defs: {{T: {TEXT}}}",
            "a.yaml": "manifest: 1\nuse: b.yaml\n$defs: {T: {type: array}}\noptions: {x: {$ref: '#/$defs/T'}}",
            "b.yaml": "manifest: 1\n$defs: {T: {const: 1}}\noptions: {y: {$ref: '#/$defs/T'}}",
        }
    ).only
    defs = loaded.manifest.defs
    for service in loaded.manifest.services.values():
        x, y = (service.options[name].keywords["$ref"].removeprefix("#/$defs/") for name in "xy")
        assert defs[x] == {"type": "array"}
        assert defs[y] == {"const": 1}
    assert defs["T"] == {"type": "string"}


def test_two_files_of_one_name(load: Load) -> None:
    manifest = load(
        {
            "bot.yaml": HEAD
            + "services: {a: {use: ./1/s.yaml}, b: {use: ./2/s.yaml, options: 5}}\n"
            + f"$defs: {{T: {TEXT}}}",
            "1/s.yaml": "manifest: 1\n$defs: {T: {const: 1}, U: {$ref: '#/$defs/T'}}\n"
            "options: {x: {$ref: '#/$defs/T'}}",
            "2/s.yaml": "manifest: 1\n$defs: {T: {const: 2}, 'a/b~c': {$ref: '#/$defs/Other'}}\n"
            "actions: {x: {result: {allOf: [{$ref: '#/$defs/a~1b~0c'}, {$ref: 'other.json'}]}}}",
        }
    ).only.manifest
    assert sorted(manifest.defs) == ["T", "s.T", "s.T.2", "s.U", "s.a/b~c"]
    assert manifest.defs["s.T.2"] == {"const": 2}
    assert manifest.services["a"].options["x"].keywords == {"$ref": "#/$defs/s.T"}
    assert manifest.services["b"].actions["x"].result.keywords == {
        "allOf": [{"$ref": "#/$defs/s.a~1b~0c"}, {"$ref": "other.json"}]
    }


def test_one_and_true_are_two_meanings(load: Load) -> None:
    defs = load(
        {
            "bot.yaml": HEAD + "services: {a: {use: a.yaml}}\n$defs: {T: {const: 1}}",
            "a.yaml": "manifest: 1\n$defs: {T: {const: true}}",
        }
    ).only.manifest.defs
    assert defs["T"]["const"] == 1
    assert defs["a.T"]["const"] is True
