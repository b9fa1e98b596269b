package dev.frontdesk;

import static dev.frontdesk.Interop.address;
import static dev.frontdesk.Interop.cell;
import static dev.frontdesk.Interop.seen;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.frontdesk.v1.AttemptOutcome;
import dev.frontdesk.v1.CompleteRequest;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.CompletionFailure;
import dev.frontdesk.v1.Decision;
import dev.frontdesk.v1.GetDecisionRequest;
import dev.frontdesk.v1.GetDecisionResponse;
import dev.frontdesk.v1.ListModelsRequest;
import dev.frontdesk.v1.Model;
import dev.frontdesk.v1.Query;
import dev.frontdesk.v1.ReportOutcomeRequest;
import dev.frontdesk.v1.ReportOutcomeResponse;
import dev.frontdesk.v1.RouteBatchRequest;
import dev.frontdesk.v1.RouteRequest;
import dev.frontdesk.v1.RouteResult;
import dev.frontdesk.v1.RoutingPolicy;
import dev.frontdesk.v1.StreamCompleteRequest;
import dev.frontdesk.v1.StreamCompleteResponse;
import dev.frontdesk.v1.StreamCompleteResponse.EventCase;
import io.grpc.ConnectivityState;
import io.grpc.EquivalentAddressGroup;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/** Every case of the scripted server. */
class LiveTest {
  private static final String UTF8_TEXT = "Grüße, 漢字 и 😀\0 e\u0301";
  private static final String LONG_TEXT = "0123456789abcdef".repeat(6 * 65_536);

  private static FrontdeskClient client;

  @BeforeAll
  static void connect() {
    client =
        FrontdeskClient.builder(address("FRONTDESK_SCRIPTED_ADDRESS")).plaintext().build().withDeadline(Duration.ofSeconds(20));
  }

  @AfterAll
  static void disconnect() {
    if (client != null) {
      client.close();
    }
  }

