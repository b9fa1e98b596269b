"""The gRPC front: the only place that knows protobuf and grpc."""
