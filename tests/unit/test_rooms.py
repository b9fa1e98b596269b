"""Which room of the server may import which, what each may know of the outside, and the picture of it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / ".ci/rooms.py"
_spec = spec_from_file_location("rooms", RULES)
assert _spec is not None
assert _spec.loader is not None
rooms = module_from_spec(_spec)
sys.modules["rooms"] = rooms
_spec.loader.exec_module(rooms)

FLOOR = {room: number for number, floor in enumerate(rooms.FLOORS) for room in floor}


def test_every_room_has_its_floor() -> None:
    assert rooms.arrows().keys() <= FLOOR.keys()


@pytest.mark.parametrize("room", sorted(rooms.arrows()))
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    assert {target for target in rooms.arrows()[room] if FLOOR[target] <= FLOOR[room]} == set()


@pytest.mark.parametrize("foreign", rooms.FOREIGN)
def test_what_comes_from_elsewhere_stops_in_its_rooms(foreign: str) -> None:
    where = {
        f"{path.name} of {room}"
        for room, path, module in rooms.imported()
        if (module == foreign or module.startswith(f"{foreign}.")) and room not in rooms.FOREIGN[foreign]
    }
    assert where == set()


def test_the_domain_imports_nothing_that_does_input_or_output() -> None:
    known = {module.partition(".")[0] for room, _, module in rooms.imported() if room == "domain"}
    assert known & {"asyncio", "socket", "aiohttp", "pydantic", "yaml", "numpy", "threading"} == set()


def test_strategies_are_known_to_nobody_but_the_tools_that_turn_their_knobs() -> None:
    common = {"base", "choosing", "walk", "words", "folding"}
    knowing = {
        (path.name, module.rpartition(".")[2])
        for room, path, module in rooms.imported()
        if module.startswith("frontdesk_server.routing.strategies.")
        and module.rpartition(".")[2] not in common
        and path.parent.name != "strategies"
    }
    assert {file for file, _ in knowing} <= {"certification.py", "drift.py", "trial.py"}


def test_the_picture_of_the_rooms_is_what_the_imports_say() -> None:
    assert rooms.PAGE.read_text(encoding="utf-8") == rooms.page(), "run python .ci/rooms.py"
