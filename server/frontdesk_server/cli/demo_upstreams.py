"""Which models a server within reach has."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

OLLAMA = "http://127.0.0.1:11434"
"""Where Ollama listens unless told otherwise."""

_PROBE_SECONDS = 0.3
_ANSWER_SECONDS = 5.0


def ollama_models() -> list[str]:
    """Names of the local models, smallest first; none when no Ollama runs."""
    models = _listed(f"{OLLAMA}/api/tags", "models", _PROBE_SECONDS)
    return [model["name"] for model in sorted(models, key=lambda model: model.get("size", 0))]


def models_at(base_url: str) -> list[str]:
    """Names of the models of an OpenAI-compatible server; none where none answers."""
    return [model["id"] for model in _listed(f"{base_url.rstrip('/')}/models", "data", _ANSWER_SECONDS)]


def _listed(url: str, key: str, seconds: float) -> list[dict[str, Any]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds) as response:
            models: list[dict[str, Any]] = json.load(response)[key]
    except (OSError, ValueError, KeyError):
        return []
    return models
