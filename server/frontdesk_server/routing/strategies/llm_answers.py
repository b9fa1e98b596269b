"""How a router LLM is held to one option, and how its answer is read. Strictly: what is no option is no answer."""

from __future__ import annotations

import json
import math
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.model import Capability
from frontdesk_server.domain.query import GenerationConfig, JsonSchemaFormat

_MAX_TOP_LOGPROBS = 20


class UnreadableAnswer(Exception):
    """The router LLM's answer names none of its options."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The option that was named; the probability of each option where the answer tells it."""

    option: str
    probabilities: dict[str, float]


class Constraint(Protocol):
    """A way to hold the answer to one of some options."""

    @property
    def capability(self) -> Capability | None:
        """What the router LLM must be able to do."""

    def listed(self, options: Sequence[str]) -> Sequence[str]:
        """How the options are called in the prompt, in the same order."""

    def instruction(self, options: Sequence[str]) -> str:
        """The prompt's last sentence."""

    def answer(self, option: str) -> str:
        """The shortest answer that names this option."""

    def generation(self, options: Sequence[str]) -> GenerationConfig:
        """Settings of the call."""

    def read(self, answer: Answer, options: Sequence[str]) -> Reading:
        """The option named by an answer. Raises `UnreadableAnswer`."""


class JsonSchemaConstraint:
    """JSON with one property, which the upstream holds to the options' names."""

    capability = Capability.JSON_SCHEMA

    def listed(self, options: Sequence[str]) -> Sequence[str]:
        """By their names."""
        return options

    def instruction(self, options: Sequence[str]) -> str:
        """Asks for JSON."""
        return f'Answer with JSON: {{"model": <one of {", ".join(options)}>}}.'

    def answer(self, option: str) -> str:
        """One property."""
        return json.dumps({"model": option})

    def generation(self, options: Sequence[str]) -> GenerationConfig:
        """A schema with an enumeration."""
        schema = {
            "type": "object",
            "properties": {"model": {"type": "string", "enum": list(options)}},
            "required": ["model"],
            "additionalProperties": False,
        }
        response_format = JsonSchemaFormat("choice", json.dumps(schema), strict=True)
        return GenerationConfig(max_output_tokens=64, temperature=0.0, response_format=response_format)

    def read(self, answer: Answer, options: Sequence[str]) -> Reading:
        """The property's value."""
        try:
            document = json.loads(answer.text)
        except ValueError as error:
            raise UnreadableAnswer(f"answered no JSON: {_described(answer.text)}") from error
        option = document.get("model") if isinstance(document, dict) else None
        if not isinstance(option, str) or option not in options:
            raise UnreadableAnswer(f"named none of its options: {_described(answer.text)}")
        return Reading(option, {})


class LogprobConstraint:
    """One letter; the letters' probabilities are read from the first token, so that any answer can be scored.

    Upstreams report probabilities over all tokens; they are renormalised over the letters.
    """

    capability = Capability.LOGPROBS

    def listed(self, options: Sequence[str]) -> Sequence[str]:
        """By letters."""
        return [f"{letter}) {option}" for letter, option in zip(string.ascii_uppercase, options, strict=False)]

    def instruction(self, options: Sequence[str]) -> str:
        """Asks for a letter."""
        return f"Answer with one letter, {', '.join(string.ascii_uppercase[: len(options)])}, and nothing else."

    def answer(self, option: str) -> str:
        """Any letter."""
        return string.ascii_uppercase[0]

    def generation(self, options: Sequence[str]) -> GenerationConfig:
        """One token with its alternatives."""
        return GenerationConfig(
            max_output_tokens=1,
            temperature=0.0,
            logprobs=True,
            top_logprobs=min(_MAX_TOP_LOGPROBS, 2 * len(options) + 4),
        )

    def read(self, answer: Answer, options: Sequence[str]) -> Reading:
        """The likeliest letter."""
        letters = dict(zip(string.ascii_uppercase, options, strict=False))
        mass = dict.fromkeys(options, 0.0)
        first = answer.logprobs[:1]
        seen: dict[str, float] = {token.token: token.logprob for token in first}
        seen |= {top.token: top.logprob for token in first for top in token.top}
        for token, logprob in seen.items():
            option = letters.get(token.strip().rstrip(").").upper())
            if option is not None and math.isfinite(logprob):
                mass[option] += math.exp(min(0.0, logprob))
        total = sum(mass.values())
        if not total:
            raise UnreadableAnswer(f"none of its likely first tokens is an option's letter: {_described(answer.text)}")
        probabilities = {option: share / total for option, share in mass.items()}
        return Reading(max(probabilities, key=probabilities.__getitem__), probabilities)


class NameConstraint:
    """The option's name as plain text, for upstreams that can be held to nothing."""

    capability = None

    def listed(self, options: Sequence[str]) -> Sequence[str]:
        """By their names."""
        return options

    def instruction(self, options: Sequence[str]) -> str:
        """Asks for a name."""
        return f"Answer with one name, {', '.join(options)}, and nothing else."

    def answer(self, option: str) -> str:
        """The name alone."""
        return option

    def generation(self, options: Sequence[str]) -> GenerationConfig:
        """A short answer."""
        return GenerationConfig(max_output_tokens=32, temperature=0.0)

    def read(self, answer: Answer, options: Sequence[str]) -> Reading:
        """The text, quotes and a full stop aside."""
        named = answer.text.strip().strip("\"'`*.").casefold()
        for option in options:
            if option.casefold() == named:
                return Reading(option, {})
        raise UnreadableAnswer(f"named none of its options: {_described(answer.text)}")


CONSTRAINTS: dict[str, Constraint] = {
    "json_schema": JsonSchemaConstraint(),
    "logprobs": LogprobConstraint(),
    "none": NameConstraint(),
}
"""By their names in the configuration."""

MAX_OPTIONS = len(string.ascii_uppercase)
"""Most options of one router LLM."""


def _described(text: str) -> str:
    """The answer's size alone: its words may repeat the query, and reasons are logged and recorded."""
    return f"{len(text)} characters" if text else "nothing"
