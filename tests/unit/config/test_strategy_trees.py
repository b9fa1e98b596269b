"""The paths by which tools name strategies are those that decisions name."""

from __future__ import annotations

from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.strategy_kinds import StrategyConfig, strategy_kinds
from frontdesk_server.config.strategy_trees import changed, strategies_of
from frontdesk_server.routing.strategies.model import FixedModelConfig

from tests.unit.routing.desk import POOL, engine_of, route

ROUTERS = """
routers:
  default:
    default_model: mid
    strategy:
      kind: chain
      strategies:
      - kind: rules
        rules:
        - name: looked up
          when: {keywords: [nothing]}
          then: {kind: model, model: local}
        - name: everything
          then:
            kind: embedding
            references: {mid: [hello there]}
            then:
              mid:
                kind: split
                arms:
                - {name: a, weight: 1, strategy: {kind: router, router: other}}
                - {name: b, weight: 0.000001, strategy: {kind: model, model: small}}
      - {kind: model, model: mid}
  other:
    default_model: mid
    strategy: {kind: cascade, steps: [{model: frontier}]}
"""


async def test_strategies_are_found_by_the_paths_of_decisions() -> None:
    engine = engine_of(ROUTERS)
    await engine.prepare()
    taken = [step.path for step in (await route(engine, "hello there")).path]
    found = strategies_of(parse_config(POOL + ROUTERS, "test.yaml", {}).config, "default")
    assert found.keys() - taken == {
        "default/chain.1/model",
        "default/chain.0/rules.looked up/model",
        "default/chain.0/rules.everything/embedding.mid/split.b/model",
    }
    assert found.keys() >= set(taken)
    assert len(taken) == 6
    assert [strategy.kind for path, strategy in found.items() if path == taken[-1]] == ["cascade"]


def test_a_router_that_refers_to_itself_is_walked_once() -> None:
    loaded = parse_config(
        POOL + "routers: {default: {default_model: mid, strategy: {kind: router, router: default}}}", "", {}
    )
    assert list(strategies_of(loaded.config, "default")) == ["default/router"]


def test_a_tree_is_changed_everywhere_and_holds_the_trees_that_it_referred_to() -> None:
    config = parse_config(POOL + ROUTERS, "test.yaml", {}).config

    def always_local(strategy: StrategyConfig) -> StrategyConfig:
        return FixedModelConfig(kind="model", model="local") if isinstance(strategy, FixedModelConfig) else strategy

    root = changed(config.routers["default"].strategy, config, always_local)
    router = config.routers["default"].model_copy(update={"strategy": root})
    found = strategies_of(config.model_copy(update={"routers": {"default": router}}), "default")

    assert {each.model for each in found.values() if isinstance(each, FixedModelConfig)} == {"local"}
    assert "default/chain.0/rules.everything/embedding.mid/split.a/cascade" in found
    assert len(found) == len(strategies_of(config, "default")) - 1  # the reference is gone


def test_every_kind_gives_its_children_back_as_it_was_given_them() -> None:
    kinds = set()
    for strategy in strategies_of(parse_config(POOL + ROUTERS, "test.yaml", {}).config, "default").values():
        kinds.add(strategy.kind)
        assert strategy.with_children([child.config for child in strategy.children()]) == strategy
    assert {"rules", "embedding", "split", "chain"} <= kinds <= strategy_kinds().keys()
