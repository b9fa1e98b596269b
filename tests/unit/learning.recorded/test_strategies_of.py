"""The paths by which tools name strategies are those that decisions name."""

from __future__ import annotations

from frontdesk_server.config.loading import parse_config
from frontdesk_server.learning.recorded.engine import strategies_of

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
