"""`pipeline:` and `bind:` of a manifest: what is legal, and every fault at its place, before anything runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService

from rtvi_plugins import Bot, hookimpl
from rtvi_plugins.pipecat.order import disorders
from rtvi_plugins.pipecat.plan import Plan
from tests.pipecat.building import Folder

OPENAI = "{use: openai, args: {api_key: x}}"
VOICE = f"pipeline: {{stt: {OPENAI}, llm: {OPENAI}, tts: {OPENAI}}}"
HEAD = "services: {a: {}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def plan_of(bot: Bot) -> Plan:
    assert isinstance(bot.pipeline, Plan)
    return bot.pipeline


class Echo(FrameProcessor):
    """A stage of a plugin."""

    def __init__(self, *, loud: bool = False, times: int = 1) -> None:
        super().__init__()
        self.loud = loud
        self.times = times

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Listening(SegmentedSTTService):
    async def run_stt(self, audio: bytes) -> Any:
        return None


class Speaking(TTSService):
    async def run_tts(self, text: str, context_id: str) -> Any:
        return None


def make_echo(bot: Bot, processor: Any, times: int) -> Echo:
    return Echo(times=times, loud=bot.name == "test")


class OddError(RuntimeError):
    pass


def stages_plugin(**stages: Any) -> object:
    @hookimpl
    def rtvi_stages() -> dict[str, Any]:
        return stages

    return SimpleNamespace(rtvi_stages=rtvi_stages)


PLUGIN = {"echoes": stages_plugin(echo=Echo, make_echo=make_echo, listening=Listening, speaking=Speaking)}

CASCADE = ["transport.input", "stt", "context.user", "llm", "tts", "transport.output", "context.assistant"]
SHORT: list[tuple[str, str, list[str]]] = [
    ("voice", VOICE, CASCADE),
    ("text", f"pipeline: {{llm: {OPENAI}}}", [n for n in CASCADE if n not in ("stt", "tts")]),
    ("without LLM", f"pipeline: {{tts: {OPENAI}}}", ["transport.input", "tts", "transport.output"]),
    ("nothing but the transport", "pipeline: {}", ["transport.input", "transport.output"]),
    (
        "responder for an LLM",
        "runtime: {responder: echo}\npipeline: {}",
        ["transport.input", "context.user", "responder", "transport.output", "context.assistant"],
    ),
    (
        "responder by name",
        f"runtime: {{responder: echo}}\npipeline: {{llm: responder, tts: {OPENAI}}}",
        ["transport.input", "context.user", "responder", "tts", "transport.output", "context.assistant"],
    ),
    (
        "ids",
        f"pipeline: {{llm: {OPENAI}, tts: {{use: openai, id: mouth, args: {{api_key: x}}}}}}",
        ["transport.input", "context.user", "llm", "mouth", "transport.output", "context.assistant"],
    ),
    (
        "stages",
        "pipeline: {stages: [transport.input, echo, {use: make_echo, id: again, args: {times: 2}}, transport.output]}",
        ["transport.input", "echo", "again", "transport.output"],
    ),
    (
        "stages of services",
        (
            "pipeline: {stages: [transport.input, context.user, {use: openai_llm, args: {api_key: x}}, "
            "{use: 'pipecat.services.openai.tts:OpenAITTSService', args: {api_key: x}}, transport.output, "
            "context.assistant]}"
        ),
        ["transport.input", "context.user", "llm", "tts", "transport.output", "context.assistant"],
    ),
]


@pytest.mark.parametrize(("text", "ids"), [row[1:] for row in SHORT], ids=[row[0] for row in SHORT])
def test_stages_in_their_order(folder: Folder, text: str, ids: list[str]) -> None:
    plan = plan_of(folder.bot(HEAD + text, PLUGIN))
    assert [stage.id for stage in plan.stages] == ids


@pytest.mark.parametrize(
    ("text", "hears", "speaks", "has_vad"),
    [
        pytest.param(VOICE, True, True, True, id="voice"),
        pytest.param(f"pipeline: {{llm: {OPENAI}}}", False, False, False, id="text"),
        pytest.param(f"pipeline: {{llm: {OPENAI}, vad: silero}}", False, False, True, id="vad alone"),
        pytest.param(
            "pipeline: {llm: {use: openai_realtime, args: {api_key: x}}}", True, True, False, id="speech to speech"
        ),
    ],
)
def test_what_a_plan_knows_of_itself(folder: Folder, text: str, hears: bool, speaks: bool, has_vad: bool) -> None:
    plan = plan_of(folder.bot(HEAD + text))
    assert (plan.hears, plan.speaks, plan.vad is not None) == (hears, speaks, has_vad)
    assert plan.answers


def faults() -> Iterator[tuple[str, str, list[str]]]:
    """Give names, what stands below the services, and the problems; its first line is line 2."""
    yield (
        "misspelt service",
        "pipeline: {llm: opnai}",
        ["2:17: pipeline.llm: there is no 'opnai'; did you mean 'openai'? [unknown-stage]"],
    )
    yield (
        "misspelt argument, wrong type, misspelt setting, wrong type of a setting: all at once",
        (
            "pipeline:\n"
            "  llm: {use: openai, args: {apikey: x, retry_on_timeout: 5}, settings: {temprature: 1, top_p: high}}"
        ),
        [
            "3:29: pipeline.llm.args.apikey: 'openai' has no argument 'apikey'; did you mean 'api_key'? [bad-stage]",
            "3:58: pipeline.llm.args.retry_on_timeout: expected boolean or null, got integer [bad-stage]",
            (
                "3:73: pipeline.llm.settings.temprature: 'openai' has no setting 'temprature'; "
                "did you mean 'temperature'? [bad-stage]"
            ),
            "3:95: pipeline.llm.settings.top_p: expected null or number, got string [bad-stage]",
        ],
    )
    yield (
        "missing argument, with what to write",
        "pipeline: {tts: cartesia}",
        [
            (
                "2:17: pipeline.tts: 'cartesia' needs 'args.api_key'; "
                "write 'api_key: ${env:CARTESIA_API_KEY}' under 'args:' [bad-stage]"
            )
        ],
    )
    yield (
        "missing extra",
        "pipeline: {llm: {use: anthropic, args: {api_key: x}}}",
        [
            (
                "2:23: pipeline.llm.use: 'pipecat.services.anthropic.llm' needs 'anthropic', which is not installed; "
                "pip install 'pipecat-ai[anthropic]' [missing-extra]"
            )
        ],
    )
    yield (
        "missing module, class, colon",
        (
            "pipeline:\n"
            "  stt: pipecat.services.openia.stt:OpenAISTTService\n"
            "  llm: pipecat.services.openai.llm:OpenAILMService\n"
            "  tts: pipecat.services.openai.tts.OpenAITTSService"
        ),
        [
            "3:8: pipeline.stt: there is no module 'pipecat.services.openia'; did you mean 'openai'? [unknown-stage]",
            (
                "4:8: pipeline.llm: module 'pipecat.services.openai.llm' has no 'OpenAILMService'; "
                "did you mean 'OpenAILLMService'? [unknown-stage]"
            ),
            (
                "5:8: pipeline.tts: 'pipecat.services.openai.tts.OpenAITTSService' is no class path; "
                "expected 'module:Class'; write 'pipecat.services.openai.tts:OpenAITTSService' [unknown-stage]"
            ),
        ],
    )
    yield (
        "a service in another's place",
        "pipeline: {stt: 'pipecat.services.openai.tts:OpenAITTSService', llm: 'collections:OrderedDict'}",
        [
            (
                "2:17: pipeline.stt: 'OpenAITTSService' is no service for 'stt'; expected STTService; "
                "write it under 'tts:' [bad-stage]"
            ),
            "2:70: pipeline.llm: 'OrderedDict' is no stage; expected a FrameProcessor of Pipecat [bad-stage]",
        ],
    )
    yield (
        "not a class",
        "pipeline: {llm: 'sys:path'}",
        ["2:17: pipeline.llm: 'sys:path' is of type 'list'; expected a class [unknown-stage]"],
    )
    yield (
        "no responder",
        "pipeline: {llm: responder}",
        [
            (
                "2:17: pipeline.llm: the stage 'responder' answers with the bot's responder, and there is none; "
                "expected 'runtime.responder' [missing-key]"
            )
        ],
    )
    yield (
        "what is written elsewhere",
        (
            "pipeline:\n"
            "  llm: {use: openai, args: {api_key: x, settings: {}}}\n"
            "  context: {user: {vad_analyzer: x, audio_idle_timout: 1}}"
        ),
        [
            (
                "3:41: pipeline.llm.args.settings: 'settings' has a key of its own; "
                "write it beside 'args:', not in it [bad-stage]"
            ),
            (
                "4:20: pipeline.context.user.vad_analyzer: 'vad_analyzer' is written elsewhere; "
                "write it as 'pipeline.vad' [bad-stage]"
            ),
            (
                "4:37: pipeline.context.user.audio_idle_timout: 'LLMUserAggregatorParams' has no field "
                "'audio_idle_timout'; did you mean 'audio_idle_timeout'? [bad-stage]"
            ),
        ],
    )
    yield (
        "detector and turns",
        (
            f"{VOICE[:-1]},\n"
            "  vad: {use: silero, params: {stop_sec: 3, confidence: high}},\n"
            "  turns: {stop: [{use: speech_timeout, args: {user_speech_timeout: soon}}, turn_analyser]}}"
        ),
        [
            (
                "3:31: pipeline.vad.params.stop_sec: 'silero' has no parameter 'stop_sec'; "
                "did you mean 'stop_secs'? [bad-stage]"
            ),
            "3:56: pipeline.vad.params.confidence: expected number, got string [bad-stage]",
            "4:68: pipeline.turns.stop[0].args.user_speech_timeout: expected number, got string [bad-stage]",
            "4:76: pipeline.turns.stop[1]: there is no 'turn_analyser'; did you mean 'turn_analyzer'? [unknown-stage]",
        ],
    )
    yield (
        "objects in arguments",
        (
            "pipeline:\n"
            f"  llm: {OPENAI}\n"
            "  turns:\n"
            "    stop:\n"
            "      - use: turn_analyzer\n"
            "        args:\n"
            "          turn_analyzer: {use: 'pipecat.audio.vad.silero:SileroVADAnalyzer', args: {sample_rat: 1}}"
        ),
        [
            (
                "8:32: pipeline.turns.stop[0].args.turn_analyzer.use: "
                "'SileroVADAnalyzer' does not fit 'turn_analyzer'; "
                "expected BaseTurnAnalyzer [bad-stage]"
            ),
            (
                "8:85: pipeline.turns.stop[0].args.turn_analyzer.args.sample_rat: "
                "'pipecat.audio.vad.silero:SileroVADAnalyzer' has no argument 'sample_rat'; "
                "did you mean 'sample_rate'? [bad-stage]"
            ),
        ],
    )
    yield (
        "speech without a detector",
        f"pipeline: {{stt: {OPENAI}, llm: {OPENAI}, vad: none}}",
        [
            (
                "2:92: pipeline.vad: 'OpenAISTTService' hears nothing without a voice activity detector; "
                "expected 'vad: silero', or another [bad-order]"
            )
        ],
    )
    yield (
        "system instruction twice, and for nobody",
        "pipeline: {context: {system: Be kind.}}",
        ["2:22: pipeline.context.system: no LLM reads it; leave it out [bad-stage]"],
    )
    yield (
        "system instruction twice",
        (
            "pipeline:\n"
            "  llm: {use: openai, args: {api_key: x}, settings: {system_instruction: a}}\n"
            "  context: {system: b}"
        ),
        [
            (
                "4:13: pipeline.context.system: stage 'llm' has a 'system_instruction' of its own; "
                "leave one of the two out [bad-stage]"
            )
        ],
    )
    yield (
        "order of stages",
        (
            "pipeline:\n  stages: [transport.output, {use: openai_tts, args: {api_key: x}}, "
            "{use: openai_llm, args: {api_key: x}}, context.user, context.user]\n"
            f"  llm: {OPENAI}"
        ),
        [
            (
                "3:11: pipeline.stages: there is no 'context.assistant'; "
                "expected 'context.assistant' once, since something answers [bad-order]"
            ),
            (
                "3:11: pipeline.stages: there is no 'transport.input'; "
                "expected 'transport.input' once among the stages [bad-order]"
            ),
            (
                "3:30: pipeline.stages[1]: 'tts' comes after 'transport.output'; "
                "expected before it: its speech goes out there [bad-order]"
            ),
            (
                "3:69: pipeline.stages[2]: 'llm' comes after 'transport.output'; "
                "expected before it: its answer goes out there [bad-order]"
            ),
            (
                "3:69: pipeline.stages[2]: 'llm' comes after 'tts'; "
                "expected before it: its text is what is spoken [bad-order]"
            ),
            (
                "3:108: pipeline.stages[3]: 'context.user' comes after 'llm'; "
                "expected before it: it hands over what the user said [bad-order]"
            ),
            "3:122: pipeline.stages[4]: 'context.user' stands here a second time; expected one of each [bad-order]",
            (
                "4:3: pipeline.llm: 'llm' stands beside 'stages', which lists every stage; "
                "leave one of the two out [bad-order]"
            ),
        ],
    )
    yield (
        "stages that are near, elsewhere, abstract or nowhere",
        (
            "pipeline:\n  stages:\n    - transport.inputs\n    - silero\n"
            "    - pipecat.services.tts_service:TTSService\n    - nowhere_to_be_found:Stage\n    - transport.output"
        ),
        [
            "4:7: pipeline.stages[0]: there is no 'transport.inputs'; did you mean 'transport.input'? [unknown-stage]",
            "5:7: pipeline.stages[1]: there is no 'silero'; it is known under 'vad:' [unknown-stage]",
            "6:7: pipeline.stages[2]: 'TTSService' is abstract; expected a class made from it [bad-stage]",
            (
                "7:7: pipeline.stages[3]: there is no module 'nowhere_to_be_found'; "
                "install it, or name its folder in PYTHONPATH [unknown-stage]"
            ),
        ],
    )
    yield (
        "a service that is known elsewhere",
        "pipeline: {llm: cartesia}",
        ["2:17: pipeline.llm: there is no 'cartesia'; it is known under 'stt:' and 'tts:' [unknown-stage]"],
    )
    yield (
        "variables of the environment in another form",
        "pipeline: {llm: {use: openai, args: {api_key: {env: KEY, default: x}}, settings: {model: {env: MODEL}}}}",
        [
            (
                "2:47: pipeline.llm.args.api_key: an object is no variable of the environment; "
                "write '${env:KEY:-…}' [bad-stage]"
            ),
            (
                "2:90: pipeline.llm.settings.model: an object is no variable of the environment; "
                "write '${env:MODEL}' [bad-stage]"
            ),
        ],
    )
    yield (
        "arguments that services leave without annotation",
        "pipeline: {llm: {use: openai, args: {api_key: 12345, base_url: {host: x}}}}",
        [
            "2:47: pipeline.llm.args.api_key: expected null or string, got integer [bad-stage]",
            "2:64: pipeline.llm.args.base_url: expected null or string, got object [bad-stage]",
        ],
    )
    yield (
        "objects of the wrong kind",
        (
            f"pipeline:\n  stt: {OPENAI}\n  vad: pipecat.processors.frame_processor:FrameProcessor\n"
            "  turns: {stop: ['pipecat.turns.user_start:VADUserTurnStartStrategy']}"
        ),
        [
            "4:8: pipeline.vad: 'FrameProcessor' does not fit here; expected a VADAnalyzer of Pipecat [bad-stage]",
            (
                "5:18: pipeline.turns.stop[0]: 'VADUserTurnStartStrategy' does not fit here; "
                "expected a BaseUserTurnStopStrategy of Pipecat [bad-stage]"
            ),
        ],
    )
    yield (
        "a stage with the name of the detector",
        f"pipeline:\n  stt: {OPENAI}\n  llm: {{id: vad, use: openai, args: {{api_key: x}}}}\n  vad: silero",
        [
            (
                "5:3: pipeline.vad: 'vad' is the id of a stage as well, so that 'bind:' could mean either; "
                "give that stage another 'id:' [bad-order]"
            )
        ],
    )
    yield (
        "two that answer",
        (
            "runtime: {responder: echo}\npipeline: {stages: [transport.input, context.user, responder, "
            "{use: openai_llm, args: {api_key: x}}, transport.output, context.assistant]}"
        ),
        [
            (
                "3:63: pipeline.stages[3]: 'llm' never has a turn: 'responder' answers before it; "
                "expected one that answers [bad-order]"
            )
        ],
    )
    yield (
        "special stages take nothing",
        "pipeline: {stages: [{use: transport.input, args: {a: 1}}, transport.output]}",
        ["2:44: pipeline.stages[0].args: 'transport.input' takes no args [bad-stage]"],
    )
    yield (
        "stages of a plugin",
        (
            "pipeline:\n  stages:\n    - transport.input\n    - {use: echo, args: {lod: true, times: many}}\n"
            "    - {use: make_echo, id: second, args: {bot: x}}\n    - ehco\n    - {use: echo, settings: {a: 1}}\n"
            "    - transport.output"
        ),
        [
            "5:26: pipeline.stages[1].args.lod: 'echo' has no argument 'lod'; did you mean 'loud'? [bad-stage]",
            "5:44: pipeline.stages[1].args.times: expected integer, got string [bad-stage]",
            "6:13: pipeline.stages[2].use: 'make_echo' needs 'args.times' [bad-stage]",
            "6:43: pipeline.stages[2].args.bot: 'bot' is given by the host; leave it out [bad-stage]",
            "7:7: pipeline.stages[3]: there is no 'ehco'; did you mean 'echo'? [unknown-stage]",
            "8:19: pipeline.stages[4].settings: 'echo' takes no settings [bad-stage]",
        ],
    )


FAULTS = list(faults())


@pytest.mark.parametrize(("text", "lines"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_faults_are_told_at_their_place(folder: Folder, text: str, lines: list[str]) -> None:
    assert folder.problems(HEAD + text, PLUGIN) == lines


BINDS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("a string", "bind: tts.voice", "tts", {"type": "string"}),
    (
        "own keywords over it",
        "bind: tts.voice, enum: [alloy, echo]",
        "tts",
        {"type": "string", "enum": ["alloy", "echo"]},
    ),
    (
        "a number in bounds",
        "bind: tts.speed, minimum: 0.5, maximum: 2",
        "tts",
        {"type": "number", "minimum": 0.5, "maximum": 2},
    ),
    ("an integer", "bind: llm.max_tokens", "llm", {"type": "integer"}),
    ("a language or any text", "bind: stt.language", "stt", {"type": "string"}),
    ("declared, and the same", "bind: tts.speed, type: number", "tts", {"type": "number"}),
    ("declared, and narrower", "bind: tts.speed, type: integer", "tts", {"type": "integer"}),
    ("the detector", "bind: vad.stop_secs", "vad", {"type": "number"}),
]


@pytest.mark.parametrize(("option", "document"), [(r[1], r[3]) for r in BINDS], ids=[r[0] for r in BINDS])
def test_type_of_a_bound_option(folder: Folder, option: str, document: dict[str, Any]) -> None:
    bot = folder.bot(f"services: {{a: {{options: {{o: {{{option}}}}}}}}}\n{VOICE}")
    assert bot.tables.services["a"].named_options["o"].schema.document == document


def test_default_of_a_bound_option_comes_from_the_pipeline(folder: Folder) -> None:
    text = """
        services:
          voice: {options: {who: {bind: tts.voice}, speed: {bind: tts.speed, default: 2}, heat: {bind: llm.top_p}}}
        config: {voice: {heat: 0.5}}
        pipeline:
          llm: {use: openai, args: {api_key: x}}
          tts: {use: openai, args: {api_key: x}, settings: {voice: echo}}
    """
    assert folder.bot(text).tables.initial == {"voice": {"who": "echo", "speed": 2, "heat": 0.5}}


BAD_BINDS: list[tuple[str, str, str, str]] = [
    (
        "setting",
        "bind: tts.voise",
        "a.options.o.bind: stage 'tts' has no setting 'voise'; did you mean 'voice'?",
        "bad-bind",
    ),
    (
        "alias",
        "bind: tts.voice_id",
        "a.options.o.bind: stage 'tts' has no setting 'voice_id'; did you mean 'voice'?",
        "bad-bind",
    ),
    ("overflow", "bind: tts.extra", "a.options.o.bind: stage 'tts' has no setting 'extra'; expected", "bad-bind"),
    ("stage", "bind: ttx.voice", "a.options.o.bind: the pipeline has no stage 'ttx'; did you mean 'tts'?", "bad-bind"),
    ("no dot", "bind: voice", "a.options.o.bind: 'voice' names no field; expected 'stage.field', such as", "bad-bind"),
    ("detector", "bind: vad.stop", "a.options.o.bind: stage 'vad' has no setting 'stop'; did you mean", "bad-bind"),
    (
        "type",
        "bind: tts.speed, type: string",
        "a.options.o.type: the option is of type 'string'; expected 'number'",
        "bad-bind",
    ),
    (
        "wider",
        "bind: llm.max_tokens, type: number",
        "a.options.o.type: the option is of type 'number'; expected 'integer'",
        "bad-bind",
    ),
    (
        "enum",
        "bind: tts.voice, enum: [a, 3]",
        "a.options.o.enum[1]: 'tts.voice' does not take it: the value does not fit",
        "bad-bind",
    ),
    (
        "default",
        "bind: tts.speed, default: fast",
        "a.options.o.default: the default does not fit: expected number",
        "bad-default",
    ),
    (
        "keyword",
        "bind: tts.speed, minimun: 1",
        "a.options.o.minimun: unknown keyword 'minimun'; expected a keyword of",
        "unknown-key",
    ),
    (
        "contradiction",
        "bind: llm.model, default: x",
        "a.options.o.bind: the pipeline sets another value for 'llm.model'",
        "bad-bind",
    ),
]


@pytest.mark.parametrize(("option", "text", "slug"), [r[1:] for r in BAD_BINDS], ids=[r[0] for r in BAD_BINDS])
def test_what_cannot_be_bound(folder: Folder, option: str, text: str, slug: str) -> None:
    pipeline = VOICE.replace(f"llm: {OPENAI}", "llm: {use: openai, args: {api_key: x}, settings: {model: m}}")
    (line,) = folder.problems(f"services: {{a: {{options: {{o: {{{option}}}}}}}}}\n{pipeline}")
    assert f": services.{text}" in line
    assert line.endswith(f"[{slug}]")


def test_two_options_of_one_field(folder: Folder) -> None:
    options = "{a: {bind: tts.voice}, b: {bind: tts.voice}}"
    (line,) = folder.problems(f"services: {{s: {{options: {options}}}}}\n{VOICE}")
    assert "services.s.options.b.bind: 'tts.voice' is bound to another option already, at" in line


def test_binding_to_a_faulty_stage_is_no_second_problem(folder: Folder) -> None:
    lines = folder.problems("services: {a: {options: {o: {bind: tts.voice}}}}\npipeline: {tts: opnai}")
    assert [line.rpartition(" ")[2] for line in lines] == ["[unknown-stage]"]


def test_binding_without_a_pipeline(folder: Folder) -> None:
    assert folder.problems("services: {a: {options: {o: {bind: tts.voice}}}}") == [
        (
            "1:36: warning: services.a.options.o.bind: there is no pipeline to bind to; expected 'pipeline:' in this "
            "manifest, or a program that attaches the stages [missing-host]"
        )
    ]


def test_a_bound_option_needs_no_handler_and_may_have_one(folder: Folder) -> None:
    bot = folder.bot(f"services: {{a: {{options: {{o: {{bind: tts.voice}}}}}}}}\n{VOICE}")
    assert bot.tables.services["a"].named_options["o"].handler is None


def test_no_secret_is_told(folder: Folder) -> None:
    text = """
        services: {a: {options: {o: {bind: tts.voice, default: hunter2, secret: true}}}}
        pipeline:
          llm: {use: openai, args: {api_key: hunter2, retry_on_timeout: hunter2}, settings: {temperature: hunter2}}
          tts: {use: openai, args: {api_key: [hunter2], base_url: hunter2}, settings: {voice: other}}
          context: {system: hunter2, messages: [{role: user, content: hunter2}]}
    """
    lines = folder.problems(text)
    assert lines
    assert "hunter2" not in "\n".join(lines)
    bot = folder.bot("services: {a: {}}\npipeline: {llm: {use: openai, args: {api_key: hunter2}}}")
    assert "hunter2" not in f"{bot!r} {bot.pipeline!r} {bot.manifest!r} {plan_of(bot).stages!r} {bot.tables!r}"


def test_secrets_come_from_the_environment(folder: Folder) -> None:
    text = "services: {a: {}}\npipeline: {llm: {use: openai, args: {api_key: '${env:KEY}'}}}"
    part = next(s.part for s in plan_of(folder.bot(text, environ={"KEY": "from outside"})).stages if s.part)
    assert part.secrets() == {"from outside"}
    assert folder.load(text)[1][0].slug == "unset-env"


def test_a_plugin_that_fails_to_give_its_stages(folder: Folder) -> None:
    @hookimpl
    def rtvi_stages() -> dict[str, Any]:
        raise OddError("no stages today")

    lines = folder.problems(HEAD + "pipeline: {}", {"odd": SimpleNamespace(rtvi_stages=rtvi_stages)})
    assert ["OddError: no stages today [broken-plugin]" in line for line in lines] == [True]


def test_middleware_of_a_plugin_that_supplies_a_stage_is_used(folder: Folder) -> None:
    bot = folder.bot(HEAD + "pipeline: {stages: [transport.input, echo, transport.output]}", PLUGIN)
    assert plan_of(bot).plugins == {"echoes"}


@pytest.mark.parametrize(
    ("kinds", "texts"),
    [
        pytest.param(CASCADE, [], id="cascade"),
        pytest.param(["transport.input", "transport.output"], [], id="no speech"),
        pytest.param(
            ["transport.input", "llm", "transport.output"], ["context.user", "context.assistant"], id="no context"
        ),
        pytest.param([*CASCADE[:2], *CASCADE[3:], "context.user"], ["'context.user' comes after 'llm'"], id="late"),
        pytest.param([*CASCADE, "transport.input"], ["'transport.input' stands here a second"], id="twice"),
        pytest.param([CASCADE[0], *CASCADE[2:6], "stt", CASCADE[6]], ["'stt' comes after 'context.user'"], id="deaf"),
    ],
)
def test_order(kinds: list[str], texts: list[str]) -> None:
    found = [disorder.text for disorder in disorders([(kind, kind) for kind in kinds])]
    assert [any(text in one for one in found) for text in texts] == [True] * len(texts)
    assert bool(found) == bool(texts)


def test_without_pipecat_the_way_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text(
        "manifest: 1\nbot: x\nservices: {a: {options: {b: {bind: tts.c}}}}\npipeline: {}\n"
    )
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'pipecat':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from rtvi_plugins import load_bots\n"
        "print([problem.render() for problem in load_bots(['bot.yaml'])[1]])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.strip() == str(
        [
            (
                "bot.yaml:4:1: pipeline: no host runs pipelines here; expected Pipecat 1.12 or newer; "
                "pip install 'rtvi-plugins[pipecat]' [missing-host]"
            )
        ]
    )


def test_checking_a_manifest_without_a_pipeline_imports_no_pipecat(tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text("manifest: 1\nbot: x\nservices: {a: {}}\n")
    code = "import sys; from rtvi_plugins import load_bots; load_bots(['bot.yaml']); print('pipecat' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.strip() == "False"
