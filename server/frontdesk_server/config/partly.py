"""A faulty configuration with something good in the places of its faults, so that the rest of it can be looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from frontdesk_server.config.fingerprint import fingerprint
from frontdesk_server.config.loading import LoadedConfig, details_of, faults_between, faults_of, read_text, read_values
from frontdesk_server.config.mending import mended, replaceable
from frontdesk_server.config.offline import stand_in_for
from frontdesk_server.config.root import Config
from frontdesk_server.config.values import Location, Reader, dotted
from frontdesk_server.domain.errors import ConfigFault

_MOST_ROUNDS = 24
"""What is mended may show what is wrong with the whole around it."""
_FOLLOWING = (
    (r"backends", r"(models|embedder|security|server)\b.*"),
    (r"models", r"(routers|limits|security)\b.*"),
    (r"routers", r"(limits|security|server)\b.*"),
    (r"security(\.(keys|certificates|jwt|anonymous))?", r"(limits|server)\b.*"),
    (r"security\..*\.caller", r".*\.(callers|operators)"),
    (r"limits\.store", r"limits\b.*"),
    (r"embedder", r"routers\b.*\.artefact"),
    (r"redis", r"(routers|limits|affinity|execution)\b.*"),
    (r"(routers\..*)\.model", r"{0}\.(constraint|prompt|max_query_tokens|options|check)\b.*"),
    (r"(routers\..*)\.(references|references_file|options)\b.*", r"{0}\.(routes|thresholds|then)\b.*"),
    (r"(routers\..*?)\.strategy\..*\btimeout_ms", r"{0}\.strategy_timeout_ms"),
)
"""Places, and whose faults may only follow from something else's standing there; {0} is what stands around them."""


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
        unsure = [
            faulty.format(*map(re.escape, found.groups()))
            for place, faulty in _FOLLOWING
            for each in self.replaced
            if (found := re.fullmatch(place, each))
        ]
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
    replaced = {replaceable(locations.get(fault.path, ()), ()) for fault in lenient.faults}
    part = PartlyLoaded(None, tuple(strict.faults), unset | set(map(dotted, replaced)))
    for _ in range(_MOST_ROUNDS):
        try:
            config = Config.model_validate(mended(data, replaced))
        except ValidationError as error:
            faults = [
                fault  # of a whole only where nothing within it was replaced
                for fault in part.beyond(faults_of(error, lenient))
                if not any(_within(place, fault.path) for place in part.replaced)
            ]
            before = frozenset(replaced)
            replaced |= {replaceable(_place(detail, data), before) for detail in details_of(error)}
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
