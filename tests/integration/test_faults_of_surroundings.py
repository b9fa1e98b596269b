"""What a service cannot start with, and upstreams that it does not reach: errors say what, why and where."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import typer
import yaml
from frontdesk_server.assembly.app import open_app
from frontdesk_server.backends.failures import HTTP_EXCEPTIONS, http_error
from frontdesk_server.backends.transport import build_transport, timeout_of
from frontdesk_server.cli.check import check
from frontdesk_server.config.loading import load_config
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.model import Timeouts

from tests.certificates import Authority
from tests.service import pool_config

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def written(folder: Path, **parts: object) -> Path:
    path = folder / "f.yaml"
    path.write_text(yaml.safe_dump(pool_config("http://127.0.0.1:1", **parts), default_flow_style=None))
    return path


def fault_of_check(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `frontdesk check` finds; empty for a good file."""
    with suppress(typer.Exit):
        check(path)
    return capsys.readouterr().err


def fault_of_start(path: Path) -> str:
    async def start() -> None:
        async with open_app(load_config(path, {})):
            pass

    with pytest.raises(ConfigError) as refusal:
        asyncio.run(start())
    (line,) = refusal.value.lines()
    return line


def place_of(path: Path, key: str) -> str:
    """Line of the key's value in the file."""
    lines = path.read_text().splitlines()
    return f"{path}:{next(number for number, line in enumerate(lines, 1) if key in line)}:"


LEDGERS = {
    "no folder": ("sqlite:///{folder}/missing/ledger.db", "there is no folder", "cannot be opened"),
    "a folder": ("sqlite:///{folder}", "it is no file", "cannot be opened"),
    "another file": ("sqlite:///{folder}/other.txt", "file is not a database", "file is not a database"),
    "another database": ("mysql://u:hunter2@host/db", "the ledger is kept in sqlite", "the ledger is kept in sqlite"),
}


@pytest.mark.parametrize(("url", "checked", "started"), LEDGERS.values(), ids=LEDGERS.keys())
def test_a_ledger_that_cannot_be_one_is_a_fault_with_file_cause_and_place(
    url: str, checked: str, started: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.txt").write_text("no database at all, but longer than the header of one: " + "x" * 100)
    path = written(tmp_path, ledger={"url": url.format(folder=tmp_path)})
    before = sorted(tmp_path.iterdir())
    for fault, cause in ((fault_of_check(path, capsys), checked), (fault_of_start(path), started)):
        assert fault.startswith(place_of(path, "ledger:"))
        assert "ledger.url: " in fault
        assert cause in fault
        assert "hunter2" not in fault
    assert sorted(tmp_path.iterdir()) == before


def test_a_ledger_that_can_be_one_is_no_fault_and_is_not_made_by_looking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, ledger={"url": f"sqlite:///{tmp_path}/ledger.db"})
    assert not fault_of_check(path, capsys)
    assert not (tmp_path / "ledger.db").exists()

    async def check_while_it_is_used() -> str:
        async with open_app(load_config(path, {})):
            return await asyncio.to_thread(fault_of_check, path, capsys)

    assert not asyncio.run(check_while_it_is_used())
    assert (tmp_path / "ledger.db").exists()
    assert not fault_of_check(path, capsys)


def test_an_unreachable_server_is_named_without_its_secrets(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = "postgresql+psycopg://u:hunter2@127.0.0.1:1/db?sslpassword=hunter3"
    path = written(tmp_path, ledger={"url": url})
    fault = fault_of_start(path)
    assert fault.startswith(place_of(path, "ledger:"))
    assert "postgresql+psycopg://u:***@127.0.0.1:1/db cannot be opened" in fault
    assert "refused" in fault
    assert "hunter" not in fault


BAD_REDIS = [
    *("http://localhost", "localhost:6379", "redis:localhost", "redis://h:port/0", "redis://h/abc", "redis://h/-3"),
    *("redis://h o/0", " redis://h", "redis://h:99999/0", "redis://h/0?db=x", "redis://h/0?bogus=1", "unix://", ""),
    *("redis://u:hun/ter2@h/0", "rediss://h/0?ssl_cert_reqs=hunter2"),
]


GOOD_REDIS = [
    *("redis://localhost", "redis://localhost:6379/0", "redis://", "redis://:p@ss@[::1]:6379/2"),
    *("rediss://u:p%2F@h/0?db=1", "unix:///run/redis.sock", "unix://u:p@/run/redis.sock?db=3"),
]


@pytest.mark.parametrize("url", BAD_REDIS)
def test_an_address_that_is_none_of_redis_is_a_fault(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, redis={"url": url})
    fault = fault_of_check(path, capsys)
    assert fault.startswith(place_of(path, "redis:"))
    assert "redis.url: " in fault
    assert not any(secret in fault for secret in ("hun/ter2", "ter2", "hunter2"))


@pytest.mark.parametrize("url", GOOD_REDIS)
def test_an_address_of_redis_is_no_fault(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not fault_of_check(written(tmp_path, redis={"url": url}), capsys)


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.close()


async def cut_in_the_middle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"\x16\x03\x03\x00\x7a\x02\x00")
    writer.close()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def answer_in_plaintext(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def refuse_by_alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"\x15\x03\x03\x00\x02\x02\x28")
    writer.close()


@asynccontextmanager
async def listening(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async with await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def failure(address: str, http2: bool, ca_file: Path) -> str:
    """What is said of an upstream that cannot be reached."""
    url = f"https://{address}/v1"
    config = OpenAIBackendConfig.model_validate(
        {"kind": "openai", "base_url": url, "http2": http2, "ca_file": str(ca_file)}
    )
    transport = build_transport(config)
    request = httpx.Request("POST", url, json={}, extensions={"timeout": timeout_of(5, 5)})
    try:
        await transport.handle_async_request(request)
    except HTTP_EXCEPTIONS as error:
        return str(http_error(error, Timeouts(), 1.0, began=False))
    finally:
        await transport.aclose()
    raise AssertionError("it was reached")


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (cut, "the TLS handshake was cut"),
        (cut_in_the_middle, "the TLS handshake was cut"),
        (reset, "Connection reset by peer"),
        (answer_in_plaintext, "wrong version number"),
        (refuse_by_alert, "alert handshake failure"),
    ],
)
async def test_what_ends_a_handshake_is_said(handler: Handler, said: str, http2: bool, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(Authority().pem)
    async with listening(handler) as port:
        assert said in await failure(f"localhost:{port}", http2, authority)


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize(("host", "trusted", "said"), [("localhost", False, ""), ("127.0.0.2", True, "127.0.0.2")])
async def test_a_certificate_at_fault_is_said(host: str, trusted: bool, said: str, http2: bool, tmp_path: Path) -> None:
    authority, other = Authority(), Authority()
    pem = authority.issue("upstream")
    for name, content in [("ca.pem", authority.pem if trusted else other.pem), ("c", pem.certificate), ("k", pem.key)]:
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c", tmp_path / "k")
    async with await asyncio.start_server(cut, host, 0, ssl=context) as server:
        message = await failure(f"{host}:{server.sockets[0].getsockname()[1]}", http2, tmp_path / "ca.pem")
    assert "the upstream's certificate is not trusted: " in message
    assert said in message


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize(
    ("address", "said"), [("127.0.0.1:1", "Connection refused"), ("no-such-host.invalid:1", "name leads nowhere")]
)
async def test_an_upstream_that_is_not_there_is_said(address: str, said: str, http2: bool, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Authority().pem)
    assert said in await failure(address, http2, tmp_path / "ca.pem")