  @TestFactory
  Stream<DynamicTest> route() {
    return Stream.of(
        cell(
            "Route",
            "call",
            () -> {
              Decision decision = route(client, "default", "");
              assertEquals("small-llm", decision.getModel());
              assertEquals(0.8, decision.getCandidates(0).getPredictedQuality());
              assertEquals("small-llm", client.routeAsync(routeIn("default", "")).get().getDecision().getModel());
            }),
        cell("Route", "utf-8", () -> assertEquals("größe-漢-😀", route(client, "default", "größe-漢-😀").getDecisionId())),
        cell("Route", "newer server", () -> assertEquals(99, route(client, "newer", "").getPath(0).getVerdictValue())),
        cell(
            "Route",
            "typed error",
            () -> {
              FrontdeskException invalid =
                  failure(Status.Code.INVALID_ARGUMENT, "MESSAGES_EMPTY", () -> route(client, "error:MESSAGES_EMPTY", ""));
              FieldViolation violation =
                  new FieldViolation("query.messages[0].name", "größe: The query holds no message.", "MESSAGES_EMPTY");
              assertEquals(violation, invalid.violations().get(0));
              FrontdeskException limited =
                  failure(Status.Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", () -> route(client, "error:RATE_LIMITED", ""));
              assertEquals(Duration.ofMillis(1500), limited.retryDelay().orElseThrow());
            }),
        cell(
            "Route",
            "retry",
            () -> {
              route(client, "flaky:2", "java-flaky");
              assertEquals("3", label("java-flaky", "calls"));
            }),
        cell(
            "Route",
            "retry forbidden",
            () -> {
              failure(Status.Code.UNAVAILABLE, "UPSTREAM_FAILED", () -> route(client, "refusing", "java-refusing"));
              assertEquals("1", label("java-refusing", "calls"));
            }),
        cell(
            "Route",
            "metadata",
            () -> {
              String target = address("FRONTDESK_SCRIPTED_ADDRESS");
              try (FrontdeskClient withToken =
                  FrontdeskClient.builder(target).plaintext().token("secret").build().withDeadline(Duration.ofSeconds(20))) {
                JsonObject seen = seen(route(withToken, "metadata", ""));
                JsonObject metadata = seen.getAsJsonObject("metadata");
                assertEquals("Bearer secret", metadata.get("authorization").getAsString());
                assertTrue(metadata.get("user-agent").getAsString().startsWith("frontdesk-java/"), metadata::toString);
                double left = seen.get("seconds_left").getAsDouble();
                assertTrue(left > 1 && left <= 21, () -> "seconds left: " + left);
              }
            }),
        cell(
            "Route",
            "TLS",
            () -> {
              String target = address("FRONTDESK_SCRIPTED_TLS_ADDRESS");
              try (InputStream pem = Files.newInputStream(Path.of(address("FRONTDESK_SCRIPTED_CERTIFICATE")));
                  FrontdeskClient trusting =
                      FrontdeskClient.builder(target).rootCertificates(pem).token("secret").build()) {
                JsonObject metadata = seen(route(trusting, "metadata", "")).getAsJsonObject("metadata");
                assertEquals("Bearer secret", metadata.get("authorization").getAsString());
              }
            }),
        cell("Route", "round robin", LiveTest::roundRobin),
        cell(
            "Route",
            "plain channel",
            () -> {
              ManagedChannelBuilder<?> builder =
                  ManagedChannelBuilder.forTarget(address("FRONTDESK_SCRIPTED_ADDRESS")).usePlaintext();
              ChannelDefaults.apply(builder);
              ManagedChannel channel = builder.build();
              FrontdeskClient over = FrontdeskClient.over(channel);
              assertEquals("small-llm", route(over, "default", "").getModel());
              over.close();
              assertEquals(ConnectivityState.READY, channel.getState(false), "the channel is its owner's to close");
              channel.shutdownNow();
            }));
  }

  @TestFactory
  Stream<DynamicTest> routeBatch() {
    return Stream.of(
        cell(
            "RouteBatch",
            "call",
            () -> {
              RouteBatchRequest request =
                  RouteBatchRequest.newBuilder()
                      .addQueries(Queries.ask("one"))
                      .addQueries(Query.getDefaultInstance())
                      .addQueries(Queries.ask(UTF8_TEXT))
                      .build();
              List<RouteResult> results = client.routeBatch(request).getResultsList();
              assertEquals(3, results.size());
              assertEquals("one", results.get(0).getDecision().getReason());
              assertEquals("queries[1].messages", results.get(1).getError().getField());
              assertEquals(UTF8_TEXT, results.get(2).getDecision().getReason());
            }),
        cell(
            "RouteBatch",
            "typed error",
            () -> {
              RouteBatchRequest request =
                  RouteBatchRequest.newBuilder()
                      .addQueries(Queries.ask("one"))
                      .setPolicy(scenario("error:BUDGET_EXHAUSTED", ""))
                      .build();
              FrontdeskException thrown =
                  failure(Status.Code.RESOURCE_EXHAUSTED, "BUDGET_EXHAUSTED", () -> client.routeBatch(request));
              assertEquals(Duration.ofHours(1), thrown.retryDelay().orElseThrow());
            }));
  }

  @TestFactory
  Stream<DynamicTest> complete() {
    Stream<DynamicTest> texts =
        Map.of("call", "Hi.", "utf-8", UTF8_TEXT, "large message", LONG_TEXT).entrySet().stream()
            .map(
                entry ->
                    cell(
                        "Complete",
                        entry.getKey(),
                        () -> {
                          CompleteResponse response = client.complete(completeIn("default", "", entry.getValue()));
                          assertTrue(entry.getValue().equals(Queries.textOf(response.getMessage())), "the same text");
                          assertEquals(12_000, response.getCost().getTotalNanoUsd());
                        }));
    return Stream.concat(
        texts,
        Stream.of(
            cell(
                "Complete",
                "newer server",
                () -> {
                  CompleteResponse response = client.complete(completeIn("newer", "", "Hi."));
                  assertEquals(99, response.getFinishReasonValue());
                  assertEquals("Hi.", Queries.textOf(response.getMessage()));
                }),
            cell(
                "Complete",
                "typed error",
                () -> {
                  FrontdeskException thrown =
                      failure(
                          Status.Code.FAILED_PRECONDITION,
                          "NO_ELIGIBLE_MODEL",
                          () -> client.complete(completeIn("error:NO_ELIGIBLE_MODEL", "", "Hi.")));
                  assertEquals("capability: tools", thrown.metadata().get("small-llm"));
                }),
            cell(
                "Complete",
                "account of a failure",
                () -> {
                  CompletionFailure account =
                      failure(
                              Status.Code.UNAVAILABLE,
                              "UPSTREAM_CUT",
                              () -> client.complete(completeIn("broken", "java-broken", "Hi.")))
                          .failure()
                          .orElseThrow();
                  assertEquals(12_000, account.getCost().getTotalNanoUsd());
                  assertEquals(AttemptOutcome.ATTEMPT_OUTCOME_FAILED, account.getAttempts(0).getOutcome());
                  assertEquals("1", label("java-broken", "calls"));
                }),
            cell(
                "Complete",
                "deadline exceeded",
                () -> {
                  FrontdeskClient hasty = client.withDeadline(Duration.ofMillis(300));
                  FrontdeskException late =
                      failure(
                          Status.Code.DEADLINE_EXCEEDED,
                          "DEADLINE_EXCEEDED",
                          () -> hasty.complete(completeIn("silent", "java-silent", "Hi.")));
                  assertEquals("java-silent", late.completionId());
                  assertEquals("true", label("java-silent", "gone"));
                }),
            cell(
                "Complete",
                "cancel",
                () -> {
                  CompletableFuture<CompleteResponse> future =
                      client.completeAsync(completeIn("silent", "java-cancelled", "Hi."));
                  CompletableFuture.delayedExecutor(500, TimeUnit.MILLISECONDS).execute(() -> future.cancel(true));
                  assertThrows(CancellationException.class, future::join);
                  assertEquals("true", label("java-cancelled", "gone"));
                  ExecutionException failed =
                      assertThrows(
                          ExecutionException.class,
                          () -> client.completeAsync(completeIn("error:OVERLOADED", "", "Hi.")).get());
                  assertEquals("OVERLOADED", assertInstanceOf(FrontdeskException.class, failed.getCause()).reason());
                })));
  }

  @TestFactory
  Stream<DynamicTest> streamComplete() {
    return Stream.of(
        cell(
            "StreamComplete",
            "call",
            () -> {
              List<EventCase> kinds = new ArrayList<>();
              try (CompletionStream stream = client.streamComplete(streamIn("default", "", "Hi."))) {
                stream.forEach(event -> kinds.add(event.getEventCase()));
              }
              assertEquals(
                  List.of(EventCase.STARTED, EventCase.ATTEMPT_STARTED, EventCase.TEXT_DELTA, EventCase.COMPLETED), kinds);
            }),
        cell(
            "StreamComplete",
            "fold",
            () ->
                assertEquals(
                    client.complete(completeIn("default", "", "Hi.")), completion(streamIn("default", "", "Hi.")))),
        cell(
            "StreamComplete",
            "utf-8",
            () -> assertEquals(UTF8_TEXT, text(completion(streamIn("default", "", UTF8_TEXT))))),
        cell(
            "StreamComplete",
            "large message",
            () -> assertTrue(LONG_TEXT.equals(text(completion(streamIn("default", "", LONG_TEXT)))), "the same text")),
        cell(
            "StreamComplete", "newer server", () -> assertEquals("Hi.", text(completion(streamIn("newer", "", "Hi."))))),
        cell(
            "StreamComplete",
            "typed error",
            () -> {
              FrontdeskException thrown =
                  failure(
                      Status.Code.NOT_FOUND,
                      "UNKNOWN_ROUTER",
                      () -> completion(streamIn("error:UNKNOWN_ROUTER", "", "Hi.")));
              assertEquals("policy.router", thrown.violations().get(0).field());
            }),
        cell(
            "StreamComplete",
            "partial answer",
            () -> {
              FrontdeskException thrown =
                  failure(
                      Status.Code.UNAVAILABLE,
                      "UPSTREAM_CUT",
                      () -> completion(streamIn("broken", "java-partial", "Half an ans")));
              CompleteResponse partial = thrown.partial().orElseThrow();
              assertEquals("Half an ans", text(partial));
              assertEquals(12_000, partial.getCost().getTotalNanoUsd());
              assertTrue(thrown.failure().orElseThrow().getCommitted());
              assertEquals("1", label("java-partial", "calls")); // not repeated
            }),
        cell(
            "StreamComplete",
            "end without completed",
            () -> {
              FrontdeskException thrown =
                  failure(
                      Status.Code.DATA_LOSS,
                      Reason.STREAM_CUT,
                      () -> completion(streamIn("incomplete", "", "Hi.")));
              assertEquals("Hi.", text(thrown.partial().orElseThrow()));
            }),
        cell(
            "StreamComplete",
            "events out of order",
            () ->
                failure(
                    Status.Code.INTERNAL,
                    Reason.STREAM_OUT_OF_ORDER,
                    () -> completion(streamIn("disordered", "", "Hi.")))),
        cell(
            "StreamComplete",
            "cancel",
            () -> {
              try (CompletionStream stream = client.streamComplete(streamIn("endless", "java-left", ""))) {
                for (StreamCompleteResponse event : stream) {
                  if (event.hasTextDelta()) {
                    break;
                  }
                }
                stream.close();
                FrontdeskException thrown = failure(Status.Code.CANCELLED, "CANCELLED", stream::completion);
                assertTrue(text(thrown.partial().orElseThrow()).startsWith("and so on "));
              }
              assertEquals("true", label("java-left", "gone"));
            }),
        cell(
            "StreamComplete",
            "deadline exceeded",
            () -> {
              FrontdeskClient hasty = client.withDeadline(Duration.ofMillis(300));
              try (CompletionStream stream = hasty.streamComplete(streamIn("endless", "java-late", ""))) {
                failure(Status.Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", stream::completion);
              }
              assertEquals("true", label("java-late", "gone"));
            }),
        cell("StreamComplete", "publisher", LiveTest::publisher));
  }

  @TestFactory
  Stream<DynamicTest> records() {
    return Stream.of(
        cell(
            "ReportOutcome",
            "call",
            () -> {
              assertFalse(report(0).getReplaced());
              ReportOutcomeResponse second = report(0.75);
              assertTrue(second.getReplaced());
              assertEquals(0.75, second.getOutcome().getQuality());
              assertEquals(Map.of("k", "v"), second.getOutcome().getLabelsMap());
              assertEquals("größe", decision("java-judged").getOutcomes(0).getSource());
            }),
        cell(
            "ReportOutcome",
            "typed error",
            () -> {
              ReportOutcomeRequest request =
                  ReportOutcomeRequest.newBuilder().setDecisionId("error:DECISION_NOT_FOUND").build();
              FrontdeskException thrown =
                  failure(Status.Code.NOT_FOUND, "DECISION_NOT_FOUND", () -> client.reportOutcome(request));
              assertEquals("decision_id", thrown.violations().get(0).field());
            }),
        cell(
            "GetDecision",
            "call",
            () -> {
              GetDecisionResponse response = decision("01JC3Q9W7T8V5E2N4K6M0P1R3V");
              assertEquals("01JC3Q9W7T8V5E2N4K6M0P1R3V", response.getDecision().getDecisionId());
              assertEquals(12_000, response.getCost().getTotalNanoUsd());
            }),
        cell(
            "GetDecision",
            "typed error",
            () ->
                failure(
                    Status.Code.PERMISSION_DENIED, "PERMISSION_DENIED", () -> decision("error:PERMISSION_DENIED"))),
        cell(
            "ListModels",
            "call",
            () -> {
              Model model = client.listModels(ListModelsRequest.getDefaultInstance()).getModels(1);
              assertEquals("größtes-模型", model.getName());
              assertEquals((1L << 53) + 1, model.getContextWindow());
            }),
        cell(
            "ListModels",
            "newer server",
            () -> assertEquals(3, client.listModels(models("newer")).getModelsCount())),
        cell(
            "ListModels",
            "typed error",
            () ->
                failure(
                    Status.Code.UNAUTHENTICATED,
                    "UNAUTHENTICATED",
                    () -> client.listModels(models("error:UNAUTHENTICATED")))));
  }

  /** A publisher honours demand, completes, and cancels the call with the subscription. */
  private static void publisher() throws Exception {
    Collector whole = new Collector(Integer.MAX_VALUE);
    client.streamCompletePublisher(streamIn("default", "", "Hi.")).subscribe(whole);
    assertEquals("Hi.", text(Completions.fold(whole.done.get())));

    Collector some = new Collector(3);
    client.streamCompletePublisher(streamIn("endless", "java-published", "")).subscribe(some);
    assertEquals(3, some.done.get().size(), "no more than the demand comes before the subscriber cancels");
    assertEquals("true", label("java-published", "gone"));

    Collector broken = new Collector(Integer.MAX_VALUE);
    client.streamCompletePublisher(streamIn("broken", "java-broken-publisher", "Half")).subscribe(broken);
    ExecutionException failed = assertThrows(ExecutionException.class, broken.done::get);
    FrontdeskException fault = assertInstanceOf(FrontdeskException.class, failed.getCause());
    assertEquals("Half", text(fault.partial().orElseThrow()));
  }

  /** Asks for one event after the other and cancels after the last one it wants. */
  private static final class Collector implements Flow.Subscriber<StreamCompleteResponse> {
    private final CompletableFuture<List<StreamCompleteResponse>> done = new CompletableFuture<>();
    private final List<StreamCompleteResponse> events = new ArrayList<>();
    private final int wanted;
    private Flow.Subscription subscription;

    Collector(int wanted) {
      this.wanted = wanted;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      this.subscription = subscription;
      subscription.request(1);
    }

    @Override
    public void onNext(StreamCompleteResponse event) {
      events.add(event);
      if (events.size() == wanted) {
        subscription.cancel();
        done.complete(events);
      } else {
        subscription.request(1);
      }
    }

    @Override
    public void onError(Throwable thrown) {
      done.completeExceptionally(thrown);
    }

    @Override
    public void onComplete() {
      done.complete(events);
    }
  }

  private static void roundRobin() {
    NameResolverProvider both =
        new BothAddresses(address("FRONTDESK_SCRIPTED_ADDRESS"), address("FRONTDESK_SCRIPTED_ADDRESS_2"));
    NameResolverRegistry.getDefaultRegistry().register(both);
    Set<Integer> ports = new HashSet<>();
    try (FrontdeskClient balanced = FrontdeskClient.builder("frontdesk-test:///both").plaintext().build()) {
      for (long end = System.nanoTime() + 10_000_000_000L; ports.size() < 2 && System.nanoTime() < end; ) {
        ports.add(seen(route(balanced, "metadata", "")).get("port").getAsInt());
      }
    } finally {
      NameResolverRegistry.getDefaultRegistry().deregister(both);
    }
    assertEquals(2, ports.size());
  }

  /** A name with two addresses, as a headless service of Kubernetes is. */
  private static final class BothAddresses extends NameResolverProvider {
    private final List<EquivalentAddressGroup> groups;

    BothAddresses(String... addresses) {
      groups =
          Stream.of(addresses)
              .map(address -> address.split(":"))
              .map(parts -> new EquivalentAddressGroup(new InetSocketAddress(parts[0], Integer.parseInt(parts[1]))))
              .toList();
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 5;
    }

    @Override
    public String getDefaultScheme() {
      return "frontdesk-test";
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      return new NameResolver() {
        @Override
        public String getServiceAuthority() {
          return "localhost";
        }

        @Override
        public void start(Listener2 listener) {
          listener.onResult(
              ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(groups)).build());
        }

        @Override
        public void shutdown() {}
      };
    }
  }

  private static Decision route(FrontdeskClient client, String scenario, String key) {
    return client.route(routeIn(scenario, key)).getDecision();
  }

  private static CompleteResponse completion(StreamCompleteRequest request) {
    try (CompletionStream stream = client.streamComplete(request)) {
      return stream.completion();
    }
  }

  private static String text(CompleteResponse response) {
    return Queries.textOf(response.getMessage());
  }

  private static ReportOutcomeResponse report(double quality) {
    return client.reportOutcome(
        ReportOutcomeRequest.newBuilder()
            .setDecisionId("java-judged")
            .setQuality(quality)
            .setSource("größe")
            .putLabels("k", "v")
            .build());
  }

  private static GetDecisionResponse decision(String id) {
    return client.getDecision(GetDecisionRequest.newBuilder().setDecisionId(id).build());
  }

  /** What getDecision tells of the calls with an affinity key. */
  private static String label(String key, String name) {
    return decision(key).getLabelsMap().get(name);
  }

  private static FrontdeskException failure(Status.Code code, String reason, Executable call) {
    FrontdeskException thrown = assertThrows(FrontdeskException.class, call);
    assertEquals(code, thrown.getStatus().getCode());
    assertEquals(reason, thrown.reason());
    return thrown;
  }

  private static RoutingPolicy scenario(String name, String key) {
    return RoutingPolicy.newBuilder().setRouter(name).setAffinityKey(key).build();
  }

  private static RouteRequest routeIn(String scenario, String key) {
    return RouteRequest.newBuilder().setQuery(Queries.ask("Hi.")).setPolicy(scenario(scenario, key)).build();
  }

  private static CompleteRequest completeIn(String scenario, String key, String text) {
    return CompleteRequest.newBuilder().setQuery(Queries.ask(text)).setPolicy(scenario(scenario, key)).build();
  }

  private static StreamCompleteRequest streamIn(String scenario, String key, String text) {
    return StreamCompleteRequest.newBuilder().setQuery(Queries.ask(text)).setPolicy(scenario(scenario, key)).build();
  }

  private static ListModelsRequest models(String router) {
    return ListModelsRequest.newBuilder().setRouter(router).build();
  }
}
