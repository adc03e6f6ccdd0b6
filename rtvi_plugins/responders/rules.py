"""`rules`: answers by patterns that the manifest declares, and may run the bot's own actions."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from rtvi_plugins import schema
from rtvi_plugins.errors import ActionError, did_you_mean
from rtvi_plugins.responders.captures import Capture, Captured
from rtvi_plugins.responders.phrases import Heard, Phrase, match, read_phrase
from rtvi_plugins.responders.pieces import pieces
from rtvi_plugins.responders.settings import DEFAULT_OTHERWISE, SETTINGS_SCHEMA
from rtvi_plugins.responders.templates import Template, read_template
from rtvi_plugins.responders.words import MAX_CHARACTERS, MAX_WORDS, split


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument under `with:`. `document` is the argument's own schema; `template` is None for a fixed value."""

    template: Template | None
    value: Any
    document: schema.Document

    def fill(self, captured: Mapping[str, Captured]) -> Any:
        """Give the value to pass; text that is no value of the argument's type is left for the action to refuse."""
        if self.template is None:
            return copy.deepcopy(self.value)  # a handler may change what it gets; the next call must not see it
        text, _ = self.template.fill({name: taken.text for name, taken in captured.items()})
        if self.template.alone is None:
            return text
        try:
            return schema.parse_text(self.document, text)
        except ValueError:
            return text


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, checked. `call` is (service, action) or None."""

    phrases: tuple[Phrase, ...]
    call: tuple[str, str] | None
    arguments: Mapping[str, Argument]
    answer: Template
    empty: Template | None


class RulesResponder:
    """Answers a text by the first rule that matches it. One object serves all sessions; it holds no state of any."""

    settings_schema: Mapping[str, Any] = SETTINGS_SCHEMA

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        """Check the rules against the bot; raises `ValueError` with one line for each fault.

        bot: `manifest` (its `$defs` may be named by captures) and `actions`, (service, action) → with `arguments`.
        """
        reader = _Reader(bot)
        self._rules = tuple(
            reader.rule(f"rules[{number}]", rule) for number, rule in enumerate(settings.get("rules", ()))
        )
        self._otherwise: str = settings.get("otherwise", DEFAULT_OTHERWISE)
        if reader.faults:
            raise ValueError("\n".join(reader.faults))

    def phrases(self) -> tuple[Phrase, ...]:
        """Give every phrase of every rule, in order; `Phrase.expand` lists what may be said, for a grammar."""
        return tuple(phrase for rule in self._rules for phrase in rule.phrases)

    async def respond(self, processor: Any, text: str) -> AsyncGenerator[str, None]:
        """Answer one text. What an action refuses is the answer; any other exception of it passes."""
        for piece in pieces(await self._answer(processor, text)):
            yield piece

    async def _answer(self, processor: Any, text: str) -> str:
        found = self._find(text)
        if found is None:
            return self._otherwise
        rule, captured = found
        values: dict[str, Any] = {name: taken.said for name, taken in captured.items()}
        if rule.call is not None:
            arguments = {name: argument.fill(captured) for name, argument in rule.arguments.items()}
            try:
                result = await processor.run_action(*rule.call, arguments)
                job_id = getattr(result, "id", None)  # only the group of a job has one; JSON values do not
                values["result"] = {"job_id": job_id} if job_id is not None else result
            except ActionError as error:
                return error.text
        answer, is_whole = rule.answer.fill(values)
        if not is_whole and rule.empty is not None:
            answer, _ = rule.empty.fill(values)
        return answer if answer.strip() else self._otherwise  # a bot that says nothing seems broken

    def _find(self, text: str) -> tuple[Rule, dict[str, Captured]] | None:
        if len(text) > MAX_CHARACTERS:
            return None
        words = split(text)
        if not 0 < len(words) <= MAX_WORDS:
            return None
        heard = Heard(text, words)
        for rule in self._rules:
            for phrase in rule.phrases:
                captured = match(phrase, heard)
                if captured is not None:
                    return rule, captured
        return None


class _Reader:
    """Reads the rules and gathers every fault, each with its place in the settings."""

    def __init__(self, bot: Any) -> None:
        self.faults: list[str] = []
        self._shared: Mapping[str, Any] = bot.manifest.defs
        self._actions: Mapping[tuple[str, str], Any] = bot.actions

    def rule(self, where: str, given: Mapping[str, Any]) -> Rule:
        captures = self._captures(f"{where}.captures", given.get("captures", {}))
        phrases: list[Phrase] = []
        for number, pattern in enumerate(given["say"]):
            phrase, faults = read_phrase(pattern, captures)
            self.faults += [f"{where}.say[{number}]: {fault}" for fault in faults]
            if phrase is not None:
                phrases.append(phrase)
        # A placeholder must mean something whichever phrase was said.
        named = [{e.name for e in phrase.elements if isinstance(e, Capture)} for phrase in phrases]
        always = set.intersection(*named) if named else set()
        somewhere = set[str]().union(*named)
        is_read = len(phrases) == len(given["say"])
        if is_read:
            for name in captures.keys() - somewhere:
                self._fault(f"{where}.captures", f"no phrase has a capture '{name}'", did_you_mean(name, somewhere))
        legal = always if is_read else None
        call = self._call(where, given)
        arguments = self._arguments(f"{where}.with", given, call, legal)
        with_result = None if legal is None else legal | {"result"} if "call" in given else legal
        answer = self._template(f"{where}.answer", given["answer"], with_result)
        empty = self._template(f"{where}.empty", given["empty"], with_result) if "empty" in given else None
        return Rule(tuple(phrases), call, arguments, answer, empty)

    def _fault(self, where: str, text: str, hint: str = "") -> None:
        self.faults.append(f"{where}: {text}{'; ' if hint else ''}{hint}")

    def _captures(self, where: str, given: Mapping[str, Any]) -> dict[str, Capture]:
        captures: dict[str, Capture] = {}
        for name, written in given.items():
            keywords = {"type": written} if isinstance(written, str) else written
            faults = schema.check_document(keywords, self._shared)
            for fault in faults:
                path = "".join(f".{step}" for step in fault.path) if not isinstance(written, str) else ""
                text = f"{fault.text}; expected {fault.expected}" if fault.expected else fault.text
                self._fault(f"{where}.{name}{path}", text, fault.hint)
            if not faults:
                captures[name] = Capture(name, keywords, self._shared)
        return captures

    def _call(self, where: str, given: Mapping[str, Any]) -> tuple[str, str] | None:
        if "call" not in given:
            return None
        service, _, action = given["call"].partition(".")
        if (service, action) in self._actions:
            return service, action
        hint = did_you_mean(given["call"], [".".join(pair) for pair in self._actions])
        self._fault(f"{where}.call", f"the bot has no action '{given['call']}'", hint)
        return None

    def _arguments(
        self, where: str, given: Mapping[str, Any], call: tuple[str, str] | None, legal: set[str] | None
    ) -> dict[str, Argument]:
        document: Mapping[str, Any] = self._actions[call].arguments.document if call is not None else {}
        properties = document.get("properties", {})
        written = given.get("with", {})
        if call is not None:
            for name in written.keys() - properties.keys():
                hint = did_you_mean(name, properties)
                self._fault(f"{where}.{name}", f"action '{given['call']}' has no argument '{name}'", hint)
            for name in document.get("required", ()):
                if name not in written:
                    self._fault(where, f"action '{given['call']}' needs the argument '{name}'")
        arguments: dict[str, Argument] = {}
        for name, value in written.items():
            own = properties.get(name, True)
            # Definitions stand beside the properties; an argument read by itself takes them along.
            own = {**own, "$defs": document["$defs"]} if isinstance(own, dict) and "$defs" in document else own
            template = self._template(f"{where}.{name}", value, legal) if isinstance(value, str) else None
            if template is not None and not template.placeholders:
                arguments[name] = Argument(None, template.fill({})[0], own)  # `{{` is read by now
            else:
                arguments[name] = Argument(template, value, own)
        return arguments

    def _template(self, where: str, text: str, legal: set[str] | None) -> Template:
        """Read a template; `legal` are the names that always have a value, None when that cannot be told."""
        template, faults = read_template(text)
        for fault in faults:
            self._fault(where, fault)
        for placeholder in template.placeholders if legal is not None else ():
            names = legal or set()
            if placeholder.name not in names:
                hint = did_you_mean(placeholder.name, names)
                self._fault(where, f"'{placeholder}' is no capture of every phrase of this rule", hint)
            elif placeholder.path and placeholder.name != "result":
                self._fault(where, f"'{placeholder}' looks into a capture, which is text; only 'result' has parts")
        return template
