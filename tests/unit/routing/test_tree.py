from __future__ import annotations

import pytest
from frontdesk_server.domain.errors import ConfigError, ConfigFault

from tests.unit.routing.desk import engine_of


def _faults(routers: str) -> list[ConfigFault]:
    with pytest.raises(ConfigError) as error:
        engine_of(f"routers:\n{routers}")
    return list(error.value.faults)


def _strategy(strategy: str) -> str:
    return f"  default: {{default_model: mid, strategy: {strategy}}}"


@pytest.mark.parametrize(
    ("strategy", "place"),
    [
        ("{kind: model, model: ghost}", "model"),
        ("{kind: chain, strategies: [{kind: model, model: mid}, {kind: model, model: ghost}]}", "strategies[1].model"),
        ("{kind: rules, rules: [{name: a, model: ghost}]}", "rules[0].model"),
        ("{kind: rules, rules: [{name: a, only: [ghost]}]}", "rules[0].only"),
        ("{kind: rules, rules: [{name: a, then: {kind: model, model: ghost}}]}", "rules[0].then.model"),
        ("{kind: cascade, steps: [{model: ghost}]}", "steps[0].model"),
        (
            "{kind: cascade, steps: [{model: small, check: {kind: verifier, model: ghost}}, {model: mid}]}",
            "steps[0].check.model",
        ),
        (
            "{kind: cascade, steps: [{model: small, check: {kind: any, checks: [{kind: agreement, model: ghost}]}}]}",
            "steps[0].check.checks[0].model",
        ),
        (
            "{kind: split, arms: [{name: a, weight: 1, strategy: {kind: model, model: mid}}, "
            "{name: b, weight: 1, strategy: {kind: model, model: ghost}}]}",
            "arms[1].strategy.model",
        ),
    ],
)
def test_models_that_do_not_exist_are_faults_with_their_place(strategy: str, place: str) -> None:
    (fault,) = _faults(_strategy(strategy))

    assert fault.path == f"routers.default.strategy.{place}"
    assert "no model is named 'ghost'; there are frontier, local, mid, small" in fault.message
    assert fault.line == 12


def test_all_faults_are_reported_together() -> None:
    faults = _faults(
        "  default: {default_model: ghost, fallbacks: [mid, ghost], models: [mid, ghost], "
        "strategy: {kind: model, model: small}}"
    )

    assert sorted(fault.path for fault in faults) == [
        "routers.default.default_model",
        "routers.default.fallbacks[1]",
        "routers.default.models[1]",
        "routers.default.strategy.model",
    ]


def test_a_model_outside_of_the_routers_own_is_a_fault() -> None:
    (fault,) = _faults("  default: {default_model: mid, models: [mid], strategy: {kind: model, model: small}}")

    assert "there are mid" in fault.message


def test_a_rule_may_not_choose_what_it_rules_out() -> None:
    (fault,) = _faults(_strategy("{kind: rules, rules: [{name: a, model: mid, only: [small]}]}"))

    assert "rule 'a'" in fault.message


@pytest.mark.parametrize(
    ("strategy", "place"),
    [
        ("{kind: rules, rules: [{name: a, model: mid}, {name: a, model: small}]}", "rules[1].name"),
        (
            "{kind: split, arms: [{name: a, weight: 1, strategy: {kind: model, model: mid}}, "
            "{name: a, weight: 1, strategy: {kind: model, model: mid}}]}",
            "arms[1].name",
        ),
    ],
)
def test_names_that_are_given_twice_are_faults(strategy: str, place: str) -> None:
    (fault,) = _faults(_strategy(strategy))

    assert fault.path == f"routers.default.strategy.{place}"


def test_an_unknown_router_is_a_fault() -> None:
    (fault,) = _faults(_strategy("{kind: router, router: ghost}"))

    assert (fault.path, fault.message) == (
        "routers.default.strategy.router",
        "no router is named 'ghost'; there are default",
    )


@pytest.mark.parametrize(
    ("routers", "places"),
    [
        (_strategy("{kind: router, router: default}"), ["routers.default.strategy.router"]),
        (
            "  a: {default_model: mid, strategy: {kind: chain, strategies: [{kind: router, router: b}]}}\n"
            "  b: {default_model: mid, strategy: {kind: router, router: c}}\n"
            "  c: {default_model: mid, strategy: {kind: rules, rules: [{name: r, then: {kind: router, router: a}}]}}\n"
            "  d: {default_model: mid, strategy: {kind: router, router: a}}",
            [
                "routers.a.strategy.strategies[0].router",
                "routers.b.strategy.router",
                "routers.c.strategy.rules[0].then.router",
            ],
        ),
    ],
)
def test_routers_that_refer_to_themselves_are_faults(routers: str, places: list[str]) -> None:
    assert [fault.path for fault in _faults(routers)] == places


def test_routers_may_share_another_one() -> None:
    engine = engine_of(
        "routers:\n"
        "  a: {default_model: mid, strategy: {kind: chain, "
        "strategies: [{kind: router, router: c}, {kind: router, router: b}]}}\n"
        "  b: {default_model: mid, strategy: {kind: router, router: c}}\n"
        "  c: {default_model: mid, strategy: {kind: cascade, "
        "steps: [{model: small, check: {kind: heuristic}}, {model: mid}]}}\n"
    )

    assert list(engine.checks) == ["c/cascade.0"]
