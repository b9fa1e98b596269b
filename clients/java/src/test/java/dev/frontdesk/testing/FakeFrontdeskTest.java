package dev.frontdesk.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.frontdesk.CompletionStream;
import dev.frontdesk.FrontdeskClient;
import dev.frontdesk.FrontdeskException;
import dev.frontdesk.Interop;
import dev.frontdesk.Queries;
import dev.frontdesk.Reason;
import dev.frontdesk.v1.CompleteRequest;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.GetDecisionRequest;
import dev.frontdesk.v1.GetDecisionResponse;
import dev.frontdesk.v1.ListModelsRequest;
import dev.frontdesk.v1.ReportOutcomeRequest;
import dev.frontdesk.v1.StreamCompleteRequest;
import dev.frontdesk.v1.ToolCall;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

class FakeFrontdeskTest {
  @TestFactory
  Stream<DynamicTest> fake() {
    return Stream.of(
        Interop.cell("Complete", "fake", FakeFrontdeskTest::completes),
        Interop.cell("StreamComplete", "fake", FakeFrontdeskTest::streams));
  }

  private static void completes() {
    try (FakeFrontdesk desk = FakeFrontdesk.start()) {
      FrontdeskClient client = desk.client();
      ToolCall call = ToolCall.newBuilder().setId("c1").setName("add").setArgumentsJson("{}").build();
      desk.answer(
          Answer.of("4").by("frontier-llm").calling(call),
          Answer.failing(Status.Code.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED, Duration.ofMillis(1500)),
          Answer.failing(Status.Code.UNAVAILABLE, Reason.SHUTTING_DOWN, null));
      CompleteResponse completed = client.complete(asked("What is 2 + 2?"));
      assertEquals("frontier-llm", completed.getModel());
      assertEquals("4", Queries.textOf(completed.getMessage()));
      assertEquals(call, completed.getMessage().getParts(1).getToolCall());
      FrontdeskException limited = failure(Reason.RATE_LIMITED, () -> client.complete(asked("Hi.")));
      assertEquals(Duration.ofMillis(1500), limited.retryDelay().orElseThrow());
      failure(Reason.SHUTTING_DOWN, () -> client.complete(asked("Hi.")));
      String id = completed.getCompletionId();
      client.reportOutcome(
          ReportOutcomeRequest.newBuilder().setDecisionId(id).setQuality(1).setSource("test").build());
      GetDecisionResponse recorded = client.getDecision(GetDecisionRequest.newBuilder().setDecisionId(id).build());
      assertEquals(completed.getCost(), recorded.getCost());
      assertEquals(1, recorded.getOutcomes(0).getQuality());
      GetDecisionRequest nowhere = GetDecisionRequest.newBuilder().setDecisionId("nowhere").build();
      failure(Reason.DECISION_NOT_FOUND, () -> client.getDecision(nowhere));
      assertEquals(2, client.listModels(ListModelsRequest.getDefaultInstance()).getModelsCount());
      assertEquals("An answer.", Queries.textOf(client.complete(asked("Hi.")).getMessage()));
      assertEquals(asked("What is 2 + 2?"), desk.requests().get(0));
    }
  }

  private static void streams() {
    try (FakeFrontdesk desk = FakeFrontdesk.start()) {
      FrontdeskClient client = desk.client();
      desk.answer(Answer.of("Four it is."), Answer.breakingOff("Half an ans", Reason.UPSTREAM_CUT));
      StreamCompleteRequest request = StreamCompleteRequest.newBuilder().setQuery(Queries.ask("2 + 2?")).build();
      try (CompletionStream stream = client.streamComplete(request)) {
        assertEquals("Four it is.", String.join("", stream.text()));
      }
      try (CompletionStream broken = client.streamComplete(request)) {
        FrontdeskException cut = failure(Reason.UPSTREAM_CUT, broken::completion);
        CompleteResponse partial = cut.partial().orElseThrow();
        assertEquals("Half an ans", Queries.textOf(partial.getMessage()));
        assertTrue(cut.failure().orElseThrow().getCommitted());
        assertEquals(partial.getCompletionId(), cut.completionId());
      }
    }
  }

  /** Repeats what the server says may be repeated, later each time, and never past the deadline. */
  private static CompleteResponse completePatiently(FrontdeskClient client, CompleteRequest request, Duration within)
      throws InterruptedException {
    Instant end = Instant.now().plus(within);
    for (int attempt = 0; ; attempt++) {
      try {
        return client.withDeadline(Duration.between(Instant.now(), end)).complete(request);
      } catch (FrontdeskException e) {
        Duration delay = e.retryDelay().orElseThrow(() -> e); // waiting does not help
        long spread = ThreadLocalRandom.current().nextLong(100, 150); // so that callers spread
        Duration wait = delay.multipliedBy(1L << attempt).multipliedBy(spread).dividedBy(100);
        if (Instant.now().plus(wait).isAfter(end)) {
          throw e;
        }
        Thread.sleep(wait.toMillis());
      }
    }
  }

  @Test
  void thePatientCallerWaitsAsToldAndStopsBeforeTheDeadline() throws InterruptedException {
    try (FakeFrontdesk desk = FakeFrontdesk.start(List.of("small-llm"))) {
      Answer busy = Answer.failing(Status.Code.RESOURCE_EXHAUSTED, Reason.OVERLOADED, Duration.ofMillis(10));
      Answer spent = Answer.failing(Status.Code.RESOURCE_EXHAUSTED, Reason.BUDGET_EXHAUSTED, Duration.ofHours(1));
      desk.answer(busy, busy, Answer.of("at last"), spent);
      Duration within = Duration.ofSeconds(20);
      CompleteResponse answer = completePatiently(desk.client(), asked("Hi."), within);
      assertEquals("at last", Queries.textOf(answer.getMessage()));
      failure(Reason.BUDGET_EXHAUSTED, () -> completePatiently(desk.client(), asked("Hi."), within));
    }
  }

  private static CompleteRequest asked(String text) {
    return CompleteRequest.newBuilder().setQuery(Queries.ask(text, s -> s.setTemperature(0))).build();
  }

  private static FrontdeskException failure(String reason, Executable call) {
    FrontdeskException thrown = assertThrows(FrontdeskException.class, call);
    assertEquals(reason, thrown.reason());
    return thrown;
  }
}
