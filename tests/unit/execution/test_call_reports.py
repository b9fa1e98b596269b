"""What an attempt tells of its call: what was adjusted, the provider's own id and cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from frontdesk_server.domain.attempt import Adjustment, Attempt
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import CompletionFailed, UpstreamFailed
from frontdesk_server.domain.events import Batch, Completed, Finished, TextDelta, UsageReport
from frontdesk_server.domain.provider import ProviderBlock, ProviderOptions
from frontdesk_server.domain.query import Message, ProviderPart, Query, Role, TextPart, Tool, text_query
from frontdesk_server.domain.usage import FinishReason, Usage

from tests.fakes import FakeBackend, Script, answer, plan_of, routed
from tests.unit.execution.test_executor import Desk, collect


class TellingBackend(FakeBackend):
    """Gives each call an id and notes that it adjusted something."""

    async def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        call.dispatch.request_id = f"req-{len(self.calls) + 1}"
        call.dispatch.adjustments.append(Adjustment("query.messages", "put in order"))
        async for batch in super().stream(call):
            yield batch


async def attempts_of(scripts: dict[str, list[Script]], query: Query) -> tuple[Attempt, ...]:
    desk = Desk(scripts)
    desk.tools.backends["fake"] = TellingBackend(scripts)  # type: ignore[index]
    execution = desk.start(replace(routed(plan_of(*scripts)), query=query))
    try:
        completed = (await collect(execution))[-1]
    except CompletionFailed as failure:
        return failure.settlement.attempts
    assert isinstance(completed, Completed)
    return completed.settlement.attempts


async def test_adjustments_and_the_providers_id_are_told_of_every_attempt_failed_ones_too() -> None:
    failed, made = await attempts_of({"small": [[UpstreamFailed("500")]], "mid": [answer("hello")]}, text_query("hi"))
    noted = (Adjustment("query.messages", "put in order"),)
    assert (failed.provider_request_id, failed.adjustments) == ("req-1", noted)
    assert (made.provider_request_id, made.adjustments) == ("req-2", noted)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([TextDelta("a"), Finished(FinishReason.STOP, Usage(5, 1), "", 77)], 77),
        ([TextDelta("a"), Finished(FinishReason.STOP, Usage(5, 1))], None),
        ([UsageReport(Usage(5, 1), "", 7), TextDelta("a"), UpstreamFailed("500")], 7),
    ],
)
async def test_the_cost_that_the_provider_reports_stands_beside_ours(script: Script, expected: int | None) -> None:
    (attempt,) = await attempts_of({"small": [script]}, text_query("hi"))
    assert (attempt.provider_cost_nano_usd, attempt.cost_nano_usd) == (expected, 5 * 200 + 1000)


async def test_what_is_for_other_dialects_is_named_as_left_out() -> None:
    options = (ProviderOptions("anthropic", "{}"),)
    searched = Message(Role.ASSISTANT, (TextPart("Hm."), ProviderPart(ProviderBlock("anthropic", "{}"))))
    said = Message(Role.USER, (TextPart("hi", provider_options=options),), provider_options=options)
    query = Query((said, searched, said), (Tool("f", provider_options=options),), provider_options=options)
    (attempt,) = await attempts_of({"small": [answer("hello")]}, query)
    assert [made.field for made in attempt.adjustments] == [
        "query.provider_options[0]",
        "query.messages[0].provider_options[0]",
        "query.messages[0].parts[0].provider_options[0]",
        "query.messages[2].provider_options[0]",
        "query.messages[2].parts[0].provider_options[0]",
        "query.tools[0].provider_options[0]",
        "query.messages[1].parts[1]",
        "query.messages",
    ]
    assert attempt.adjustments[0].detail == "left out: only anthropic understands it"
