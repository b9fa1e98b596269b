"""The pools a demonstration can run on: the embedded one, or a real one that is within reach."""

from __future__ import annotations

import enum
import json
import os
import sys
import urllib.request
from typing import Any

import typer
from pydantic import SecretStr

from frontdesk_server.config.loading import LoadedConfig, default_config_path, load_config
from frontdesk_server.config.pool import ModelConfig, OpenAIBackendConfig
from frontdesk_server.config.prices import PricesConfig
from frontdesk_server.config.service import LedgerConfig

_OLLAMA = "http://127.0.0.1:11434"
_PROBE_SECONDS = 0.3
_OPENAI_MODELS = {
    "small-llm": ("gpt-4.1-nano", 0.10, 0.40),
    "mid-llm": ("gpt-4.1-mini", 0.40, 1.60),
    "code-llm": ("gpt-4.1-mini", 0.40, 1.60),
    "frontier-llm": ("gpt-4.1", 2.00, 8.00),
}


class PoolChoice(enum.StrEnum):
    """Which pool answers."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    OPENAI = "openai"
    OLLAMA = "ollama"


def demo_config(choice: PoolChoice, ledger_url: str) -> tuple[LoadedConfig, str]:
    """The configuration and what to call its pool. `auto` asks before it uses a pool that costs money or time."""
    if choice is PoolChoice.AUTO:
        choice = _offered()
    loaded = load_config(default_config_path())
    update: dict[str, Any] = {"ledger": LedgerConfig(url=SecretStr(ledger_url))}
    if choice is PoolChoice.OPENAI:
        update |= _pool("https://api.openai.com/v1", os.environ.get("OPENAI_API_KEY", ""), _OPENAI_MODELS, loaded)
    elif choice is PoolChoice.OLLAMA:
        update |= _pool(f"{_OLLAMA}/v1", "ollama", _ollama_pool(), loaded)
    name = "embedded pool (simulated models, no network)" if choice is PoolChoice.EMBEDDED else f"{choice.value} pool"
    return LoadedConfig(loaded.config.model_copy(update=update), loaded.source, loaded.version), name


def _offered() -> PoolChoice:
    real = None
    if os.environ.get("OPENAI_API_KEY"):
        real = PoolChoice.OPENAI
    elif _ollama_models():
        real = PoolChoice.OLLAMA
    if real is not None and sys.stdin.isatty() and typer.confirm(f"Use the real {real.value} pool?", default=False):
        return real
    return PoolChoice.EMBEDDED


def _pool(
    base_url: str, api_key: str, models: dict[str, tuple[str, float, float]], loaded: LoadedConfig
) -> dict[str, Any]:
    backend = OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": base_url, "api_key": api_key})
    known = loaded.config.models
    pool: dict[str, ModelConfig] = {
        name: known[name].model_copy(
            update={
                "backend": "real",
                "upstream_model": upstream,
                "prices": PricesConfig.model_validate({"input": input_usd, "output": output_usd}),
            }
        )
        for name, (upstream, input_usd, output_usd) in models.items()
    }
    return {"backends": {"real": backend}, "models": pool}


def _ollama_pool() -> dict[str, tuple[str, float, float]]:
    """The smallest model for small, the largest for frontier, free of charge."""
    models = _ollama_models()
    if not models:
        raise typer.BadParameter(f"no Ollama with a model answers at {_OLLAMA}")
    middle = models[len(models) // 2]
    code = next((name for name in models if "code" in name), middle)
    chosen = {"small-llm": models[0], "mid-llm": middle, "code-llm": code, "frontier-llm": models[-1]}
    return {name: (upstream, 0.0, 0.0) for name, upstream in chosen.items()}


def _ollama_models() -> list[str]:
    """Names of the local models, smallest first; none when no Ollama runs."""
    try:
        with urllib.request.urlopen(f"{_OLLAMA}/api/tags", timeout=_PROBE_SECONDS) as response:  # noqa: S310 - a constant on loopback
            models = json.load(response)["models"]
    except (OSError, ValueError, KeyError):
        return []
    return [model["name"] for model in sorted(models, key=lambda model: model.get("size", 0))]
