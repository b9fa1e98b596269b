"""Server reflection, by which tools without stubs learn the contract: v1, and v1alpha for older tools.

The installed library serves v1alpha alone. Both have the same messages under different names, so its servicer answers
both; only the description of v1 itself has to be made from that of v1alpha.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToJson, Parse
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from frontdesk_server.domain.call import Identify
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.rpc.call import metadata_of
from frontdesk_server.rpc.peer import peer_names
from frontdesk_server.rpc.status import status_of

_V1ALPHA: str = reflection_pb2.DESCRIPTOR.package
_V1 = _V1ALPHA.removesuffix("alpha")
_SERVICE = "ServerReflection"
_METHOD = "ServerReflectionInfo"

Context = grpc.aio.ServicerContext[Any, Any]


def add_reflection(server: grpc.aio.Server, *served: FileDescriptor, identify: Identify) -> None:
    """Describe the services of these files, and nothing else that this process knows, to whom `identify` knows."""
    own = reflection_pb2.DESCRIPTOR
    files = {
        file.name: file for descriptor in (*served, own, error_details_pb2.DESCRIPTOR) for file in _closure(descriptor)
    }
    pool = DescriptorPool()
    for file in files.values():
        pool.AddSerializedFile(file.serialized_pb)
    pool.AddSerializedFile(_v1_file(own).SerializeToString())
    services = [service.full_name for file in served for service in file.services_by_name.values()]
    both = [f"{package}.{_SERVICE}" for package in (_V1, _V1ALPHA)]
    servicer = reflection.aio.ReflectionServicer([*services, *both], pool=pool)

    async def serve(requests: AsyncIterator[Any], context: Context) -> None:
        try:
            identify(metadata_of(context), partial(peer_names, context))
        except FrontdeskError as error:
            status = status_of(error)
            await context.abort(status.code, status.message, status.trailing_metadata)
        async for response in servicer.ServerReflectionInfo(requests, context):
            await context.write(response)

    handler = grpc.stream_stream_rpc_method_handler(
        serve,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in both:
        server.add_registered_method_handlers(name, {_METHOD: handler})


def _pool(*files: FileDescriptor) -> DescriptorPool:
    """A pool of these files and what they import."""
    pool = DescriptorPool()
    for file in {file.name: file for root in files for file in _closure(root)}.values():
        pool.AddSerializedFile(file.serialized_pb)
    return pool


def _closure(file: FileDescriptor) -> list[FileDescriptor]:
    """The file after everything it imports."""
    return [*(deeper for imported in file.dependencies for deeper in _closure(imported)), file]


def _v1_file(v1alpha: FileDescriptor) -> descriptor_pb2.FileDescriptorProto:
    """The description of v1: that of v1alpha under v1's names."""
    alpha = descriptor_pb2.FileDescriptorProto()
    v1alpha.CopyToProto(alpha)
    return Parse(MessageToJson(alpha).replace("v1alpha", "v1"), descriptor_pb2.FileDescriptorProto())
