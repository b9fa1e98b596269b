"""What is wrong with a condition that is of the right form: every fault of it, each in its place."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk_server.config.naming import no_such
from frontdesk_server.config.values import Location
from frontdesk_server.routing.language import LANGUAGES
from frontdesk_server.routing.strategies.conditions import Condition, is_empty_word, pattern_fault


def faults_of_condition(condition: Condition, location: Location) -> Iterator[tuple[Location, str]]:
    """The faults of the condition there and of all within it."""
    for index, language in enumerate(condition.language):
        if language not in LANGUAGES:
            yield (*location, "language", index), no_such("language", language, LANGUAGES - {""})
    for index, keyword in enumerate(condition.keywords):
        if is_empty_word(keyword):
            yield (*location, "keywords", index), "a keyword is empty"
    if condition.pattern is not None and (fault := pattern_fault(condition.pattern)):
        yield (*location, "pattern"), fault
    for key, conditions in (("all", condition.all), ("any", condition.any), ("none", condition.none)):
        for index, child in enumerate(conditions):
            yield from faults_of_condition(child, (*location, key, index))
