"""The stage `espeak` in manifests: what stops the start, and where."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rtvi_plugins import Bot, StartupError

MANIFEST = """
manifest: 1
bot: speaker
pipeline:
  tts: {use: espeak%s}
services:
  voice:
    options:
      voice: {bind: tts.voice%s}
      rate:  {bind: tts.rate%s}
"""


def write(path: Path, *parts: str) -> Path:
    file = path / "speaker.yaml"
    file.write_text(MANIFEST.lstrip() % parts, encoding="utf-8")
    return file


def test_options_take_their_types_from_the_stage(tmp_path: Path) -> None:
    bot = Bot.load(write(tmp_path, "", ", default: en-gb+f2", ""))
    rate = bot.tables.services["voice"].named_options["rate"]
    assert rate.schema.document == {"type": "integer", "minimum": 80, "maximum": 450}


FAULTY = [
    pytest.param(
        (", settings: {voice: en-uk}", "", ""),
        "4:40: pipeline.tts.settings.voice: espeak-ng has no voice 'en-uk'; did you mean 'en-us'?",
        id="voice-of-the-stage",
    ),
    pytest.param(
        ("", ", enum: [en-us, en-gbb], default: en-us", ""),
        "4:8: pipeline.tts: option 'voice': espeak-ng has no voice 'en-gbb'; did you mean 'en-gb'?",
        id="voice-of-a-list",
    ),
    pytest.param(
        ("", ", default: en-us+f99", ""),
        "4:8: pipeline.tts: option 'voice': espeak-ng has no variant of a voice 'f99'",
        id="default-voice",
    ),
    pytest.param(
        (", settings: {rate: 451}", "", ""), "4:39: pipeline.tts.settings.rate: must be at most 450", id="rate"
    ),
    pytest.param(
        (", settings: {speed: 200}", "", ""),
        "4:33: pipeline.tts.settings.speed: 'espeak' has no setting 'speed'",
        id="setting",
    ),
    pytest.param(
        (", args: {voic: x}", "", ""), "4:29: pipeline.tts.args.voic: 'espeak' has no argument 'voic'", id="argument"
    ),
    pytest.param(
        ("", "", ", default: 20"),
        "9:40: services.voice.options.rate.default: the default does not fit: must be at least 80",
        id="default-rate",
    ),
]


@pytest.mark.parametrize(("parts", "expected"), FAULTY)
def test_faults_are_told_at_their_place(tmp_path: Path, parts: tuple[str, ...], expected: str) -> None:
    with pytest.raises(StartupError) as caught:
        Bot.load(write(tmp_path, *parts))
    told = [problem.render().partition("speaker.yaml:")[2] for problem in caught.value.problems]
    assert [text for text in told if text.startswith(expected)] == told[:1]


CHECK = """
import sys, warnings
warnings.simplefilter("ignore")
sys.modules["espeakng_loader"] = None  # as if it were not installed
from rtvi_plugins.cli import main
sys.argv = ["rtvi", "check", sys.argv[1]]
main()
"""


def test_without_the_extra_nothing_starts(tmp_path: Path) -> None:
    file = write(tmp_path, "", "", "")
    done = subprocess.run([sys.executable, "-c", CHECK, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    told = " ".join((done.stdout + done.stderr).split())
    assert "pipeline.tts: espeak-ng is not installed: pip install 'rtvi-plugin-espeak[espeak]'" in told
