"""What the processor needs to know of an HTTP dialect: which requests ask in it, what they ask, how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.rpc.ext_proc.paths import ends_with, parts_of


@dataclass(frozen=True, slots=True)
class Posed:
    """What an HTTP request asks: a query, by which policy, and whether its answer is to be streamed.

    `translating` puts fields of errors that are raised meanwhile in the dialect's words.
    """

    query: Query
    policy: RoutingPolicy
    labels: Mapping[str, str]
    stream: bool
    translating: Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP response which says that a query is not answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Dialect:
    """One HTTP API; `name` is the dialect of its responses, `path` what the paths end with that take queries.

    `read` takes the body and the headers and raises InvalidRequest; `refuse` puts an error in the dialect's words.
    """

    name: str
    path: str
    read: Callable[[bytes, Mapping[str, str]], Posed]
    refuse: Callable[[FrontdeskError], Refusal]

    def takes(self, path: str) -> bool:
        """Whether a body that is sent to this path, its query string included, poses a query."""
        return ends_with(path, parts_of(self.path))
