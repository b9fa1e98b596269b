package dev.frontdesk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import dev.frontdesk.v1.Decision;
import dev.frontdesk.v1.RouteRequest;
import dev.frontdesk.v1.RoutingPolicy;
import dev.frontdesk.v1.StreamCompleteRequest;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.instrumentation.grpc.v1_6.GrpcTelemetry;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The server's span is a child of the client's, which is a child of the caller's. */
class TraceTest {
  private static final RoutingPolicy METADATA = RoutingPolicy.newBuilder().setRouter("metadata").build();

  private final InMemorySpanExporter exporter = InMemorySpanExporter.create();
  private final OpenTelemetrySdk telemetry =
      OpenTelemetrySdk.builder()
          .setTracerProvider(
              SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(exporter)).build())
          .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
          .build();

  @TestFactory
  Stream<DynamicTest> trace() {
    String target = Interop.address("FRONTDESK_SCRIPTED_ADDRESS");
    RouteRequest route = RouteRequest.newBuilder().setQuery(Queries.ask("Hi.")).setPolicy(METADATA).build();
    StreamCompleteRequest stream =
        StreamCompleteRequest.newBuilder().setQuery(Queries.ask("Hi.")).setPolicy(METADATA).build();
    return Stream.of(
        parentage(target, "Route", client -> client.route(route).getDecision()),
        parentage(
            target,
            "StreamComplete",
            client -> {
              try (CompletionStream events = client.streamComplete(stream)) {
                return events.completion().getDecision();
              }
            }));
  }

  /** tests/interop finds the server's side. */
  @Test
  void theRealServerIsCalledWithinATrace() throws IOException {
    RouteRequest request = RouteRequest.newBuilder().setQuery(Queries.ask("What is 2 + 2?")).build();
    try (FrontdeskClient client = traced(Interop.address("FRONTDESK_ADDRESS"))) {
      client.route(request);
    }
    SpanData span = exporter.getFinishedSpanItems().get(0);
    JsonObject line = new JsonObject();
    line.addProperty("language", "Java");
    line.addProperty("trace_id", span.getTraceId());
    line.addProperty("span_id", span.getSpanId());
    Interop.appendLine("FRONTDESK_INTEROP_SPANS", line);
  }

  private FrontdeskClient traced(String target) {
    return FrontdeskClient.builder(target)
        .plaintext()
        .intercept(GrpcTelemetry.create(telemetry).newClientInterceptor())
        .build();
  }

  private DynamicTest parentage(String target, String rpc, Function<FrontdeskClient, Decision> call) {
    return Interop.cell(
        rpc,
        "trace",
        () -> {
          exporter.reset();
          Span caller = telemetry.getTracer("test").spanBuilder("caller").startSpan();
          Decision decision;
          try (FrontdeskClient client = traced(target);
              Scope scope = caller.makeCurrent()) {
            decision = call.apply(client);
          }
          caller.end();
          SpanData span =
              exporter.getFinishedSpanItems().stream()
                  .filter(item -> item.getName().equals("frontdesk.v1.RouterService/" + rpc))
                  .findFirst()
                  .orElseThrow();
          assertEquals(caller.getSpanContext().getSpanId(), span.getParentSpanId());
          assertEquals(caller.getSpanContext().getTraceId(), span.getTraceId());
          assertEquals(
              "00-" + span.getTraceId() + "-" + span.getSpanId() + "-01",
              Interop.seen(decision).getAsJsonObject("metadata").get("traceparent").getAsString());
        });
  }
}
