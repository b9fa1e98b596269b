"""What the builders of strategies work with: the router's models, the tools, and a list of faults to add to."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableSequence, Sequence, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.artefacts.embedders import AsyncEmbedder
from frontdesk_server.artefacts.quality.drift import DriftMonitor
from frontdesk_server.config.checks import CheckConfig
from frontdesk_server.config.naming import no_such
from frontdesk_server.config.values import Location
from frontdesk_server.domain.asking import Ask
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.model import Capability, Model
from frontdesk_server.domain.remembered import Remembered
from frontdesk_server.routing.strategies.base import Strategy

_IN_BRACES = re.compile(r"\{[a-z_]+\}")
_ALIKE = 0.75


@dataclass(frozen=True, slots=True)
class LocatedFault:
    """A fault and the place in the configuration where it stands."""

    location: Location
    message: str


@dataclass(frozen=True, slots=True)
class StrategyTools:
    """What strategies need of the outside."""

    ask: Ask
    clock: Clock
    embedder: AsyncEmbedder
    folder: Path
    """Where relative paths of the configuration start."""
    drift: DriftMonitor | None = None
    """Is told how live predictions compare with those of training; None watches nothing."""
    remembered: Remembered | None = None
    """What machines share of router LLMs' answers; None where no Redis is configured."""


@dataclass(frozen=True, slots=True)
class Trees:
    """Every router's tree by its name, and the checks and fitted cascades that plans name by their paths."""

    strategies: dict[str, Strategy] = field(default_factory=dict)
    checks: dict[str, CheckConfig] = field(default_factory=dict)
    fitted: dict[str, FittedCascade] = field(default_factory=dict)
    preparations: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What has to be awaited before the first query, so that none has to wait."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One router while it is being built.

    `models` are its candidates, `pool` all models, `routers` the names of all routers.
    """

    models: Mapping[str, Model]
    pool: Mapping[str, Model]
    routers: Set[str]
    tools: StrategyTools
    trees: Trees
    faults: MutableSequence[LocatedFault]
    references: MutableSequence[tuple[Location, str]] = field(default_factory=list)
    """The routers that its tree refers to, and where."""

    def fault(self, location: Location, message: str) -> None:
        """Note a fault and go on, so that all are reported together."""
        self.faults.append(LocatedFault(location, message))

    def refer(self, router: str, location: Location) -> None:
        """Note a reference to another router, and a fault where there is none of that name."""
        if router not in self.routers:
            self.fault(location, no_such("router", router, self.routers))
        self.references.append((location, router))

    def check_names(self, names: Sequence[str], location: Location) -> None:
        """Note a fault for each name given twice: names tell places in the tree apart."""
        before: set[str] = set()
        for index, name in enumerate(names):
            if name in before:
                self.fault((*location, index, "name"), f"the name {name!r} is given twice")
            before.add(name)

    def check_candidate(self, name: str, location: Location) -> None:
        """Note a fault unless the name is one of the router's models."""
        if name not in self.models:
            self.fault(location, no_such("model", name, self.models))

    def check_pooled(self, name: str, location: Location) -> None:
        """Note a fault unless the name is one of the pool's models."""
        if name not in self.pool:
            self.fault(location, no_such("model", name, self.pool))

    def check_capability(self, name: str, needed: Capability, location: Location) -> None:
        """Note a fault where a model of the pool cannot do what it will be asked to."""
        model = self.pool.get(name)
        if model is not None and needed not in model.capabilities:
            self.fault(location, f"{name} lacks the capability {needed.value}")

    def check_template(
        self, template: str | None, needed: Sequence[str], location: Location, *, known: Sequence[str] = ()
    ) -> None:
        """Note a fault for each placeholder that a template of the user's own lacks, or misspells.

        Other words in braces are the template's own, such as those of JSON.
        """
        if template is None:
            return
        for placeholder in needed:
            if placeholder not in template:
                self.fault(location, f"the template lacks {placeholder}")
        for found in sorted(set(_IN_BRACES.findall(template)).difference(needed, known)):
            if close := get_close_matches(found, (*needed, *known), 1, _ALIKE):
                self.fault(location, f"{found} of the template stands for nothing (did you mean {close[0]}?)")

    def check_room(self, name: str, needed_tokens: int, output_tokens: int, what: str, location: Location) -> None:
        """Note a fault where a model of the pool cannot take so much, or not write an answer of so many tokens."""
        model = self.pool.get(name)
        if model is None:
            return
        if model.max_output_tokens is not None and model.max_output_tokens < output_tokens:
            message = f"{name} writes at most {model.max_output_tokens} tokens, of about {output_tokens} of {what}"
            self.fault(location, message)
        if needed_tokens + output_tokens > model.context_window:
            message = f"prompt and {what} come to about {needed_tokens + output_tokens} tokens"
            self.fault(location, f"{message}; the context window of {name} holds {model.context_window}")
