"""The server describes itself by reflection, in both versions, to whom it answers at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from frontdesk_server.assembly.app import open_server
from frontdesk_server.config.loading import parse_config
from frontdesk_server.security import new_key
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from tests.fake_desk import FakeDesk
from tests.service import pool_config
from tests.serving import serving

VERSIONS = ["v1", "v1alpha"]
SERVICES = [
    "frontdesk.v1.RouterService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
]


async def asked(
    address: str, version: str, *requests: ServerReflectionRequest, metadata: Sequence[tuple[str, str]] = ()
) -> list[ServerReflectionResponse]:
    """What the server says of itself; both versions have the same messages."""
    async with grpc.aio.insecure_channel(address) as channel:
        method: Any = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )
        return [response async for response in method(iter(requests), metadata=metadata, timeout=10)]


async def listing(address: str, version: str, metadata: Sequence[tuple[str, str]]) -> list[str] | str:
    """The services, or the name of the code that refuses to list them."""
    try:
        (answer,) = await asked(address, version, ServerReflectionRequest(list_services=""), metadata=metadata)
    except grpc.aio.AioRpcError as refusal:
        return refusal.code().name
    return [service.name for service in answer.list_services_response.service]


def files_of(response: ServerReflectionResponse) -> dict[str, FileDescriptorProto]:
    files = map(FileDescriptorProto.FromString, response.file_descriptor_response.file_descriptor_proto)
    return {file.name: file for file in files}


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_listed_service_is_described_with_all_that_it_imports(version: str) -> None:
    async with serving(FakeDesk()) as server:
        (listed,) = await asked(server.address, version, ServerReflectionRequest(list_services=""))
        names = [service.name for service in listed.list_services_response.service]
        symbols = [*names, "google.rpc.ErrorInfo", "frontdesk.v1.CompletionFailure"]
        requests = [ServerReflectionRequest(file_containing_symbol=symbol) for symbol in symbols]
        described = await asked(server.address, version, *requests)
    assert names == SERVICES
    for symbol, response in zip(symbols, described, strict=True):
        files = files_of(response)
        package, _, name = symbol.rpartition(".")
        assert any(
            file.package == package
            and name in [*(part.name for part in file.service), *(part.name for part in file.message_type)]
            for file in files.values()
        )
        assert {imported for file in files.values() for imported in file.dependency} <= files.keys()


async def test_v1_describes_itself_under_its_own_names() -> None:
    request = ServerReflectionRequest(file_containing_symbol="grpc.reflection.v1.ServerReflectionRequest")
    async with serving(FakeDesk()) as server:
        (response,) = await asked(server.address, "v1", request)
    assert "v1alpha" not in str(files_of(response))


async def test_nothing_else_that_the_process_knows_is_described() -> None:
    request = ServerReflectionRequest(file_containing_symbol="opentelemetry.proto.trace.v1.Span")
    async with serving(FakeDesk()) as server:
        (response,) = await asked(server.address, "v1", request)
    assert response.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("version", VERSIONS)
async def test_reflection_can_be_off(version: str) -> None:
    async with serving(FakeDesk(), reflection=False) as server:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await asked(server.address, version, ServerReflectionRequest(list_services=""))
    assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("reflection", [True, "open"])
async def test_where_callers_need_credentials_reflection_needs_them_and_health_does_not(
    reflection: bool | str, version: str, tmp_path: Path
) -> None:
    key = new_key()
    security = {"keys": [{"caller": "ours", "id": key.id, "sha256": key.sha256}]}
    config = pool_config("http://127.0.0.1:1", security=security, server={"reflection": reflection})
    loaded = parse_config(yaml.safe_dump(config), str(tmp_path / "frontdesk.yaml"), {})
    async with open_server(loaded, address="127.0.0.1:0") as (_, server):
        refusals = [
            await listing(server.address, version, metadata)
            for metadata in [(), (("authorization", "Bearer fd_00000000_wrong"),)]
        ]
        assert refusals == ([SERVICES] * 2 if reflection == "open" else ["UNAUTHENTICATED"] * 2)
        assert await listing(server.address, version, (("authorization", f"Bearer {key.key}"),)) == SERVICES
        async with grpc.aio.insecure_channel(server.address) as channel:
            health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
