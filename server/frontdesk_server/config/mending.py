"""Something good in the places of a configuration's faults, so that what stands around them can be read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from typing import Any

from frontdesk_server.config.values import Location, dotted
from frontdesk_server.domain.model import Capability

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
_GOOD_IN_TREE: Mapping[str, Callable[[Location, str], Any]] = {
    "name": lambda place, _: dotted(place),
    "model": lambda _, model: model,
    "weight": lambda *_: 1,
    "threshold": lambda *_: 0.5,
    "when": lambda *_: {"code": True},
    "check": lambda *_: {"kind": "heuristic"},
    "strategy": lambda _, model: {"kind": "model", "model": model},
}
"""Likewise of the strategies of a router, by their keys and a model."""
_GOOD_LISTED: Mapping[str, Callable[[Location, str], Any]] = {
    "rules": lambda place, model: {"name": dotted(place), "model": model},
    "arms": lambda place, model: {"name": dotted(place), "weight": 1, "strategy": {"kind": "model", "model": model}},
    "steps": lambda _, model: {"model": model},
    "strategies": _GOOD_IN_TREE["strategy"],
    "checks": _GOOD_IN_TREE["check"],
}
"""What stands for one entry of a list there, by the list's key."""


def replaceable(place: Location, before: Collection[Location]) -> Location:
    """The least around a place that can be replaced and was not before; all where there is no such part.

    An embedder is replaced as a whole, as is what a backend, model or router has under one key but its strategy.
    """
    if place[:1] == ("embedder",):
        place = place[:1]
    elif place and place[0] in _MANY and not _in_tree(place):
        place = place[:3]
    elif _in_tree(place) and place[-2] == "rules" and isinstance(place[-1], int):
        place = (*place, "model")  # which may be all that it lacks
    while place and (place in before or not _can_be_replaced(place)):
        place = place[:-1]
    return place


def _in_tree(place: Location) -> bool:
    return place[:1] == ("routers",) and place[2:3] == ("strategy",) and len(place) > 3


def _can_be_replaced(place: Location) -> bool:
    """Whether it has a key, or is an entry of which a good one is known: without it the others would move up."""
    return isinstance(place[-1], str) or (_in_tree(place) and place[-2] in _GOOD_LISTED)


def mended(data: Any, replaced: set[Location]) -> Any:
    """The values, with something good in those places: a model of every capability, so that nobody misses one."""
    if not isinstance(data, dict) or () in replaced:
        return data
    mended = deepcopy(data)
    deepest_first = sorted(replaced, key=len, reverse=True)
    for place in deepest_first:
        if not _in_tree(place):
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
    for place in deepest_first:
        if _in_tree(place) and replaced.isdisjoint((place[:2], place[:3])):
            _replace_in_tree(mended, place)
    return mended


def _replace(mended: Any, place: Location) -> None:
    """Leave out what stands there, or put something good in its place."""
    *around, key = place
    for part in around:
        mended = mended[part]
    mended.pop(key, None)
    if place[0] in ("security", "limits") and key in _GOOD:
        mended[key] = _GOOD[str(key)](place)


def _replace_in_tree(mended: Any, place: Location) -> None:
    model = next(iter(mended["models"]))
    *around, key = place
    for part in around:
        mended = mended[part]
    good = _GOOD_LISTED.get(str(place[-2])) if isinstance(key, int) else _GOOD_IN_TREE.get(str(key))
    if good is not None:
        mended[key] = good(place, model)
    else:
        mended.pop(key, None)


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
