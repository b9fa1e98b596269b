package dev.frontdesk;

import dev.frontdesk.v1.CompleteRequest;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.GetDecisionRequest;
import dev.frontdesk.v1.GetDecisionResponse;
import dev.frontdesk.v1.ListModelsRequest;
import dev.frontdesk.v1.ListModelsResponse;
import dev.frontdesk.v1.ReportOutcomeRequest;
import dev.frontdesk.v1.ReportOutcomeResponse;
import dev.frontdesk.v1.RouteBatchRequest;
import dev.frontdesk.v1.RouteBatchResponse;
import dev.frontdesk.v1.RouteRequest;
import dev.frontdesk.v1.RouteResponse;
import dev.frontdesk.v1.RouterServiceGrpc;
import dev.frontdesk.v1.StreamCompleteRequest;
import dev.frontdesk.v1.StreamCompleteResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Calls one Frontdesk service. It is immutable and safe for concurrent use; make one and keep it.
 *
 * <p>Every call throws, or completes with, a {@link FrontdeskException}.
 */
public final class FrontdeskClient implements AutoCloseable {
  private final Channel channel;
  private final CallOptions options;
  private final Duration deadline;
  private final Runnable closing;

  FrontdeskClient(Channel channel, CallOptions options, Duration deadline, Runnable closing) {
    this.channel = channel;
    this.options = options;
    this.deadline = deadline;
    this.closing = closing;
  }

  /**
   * Starts a client with a channel of its own, of what FRONTDESK_ADDRESS says, else {@code localhost:50051}.
   */
  public static FrontdeskClientBuilder builder() {
    return new FrontdeskClientBuilder(null);
  }

  /**
   * Starts a client with a channel of its own, by TLS unless the target is this machine or the builder is told otherwise.
   *
   * @param target such as {@code dns:///frontdesk:50051} or {@code unix:///run/frontdesk.sock}
   */
  public static FrontdeskClientBuilder builder(String target) {
    return new FrontdeskClientBuilder(target);
  }

  /** A client over a channel that its owner configures and closes, such as Spring's; see {@link ChannelDefaults}. */
  public static FrontdeskClient over(Channel channel) {
    return new FrontdeskClient(channel, CallOptions.DEFAULT, null, () -> {});
  }

  /** The same client with a deadline for every call, retries included, counted from the call's start. */
  public FrontdeskClient withDeadline(Duration deadline) {
    return new FrontdeskClient(channel, options, deadline, closing);
  }

  /** Decides which model should answer and calls none. */
  public RouteResponse route(RouteRequest request) {
    return call(RouterServiceGrpc.getRouteMethod(), request);
  }

  /** As {@link #route}, without blocking; cancelling the future cancels the call. */
  public CompletableFuture<RouteResponse> routeAsync(RouteRequest request) {
    return callAsync(RouterServiceGrpc.getRouteMethod(), request);
  }

  /** Decides for many queries in one call. A query that cannot be routed has an error in its place. */
  public RouteBatchResponse routeBatch(RouteBatchRequest request) {
    return call(RouterServiceGrpc.getRouteBatchMethod(), request);
  }

  /** Decides and returns the whole answer. */
  public CompleteResponse complete(CompleteRequest request) {
    return call(RouterServiceGrpc.getCompleteMethod(), request);
  }

  /** As {@link #complete}, without blocking; cancelling the future cancels the call. */
  public CompletableFuture<CompleteResponse> completeAsync(CompleteRequest request) {
    return callAsync(RouterServiceGrpc.getCompleteMethod(), request);
  }

  /** Decides and streams the answer as blocking iteration; close the stream. */
  public CompletionStream streamComplete(StreamCompleteRequest request) {
    MethodDescriptor<StreamCompleteRequest, StreamCompleteResponse> method =
        RouterServiceGrpc.getStreamCompleteMethod();
    return new CompletionStream(
        () -> ClientCalls.blockingServerStreamingCall(open(), method, callOptions(), request));
  }

  /** Decides and streams the answer with back pressure; every subscription is a call, and cancelling it cancels the call. */
  public Flow.Publisher<StreamCompleteResponse> streamCompletePublisher(StreamCompleteRequest request) {
    return new CompletionPublisher(
        observer ->
            ClientCalls.asyncServerStreamingCall(
                open().newCall(RouterServiceGrpc.getStreamCompleteMethod(), callOptions()), request, observer));
  }

  /** Tells how good an answer was. A later report of the same source replaces the earlier one. */
  public ReportOutcomeResponse reportOutcome(ReportOutcomeRequest request) {
    return call(RouterServiceGrpc.getReportOutcomeMethod(), request);
  }

  /** Returns a recorded decision with what became of it. */
  public GetDecisionResponse getDecision(GetDecisionRequest request) {
    return call(RouterServiceGrpc.getGetDecisionMethod(), request);
  }

  /** Lists the models which the caller may use. */
  public ListModelsResponse listModels(ListModelsRequest request) {
    return call(RouterServiceGrpc.getListModelsMethod(), request);
  }

  /**
   * Closes the channel that the builder made and cancels its calls; later ones fail with {@link Reason#CLIENT_CLOSED}. A channel from
   * elsewhere is its owner's to close.
   */
  @Override
  public void close() {
    closing.run();
  }

  private CallOptions callOptions() {
    return deadline == null ? options : options.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** What calls are made by; throws where it has been closed. */
  private Channel open() {
    if (channel instanceof ManagedChannel own && own.isShutdown()) {
      throw FrontdeskException.closed();
    }
    return channel;
  }

  private <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
    AtomicReference<Metadata> headers = new AtomicReference<>();
    Channel observed =
        ClientInterceptors.intercept(
            open(), MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>()));
    try {
      return ClientCalls.blockingUnaryCall(observed, method, callOptions(), request);
    } catch (StatusRuntimeException thrown) {
      throw FrontdeskException.of(thrown, headers.get());
    }
  }

  private <Q, R> CompletableFuture<R> callAsync(MethodDescriptor<Q, R> method, Q request) {
    CompletableFuture<R> future = new CompletableFuture<>();
    AtomicReference<Metadata> headers = new AtomicReference<>();
    ClientCall<Q, R> call;
    try {
      call =
          ClientInterceptors.intercept(
                  open(), MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>()))
              .newCall(method, callOptions());
    } catch (FrontdeskException closed) {
      return CompletableFuture.failedFuture(closed);
    }
    ClientCalls.asyncUnaryCall(
        call,
        request,
        new StreamObserver<>() {
          @Override
          public void onNext(R response) {
            future.complete(response);
          }

          @Override
          public void onError(Throwable thrown) {
            future.completeExceptionally(FrontdeskException.of(thrown, headers.get()));
          }

          @Override
          public void onCompleted() {}
        });
    future.whenComplete(
        (response, thrown) -> {
          if (future.isCancelled()) {
            call.cancel("the future was cancelled", null);
          }
        });
    return future;
  }
}
