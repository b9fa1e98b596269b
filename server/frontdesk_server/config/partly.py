"""A faulty configuration with something good in the places of its faults, so that the rest of it can be looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from frontdesk_server.config.fingerprint import fingerprint
from frontdesk_server.config.loading import LoadedConfig, faults_between, faults_of, read_text, read_values
from frontdesk_server.config.offline import stand_in_for
from frontdesk_server.config.root import Config
from frontdesk_server.config.values import Location, Reader, dotted
from frontdesk_server.domain.errors import ConfigFault
from frontdesk_server.domain.model import Capability

_MOST_ROUNDS = 4
"""A section that is mended may show what is wrong with it as a whole."""
_SOME = "some"
_FOLLOWING: Mapping[str, tuple[str, ...]] = {
    "backends": ("models", "embedder", "security", "server"),
    "models": ("routers", "limits", "security"),
    "routers": ("limits", "security", "server"),
    "security": ("limits", "server"),
    "embedder": ("routers",),
    "redis": ("routers", "limits", "affinity", "execution"),
}
"""Whose faults may only follow from a whole section's having been replaced."""


@dataclass(frozen=True, slots=True)
class PartlyLoaded:
    """A configuration that may be looked at and not be used where it has faults."""

    loaded: LoadedConfig | None
    """What can be looked at; None where nothing can be put for what is faulty."""
    faults: tuple[ConfigFault, ...]
    replaced: frozenset[str] = frozenset()
    """The places where something else stands than in the file."""

    def beyond(self, faults: Iterable[ConfigFault]) -> Iterator[ConfigFault]:
        """Those of the faults that do not come of what was replaced."""
        unsure = self.replaced.union(*(_FOLLOWING.get(place, ()) for place in self.replaced))
        return (fault for fault in faults if not any(_within(fault.path, place) for place in unsure))


def load_partly(path: Path, environment: Mapping[str, str] = os.environ) -> PartlyLoaded:
    """Read a file for the sake of its faults.

    Raises:
        ConfigError: it is no YAML.
    """
    text, source = read_text(path), str(path)
    strict, lenient = Reader(environment), Reader(environment, stand_in_for)
    read_values(text, source, strict)
    data = read_values(text, source, lenient)
    unset = frozenset(fault.path for fault in strict.faults) - {fault.path for fault in lenient.faults}
    locations = {dotted(location): location for location in lenient.positions}
    replaced = {_replaceable(locations.get(fault.path, ()), data) for fault in lenient.faults}
    part = PartlyLoaded(None, tuple(strict.faults), unset | set(map(dotted, replaced)))
    for _ in range(_MOST_ROUNDS):
        try:
            config = Config.model_validate(_mended(data, replaced))
        except ValidationError as error:
            faults = (*part.faults, *part.beyond(faults_of(error, lenient)))
            replaced |= {_replaceable(detail["loc"], data) for detail in error.errors()}
            replaced |= _on_replaced_backends(data, replaced)
            part = PartlyLoaded(None, faults, part.replaced | set(map(dotted, replaced)))
        else:
            loaded = LoadedConfig(config, source, fingerprint(data, config), lenient.positions)
            faults = (*part.faults, *part.beyond(faults_between(config, lenient)))
            return replace(part, loaded=loaded, faults=faults)
    return part


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


def _replaceable(location: Location, data: Any) -> Location:
    """What can be replaced around a place: one backend, model or router, else a section; all where it is in none."""
    one_of_many = location[:1] in (("backends",), ("models",), ("routers",))
    return location[:2] if one_of_many and isinstance(data.get(location[0]), dict) else location[:1]


def _on_replaced_backends(data: Any, replaced: set[Location]) -> set[Location]:
    """The models that something else serves now: what it cannot do is no fault of theirs."""
    models = data.get("models") if isinstance(data, dict) else None
    served: set[Location] = set()
    for name, model in models.items() if isinstance(models, dict) else ():
        places = [model, *(model.get("deployments") or ())] if isinstance(model, dict) else []
        if any(isinstance(place, dict) and ("backends", place.get("backend")) in replaced for place in places):
            served.add(("models", name))
    return served


def _mended(data: Any, replaced: set[Location]) -> Any:
    """The values, with something good in those places: a model of every capability, so that nobody misses one."""
    if not isinstance(data, dict) or () in replaced:
        return data
    mended = {key: value for key, value in data.items() if (key,) not in replaced}
    for section, something in (("backends", _backend), ("models", _model), ("routers", _router)):
        given = mended.get(section, {})
        if not isinstance(given, dict):
            return data
        names = [name for top, name in (place for place in replaced if len(place) == 2) if top == section]
        if replaced and not given:
            names = [_SOME]
        if names:
            mended[section] = given | {name: something(mended) for name in names}
    return mended


def _backend(_: Mapping[str, Any]) -> Any:
    return {"kind": "simulated"}


def _model(mended: Mapping[str, Any]) -> Any:
    return {
        "backend": next(iter(mended["backends"])),
        "prices": {"input": 1, "output": 1},
        "quality": 0.5,
        "context_window": 1_000_000,
        "capabilities": list(Capability),
    }


def _router(mended: Mapping[str, Any]) -> Any:
    model = next(iter(mended["models"]))
    return {"default_model": model, "strategy": {"kind": "model", "model": model}}
