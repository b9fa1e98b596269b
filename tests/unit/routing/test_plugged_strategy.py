"""A strategy written outside: one module with a section, a class and a builder, named by an entry point."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from frontdesk_server.config import strategy_kinds as kinds
from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.root import Config
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.routing.budget import routing_budget_ms

from tests.unit.routing.desk import POOL, engine_of, route

MODULE = '''
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from frontdesk_server.config.strategy_kinds import AnyStrategy, Child, StrategyConfig
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, consult


class ShoutingConfig(StrategyConfig):
    """Who shouts gets one model, all others what another strategy says."""

    kind: Literal["shouting"]
    model: str
    otherwise: AnyStrategy

    def children(self) -> Sequence[Child]:
        return [Child("otherwise", ("otherwise",), self.otherwise)]

    def with_children(self, children: Sequence[StrategyConfig]) -> Self:
        return self.model_copy(update={"otherwise": children[0]})


@dataclass(frozen=True)
class Shouting:
    path: str
    model: str
    otherwise: Strategy
    kind: str = "shouting"

    async def rank(self, context: RoutingContext) -> Ranking:
        started = context.clock.monotonic()
        if context.signals.text.isupper():
            return conclude(self, context, started, Ranking(Verdict.CHOSE, "it is shouted", self.model))
        return conclude(self, context, started, await consult(self.otherwise, context))


@builds(ShoutingConfig)
def build_shouting(config: ShoutingConfig, site: Site) -> Strategy:
    site.scope.check_candidate(config.model, (*site.location, "model"))
    return Shouting(site.path, config.model, site.children["otherwise"])
'''

ROUTERS = """
routers:
  default:
    default_model: mid
    strategy:
      kind: rules
      rules:
      - name: all
        then:
          kind: shouting
          model: MODEL
          otherwise: {kind: llm, model: small, timeout_ms: 700}
"""


@pytest.fixture(autouse=True)
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed distribution with that module, and a process that has read no configuration yet."""
    monkeypatch.setattr(kinds, "_sections", dict(kinds.strategy_kinds()))
    (tmp_path / "shouting_strategy.py").write_text(MODULE)
    info = tmp_path / "shouting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{kinds.PLUGGED}]\nshouting = shouting_strategy\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    kinds.forget_loaded()
    yield
    sys.modules.pop("shouting_strategy", None)
    kinds.forget_loaded()


async def test_a_strategy_from_outside_is_read_built_and_asked() -> None:
    assert "shouting" in {entry.name for entry in importlib.metadata.entry_points(group=kinds.PLUGGED)}
    engine = engine_of(ROUTERS.replace("MODEL", "frontier"))

    decision = await route(engine, "HELP ME NOW")

    assert (decision.model, decision.path[-1].path) == ("frontier", "default/rules.all/shouting")


async def test_faults_below_and_in_a_strategy_from_outside_have_their_places() -> None:
    with pytest.raises(ConfigError, match=r"routers\.default\.strategy\.rules\[0\]\.then\.model"):
        engine_of(ROUTERS.replace("MODEL", "nobody"))
    with pytest.raises(ConfigError, match=r"rules\[0\]\.then\.otherwise\.timeout_ms"):
        engine_of(ROUTERS.replace("700", "-1"))


BUILDERS_OF_NO_STRATEGY = {
    "that fails": ("raise KeyError('colour')", "KeyError: 'colour' (", "build_shouting)"),
    "that makes nothing": ("return None", "TypeError: NoneType has no kind, path and rank", ""),
}


@pytest.mark.parametrize(("does", "said", "place"), BUILDERS_OF_NO_STRATEGY.values(), ids=BUILDERS_OF_NO_STRATEGY)
async def test_a_builder_of_no_strategy_is_a_fault_of_the_configuration_beside_the_others(
    does: str, said: str, place: str, tmp_path: Path
) -> None:
    module = tmp_path / "shouting_strategy.py"
    module.write_text(MODULE.replace("    return Shouting(", f"    {does}\n    return Shouting("))

    with pytest.raises(ConfigError) as refused:
        engine_of(ROUTERS.replace("MODEL", "nobody"))

    broken, nobody = sorted(refused.value.faults, key=lambda fault: fault.path)
    assert broken.path == "routers.default.strategy.rules[0].then"
    assert f"the strategy 'shouting' cannot be built: {said}" in broken.message
    assert place in broken.message
    assert nobody.path == "routers.default.strategy.rules[0].then.model"


def test_what_a_router_llm_below_it_is_given_counts() -> None:
    config = parse_config(POOL + ROUTERS.replace("MODEL", "mid"), "test.yaml", {}).config

    assert routing_budget_ms(config.routers["default"], config.routers) == 950


def test_editors_are_told_of_it() -> None:
    definitions = Config.model_json_schema()["$defs"]

    assert definitions["StrategyConfig"]["discriminator"]["mapping"]["shouting"] == "#/$defs/ShoutingConfig"
    assert definitions["ShoutingConfig"]["properties"]["otherwise"]["$ref"] == "#/$defs/StrategyConfig"


BROKEN = "the plug-in shouting of the distribution shouting 1.0 cannot be loaded"
UNLOADABLE = {
    "that imports what is not there": ("import a_package_that_nobody_has", ": No module named 'a_package"),
    "that ends": ("raise SystemExit('no licence')", ": no licence"),
    "of a kind that ships": (MODULE.replace('Literal["shouting"]', 'Literal["rules"]'), ": two strategies are of"),
}


@pytest.mark.parametrize(("module", "said"), UNLOADABLE.values(), ids=UNLOADABLE)
def test_a_plug_in_that_cannot_be_loaded_is_a_fault_of_configurations_that_use_it(
    module: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "shouting_strategy.py").write_text(module)

    with pytest.raises(ConfigError) as refused:
        parse_config(POOL + ROUTERS, "test.yaml", {})
    (fault,) = refused.value.faults
    assert fault.path == "routers.default.strategy.rules[0].then"
    assert f"{BROKEN}{said}" in fault.message
    plain = "routers: {default: {default_model: mid, strategy: {kind: chain, strategies: [{kind: model, model: mid}]}}}"
    assert parse_config(POOL + plain, "test.yaml", {}).config.routers["default"].default_model == "mid"


def test_a_kind_that_nobody_has_may_be_that_of_a_plug_in_of_another_name(tmp_path: Path) -> None:
    (tmp_path / "shouting_strategy.py").write_text("raise LookupError('gone')")

    with pytest.raises(ConfigError, match=rf"is no kind.*; {BROKEN}: gone"):
        parse_config(POOL + ROUTERS.replace("kind: shouting", "kind: whispering"), "test.yaml", {})


def test_two_strategies_of_one_kind_are_refused() -> None:
    class Twin(kinds.StrategyConfig):
        kind: Literal["rules"]

    with pytest.raises(ValueError, match="two strategies are of the kind 'rules'"):
        kinds.add_strategy_kind(Twin)
