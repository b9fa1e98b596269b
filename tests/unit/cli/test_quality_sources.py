"""`frontdesk check` tells whence the qualities of a router's models come."""

from __future__ import annotations

from frontdesk_server.cli.quality_sources import quality_sources
from frontdesk_server.config.loading import default_config_path, load_config, parse_config

POOL = """
backends: {fake: {kind: simulated}}
models:
  mine: {backend: fake, quality: 0.6}
  renamed: {backend: fake}
  nameless: {backend: fake}
routers:
  default:
    default_model: mine
    strategy:
      kind: chain
      strategies:
        - {kind: classifier, models: {renamed: gpt-4-1106-preview}}
        - {kind: model, model: mine}
  plain: {default_model: mine, models: [mine], strategy: {kind: model, model: mine}}
"""


def test_each_model_is_told_by_outcomes_by_its_prior_or_as_unknown() -> None:
    told = quality_sources(parse_config(POOL, "test", {}))

    assert told["default"] == (
        "of mine from the prior `quality` and the difficulty of the query; "
        "of renamed from outcomes that the artefact default was learned from; of nameless unknown"
    )
    assert told["plain"] == "of mine from the prior `quality` and the difficulty of the query"


def test_the_pool_that_ships_goes_by_priors() -> None:
    told = quality_sources(load_config(default_config_path()))

    assert "frontier-llm from the prior" in told["default"]
