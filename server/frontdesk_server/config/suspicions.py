"""What a configuration says that can be meant, and mostly is not. `frontdesk check` warns of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from pydantic import SecretStr

from frontdesk_server.config.fingerprint import given
from frontdesk_server.config.names import DEFAULT_ROUTER, ROUTER_PREFIX
from frontdesk_server.config.pool import BackendConfig, ModelConfig, SimulatedBackendConfig
from frontdesk_server.config.root import Config
from frontdesk_server.config.sign_on import KeySignOn
from frontdesk_server.config.upstream import UpstreamConfig
from frontdesk_server.config.values import Location

_SMALL_WINDOW = 1024
_SHORTEST_SECRET = 16
"""What is shorter is a stand-in for servers that ask for any key."""
_SECRETS = {
    "api_key",
    "key",
    "client_secret",
    "secret_access_key",
    "session_token",
    "authorization",
    "x-api-key",
    "api-key",
}
_SHELL = re.compile(r"(?:^|[/@=:])\$[A-Za-z_]\w*(?:$|[/:@.])")
_METHODS = re.compile(r"/(?:chat/completions|completions|responses|messages|embeddings)/?$")

Suspicion = tuple[Location, str]


def suspicions(config: Config) -> Iterator[Suspicion]:
    """Places, and what looks wrong there. No secret is repeated."""
    if DEFAULT_ROUTER not in config.routers:
        yield ("routers",), f"none is named {DEFAULT_ROUTER!r}, which calls get that name none: each must name one"
    for name, backend in config.backends.items():
        yield from _of_backend(("backends", name), backend, config.admission.max_running)
    slowest = max(router.timeout_seconds for router in config.routers.values())
    for name, model in config.models.items():
        yield from _of_model(("models", name), model, slowest)
    yield from _of_names(config)
    yield from _of_limits(config)
    yield from _of_variables(config)


def _of_names(config: Config) -> Iterator[Suspicion]:
    """Over HTTP a router is named in the place of a model. What is listed twice is asked once."""
    for name in config.models:
        if name == DEFAULT_ROUTER or name.startswith(ROUTER_PREFIX):
            yield ("models", name), "is a router's name over HTTP, where this model cannot be asked for by itself"
        elif "," in name:
            yield ("models", name), "holds a comma, at which headers that list models are cut"
    for name, router in config.routers.items():
        if name.startswith(ROUTER_PREFIX):
            yield ("routers", name), f"is {ROUTER_PREFIX}{name} over HTTP, where all routers are named so"
        for key, names in (("models", router.models), ("fallbacks", router.fallbacks)):
            for index, model in enumerate(names):
                if model in names[:index]:
                    yield ("routers", name, key, index), f"{model!r} is listed twice"


def secrets_in(config: Config, referring: Collection[Location]) -> Iterator[Suspicion]:
    """Keys that stand in the file itself, at none of the places that name a variable."""
    for place, value in given(config):
        if not isinstance(value, SecretStr) or place in referring or place[0] != "backends":
            continue
        known = str(place[-1]).lower() in _SECRETS
        if known and len(value.get_secret_value()) >= _SHORTEST_SECRET:
            yield place, "stands in the file: put the secret into a variable and write ${NAME}"


def _of_variables(config: Config) -> Iterator[Suspicion]:
    """What a shell would replace stands as it is here."""
    for place, value in given(config):
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str) and _SHELL.search(text):
            yield place, "begins with $ and names no variable: write ${NAME}"


def _of_backend(place: Location, backend: BackendConfig, max_running: int) -> Iterator[Suspicion]:
    if isinstance(backend, SimulatedBackendConfig):
        return
    if backend.max_connections < max_running and not backend.http2:
        yield (
            (*place, "max_connections"),
            f"{backend.max_connections} are fewer than the {max_running} completions that may run"
            " (execution.admission.max_running): the slow ones of one caller can keep those of all others waiting",
        )
    if _METHODS.search(backend.root.partition("?")[0]):
        yield (*place, "base_url"), "ends in a method: give the root of the API, which methods are added to"
    if any(name.lower() == "host" for name in backend.headers):
        yield (*place, "headers"), "Host names another than base_url does"
    for name, value in backend.headers.items():
        if not value.get_secret_value():
            yield (*place, "headers", name), "is empty"
    for where, key in _keys(backend):
        for fault in _of_key(key.get_secret_value()):
            yield (*place, *where), fault


def _keys(backend: UpstreamConfig) -> Iterator[tuple[Location, SecretStr]]:
    if backend.api_key is not None:
        yield ("api_key",), backend.api_key
    if isinstance(backend.sign_on, KeySignOn):
        yield ("sign_on", "key"), backend.sign_on.key


def _of_key(key: str) -> Iterator[str]:
    if not key:
        yield "is empty: leave it out where no key is asked for"
    elif key.lower().startswith("bearer "):
        yield "begins with Bearer, which is put before the key anyway"
    elif len(key) > 1 and key[0] == key[-1] and key[0] in "\"'`":
        yield "stands in quotes, which are sent with it"


def _of_model(place: Location, model: ModelConfig, slowest: float) -> Iterator[Suspicion]:
    if model.context_window < _SMALL_WINDOW:
        yield (*place, "context_window"), f"{model.context_window} tokens hold hardly any query and its answer"
    expected_ms = model.time_to_first_token_ms
    if expected_ms is None:
        return
    bounds = (
        ("its own timeouts.first_token_seconds", model.timeouts.first_token_seconds),
        ("the timeout_seconds of every router", slowest),
    )
    for what, seconds in bounds:
        if expected_ms > seconds * 1000:
            yield (
                (*place, "time_to_first_token_ms"),
                f"exceeds {what} ({seconds:g} s): no call waits for it",
            )


def _of_limits(config: Config) -> Iterator[Suspicion]:
    """Before a call as much is reserved as it can use at most."""
    for index, rule in enumerate(config.limits.rules):
        if rule.tokens is None:
            continue
        names = rule.models or config.models.keys()
        longest = min(config.models[name].max_output_tokens or config.models[name].context_window for name in names)
        if rule.tokens < longest:
            yield (
                ("limits", "rules", index, "tokens"),
                f"{rule.tokens:,} are fewer than the longest answer of any of its models ({longest:,}):"
                " only calls have room that set max_output_tokens lower",
            )
