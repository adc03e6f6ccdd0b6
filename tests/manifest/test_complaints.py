"""Each complaint of the YAML parser reaches people in this project's words, whichever release of the parser it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from rtvi_plugins.manifest.source import read_source
from rtvi_plugins.manifest.syntax import syntax_problem

QUOTE = "quote text that begins with '&', '*' or '!' [bad-yaml]"
TAG = f"this tag cannot be read; {QUOTE}"
DIRECTIVE = (
    "this line begins with '%', so it is a directive; leave it out, or quote text that begins with '%' [bad-yaml]"
)
COLON = "a ':' makes no sense here"

# The parser's words, text that draws them, what is said instead.
REACHED = [
    (
        "mapping values are not allowed in this context",
        "a: b: c",
        f"1:5: {COLON}; quote text that holds ': ' [bad-yaml]",
    ),
    (
        "mapping keys are not allowed in this context",
        "a: ? b",
        "1:4: a: a '?' makes no sense here; quote text that begins with '?' [bad-yaml]",
    ),
    (
        "block sequence entries are not allowed in this context",
        "a: - b",
        "1:4: a: a list item makes no sense here; begin a new line [bad-yaml]",
    ),
    (
        "found character that cannot start any token",
        "a: @b",
        "1:4: a: this character cannot begin a value; quote the text [bad-yaml]",
    ),
    (
        "found a tab character that violates indentation",
        "a:\n  b\n\tc",
        "3:1: a: a tab cannot stand here; indent with spaces [bad-yaml]",
    ),
    (
        "found a tab character where an indentation space is expected",
        "a: |\n\tb",
        "2:1: a: a tab cannot stand here; indent with spaces [bad-yaml]",
    ),
    ("found unexpected ':'", "a: {b:c:[x}", f"1:8: a: {COLON}; quote text that holds ':' [bad-yaml]"),
    ("found unexpected document indicator", "a: 'b\n--- \n", "1:4: a: these quotes are never closed [bad-yaml]"),
    ("found unexpected end of stream", "a: 'b", "1:4: a: these quotes are never closed [bad-yaml]"),
    ("did not find expected key", "a: 1\n- c", "2:1: expected a key here; check indentation and quotes [bad-yaml]"),
    (
        "could not find expected ':'",
        "a: 1\nb\nc: 1",
        "3:1: a key without ':'; check indentation and quotes [bad-yaml]",
    ),
    (
        "did not find expected '-' indicator",
        "- a\nb: 1",
        "2:1: [1]: expected a list item here; check indentation [bad-yaml]",
    ),
    ("did not find expected ',' or '}'", "a: {b: 1\nc: 2}", "2:2: a: expected ',' or '}' here [bad-yaml]"),
    ("did not find expected ',' or ']'", "a: [1\nb: 2", "2:2: a[1]: expected ',' or ']' here [bad-yaml]"),
    ("did not find expected node content", "a: [1,", "2:1: a[1]: expected a value here [bad-yaml]"),
    ("did not find expected <document start>", "[a]\n]", "2:1: text after the end of the document [bad-yaml]"),
    (
        "did not find expected comment or line break",
        "a: |x\n b",
        "1:5: a: expected the end of the line here; begin a new line [bad-yaml]",
    ),
    (
        "found an indentation indicator equal to 0",
        "a: |0\n b",
        "1:5: a: '|' and '>' cannot ask for an indentation of 0; use 1 to 9 [bad-yaml]",
    ),
    (
        "found unknown escape character",
        'a: "\\q"',
        "1:5: a: no such escape in double quotes; use single quotes or double the backslash [bad-yaml]",
    ),
    (
        "did not find expected hexdecimal number",
        'a: "\\xzz"',
        "1:7: a: this escape lacks hexadecimal digits; write \\xNN or \\uNNNN [bad-yaml]",
    ),
    (
        "found invalid Unicode character escape code",
        'a: "\\ud800"',
        "1:7: a: this escape is no character of Unicode [bad-yaml]",
    ),
    (
        "did not find expected alphabetic or numeric character",
        "a: &",
        f"1:5: a: a name of letters and digits is expected here; {QUOTE}",
    ),
    ("did not find expected whitespace or line break", "a: !<x>b", f"1:8: a: expected a space here; {QUOTE}"),
    ("did not find expected tag URI", "a: !<>", f"1:6: a: {TAG}"),
    ("did not find expected '!'", "%TAG !a b\n--- x", f"1:8: {DIRECTIVE}"),
    ("did not find the expected '>'", "a: !<x", f"1:7: a: {TAG}"),
    ("did not find URI escaped octet", "a: !%zz", f"1:5: a: {TAG}"),
    ("found an incorrect leading UTF-8 octet", "a: !%ff", f"1:5: a: {TAG}"),
    ("found an incorrect trailing UTF-8 octet", "a: !%c3%00", f"1:8: a: {TAG}"),
    ("found undefined tag handle", "a: !x!y z", f"1:4: a: {TAG}"),
    ("could not find expected directive name", "%\n--- a", f"1:2: {DIRECTIVE}"),
    ("found unknown directive name", "%FOO x\n--- a", f"1:5: {DIRECTIVE}"),
    ("found unexpected non-alphabetical character", "%YAML! 1.1\n--- a", f"1:6: {DIRECTIVE}"),
    ("did not find expected whitespace", "%TAG !a!b c\n--- a", f"1:9: {DIRECTIVE}"),
    ("did not find expected version number", "%YAML x\n--- a", f"1:7: {DIRECTIVE}"),
    ("did not find expected digit or '.' character", "%YAML 1x\n--- a", f"1:8: {DIRECTIVE}"),
    ("found extremely long version number", "%YAML 1.1111111111111\n--- a", f"1:18: {DIRECTIVE}"),
    ("found duplicate %YAML directive", "%YAML 1.1\n%YAML 1.1\n--- a", f"2:1: {DIRECTIVE}"),
    ("found duplicate %TAG directive", "%TAG !a! b\n%TAG !a! b\n--- a", f"2:1: {DIRECTIVE}"),
    (
        "found incompatible YAML document",
        "%YAML 2.0\n--- a",
        "1:1: only YAML 1.1 and 1.2 can be read; leave this line out [bad-yaml]",
    ),
]

# Nothing draws these: the text has been decoded, cut and searched for forbidden characters before the parser sees it.
UNREACHED = [
    "did not find expected <stream-start>",
    "control characters are not allowed",
    "invalid Unicode character",
    "incomplete UTF-8 octet sequence",
    "invalid leading UTF-8 octet",
    "invalid trailing UTF-8 octet",
    "invalid length of a UTF-8 sequence",
    "incomplete UTF-16 character",
    "incomplete UTF-16 surrogate pair",
    "unexpected low surrogate area",
    "expected low surrogate area",
    "input error",
    "input is too long",
]
DEPTH = ["exceeded maximum nesting depth", "Maximum nesting level reached, set with yaml_set_max_nest_level())"]

# What a compiled parser holds beside its complaints about what it reads.
_OF_OTHER_WORK = re.compile(
    r"(alias|anchor|tag) (handle|prefix|value) must|^duplicate %TAG|^invalid (vtable|value|event)|^input_|_"
    r"|^found (duplicate anchor|undefined alias|another document)|^input is required"
)
_COMPLAINT = re.compile(
    rb"(?:did not find|could not find|found|exceeded|Maximum nesting|mapping (?:keys|values) are|block sequence entries"
    rb"|control characters|invalid|incomplete|input|unexpected low|expected low) [ -~]+"
)


def said_by_the_parser(text: str) -> str:
    with pytest.raises(yaml.YAMLError) as caught:
        list(yaml.parse(text, Loader=yaml.CSafeLoader))
    return str(getattr(caught.value, "problem", ""))


@pytest.mark.parametrize(("said", "text", "expected"), REACHED, ids=[row[0] for row in REACHED])
def test_a_complaint_is_translated(said: str, text: str, expected: str) -> None:
    source, problems = read_source("f.yaml", text)
    assert source is None
    assert [problem.render() for problem in problems] == [f"f.yaml:{expected}"]


@pytest.mark.parametrize(("said", "text"), [row[:2] for row in REACHED], ids=[row[0] for row in REACHED])
def test_the_parser_says_what_is_translated(said: str, text: str) -> None:
    assert said_by_the_parser(text) == said


@pytest.mark.parametrize("said", UNREACHED)
def test_what_nothing_draws_is_translated_too(said: str) -> None:
    for error in (yaml.scanner.ScannerError(None, None, said, None), yaml.reader.ReaderError("f", 0, 0, "?", said)):
        problem = syntax_problem(error, "f.yaml", ())
        assert problem.slug == "bad-yaml"
        assert problem.location.path == "f.yaml"
        assert said not in problem.render()


@pytest.mark.parametrize("said", DEPTH)
def test_the_parsers_own_bound_of_nesting_is_ours(said: str) -> None:
    mark = yaml.error.Mark("f.yaml", 0, 0, 1_000, None, None)
    for error in (yaml.scanner.ScannerError("…", mark, said, mark), yaml.parser.ParserError("…", mark, said, mark)):
        problem = syntax_problem(error, "f.yaml", ())
        assert problem.render() == "f.yaml:1:1001: nested too deeply; expected at most 100 levels [too-large]"


def test_a_complaint_of_a_newer_parser_is_passed_on() -> None:
    problem = syntax_problem(yaml.scanner.ScannerError(None, None, "found\x1b something", None), "f.yaml", ())
    assert problem.render() == r"f.yaml: found\x1b something [bad-yaml]"


@pytest.mark.parametrize("level", ["[", "{a: ", "- ", "? "], ids=["list", "mapping", "item", "key"])
@pytest.mark.parametrize("around", ["", "- ", "? "], ids=["alone", "in items", "in keys"])
@pytest.mark.parametrize("levels", [99, 100, 101, 1_000, 1_001, 5_000])
def test_depth_is_refused_alike_by_every_parser(level: str, around: str, levels: int) -> None:
    outer = 50 if around else 0
    _, problems = read_source("f.yaml", around * outer + level * (levels - outer))
    assert ("too-large" in {problem.slug for problem in problems}) == (levels > 100)


def test_every_complaint_of_the_installed_parser_is_known() -> None:
    library = next(Path(yaml.__file__).parent.glob("_yaml*"), None)
    if library is None:
        pytest.skip("this PyYAML was built without libyaml")
    held = {found.decode() for found in _COMPLAINT.findall(library.read_bytes())}
    held = {text for text in held if not _OF_OTHER_WORK.search(text)}
    known = {row[0] for row in REACHED} | set(UNREACHED) | set(DEPTH)
    assert held - known == set()
    assert len(held) > 40
