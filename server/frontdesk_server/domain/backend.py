"""The seam between execution and the clients of upstream APIs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.events import Batch
from frontdesk_server.domain.model import Capability, Timeouts
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.value import value


@dataclass(slots=True)
class Dispatch:
    """What a backend tells of a request beside its events, and also of one that fails.

    A backend with a network clears `left` until the request may have left Frontdesk: what has not left is not billed,
    and whatever kept it back is none of the upstream's answers. `request_id` is the provider's own id of the call.
    """

    left: bool = True
    request_id: str = ""
    adjustments: list[Adjustment] = field(default_factory=list)


@value
class BackendCall:
    """One call of one upstream model. `headers` carry the trace context.

    `max_output_tokens` bounds the answer also where the query does not; None: nothing is known that would.
    `dialects` are the names under which the query may hold what is for this backend alone; what it answered itself is
    bound to `provider`. `profile` is what its model takes. `key` is the caller's own for this provider, empty for ours.
    `cache_key` is the same for calls that begin alike, empty where nothing is known of that.
    `expected_output_tokens` are what its cost was predicted by: a simulated model keeps to them, no real one is told.
    """

    upstream_model: str
    query: Query
    stream: bool
    timeouts: Timeouts = Timeouts()
    headers: Mapping[str, str] = field(default_factory=dict)
    max_output_tokens: int | None = None
    dialects: frozenset[str] = frozenset()
    provider: str = ""
    dispatch: Dispatch = field(default_factory=Dispatch)
    key: str = field(default="", repr=False)
    profile: Profile = Profile()
    cache_key: str = ""
    expected_output_tokens: int | None = None

    @property
    def output_limit(self) -> int | None:
        """The limit to ask the upstream for."""
        bounds = (self.query.generation.max_output_tokens, self.max_output_tokens)
        return min((bound for bound in bounds if bound is not None), default=None)


class Backend(Protocol):
    """The client of one upstream API."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    @property
    def provider(self) -> str:
        """The provider's name in the GenAI semantic conventions, such as "openai"."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What its API can express; a model has at most these."""

    def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield what every network read brings: the answer's deltas and, last of all, exactly one `Finished`.

        Raises `UpstreamError` on any failure, after what came before it. With `call.stream` False one unary response is
        yielded as its few deltas. Connect and read timers are the
        backend's; the other timers are the consumer's. The consumer must close the generator, and closing it early
        aborts the request upstream.
        """

    async def aclose(self) -> None:
        """Close every connection."""
