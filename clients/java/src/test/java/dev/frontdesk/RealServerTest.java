package dev.frontdesk;

import static dev.frontdesk.Interop.cell;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.frontdesk.v1.Attempt;
import dev.frontdesk.v1.AttemptOutcome;
import dev.frontdesk.v1.CompleteRequest;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.Decision;
import dev.frontdesk.v1.GetDecisionRequest;
import dev.frontdesk.v1.GetDecisionResponse;
import dev.frontdesk.v1.ListModelsRequest;
import dev.frontdesk.v1.Model;
import dev.frontdesk.v1.Query;
import dev.frontdesk.v1.ReportOutcomeRequest;
import dev.frontdesk.v1.RouteBatchRequest;
import dev.frontdesk.v1.RouteRequest;
import dev.frontdesk.v1.RouteResult;
import dev.frontdesk.v1.RoutingPolicy;
import dev.frontdesk.v1.StreamCompleteRequest;
import dev.frontdesk.v1.StreamCompleteResponse;
import dev.frontdesk.v1.StreamCompleteResponse.EventCase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Calls {@code frontdesk serve} on its embedded pool. */
class RealServerTest {
  private static final Query EASY = Queries.ask("What is 2 + 2?");
  private static final Query HARD =
      Queries.ask(
          "Design a comprehensive multi-agent system for medical diagnosis that covers symptom analysis, differential "
              + "diagnoses, treatment recommendations, edge cases like rare diseases, ethical considerations, and the "
              + "trade-offs between accuracy and latency.");

  private static FrontdeskClient client;
  private static CompleteResponse completed;

  @BeforeAll
  static void connect() {
    String target = Interop.address("FRONTDESK_ADDRESS");
    client = FrontdeskClient.builder(target).plaintext().build().withDeadline(Duration.ofSeconds(20));
  }

  @AfterAll
  static void disconnect() {
    if (client != null) {
      client.close();
    }
  }

  @TestFactory
  Stream<DynamicTest> everyRpc() {
    return Stream.of(
        cell(
            "Route",
            "real server",
            () -> {
              RouteRequest request = RouteRequest.newBuilder().setQuery(EASY).putLabels("team", "größe").build();
              Decision decision = client.route(request).getDecision();
              assertEquals("small-llm", decision.getModel());
              assertTrue(Decisions.explain(decision).startsWith("small-llm: "));
            }),
        cell(
            "Route",
            "real server: typed error",
            () -> {
              RouteRequest request =
                  RouteRequest.newBuilder()
                      .setQuery(EASY)
                      .setPolicy(RoutingPolicy.newBuilder().setRouter("nowhere"))
                      .build();
              FrontdeskException thrown = assertThrows(FrontdeskException.class, () -> client.route(request));
              assertEquals("UNKNOWN_ROUTER", thrown.reason());
              assertEquals("policy.router", thrown.violations().get(0).field());
            }),
        cell(
            "RouteBatch",
            "real server",
            () -> {
              RouteBatchRequest request =
                  RouteBatchRequest.newBuilder()
                      .addQueries(EASY)
                      .addQueries(Query.getDefaultInstance())
                      .addQueries(HARD)
                      .build();
              List<RouteResult> results = client.routeBatch(request).getResultsList();
              assertEquals("small-llm", results.get(0).getDecision().getModel());
              assertEquals("MESSAGES_EMPTY", results.get(1).getError().getReason());
              assertEquals("frontier-llm", results.get(2).getDecision().getModel());
            }),
        cell(
            "Complete",
            "real server",
            () -> {
              completed = client.complete(CompleteRequest.newBuilder().setQuery(EASY).build());
              assertEquals(completed.getDecision().getDecisionId(), completed.getCompletionId());
              assertFalse(Queries.textOf(completed.getMessage()).isEmpty());
              assertTrue(completed.getCost().getTotalNanoUsd() > 0);
            }),
        cell(
            "StreamComplete",
            "real server",
            () -> {
              List<EventCase> kinds = new ArrayList<>();
              try (CompletionStream stream =
                  client.streamComplete(StreamCompleteRequest.newBuilder().setQuery(EASY).build())) {
                stream.forEach(event -> kinds.add(event.getEventCase()));
                assertEquals(
                    Queries.textOf(completed.getMessage()), Queries.textOf(stream.completion().getMessage()));
              }
              assertEquals(EventCase.STARTED, kinds.get(0));
              assertEquals(EventCase.COMPLETED, kinds.get(kinds.size() - 1));
              assertTrue(kinds.contains(EventCase.TEXT_DELTA));
            }),
        cell("StreamComplete", "real server: cancel", RealServerTest::cancel),
        cell(
            "ReportOutcome",
            "real server",
            () -> {
              ReportOutcomeRequest report =
                  ReportOutcomeRequest.newBuilder()
                      .setDecisionId(completed.getCompletionId())
                      .setQuality(0.5)
                      .setSource("java")
                      .build();
              assertFalse(client.reportOutcome(report).getReplaced());
              assertTrue(client.reportOutcome(report).getReplaced());
            }),
        cell(
            "GetDecision",
            "real server",
            () -> {
              GetDecisionResponse recorded = get(completed.getCompletionId());
              assertEquals(completed.getCost().getTotalNanoUsd(), recorded.getCost().getTotalNanoUsd());
              assertEquals(0.5, recorded.getOutcomes(0).getQuality());
            }),
        cell(
            "ListModels",
            "real server",
            () -> {
              List<String> names =
                  client.listModels(ListModelsRequest.getDefaultInstance()).getModelsList().stream()
                      .map(Model::getName)
                      .toList();
              assertEquals(List.of("code-llm", "frontier-llm", "mid-llm", "small-llm"), names);
            }));
  }

  /** Leaving a stream ends the attempt upstream, and the ledger says so. */
  private static void cancel() {
    String id = "";
    try (CompletionStream stream =
        client.streamComplete(StreamCompleteRequest.newBuilder().setQuery(HARD).build())) {
      for (StreamCompleteResponse event : stream) {
        if (event.hasStarted()) {
          id = event.getStarted().getCompletionId();
        }
        if (event.hasTextDelta()) {
          break;
        }
      }
    }
    List<Attempt> attempts = List.of();
    for (long end = System.nanoTime() + 10_000_000_000L; attempts.isEmpty() && System.nanoTime() < end; ) {
      attempts = get(id).getAttemptsList();
    }
    assertEquals(AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED, attempts.get(0).getOutcome());
  }

  private static GetDecisionResponse get(String id) {
    return client.getDecision(GetDecisionRequest.newBuilder().setDecisionId(id).build());
  }
}
