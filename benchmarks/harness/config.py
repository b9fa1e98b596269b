"""Frontdesk as it is measured: the configuration that ships, its models served by the upstream of the run.

Ledger (SQLite), metrics page and JSON log lines are on, as shipped. Beside the shipped router there is one whose
classifier decides, one by embeddings, and `paced`, whose upstream takes its time.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness.processes import ROOT, free_port

SHIPPED = ROOT / "server" / "frontdesk_server" / "config" / "default.yaml"
PACE_MS = 1
SLOW_MS = 600
"""Milliseconds between the chunks of the routers `paced` and `slow`; 50 chunks take 30 s."""

Yaml = dict[str, Any]

_REFERENCES = {
    "small-llm": ["hello there", "what is the capital of France", "what time is it", "convert 3 miles to kilometres"],
    "mid-llm": ["summarise this article", "translate this into Spanish", "explain how vaccines work"],
    "code-llm": ["write a Python function", "why does my code crash", "how do I cache a function's results"],
    "frontier-llm": ["prove this theorem", "design a distributed database", "analyse the trade-offs of this contract"],
}


def configuration(upstream: str, folder: Path) -> Yaml:
    """The configuration as plain values, to be changed and written."""
    config: Yaml = yaml.safe_load(SHIPPED.read_text())
    backend = {"kind": "openai", "api_key": "none"}
    config["backends"] = {
        "instant": {**backend, "base_url": f"{upstream}/v1"},
        "paced": {**backend, "base_url": f"{upstream}/pace/{PACE_MS}/v1", "max_connections": 4096},
        "slow": {**backend, "base_url": f"{upstream}/pace/{SLOW_MS}/v1", "max_connections": 4096},
    }
    for model in config["models"].values():
        model["backend"] = "instant"
    shipped = config["routers"]["default"]
    shipped["models"] = list(config["models"])
    for pace in ("paced", "slow"):
        config["models"][f"{pace}-llm"] = {**copy.deepcopy(config["models"]["mid-llm"]), "backend": pace}
        config["routers"][pace] = {
            "default_model": f"{pace}-llm",
            "models": [f"{pace}-llm"],
            "strategy": {"kind": "model", "model": f"{pace}-llm"},
        }
    config["routers"]["classifier"] = {**shipped, "strategy": {"kind": "classifier", "quality_floor": 0.8}}
    config["routers"]["embedding"] = {**shipped, "strategy": {"kind": "embedding", "references": _REFERENCES}}
    config["embedder"] = {"cache_size": 0}  # the load asks the same again and again; real queries differ
    config["ledger"] = {"url": f"sqlite:///{folder}/ledger.db"}
    config["telemetry"] = {"prometheus_address": f"127.0.0.1:{free_port()}", "log_format": "json"}
    return config


def written(config: Yaml, folder: Path) -> Path:
    """The configuration as a file of this folder."""
    file = folder / "frontdesk.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file
