"""Counters that stand at zero before anything has happened.

Prometheus' `rate` and `increase` compare samples: a series that is born with its first event hides that event from
them, and from alerts. So every counter whose labels can be told beforehand begins at zero: words of the domain, and
what the configuration names. Labels that only traffic tells (error types, checks, refused fields) are born with their
first count, and so is what mostly never happens in all its combinations (exclusions and attempts by reason): a line of
the page costs some ten microseconds whenever it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod

from frontdesk_server.domain.ending import CANCELLED, status_of
from frontdesk_server.domain.errors import DeadlineExceeded, FrontdeskError
from frontdesk_server.domain.record import DROP_REASONS
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.names import Metric

_MOST = 250
"""Combinations of one counter; one that has more of them begins with none."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    names.PURPOSE: ("answer", "route", "check"),
    names.TOKEN_CLASS: names.TOKEN_CLASSES,
    names.COMPLETION_STATUS: tuple(map(status_of, ("", FrontdeskError.reason, DeadlineExceeded.reason, CANCELLED))),
    names.DROP_REASON: DROP_REASONS,
    names.SIGN: (names.PLUS, names.MINUS),
}


def beginnings(models: Iterable[str], routers: Iterable[str]) -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """Every counter with each combination of labels that these models and routers may count under."""
    words = {**_WORDS, names.MODEL: tuple(models), names.ROUTER: tuple(routers)}
    for metric in names.METRICS:
        if metric.kind != "counter" or not metric.attributes or not words.keys() >= set(metric.attributes):
            continue
        known = [words[attribute] for attribute in metric.attributes]
        if prod(map(len, known)) <= _MOST:
            yield from ((metric, labels) for labels in product(*known))
