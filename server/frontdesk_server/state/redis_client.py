"""Clients for the addresses that a Redis can have: a host, a socket, or what its sentinels say."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio import BlockingConnectionPool, Redis, Sentinel
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

_SENTINEL_PORT = 26379
_OF_SENTINELS = ("sentinel_username", "sentinel_password")


def build_client(url: str, timeout_seconds: float, max_connections: int) -> Redis:
    """A client that connects when it is first used; a connection that Redis has closed is replaced at once.

    Raises:
        ValueError, TypeError, RedisError: the URL or one of its options is none of Redis's.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        "max_connections": max_connections,
    }
    if "+sentinel" in urlsplit(url).scheme:
        return _by_sentinels(url, options)
    pool = BlockingConnectionPool.from_url(url, timeout=timeout_seconds, **options)
    pool.make_connection()  # type: ignore[no-untyped-call]  # connects to nothing, but knows its options
    return Redis.from_pool(pool)


async def close_client(client: Redis) -> None:
    """Close its connections, those to sentinels included."""
    pool = client.connection_pool
    await client.aclose()
    await pool.disconnect()
    if isinstance(pool, SentinelConnectionPool):
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _by_sentinels(url: str, options: dict[str, Any]) -> Redis:
    """Ask sentinels for the master, and again whenever a connection is made: a failover is followed."""
    scheme, place, path, query, _ = urlsplit(url)
    credentials, at, hosts = place.rpartition("@")
    service, _, number = path.removeprefix("/").partition("/")
    stated = dict(parse_qsl(query))
    own = {name.removeprefix("sentinel_"): stated.pop(name) for name in _OF_SENTINELS if name in stated}
    plain = (scheme.removesuffix("+sentinel"), f"{credentials}{at}host", f"/{number}", urlencode(stated), "")
    parsed: dict[str, Any] = {**parse_url(urlunsplit(plain))}
    for name in ("host", "port", "connection_class"):
        parsed.pop(name, None)
    if scheme.startswith("rediss"):
        parsed["ssl"] = True
    secured = {name: value for name, value in parsed.items() if name.startswith("ssl")}
    watching = {**options, **secured, **own}
    places = [_host_and_port(host) for host in hosts.split(",")]
    sentinels = Sentinel(places, sentinel_kwargs=watching)  # type: ignore[no-untyped-call]
    client: Redis = sentinels.master_for(service, **parsed, **options)
    client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    return client


def _host_and_port(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    return parts.hostname or "localhost", parts.port or _SENTINEL_PORT
