"""docs/execution.md says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from frontdesk_server.backends.refusals import status_error
from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.errors import CompletionFailed, UpstreamError, UpstreamTimedOut
from frontdesk_server.domain.events import Completed, TextDelta

from tests.fakes import a_model, answer, plan_of, routed
from tests.unit.execution.test_executor import Desk, collect

PAGE = (Path(__file__).parents[3] / "docs" / "execution.md").read_text()
OTHER = a_model("other")
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| `UPSTREAM_")
]
BASE: dict[str, Any] = {
    "backends": {"local": {"kind": "simulated"}},
    "models": {"small": {"backend": "local"}, "large": {"backend": "local"}},
    "routers": {"default": {"default_model": "small", "strategy": {"kind": "model", "model": "small"}}},
}


def kinds(parent: type[UpstreamError] = UpstreamError) -> Iterator[type[UpstreamError]]:
    for kind in parent.__subclasses__():
        yield kind
        yield from kinds(kind)


def an_error(reason: str) -> UpstreamError:
    kind = next(kind for kind in kinds() if kind.reason == reason and "reason" in vars(kind))
    return UpstreamTimedOut("idle", 1) if kind is UpstreamTimedOut else kind("it went wrong")


def test_the_table_has_a_row_for_every_error() -> None:
    assert sorted(row[0] for row in ROWS) == sorted({kind.reason for kind in kinds()})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_the_statuses_of_a_row_are_that_error(row: list[str]) -> None:
    for status in re.findall(r"\b\d{3}\b", row[1]):
        assert status_error(int(status), {}, b"").reason == row[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
async def test_before_content_an_error_leads_to_what_its_row_says(
    row: list[str],
) -> None:
    reason, _, repeated, counts, usage = row
    retry = RetryConfig(max_retries=1, base_ms=0.1, max_ms=1)
    desk = Desk({"small": [[an_error(reason)]], "mid": [answer("hello")]}, retry=retry)
    execution = desk.start(routed(plan_of("small", "mid")))
    events = await collect(execution)
    assert isinstance(events[-1], Completed)
    assert events[-1].model == "mid"
    failed = execution.settlement.attempts[0]
    assert (failed.retries, failed.error_reason) == (int(repeated == "yes"), reason)
    assert failed.usage_estimated is (usage == "estimated")
    assert (failed.cost_nano_usd == 0) is (usage == "none")
    for _ in range(5):
        call = desk.conditions.breaker(OTHER, OTHER.primary).acquire()
        assert call is not None
        call.ended(AttemptOutcome.FAILED, an_error(reason))
    assert (desk.conditions.state(OTHER) == "open") is (counts == "yes")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
async def test_after_commit_every_error_fails_the_call(row: list[str]) -> None:
    desk = Desk({"small": [[TextDelta("par"), an_error(row[0])]], "mid": [answer("never")]})
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan_of("small", "mid"))))
    assert failure.value.reason == row[0]
    assert len(desk.backend.calls) == 1


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_is_a_valid_configuration(example: str) -> None:
    config = {key: dict(section) for key, section in BASE.items()}
    for key, section in yaml.safe_load(example).items():
        config[key] = {**config.get(key, {}), **section}
    parse_config(yaml.safe_dump(config), "docs/execution.md", {})
