"""The pools a demonstration can run on: the embedded one, or a real one that is within reach."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import typer
from pydantic import SecretStr

from frontdesk_server.cli.demo_upstreams import OLLAMA, models_at, ollama_models
from frontdesk_server.config.loading import LoadedConfig, default_config_path, load_config
from frontdesk_server.config.pool import ModelConfig, OpenAIBackendConfig
from frontdesk_server.config.prices import PricesConfig
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.model import Capability

_OPENAI = "https://api.openai.com/v1"
_OPENAI_MODELS = {
    "small-llm": ("gpt-4.1-nano", 0.10, 0.40),
    "mid-llm": ("gpt-4.1-mini", 0.40, 1.60),
    "code-llm": ("gpt-4.1-mini", 0.40, 1.60),
    "frontier-llm": ("gpt-4.1", 2.00, 8.00),
}
_MOST_TOKENS_OF_AN_ENDPOINT = 48


class PoolChoice(enum.StrEnum):
    """Which pool answers."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    OPENAI = "openai"
    OLLAMA = "ollama"


@dataclass(frozen=True, slots=True)
class DemoPool:
    """What a demonstration runs on, and what to say of it. `checked` names the model whose real answers are judged."""

    loaded: LoadedConfig
    told: str
    checked: str = ""


def demo_pool(choice: PoolChoice, endpoint: str, ledger_url: str) -> DemoPool:
    """The pool of this choice, or with the model at an OpenAI-compatible endpoint.

    `auto` asks before it uses a pool that costs money or time.

    Raises:
        typer.BadParameter: where there is no key, or nothing answers.
    """
    loaded = load_config(default_config_path())
    loaded = _with(loaded, ledger=LedgerConfig(url=SecretStr(ledger_url)))
    if endpoint:
        return _endpoint_pool(endpoint, loaded)
    match _offered() if choice is PoolChoice.AUTO else choice:
        case PoolChoice.OPENAI:
            return _openai_pool(loaded)
        case PoolChoice.OLLAMA:
            return _ollama_pool(loaded)
        case _:
            return DemoPool(loaded, "the embedded pool: simulated models, no network")


def _offered() -> PoolChoice:
    real = None
    if os.environ.get("OPENAI_API_KEY"):
        real = PoolChoice.OPENAI
    elif ollama_models():
        real = PoolChoice.OLLAMA
    if real is not None and sys.stdin.isatty() and typer.confirm(f"Use the real {real.value} pool?", default=False):
        return real
    return PoolChoice.EMBEDDED


def _openai_pool(loaded: LoadedConfig) -> DemoPool:
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key:
        raise typer.BadParameter("OPENAI_API_KEY is not set: this pool needs a key of yours, and costs some cents")
    return _real_pool(loaded, f"OpenAI at {_OPENAI}, with your key", _OPENAI, key, _OPENAI_MODELS)


def _ollama_pool(loaded: LoadedConfig) -> DemoPool:
    """The smallest model for small, the largest for frontier, free of charge."""
    models = ollama_models()
    if not models:
        raise typer.BadParameter(f"no Ollama with a model answers at {OLLAMA}")
    middle = models[len(models) // 2]
    code = next((name for name in models if "code" in name), middle)
    chosen = {"small-llm": models[0], "mid-llm": middle, "code-llm": code, "frontier-llm": models[-1]}
    found = f"Ollama at {OLLAMA}, {len(models)} models found"
    return _real_pool(loaded, found, f"{OLLAMA}/v1", "", {name: (one, 0.0, 0.0) for name, one in chosen.items()})


def _real_pool(
    loaded: LoadedConfig, found: str, base_url: str, api_key: str, models: Mapping[str, tuple[str, float, float]]
) -> DemoPool:
    pool = {name: _real(loaded.config.models[name], *upstream) for name, upstream in models.items()}
    played = ", ".join(f"{name} is {upstream}" for name, (upstream, _, _) in models.items())
    return DemoPool(_with(loaded, backends={"real": _backend(base_url, api_key)}, models=pool), f"{found}: {played}")


def _endpoint_pool(base_url: str, loaded: LoadedConfig) -> DemoPool:
    """The model that is served there is small-llm; the others stay simulated, and say so."""
    models = models_at(base_url)
    if not models:
        raise typer.BadParameter(f"no OpenAI-compatible server with a model answers at {base_url}")
    config = loaded.config
    small = _real(config.models["small-llm"], models[0], 0.10, 0.50)
    small = small.model_copy(
        update={
            "max_output_tokens": _MOST_TOKENS_OF_AN_ENDPOINT,
            "capabilities": frozenset({Capability.LOGPROBS, Capability.SEED}),
        }
    )
    told = f"a real LLM, {models[0]} at {base_url}, as small-llm; the other models are simulated, and say so"
    backends = {**config.backends, "real": _backend(base_url, "")}
    return DemoPool(_with(loaded, backends=backends, models={**config.models, "small-llm": small}), told, "small-llm")


def _backend(base_url: str, api_key: str) -> OpenAIBackendConfig:
    return OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": base_url, "api_key": api_key})


def _real(model: ModelConfig, upstream: str, input_usd: float, output_usd: float) -> ModelConfig:
    prices = PricesConfig.model_validate({"input": input_usd, "output": output_usd})
    return model.model_copy(update={"backend": "real", "upstream_model": upstream, "prices": prices})


def _with(loaded: LoadedConfig, **parts: Any) -> LoadedConfig:
    return LoadedConfig(loaded.config.model_copy(update=parts), loaded.source, loaded.version)
