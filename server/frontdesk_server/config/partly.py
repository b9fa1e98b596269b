"""A faulty configuration with something good in the places of its faults, so that the rest of it can be looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from frontdesk_server.config.fingerprint import fingerprint
from frontdesk_server.config.loading import LoadedConfig, faults_between, faults_of, read_text, read_values
from frontdesk_server.config.offline import stand_in_for
from frontdesk_server.config.root import Config
from frontdesk_server.config.values import Location, Reader, dotted
from frontdesk_server.domain.errors import ConfigFault
from frontdesk_server.domain.model import Capability

_MOST_ROUNDS = 12
"""What is mended may show what is wrong with the whole around it."""
_MANY = ("backends", "models", "routers")
_SOME = "some"
_GOOD: Mapping[str, Callable[[Location], Any]] = {
    "caller": dotted,
    "id": lambda place: f"{16**8 - 1 - int(place[-2]):08x}",
    "sha256": lambda _: "0" * 64,
    "name": dotted,
    "window": lambda _: "day",
    "requests": lambda _: 1,
    "tokens": lambda _: 1,
    "usd": lambda _: 1,
}
"""What stands for the parts of callers and limits by their keys, as these cannot be without them."""
_FOLLOWING = (
    (r"backends", r"(models|embedder|security|server)\b.*"),
    (r"models", r"(routers|limits|security)\b.*"),
    (r"routers", r"(limits|security|server)\b.*"),
    (r"security(\.(keys|certificates|jwt|anonymous))?", r"(limits|server)\b.*"),
    (r"security\..*\.caller", r".*\.(callers|operators)"),
    (r"limits\.store", r"limits\b.*"),
    (r"embedder", r"routers\b.*\.artefact"),
    (r"redis", r"(routers|limits|affinity|execution)\b.*"),
)
"""Places, and whose faults may only follow from something else's standing there."""


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
        unsure = [faulty for place, faulty in _FOLLOWING if any(re.fullmatch(place, each) for each in self.replaced)]
        for fault in faults:
            follows = any(re.fullmatch(faulty, fault.path) for faulty in unsure)
            if not follows and not any(_within(fault.path, place) for place in self.replaced):
                yield fault


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
    replaced = {_replaceable(locations.get(fault.path, ()), ()) for fault in lenient.faults}
    part = PartlyLoaded(None, tuple(strict.faults), unset | set(map(dotted, replaced)))
    for _ in range(_MOST_ROUNDS):
        try:
            config = Config.model_validate(_mended(data, replaced))
        except ValidationError as error:
            faults = [
                fault  # of a whole only where nothing within it was replaced
                for fault in part.beyond(faults_of(error, lenient))
                if not any(_within(place, fault.path) for place in part.replaced)
            ]
            before = frozenset(replaced)
            replaced |= {_replaceable(_place(detail, data), before) for detail in error.errors()}
            replaced |= _on_replaced_backends(data, replaced)
            part = PartlyLoaded(None, (*part.faults, *faults), part.replaced | set(map(dotted, replaced)))
        else:
            loaded = LoadedConfig(
                config, source, fingerprint(data, config), lenient.positions, referring=lenient.referring
            )
            between = part.beyond(faults_between(config, lenient))
            return replace(part, loaded=loaded, faults=(*part.faults, *between))
    return part


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


def _place(detail: ErrorDetails, data: Any) -> Location:
    """Where a fault stands in the file, or should: without the union tags that pydantic puts between."""
    place: Location = ()
    for part in detail["loc"]:
        inside = dict(enumerate(data)) if isinstance(data, list) else data
        if isinstance(inside, dict) and part in inside:
            place, data = (*place, part), inside[part]
    lacking = detail["loc"][-1:] if detail["type"] == "missing" else ()
    return place if place[-1:] == lacking else (*place, *lacking)


def _replaceable(place: Location, before: Collection[Location]) -> Location:
    """The least around a place that can be replaced and was not before; all where there is no such part.

    An embedder is replaced as a whole, as is what a backend, model or router has under one key.
    """
    if place[:1] == ("embedder",):
        place = place[:1]
    elif place and place[0] in _MANY:
        place = place[:3]
    while place and (isinstance(place[-1], int) or place in before):
        place = place[:-1]
    return place


def _on_replaced_backends(data: Any, replaced: set[Location]) -> set[Location]:
    """The models that something else serves now: what it cannot do is no fault of theirs."""
    models = data.get("models") if isinstance(data, dict) else None
    spoilt = [place[1] for place in replaced if place[:1] == ("backends",) and len(place) > 1]
    served: set[Location] = set()
    for name, model in models.items() if isinstance(models, dict) else ():
        further = model.get("deployments") if isinstance(model, dict) else None
        places = [model, *(further if isinstance(further, list) else ())]
        if any(isinstance(place, dict) and place.get("backend") in spoilt for place in places):
            served.add(("models", name))
    return served


def _mended(data: Any, replaced: set[Location]) -> Any:
    """The values, with something good in those places: a model of every capability, so that nobody misses one."""
    if not isinstance(data, dict) or () in replaced:
        return data
    mended = deepcopy(data)
    for place in sorted(replaced, key=len, reverse=True):
        _replace(mended, place)
    for section, something in (("backends", _backend), ("models", _model), ("routers", _router)):
        given = mended.get(section, {})
        if not isinstance(given, dict):
            return data
        names = {place[1] for place in replaced if place[0] == section and len(place) == 2}
        if replaced and not given:
            names = {_SOME}
        if names:
            mended[section] = given | {name: something(mended) for name in names}
        for _, name, key in (place for place in replaced if place[0] == section and len(place) == 3):
            if name in given and name not in names and key in (good := something(mended)):
                given[name][key] = good[key]
    return mended


def _replace(mended: Any, place: Location) -> None:
    """Leave out what stands there, or put something good in its place."""
    *around, key = place
    for part in around:
        mended = mended[part]
    mended.pop(key, None)
    if place[0] in ("security", "limits") and key in _GOOD:
        mended[key] = _GOOD[str(key)](place)


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
