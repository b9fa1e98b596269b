package dev.frontdesk.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Chooses the LLM that should answer a query and, on request, gets the answer from it.
 * Every error is a google.rpc.Status with an ErrorInfo of domain "frontdesk"; docs/errors.md lists the reasons.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class RouterServiceGrpc {

  private RouterServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "frontdesk.v1.RouterService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.frontdesk.v1.RouteRequest,
      dev.frontdesk.v1.RouteResponse> getRouteMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Route",
      requestType = dev.frontdesk.v1.RouteRequest.class,
      responseType = dev.frontdesk.v1.RouteResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.frontdesk.v1.RouteRequest,
      dev.frontdesk.v1.RouteResponse> getRouteMethod() {
    io.grpc.MethodDescriptor<dev.frontdesk.v1.RouteRequest, dev.frontdesk.v1.RouteResponse> getRouteMethod;
    if ((getRouteMethod = RouterServiceGrpc.getRouteMethod) == null) {
      synchronized (RouterServiceGrpc.class) {
        if ((getRouteMethod = RouterServiceGrpc.getRouteMethod) == null) {
          RouterServiceGrpc.getRouteMethod = getRouteMethod =
              io.grpc.MethodDescriptor.<dev.frontdesk.v1.RouteRequest, dev.frontdesk.v1.RouteResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Route"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.RouteRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.RouteResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RouterServiceMethodDescriptorSupplier("Route"))
              .build();
        }
      }
    }
    return getRouteMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.frontdesk.v1.RouteBatchRequest,
      dev.frontdesk.v1.RouteBatchResponse> getRouteBatchMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RouteBatch",
      requestType = dev.frontdesk.v1.RouteBatchRequest.class,
      responseType = dev.frontdesk.v1.RouteBatchResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.frontdesk.v1.RouteBatchRequest,
      dev.frontdesk.v1.RouteBatchResponse> getRouteBatchMethod() {
    io.grpc.MethodDescriptor<dev.frontdesk.v1.RouteBatchRequest, dev.frontdesk.v1.RouteBatchResponse> getRouteBatchMethod;
    if ((getRouteBatchMethod = RouterServiceGrpc.getRouteBatchMethod) == null) {
      synchronized (RouterServiceGrpc.class) {
        if ((getRouteBatchMethod = RouterServiceGrpc.getRouteBatchMethod) == null) {
          RouterServiceGrpc.getRouteBatchMethod = getRouteBatchMethod =
              io.grpc.MethodDescriptor.<dev.frontdesk.v1.RouteBatchRequest, dev.frontdesk.v1.RouteBatchResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RouteBatch"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.RouteBatchRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.RouteBatchResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RouterServiceMethodDescriptorSupplier("RouteBatch"))
              .build();
        }
      }
    }
    return getRouteBatchMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.frontdesk.v1.CompleteRequest,
      dev.frontdesk.v1.CompleteResponse> getCompleteMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Complete",
      requestType = dev.frontdesk.v1.CompleteRequest.class,
      responseType = dev.frontdesk.v1.CompleteResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.frontdesk.v1.CompleteRequest,
      dev.frontdesk.v1.CompleteResponse> getCompleteMethod() {
    io.grpc.MethodDescriptor<dev.frontdesk.v1.CompleteRequest, dev.frontdesk.v1.CompleteResponse> getCompleteMethod;
    if ((getCompleteMethod = RouterServiceGrpc.getCompleteMethod) == null) {
      synchronized (RouterServiceGrpc.class) {
        if ((getCompleteMethod = RouterServiceGrpc.getCompleteMethod) == null) {
          RouterServiceGrpc.getCompleteMethod = getCompleteMethod =
              io.grpc.MethodDescriptor.<dev.frontdesk.v1.CompleteRequest, dev.frontdesk.v1.CompleteResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Complete"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.CompleteRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.CompleteResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RouterServiceMethodDescriptorSupplier("Complete"))
              .build();
        }
      }
    }
    return getCompleteMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.frontdesk.v1.StreamCompleteRequest,
      dev.frontdesk.v1.StreamCompleteResponse> getStreamCompleteMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StreamComplete",
      requestType = dev.frontdesk.v1.StreamCompleteRequest.class,
      responseType = dev.frontdesk.v1.StreamCompleteResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.frontdesk.v1.StreamCompleteRequest,
      dev.frontdesk.v1.StreamCompleteResponse> getStreamCompleteMethod() {
    io.grpc.MethodDescriptor<dev.frontdesk.v1.StreamCompleteRequest, dev.frontdesk.v1.StreamCompleteResponse> getStreamCompleteMethod;
    if ((getStreamCompleteMethod = RouterServiceGrpc.getStreamCompleteMethod) == null) {
      synchronized (RouterServiceGrpc.class) {
        if ((getStreamCompleteMethod = RouterServiceGrpc.getStreamCompleteMethod) == null) {
          RouterServiceGrpc.getStreamCompleteMethod = getStreamCompleteMethod =
              io.grpc.MethodDescriptor.<dev.frontdesk.v1.StreamCompleteRequest, dev.frontdesk.v1.StreamCompleteResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StreamComplete"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.StreamCompleteRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.StreamCompleteResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RouterServiceMethodDescriptorSupplier("StreamComplete"))
              .build();
        }
      }
    }
    return getStreamCompleteMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.frontdesk.v1.ReportOutcomeRequest,
      dev.frontdesk.v1.ReportOutcomeResponse> getReportOutcomeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReportOutcome",
      requestType = dev.frontdesk.v1.ReportOutcomeRequest.class,
      responseType = dev.frontdesk.v1.ReportOutcomeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.frontdesk.v1.ReportOutcomeRequest,
      dev.frontdesk.v1.ReportOutcomeResponse> getReportOutcomeMethod() {
    io.grpc.MethodDescriptor<dev.frontdesk.v1.ReportOutcomeRequest, dev.frontdesk.v1.ReportOutcomeResponse> getReportOutcomeMethod;
    if ((getReportOutcomeMethod = RouterServiceGrpc.getReportOutcomeMethod) == null) {
      synchronized (RouterServiceGrpc.class) {
        if ((getReportOutcomeMethod = RouterServiceGrpc.getReportOutcomeMethod) == null) {
          RouterServiceGrpc.getReportOutcomeMethod = getReportOutcomeMethod =
              io.grpc.MethodDescriptor.<dev.frontdesk.v1.ReportOutcomeRequest, dev.frontdesk.v1.ReportOutcomeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReportOutcome"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.ReportOutcomeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.ReportOutcomeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RouterServiceMethodDescriptorSupplier("ReportOutcome"))
              .build();
        }
      }
    }
    return getReportOutcomeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.frontdesk.v1.GetDecisionRequest,
      dev.frontdesk.v1.GetDecisionResponse> getGetDecisionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDecision",
      requestType = dev.frontdesk.v1.GetDecisionRequest.class,
      responseType = dev.frontdesk.v1.GetDecisionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.frontdesk.v1.GetDecisionRequest,
      dev.frontdesk.v1.GetDecisionResponse> getGetDecisionMethod() {
    io.grpc.MethodDescriptor<dev.frontdesk.v1.GetDecisionRequest, dev.frontdesk.v1.GetDecisionResponse> getGetDecisionMethod;
    if ((getGetDecisionMethod = RouterServiceGrpc.getGetDecisionMethod) == null) {
      synchronized (RouterServiceGrpc.class) {
        if ((getGetDecisionMethod = RouterServiceGrpc.getGetDecisionMethod) == null) {
          RouterServiceGrpc.getGetDecisionMethod = getGetDecisionMethod =
              io.grpc.MethodDescriptor.<dev.frontdesk.v1.GetDecisionRequest, dev.frontdesk.v1.GetDecisionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDecision"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.GetDecisionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.GetDecisionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RouterServiceMethodDescriptorSupplier("GetDecision"))
              .build();
        }
      }
    }
    return getGetDecisionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.frontdesk.v1.ListModelsRequest,
      dev.frontdesk.v1.ListModelsResponse> getListModelsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListModels",
      requestType = dev.frontdesk.v1.ListModelsRequest.class,
      responseType = dev.frontdesk.v1.ListModelsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.frontdesk.v1.ListModelsRequest,
      dev.frontdesk.v1.ListModelsResponse> getListModelsMethod() {
    io.grpc.MethodDescriptor<dev.frontdesk.v1.ListModelsRequest, dev.frontdesk.v1.ListModelsResponse> getListModelsMethod;
    if ((getListModelsMethod = RouterServiceGrpc.getListModelsMethod) == null) {
      synchronized (RouterServiceGrpc.class) {
        if ((getListModelsMethod = RouterServiceGrpc.getListModelsMethod) == null) {
          RouterServiceGrpc.getListModelsMethod = getListModelsMethod =
              io.grpc.MethodDescriptor.<dev.frontdesk.v1.ListModelsRequest, dev.frontdesk.v1.ListModelsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListModels"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.ListModelsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.frontdesk.v1.ListModelsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RouterServiceMethodDescriptorSupplier("ListModels"))
              .build();
        }
      }
    }
    return getListModelsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static RouterServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RouterServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RouterServiceStub>() {
        @java.lang.Override
        public RouterServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RouterServiceStub(channel, callOptions);
        }
      };
    return RouterServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static RouterServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RouterServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RouterServiceBlockingV2Stub>() {
        @java.lang.Override
        public RouterServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RouterServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return RouterServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static RouterServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RouterServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RouterServiceBlockingStub>() {
        @java.lang.Override
        public RouterServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RouterServiceBlockingStub(channel, callOptions);
        }
      };
    return RouterServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static RouterServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RouterServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RouterServiceFutureStub>() {
        @java.lang.Override
        public RouterServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RouterServiceFutureStub(channel, callOptions);
        }
      };
    return RouterServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Chooses the LLM that should answer a query and, on request, gets the answer from it.
   * Every error is a google.rpc.Status with an ErrorInfo of domain "frontdesk"; docs/errors.md lists the reasons.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Decides only.
     * </pre>
     */
    default void route(dev.frontdesk.v1.RouteRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.RouteResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRouteMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decides for many queries in one call. Results have the order of the queries.
     * </pre>
     */
    default void routeBatch(dev.frontdesk.v1.RouteBatchRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.RouteBatchResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRouteBatchMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decides and returns the whole answer.
     * </pre>
     */
    default void complete(dev.frontdesk.v1.CompleteRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.CompleteResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCompleteMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decides and streams the answer. First event started, last event completed; a stream without completed is broken.
     * </pre>
     */
    default void streamComplete(dev.frontdesk.v1.StreamCompleteRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.StreamCompleteResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStreamCompleteMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells how good an answer was. Idempotent per decision and source: a later report replaces the earlier one.
     * </pre>
     */
    default void reportOutcome(dev.frontdesk.v1.ReportOutcomeRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.ReportOutcomeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReportOutcomeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns a recorded decision with what became of it.
     * </pre>
     */
    default void getDecision(dev.frontdesk.v1.GetDecisionRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.GetDecisionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDecisionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the models which the caller may use.
     * </pre>
     */
    default void listModels(dev.frontdesk.v1.ListModelsRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.ListModelsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListModelsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service RouterService.
   * <pre>
   * Chooses the LLM that should answer a query and, on request, gets the answer from it.
   * Every error is a google.rpc.Status with an ErrorInfo of domain "frontdesk"; docs/errors.md lists the reasons.
   * </pre>
   */
  public static abstract class RouterServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return RouterServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service RouterService.
   * <pre>
   * Chooses the LLM that should answer a query and, on request, gets the answer from it.
   * Every error is a google.rpc.Status with an ErrorInfo of domain "frontdesk"; docs/errors.md lists the reasons.
   * </pre>
   */
  public static final class RouterServiceStub
      extends io.grpc.stub.AbstractAsyncStub<RouterServiceStub> {
    private RouterServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RouterServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RouterServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides only.
     * </pre>
     */
    public void route(dev.frontdesk.v1.RouteRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.RouteResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRouteMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Decides for many queries in one call. Results have the order of the queries.
     * </pre>
     */
    public void routeBatch(dev.frontdesk.v1.RouteBatchRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.RouteBatchResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRouteBatchMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Decides and returns the whole answer.
     * </pre>
     */
    public void complete(dev.frontdesk.v1.CompleteRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.CompleteResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCompleteMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Decides and streams the answer. First event started, last event completed; a stream without completed is broken.
     * </pre>
     */
    public void streamComplete(dev.frontdesk.v1.StreamCompleteRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.StreamCompleteResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getStreamCompleteMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells how good an answer was. Idempotent per decision and source: a later report replaces the earlier one.
     * </pre>
     */
    public void reportOutcome(dev.frontdesk.v1.ReportOutcomeRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.ReportOutcomeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReportOutcomeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns a recorded decision with what became of it.
     * </pre>
     */
    public void getDecision(dev.frontdesk.v1.GetDecisionRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.GetDecisionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetDecisionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the models which the caller may use.
     * </pre>
     */
    public void listModels(dev.frontdesk.v1.ListModelsRequest request,
        io.grpc.stub.StreamObserver<dev.frontdesk.v1.ListModelsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListModelsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service RouterService.
   * <pre>
   * Chooses the LLM that should answer a query and, on request, gets the answer from it.
   * Every error is a google.rpc.Status with an ErrorInfo of domain "frontdesk"; docs/errors.md lists the reasons.
   * </pre>
   */
  public static final class RouterServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<RouterServiceBlockingV2Stub> {
    private RouterServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RouterServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RouterServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides only.
     * </pre>
     */
    public dev.frontdesk.v1.RouteResponse route(dev.frontdesk.v1.RouteRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRouteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides for many queries in one call. Results have the order of the queries.
     * </pre>
     */
    public dev.frontdesk.v1.RouteBatchResponse routeBatch(dev.frontdesk.v1.RouteBatchRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRouteBatchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides and returns the whole answer.
     * </pre>
     */
    public dev.frontdesk.v1.CompleteResponse complete(dev.frontdesk.v1.CompleteRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCompleteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides and streams the answer. First event started, last event completed; a stream without completed is broken.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.frontdesk.v1.StreamCompleteResponse>
        streamComplete(dev.frontdesk.v1.StreamCompleteRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getStreamCompleteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how good an answer was. Idempotent per decision and source: a later report replaces the earlier one.
     * </pre>
     */
    public dev.frontdesk.v1.ReportOutcomeResponse reportOutcome(dev.frontdesk.v1.ReportOutcomeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReportOutcomeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns a recorded decision with what became of it.
     * </pre>
     */
    public dev.frontdesk.v1.GetDecisionResponse getDecision(dev.frontdesk.v1.GetDecisionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetDecisionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the models which the caller may use.
     * </pre>
     */
    public dev.frontdesk.v1.ListModelsResponse listModels(dev.frontdesk.v1.ListModelsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListModelsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service RouterService.
   * <pre>
   * Chooses the LLM that should answer a query and, on request, gets the answer from it.
   * Every error is a google.rpc.Status with an ErrorInfo of domain "frontdesk"; docs/errors.md lists the reasons.
   * </pre>
   */
  public static final class RouterServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<RouterServiceBlockingStub> {
    private RouterServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RouterServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RouterServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides only.
     * </pre>
     */
    public dev.frontdesk.v1.RouteResponse route(dev.frontdesk.v1.RouteRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRouteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides for many queries in one call. Results have the order of the queries.
     * </pre>
     */
    public dev.frontdesk.v1.RouteBatchResponse routeBatch(dev.frontdesk.v1.RouteBatchRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRouteBatchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides and returns the whole answer.
     * </pre>
     */
    public dev.frontdesk.v1.CompleteResponse complete(dev.frontdesk.v1.CompleteRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCompleteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides and streams the answer. First event started, last event completed; a stream without completed is broken.
     * </pre>
     */
    public java.util.Iterator<dev.frontdesk.v1.StreamCompleteResponse> streamComplete(
        dev.frontdesk.v1.StreamCompleteRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getStreamCompleteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how good an answer was. Idempotent per decision and source: a later report replaces the earlier one.
     * </pre>
     */
    public dev.frontdesk.v1.ReportOutcomeResponse reportOutcome(dev.frontdesk.v1.ReportOutcomeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReportOutcomeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns a recorded decision with what became of it.
     * </pre>
     */
    public dev.frontdesk.v1.GetDecisionResponse getDecision(dev.frontdesk.v1.GetDecisionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetDecisionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the models which the caller may use.
     * </pre>
     */
    public dev.frontdesk.v1.ListModelsResponse listModels(dev.frontdesk.v1.ListModelsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListModelsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service RouterService.
   * <pre>
   * Chooses the LLM that should answer a query and, on request, gets the answer from it.
   * Every error is a google.rpc.Status with an ErrorInfo of domain "frontdesk"; docs/errors.md lists the reasons.
   * </pre>
   */
  public static final class RouterServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<RouterServiceFutureStub> {
    private RouterServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RouterServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RouterServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides only.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.frontdesk.v1.RouteResponse> route(
        dev.frontdesk.v1.RouteRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRouteMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Decides for many queries in one call. Results have the order of the queries.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.frontdesk.v1.RouteBatchResponse> routeBatch(
        dev.frontdesk.v1.RouteBatchRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRouteBatchMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Decides and returns the whole answer.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.frontdesk.v1.CompleteResponse> complete(
        dev.frontdesk.v1.CompleteRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCompleteMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells how good an answer was. Idempotent per decision and source: a later report replaces the earlier one.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.frontdesk.v1.ReportOutcomeResponse> reportOutcome(
        dev.frontdesk.v1.ReportOutcomeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReportOutcomeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns a recorded decision with what became of it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.frontdesk.v1.GetDecisionResponse> getDecision(
        dev.frontdesk.v1.GetDecisionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetDecisionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the models which the caller may use.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.frontdesk.v1.ListModelsResponse> listModels(
        dev.frontdesk.v1.ListModelsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListModelsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_ROUTE = 0;
  private static final int METHODID_ROUTE_BATCH = 1;
  private static final int METHODID_COMPLETE = 2;
  private static final int METHODID_STREAM_COMPLETE = 3;
  private static final int METHODID_REPORT_OUTCOME = 4;
  private static final int METHODID_GET_DECISION = 5;
  private static final int METHODID_LIST_MODELS = 6;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_ROUTE:
          serviceImpl.route((dev.frontdesk.v1.RouteRequest) request,
              (io.grpc.stub.StreamObserver<dev.frontdesk.v1.RouteResponse>) responseObserver);
          break;
        case METHODID_ROUTE_BATCH:
          serviceImpl.routeBatch((dev.frontdesk.v1.RouteBatchRequest) request,
              (io.grpc.stub.StreamObserver<dev.frontdesk.v1.RouteBatchResponse>) responseObserver);
          break;
        case METHODID_COMPLETE:
          serviceImpl.complete((dev.frontdesk.v1.CompleteRequest) request,
              (io.grpc.stub.StreamObserver<dev.frontdesk.v1.CompleteResponse>) responseObserver);
          break;
        case METHODID_STREAM_COMPLETE:
          serviceImpl.streamComplete((dev.frontdesk.v1.StreamCompleteRequest) request,
              (io.grpc.stub.StreamObserver<dev.frontdesk.v1.StreamCompleteResponse>) responseObserver);
          break;
        case METHODID_REPORT_OUTCOME:
          serviceImpl.reportOutcome((dev.frontdesk.v1.ReportOutcomeRequest) request,
              (io.grpc.stub.StreamObserver<dev.frontdesk.v1.ReportOutcomeResponse>) responseObserver);
          break;
        case METHODID_GET_DECISION:
          serviceImpl.getDecision((dev.frontdesk.v1.GetDecisionRequest) request,
              (io.grpc.stub.StreamObserver<dev.frontdesk.v1.GetDecisionResponse>) responseObserver);
          break;
        case METHODID_LIST_MODELS:
          serviceImpl.listModels((dev.frontdesk.v1.ListModelsRequest) request,
              (io.grpc.stub.StreamObserver<dev.frontdesk.v1.ListModelsResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getRouteMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.frontdesk.v1.RouteRequest,
              dev.frontdesk.v1.RouteResponse>(
                service, METHODID_ROUTE)))
        .addMethod(
          getRouteBatchMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.frontdesk.v1.RouteBatchRequest,
              dev.frontdesk.v1.RouteBatchResponse>(
                service, METHODID_ROUTE_BATCH)))
        .addMethod(
          getCompleteMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.frontdesk.v1.CompleteRequest,
              dev.frontdesk.v1.CompleteResponse>(
                service, METHODID_COMPLETE)))
        .addMethod(
          getStreamCompleteMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.frontdesk.v1.StreamCompleteRequest,
              dev.frontdesk.v1.StreamCompleteResponse>(
                service, METHODID_STREAM_COMPLETE)))
        .addMethod(
          getReportOutcomeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.frontdesk.v1.ReportOutcomeRequest,
              dev.frontdesk.v1.ReportOutcomeResponse>(
                service, METHODID_REPORT_OUTCOME)))
        .addMethod(
          getGetDecisionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.frontdesk.v1.GetDecisionRequest,
              dev.frontdesk.v1.GetDecisionResponse>(
                service, METHODID_GET_DECISION)))
        .addMethod(
          getListModelsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.frontdesk.v1.ListModelsRequest,
              dev.frontdesk.v1.ListModelsResponse>(
                service, METHODID_LIST_MODELS)))
        .build();
  }

  private static abstract class RouterServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    RouterServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.frontdesk.v1.RouterServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("RouterService");
    }
  }

  private static final class RouterServiceFileDescriptorSupplier
      extends RouterServiceBaseDescriptorSupplier {
    RouterServiceFileDescriptorSupplier() {}
  }

  private static final class RouterServiceMethodDescriptorSupplier
      extends RouterServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    RouterServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (RouterServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new RouterServiceFileDescriptorSupplier())
              .addMethod(getRouteMethod())
              .addMethod(getRouteBatchMethod())
              .addMethod(getCompleteMethod())
              .addMethod(getStreamCompleteMethod())
              .addMethod(getReportOutcomeMethod())
              .addMethod(getGetDecisionMethod())
              .addMethod(getListModelsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
