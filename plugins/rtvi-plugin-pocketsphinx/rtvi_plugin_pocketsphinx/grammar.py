"""Phrases → a JSGF grammar and the pronunciations of its words.

Every word stands in the grammar as a token of ours (`w0`, `w1`, …), so that a word may be spelled in any way: as a
number, with an apostrophe, in another script. What was recognised is put back into the words of the phrase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rtvi_plugin_pocketsphinx.dictionary import pronounce
from rtvi_plugins.errors import did_you_mean
from rtvi_plugins.responders.captures import Capture
from rtvi_plugins.responders.phrases import Phrase, read_phrase
from rtvi_plugins.responders.words import key_of, split

NAME: Final = "phrases"


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a decoder listens for.

    jsgf:           the grammar; its public rule is any one of the phrases.
    pronunciations: token → phones; `w0(2)` is another way to say `w0`.
    words:          token → the word as the phrase writes it.
    """

    jsgf: str
    pronunciations: tuple[tuple[str, str], ...]
    words: Mapping[str, str]

    def text(self, hypothesis: str) -> str:
        """Give the words of what was recognised."""
        return " ".join(self.words[token.partition("(")[0]] for token in hypothesis.split() if token[0] == "w")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the phrases come from.

    phrases:  texts of the manifest, or phrases that a responder has read.
    captures: name → the words that may stand there, for captures that take any words.
    words:    word → phones, for words that the dictionary lacks.
    """

    phrases: tuple[str | Phrase, ...]
    captures: tuple[tuple[str, tuple[str, ...]], ...] = ()
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """The result. `grammar` is None when there are faults; `unheard` are phrases nobody can listen for."""

    grammar: Grammar | None
    faults: tuple[str, ...]
    unheard: tuple[str, ...]


Choice = tuple[tuple[str, ...], ...]
"""What may stand in one place of a phrase: sequences of words; an empty one means nothing at all."""


def compile_grammar(source: Source) -> Compiled:
    """Make the grammar; every fault begins with its place, such as `args.phrases[2]: `, where it has one.

    A phrase of the manifest that cannot be heard is a fault; one of the responder is told in `unheard`: people may
    still type it.
    """
    return _Compiler(source).compile()


class _Compiler:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._listed = {name: _listed(words) for name, words in source.captures}
        self._own = {key_of(word): phones for word, phones in source.words}
        self._faults: list[str] = []
        self._unheard: list[str] = []
        self._named: set[str] = set()
        self._tokens: dict[str, str] = {}

    def compile(self) -> Compiled:
        phrases: list[tuple[str, list[Choice]]] = []
        for number, given in enumerate(self._source.phrases):
            place = f"args.phrases[{number}]: " if isinstance(given, str) else ""
            phrase = self._read(given, place) if isinstance(given, str) else given
            if phrase is not None and (choices := self._choices(phrase, place)):
                phrases.append((place or f"'{written(phrase)}': ", choices))
        for name in self._listed.keys() - self._named:
            hint = did_you_mean(name, self._named)
            self._faults.append(f"args.captures.{name}: no phrase has a capture '{name}'{'; ' if hint else ''}{hint}")
        for name, listed in self._listed.items():
            if not listed or not all(listed):
                self._faults.append(f"args.captures.{name}: expected words")
        if not phrases and not self._faults:
            self._faults.append("there is no phrase to listen for; expected some under 'phrases'")
        sounds = self._sounds(phrases)
        if self._faults:
            return Compiled(None, tuple(self._faults), tuple(self._unheard))
        rules = dict.fromkeys(self._rule(choices) for _, choices in phrases)
        jsgf = f"#JSGF V1.0;\ngrammar {NAME};\npublic <phrase> = " + "\n | ".join(rules) + ";\n"
        said = tuple(
            (token if number == 1 else f"{token}({number})", phones)
            for word, token in self._tokens.items()
            for number, phones in enumerate(sounds[key_of(word)], 1)
        )
        words = {token: word for word, token in self._tokens.items()}
        return Compiled(Grammar(jsgf, said, words), (), tuple(self._unheard))

    def _read(self, text: str, place: str) -> Phrase | None:
        phrase, faults = read_phrase(text, {})
        self._faults += [f"{place}{fault}" for fault in faults]
        return phrase

    def _choices(self, phrase: Phrase, place: str) -> list[Choice]:
        """Give what may be said in each place of a phrase; nothing when a capture takes any words."""
        choices: list[Choice] = []
        for element in phrase.elements:
            if not isinstance(element, Capture):
                words = _words(element.text)
                choices.append((words, ()) if element.is_optional else (words,))
                continue
            self._named.add(element.name)
            listed = self._listed.get(element.name) or tuple(
                _words(text) for text in element.choices() if text != f"{{{element.name}}}"
            )
            if not listed:
                text = f"'{{{element.name}}}' takes any words; list those to listen for under 'captures'"
                if place:
                    self._faults.append(f"{place}{text}")
                else:
                    self._unheard.append(f"'{written(phrase)}': {text}")
                return []
            choices.append(listed)
        return choices

    def _sounds(self, phrases: Iterable[tuple[str, list[Choice]]]) -> dict[str, tuple[str, ...]]:
        """Find how every word sounds; a word without a pronunciation is a fault, once."""
        where: dict[str, str] = {}
        for place, choices in phrases:
            for word in (word for choice in choices for words in choice for word in words):
                where.setdefault(key_of(word), place)
        sounds = pronounce(where, self._own)
        for word in where.keys() - sounds.keys():
            self._faults.append(
                f"{where[word]}no pronunciation of the word '{word}' is known; give it under 'words', as {{{word}: …}}"
            )
        for word in self._own.keys() - where.keys():
            hint = did_you_mean(word, where)
            self._faults.append(f"args.words.{word}: no phrase has the word '{word}'{'; ' if hint else ''}{hint}")
        return sounds

    def _rule(self, choices: Iterable[Choice]) -> str:
        return " ".join(self._place(choice) for choice in choices)

    def _place(self, choice: Choice) -> str:
        texts = [" ".join(self._token(word) for word in words) for words in choice if words]
        return f"[ {texts[0]} ]" if () in choice else f"( {' | '.join(texts)} )"

    def _token(self, word: str) -> str:
        return self._tokens.setdefault(word, f"w{len(self._tokens)}")


def _listed(texts: Sequence[str]) -> Choice:
    return tuple(_words(text) for text in texts)


def _words(text: str) -> tuple[str, ...]:
    """Give the words of a text as they are written, without the punctuation around them."""
    return tuple(text[word.start : word.end] for word in split(text))


def written(phrase: Phrase) -> str:
    """Write a phrase as a manifest does."""
    parts = (
        f"{{{e.name}}}" if isinstance(e, Capture) else f"[{e.text}]" if e.is_optional else e.text
        for e in phrase.elements
    )
    return " ".join(parts)
