"""Names that one section of the configuration gives and another has to know."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from frontdesk_server.config.limits import LimitRule
from frontdesk_server.config.naming import no_such
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.config.root import Config
from frontdesk_server.config.security import CallerConfig, SecurityConfig
from frontdesk_server.config.values import Location
from frontdesk_server.domain.call import ANONYMOUS


def dangling_references(config: Config) -> Iterator[tuple[Location, str]]:
    """Faults of limits, callers, models and HTTP that name a router, model, caller or backend which does not exist."""
    for start, part in _naming(config):
        for what, named, known in (("router", part.routers, config.routers), ("model", part.models, config.models)):
            for name in sorted(named - known.keys()):
                yield (*start, f"{what}s"), no_such(what, name, known)
        if isinstance(part, CallerConfig):
            for name in sorted(part.own_keys - config.backends.keys()):
                yield (*start, "own_keys"), no_such("backend", name, config.backends)
    yield from _unknown_callers(config)
    http = config.server.http
    if http is not None and (embedding := http.embeddings_backend) is not None:
        where: Location = ("server", "http", "embeddings_backend")
        if embedding not in config.backends:
            yield where, no_such("backend", embedding, config.backends)
        elif not isinstance(config.backends[embedding], OpenAIBackendConfig):
            yield where, f"{embedding} is no openai backend"
    for name, model in config.models.items():
        served: list[tuple[Location, str]] = [(("models", name, "backend"), model.backend)] if model.backend else []
        served += [
            (("models", name, "deployments", index, "backend"), d.backend) for index, d in enumerate(model.deployments)
        ]
        for place, backend in served:
            if backend not in config.backends:
                yield place, no_such("backend", backend, config.backends)


def _naming(config: Config) -> Iterator[tuple[Location, LimitRule | CallerConfig]]:
    for index, rule in enumerate(config.limits.rules):
        yield ("limits", "rules", index), rule
    for index, key in enumerate(config.security.keys):
        yield ("security", "keys", index), key
    for index, certificate in enumerate(config.security.certificates):
        yield ("security", "certificates", index), certificate


def _unknown_callers(config: Config) -> Iterator[tuple[Location, str]]:
    known = callers_of(config.security)
    if known is None:
        return
    naming: list[tuple[Location, Collection[str]]] = [
        (("limits", "rules", index, "callers"), rule.callers) for index, rule in enumerate(config.limits.rules)
    ]
    if config.server.http is not None and (console := config.server.http.console) is not None:
        naming.append((("server", "http", "console", "operators"), console.operators))
    for place, named in naming:
        for name in sorted(set(named).difference(known)):
            yield place, no_such("caller", name, known)


def callers_of(security: SecurityConfig) -> Collection[str] | None:
    """Everybody who can call; None where tokens may name anybody."""
    if security.jwt is not None:
        return None
    callers = {one.caller for one in (*security.keys, *security.certificates)}
    return callers | {ANONYMOUS.name} if security.serves_anonymous else callers
