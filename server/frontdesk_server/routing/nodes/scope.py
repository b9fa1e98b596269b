"""What the builders of strategies work with: the router's models, the tools, and a list of faults to add to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from pathlib import Path

from frontdesk_server.artefacts.embedders import AsyncEmbedder
from frontdesk_server.artefacts.quality.drift import DriftMonitor
from frontdesk_server.config.naming import no_such
from frontdesk_server.domain.asking import Ask
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.model import Capability, Model

Location = tuple[str | int, ...]
"""A place in the configuration, such as ("routers", "default", "strategy")."""


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


@dataclass(frozen=True, slots=True)
class Scope:
    """One router while it is being built. `models` are its candidates, `pool` all models."""

    models: Mapping[str, Model]
    pool: Mapping[str, Model]
    tools: StrategyTools
    faults: MutableSequence[LocatedFault]
    preparations: MutableSequence[Callable[[], Awaitable[None]]]
    """What has to be awaited before the first query, so that none has to wait."""

    def fault(self, location: Location, message: str) -> None:
        """Note a fault and go on, so that all are reported together."""
        self.faults.append(LocatedFault(location, message))

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

    def check_template(self, template: str | None, placeholders: Sequence[str], location: Location) -> None:
        """Note a fault for each placeholder that a template of the user's own lacks."""
        for placeholder in placeholders:
            if template is not None and placeholder not in template:
                self.fault(location, f"the template lacks {placeholder}")
