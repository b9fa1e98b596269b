"""What a caller may set that an API cannot honour, and what of it a model needs not be told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.domain.call import Caller
from frontdesk_server.domain.decision import ExclusionReason
from frontdesk_server.domain.model import Capability, Deployment
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import (
    GenerationConfig,
    ImageDetail,
    MediaPart,
    Message,
    Query,
    ReasoningEffort,
    Role,
    TextPart,
    text_query,
)
from frontdesk_server.routing.filters import demands_of
from frontdesk_server.routing.selection import Outlook

from tests.fakes import a_model
from tests.profiles import ANTHROPIC, COMPATIBLE, RESPONSES, SIMULATED

_THINKING = GenerationConfig(reasoning_effort=ReasoningEffort.MINIMAL)


def setting(**settings: object) -> Query:
    return text_query("hi", GenerationConfig(**settings))  # type: ignore[arg-type]


def showing(detail: ImageDetail | None) -> Query:
    return Query((Message(Role.USER, (MediaPart("image/png", b"x", detail=detail),)),))


def prefilled(text: str, generation: GenerationConfig | None = None) -> Query:
    begun = Message(Role.ASSISTANT, (TextPart(text),))
    return Query((*text_query("2 + 2?").messages, begun), generation=generation or GenerationConfig())


@pytest.mark.parametrize(
    ("profile", "query", "objected"),
    [
        (COMPATIBLE, setting(reasoning_budget_tokens=2000), True),
        (COMPATIBLE, setting(reasoning_effort=ReasoningEffort.XHIGH, top_k=3), False),
        (COMPATIBLE, showing(ImageDetail.HIGH), False),
        (COMPATIBLE, prefilled("The answer "), False),
        (RESPONSES, setting(max_output_tokens=16, temperature=0.5, reasoning_effort=ReasoningEffort.HIGH), False),
        (RESPONSES, setting(max_output_tokens=15), True),
        (RESPONSES, setting(stop_sequences=("a",)), True),
        (RESPONSES, setting(seed=1), True),
        (RESPONSES, setting(presence_penalty=0.5), True),
        (RESPONSES, setting(top_k=3), True),
        (RESPONSES, setting(reasoning_budget_tokens=2000), True),
        (RESPONSES, prefilled("The answer"), True),
        (ANTHROPIC, setting(reasoning_budget_tokens=1024), False),
        (ANTHROPIC, setting(reasoning_budget_tokens=1023), True),
        (ANTHROPIC, setting(top_k=3), False),
        (ANTHROPIC, setting(top_k=3, reasoning_effort=ReasoningEffort.LOW), True),
        (ANTHROPIC, setting(top_k=3, temperature=0.2, reasoning_effort=ReasoningEffort.NONE), False),
        (ANTHROPIC, showing(None), False),
        (ANTHROPIC, showing(ImageDetail.AUTO), False),
        (ANTHROPIC, showing(ImageDetail.LOW), True),
        (ANTHROPIC, prefilled("The answer is"), False),
        (ANTHROPIC, prefilled("The answer is "), True),
        (ANTHROPIC, prefilled("The answer is", _THINKING), True),
        (SIMULATED, setting(reasoning_budget_tokens=1), False),
    ],
)
def test_what_an_api_cannot_honour_it_objects_to(profile: Profile, query: Query, objected: bool) -> None:
    assert (objection(profile, query) is not None) is objected


@pytest.mark.parametrize(
    ("budget", "limit", "excluded"), [(4000, 4001, False), (4000, 4000, True), (4000, None, False)]
)
def test_a_budget_must_leave_room_for_the_answer(budget: int, limit: int | None, excluded: bool) -> None:
    query = setting(reasoning_budget_tokens=budget, max_output_tokens=limit)
    able = frozenset({Capability.REASONING})
    places = (Deployment("b", "m", profile=ANTHROPIC),)
    model = replace(a_model("m"), deployments=places, capabilities=able, context_window=100_000)
    demands = demands_of(query, RoutingPolicy(), Caller(), 10)
    exclusion = demands.exclusion(model, Outlook(500, 0.5))
    assert (exclusion.reason if exclusion else None) is (ExclusionReason.CAPABILITY if excluded else None)


@pytest.mark.parametrize("capabilities", [frozenset(), frozenset({Capability.REASONING})])
def test_a_model_that_cannot_reason_is_not_told_not_to(capabilities: frozenset[Capability]) -> None:
    query = setting(reasoning_effort=ReasoningEffort.NONE, temperature=0.5)
    asked = replace(a_model("m"), capabilities=capabilities).asked(query)
    assert asked == (query if capabilities else setting(temperature=0.5))
