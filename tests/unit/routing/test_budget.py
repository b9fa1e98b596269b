"""A router LLM has the time that it is given, and other strategies add nothing to it."""

from __future__ import annotations

import pytest
from frontdesk_server.config.loading import parse_config
from frontdesk_server.routing.budget import routing_budget_ms

from tests.unit.routing.desk import POOL

LLM = "{kind: llm, model: small, timeout_ms: %d}"
USUAL = "{kind: llm, model: small}"


def _arm(name: str, milliseconds: int) -> str:
    return f"{{name: {name}, weight: 1, strategy: {LLM % milliseconds}}}"


@pytest.mark.parametrize(
    ("strategy", "more", "milliseconds"),
    [
        ("{kind: model, model: small}", "", 250),
        (USUAL, "", 250),
        (LLM % 6000, "", 6250),
        (LLM % 100, ", strategy_timeout_ms: 400", 400),
        (f"{{kind: chain, strategies: [{LLM % 1000}, {LLM % 2000}]}}", "", 3250),
        (f"{{kind: rules, rules: [{{name: a, then: {LLM % 1000}}}, {{name: b, then: {USUAL}}}]}}", "", 1250),
        (f"{{kind: split, arms: [{_arm('a', 1000)}, {_arm('b', 3000)}]}}", "", 3250),
        ("{kind: embedding, references: {small: [x]}, then: {small: %s}}" % (LLM % 700), "", 950),
        ("{kind: router, router: other}", "", 4250),
        ("{kind: chain, strategies: [{kind: router, router: other}, {kind: router, router: other}]}", "", 8250),
    ],
)
def test_the_time_of_routing_follows_from_that_of_router_llms(strategy: str, more: str, milliseconds: float) -> None:
    routers = f"""routers:
  default: {{default_model: mid, strategy: {strategy}{more}}}
  other: {{default_model: mid, strategy: {LLM % 4000}}}
"""
    config = parse_config(POOL + routers, "f.yaml", {}).config

    assert routing_budget_ms(config.routers["default"], config.routers) == milliseconds


def test_routers_that_refer_to_each_other_come_to_an_end() -> None:
    routers = """routers:
  default: {default_model: mid, strategy: {kind: router, router: other}}
  other: {default_model: mid, strategy: {kind: router, router: default}}
"""
    config = parse_config(POOL + routers, "f.yaml", {}).config

    assert routing_budget_ms(config.routers["default"], config.routers) == 250
