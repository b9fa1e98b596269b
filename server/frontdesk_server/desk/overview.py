"""What people look at: decisions and sums of the ledger, models and budgets as they are now.

Everybody sees what gRPC would tell: the decisions made for oneself, the models that one may use. Whom the configuration
names an operator sees everybody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from frontdesk_server.config.console import ConsoleConfig
from frontdesk_server.config.limits import LimitRule
from frontdesk_server.config.references import callers_of
from frontdesk_server.desk.curves import Curves, read_curves
from frontdesk_server.desk.desk import Desk
from frontdesk_server.desk.runtime import CurrentRuntime, Runtime
from frontdesk_server.domain.call import Call, Caller
from frontdesk_server.domain.errors import DecisionNotFound
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.record import DecisionRecord
from frontdesk_server.ledger.reader import DecisionSummary, Filters, LedgerReader
from frontdesk_server.ledger.readings import Readings
from frontdesk_server.ledger.spending import Spending, spending
from frontdesk_server.state.limits import Standing

MOST_DECISIONS = 100_000
"""So many of the newest decisions are looked through, however many there are."""

_MOST_SIGHTS = 2_000

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A decision with what was kept of its query and its answer; None of what was not."""

    record: DecisionRecord
    text: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class DeploymentNow:
    """One deployment of a model, and the state of its breaker."""

    backend: str
    upstream_model: str
    breaker: str
    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class ModelNow:
    """A model as it fares at this moment, in this process."""

    model: Model
    is_available: bool
    time_to_first_token_seconds: float | None
    deployments: tuple[DeploymentNow, ...]


class Overview:
    """Looks things up for pages. `readings` is None where no ledger is kept."""

    def __init__(self, runtimes: CurrentRuntime, desk: Desk, readings: Readings | None) -> None:
        self._runtimes = runtimes
        self._desk = desk
        self._readings = readings

    @property
    def keeps_ledger(self) -> bool:
        """Whether decisions are kept at all."""
        return self._readings is not None

    @property
    def config(self) -> ConsoleConfig:
        """The section that now holds."""
        http = self._runtimes.current.loaded.config.server.http
        return ConsoleConfig() if http is None or http.console is None else http.console

    def sees_all(self, caller: Caller) -> bool:
        """Whether the caller sees what others did, too."""
        return caller.name in self.config.operators

    def routers(self, call: Call) -> list[str]:
        """The routers that the caller may name."""
        names = self._runtimes.current.loaded.config.routers
        return [name for name in names if call.caller.may_use_router(name)]

    async def newest(self, call: Call, filters: Filters, limit: int, before: str = "") -> list[DecisionSummary]:
        """The newest decisions first; raises LedgerUnavailable."""
        chosen = self._within_sight(call, filters)

        def look(reader: LedgerReader) -> list[DecisionSummary]:
            bounded = replace(chosen, from_id=reader.first_of_newest(MOST_DECISIONS))
            return reader.newest(bounded, limit, before)[::-1]

        return await self._read(look, [])

    async def record(self, decision_id: str, call: Call) -> KeptRecord:
        """One decision; only what the ledger itself has kept of its content.

        Raises:
            DecisionNotFound: no such decision is recorded that the caller may see.
            LedgerUnavailable: the ledger does not answer.
        """
        caller = None if self.sees_all(call.caller) else call.caller.name

        def look(reader: LedgerReader) -> KeptRecord | None:
            record = reader.record(decision_id, caller)
            if record is None:
                return None
            return KeptRecord(record, record.decision.signals.text or None, reader.answer(decision_id))

        if (found := await self._read(look, None)) is None:
            await asyncio.sleep(2 * self._flush_seconds)  # it may be about to be committed
            found = await self._read(look, None)
        if found is None:
            raise DecisionNotFound(decision_id)
        return found

    async def spending(self, call: Call, filters: Filters, step: timedelta) -> Spending:
        """What was spent and saved, in steps of time; raises LedgerUnavailable."""
        chosen = self._within_sight(call, filters)
        return await self._read(lambda reader: spending(reader, chosen, step, MOST_DECISIONS), Spending.nothing())

    def models(self, call: Call) -> list[ModelNow]:
        """The models that the caller may use, by name."""
        with self._runtimes.lease() as runtime:
            return [_model_now(runtime, model, available) for model, available in self._desk.models("", call)]

    def load(self, call: Call) -> tuple[int, int] | None:
        """How many completions run in this process, and how many wait; None where they are not for the caller to know.

        They are everybody's: for operators, and for the only caller that there is.
        """
        if not self.sees_all(call.caller) and not self._is_alone:
            return None
        return self._desk.admission.running, self._desk.admission.waiting

    async def budgets(self, call: Call) -> list[Standing]:
        """The counters of budgets and rate limits that count the caller's calls.

        Those that count others' calls, too, are for operators alone, and for the only caller that there is.

        Raises:
            LimitsUnavailable: the counters' store does not answer.
        """
        with self._runtimes.lease() as runtime:
            config, name = runtime.loaded.config, call.caller.name
            if sees_all := self.sees_all(call.caller):
                callers = {name, *(callers_of(config.security) or ())}
            else:
                callers = {name}

            def shown(rule: LimitRule) -> bool:
                return sees_all or self._is_alone or "caller" in rule.per or rule.callers == {name}

            models = [model.name for model, _ in self._desk.models("", call)]
            sights = _sights(sorted(callers), self.routers(call), models)
            return await runtime.limits.standing(sights, shown)

    async def curves(self, call: Call) -> Curves | None:
        """The curve of the configured evaluation, with the models that the caller may use; None where there is none.

        Raises:
            NoCurve: the file cannot be read.
        """
        loaded, path = self._runtimes.current.loaded, self.config.evaluation
        if path is None:
            return None
        found = await asyncio.to_thread(read_curves, loaded.folder / path)
        seen = {
            name: place
            for name, place in found.points.items()
            if name not in loaded.config.models or call.caller.may_use_model(name)
        }
        return replace(found, points=seen)

    @property
    def _is_alone(self) -> bool:
        """Whether nobody can call but one caller."""
        return not self._runtimes.current.loaded.config.security.has_several_callers

    @property
    def _flush_seconds(self) -> float:
        return self._runtimes.current.loaded.config.ledger.flush_ms / 1000

    def _within_sight(self, call: Call, filters: Filters) -> Filters:
        return filters if self.sees_all(call.caller) else replace(filters, caller=call.caller.name)

    async def _read(self, look: Callable[[LedgerReader], Found], nothing: Found) -> Found:
        return nothing if self._readings is None else await self._readings.read(look)


def _model_now(runtime: Runtime, model: Model, available: bool) -> ModelNow:
    conditions = runtime.conditions
    deployments = []
    for deployment in model.deployments:
        breaker = conditions.breaker(model, deployment)
        deployments.append(
            DeploymentNow(
                deployment.backend, deployment.upstream_model, breaker.state.value, breaker.retry_after_seconds
            )
        )
    return ModelNow(model, available, conditions.time_to_first_token_seconds(model), tuple(deployments))


def _sights(callers: list[str], routers: list[str], models: list[str]) -> list[Mapping[str, str]]:
    """Every caller with every router and with every model, which no rule is about together."""

    def each() -> Iterator[Mapping[str, str]]:
        for caller in callers:
            for index in range(max(len(routers), len(models))):
                router, model = routers[index % len(routers)], models[index % len(models)]
                yield {"caller": caller, "router": router, "model": model}

    return list(islice(each(), _MOST_SIGHTS)) if routers and models else []
