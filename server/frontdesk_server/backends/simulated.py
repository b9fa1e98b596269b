"""An embedded backend that needs no network: deterministic answers which say that they are simulated."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from frontdesk_server.backends.simulated_answer import compose
from frontdesk_server.config.pool import SimulatedBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamFailed
from frontdesk_server.domain.events import BackendEvent, Batch, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from frontdesk_server.domain.model import Capability

_TICK_SECONDS = 0.02
"""Tokens that fall due within one tick leave together, as they do on a network."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a simulated model answers."""

    time_to_first_token_ms: float
    output_tokens_per_second: float


class SimulatedBackend:
    """Answers by itself at the configured pace. `paces` override the configuration by upstream model."""

    provider = "simulated"
    capabilities = frozenset(Capability)

    def __init__(
        self,
        name: str,
        config: SimulatedBackendConfig,
        paces: Mapping[str, Pace] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._pace = Pace(config.time_to_first_token_ms, config.output_tokens_per_second)
        self.paces = dict(paces or {})
        self._error_rate = config.error_rate
        self._sleep = sleep
        self._calls = 0

    async def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield the answer as `domain.backend.Backend` demands."""
        pace = self.paces.get(call.upstream_model, self._pace)
        self._calls += 1
        if self._fails():
            raise UpstreamFailed(f"simulated failure of call {self._calls}", status=503)
        answer = compose(call.upstream_model, call.query, call.output_limit, call.expected_output_tokens)
        await self._sleep(pace.time_to_first_token_ms / 1000)
        batch: list[BackendEvent] = []
        part = 0
        if answer.reasoning:
            batch.append(ReasoningDelta(answer.reasoning))
            part = 1
        if answer.tool_call is not None:
            tool_call = answer.tool_call
            batch.append(ToolCallDelta(0, tool_call.id, tool_call.name, tool_call.arguments_json, part))
        tokens = answer.tokens
        speed = pace.output_tokens_per_second
        step = max(1, round(speed * _TICK_SECONDS) if call.stream else len(tokens))
        for start in range(0, len(tokens), step):
            piece = tokens[start : start + step]
            if start or not call.stream:
                if batch:
                    yield batch
                    batch = []
                await self._sleep(len(piece) / speed)
            batch.append(TextDelta("".join(piece), answer.logprobs[start : start + step], part))
        yield [*batch, Finished(answer.finish_reason, answer.usage, call.upstream_model)]

    async def aclose(self) -> None:
        """Nothing is open."""

    def _fails(self) -> bool:
        """Whether this call is one of the failing share, spread evenly over all calls."""
        return math.floor(self._calls * self._error_rate) > math.floor((self._calls - 1) * self._error_rate)
