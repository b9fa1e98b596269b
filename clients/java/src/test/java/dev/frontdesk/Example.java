package dev.frontdesk;

import dev.frontdesk.v1.CompleteRequest;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.Outcome;
import dev.frontdesk.v1.ReportOutcomeRequest;
import dev.frontdesk.v1.RouteRequest;
import dev.frontdesk.v1.StreamCompleteRequest;
import dev.frontdesk.v1.StreamCompleteResponse;
import io.grpc.Status;
import java.time.Duration;

/**
 * A Frontdesk caller's day: route, complete, stream, cancel midway, report an outcome.
 *
 * <p>{@code FRONTDESK_ADDRESS=127.0.0.1:50051 mvn -q test-compile exec:java}
 */
public final class Example {
  private Example() {}

  public static void main(String[] arguments) {
    try (FrontdeskClient connected = FrontdeskClient.builder().build()) { // where FRONTDESK_ADDRESS says
      FrontdeskClient client = connected.withDeadline(Duration.ofSeconds(30));

      System.out.println("== route");
      RouteRequest route = RouteRequest.newBuilder().setQuery(Queries.ask("What is 2 + 2?")).build();
      System.out.println(Decisions.explain(client.route(route).getDecision()));

      System.out.println("== complete");
      CompleteResponse completed =
          client.complete(CompleteRequest.newBuilder().setQuery(Queries.ask("What is 2 + 2?")).build());
      System.out.printf(
          "%s: %s (%d nano-USD)%n",
          completed.getModel(), Queries.textOf(completed.getMessage()), completed.getCost().getTotalNanoUsd());

      System.out.println("== stream");
      stream(client);
      System.out.println("== cancel");
      cancelMidway(client);

      System.out.println("== outcome");
      Outcome outcome =
          client
              .reportOutcome(
                  ReportOutcomeRequest.newBuilder()
                      .setDecisionId(completed.getCompletionId())
                      .setQuality(1)
                      .setSource("example")
                      .build())
              .getOutcome();
      System.out.printf("quality %s recorded for %s%n", outcome.getQuality(), outcome.getDecisionId());
    }
  }

  /** Prints the decision first, then the answer as it comes. */
  private static void stream(FrontdeskClient client) {
    StreamCompleteRequest request =
        StreamCompleteRequest.newBuilder()
            .setQuery(Queries.ask("Fix the bug in this Python function that calculates Fibonacci."))
            .build();
    try (CompletionStream stream = client.streamComplete(request)) {
      for (StreamCompleteResponse event : stream) {
        switch (event.getEventCase()) {
          case STARTED -> System.out.println("decided for " + event.getStarted().getDecision().getModel());
          case TEXT_DELTA -> System.out.print(event.getTextDelta().getText());
          case ATTEMPT_ENDED -> System.out.println("\n-- handed over to " + event.getAttemptEnded().getNextModel());
          case COMPLETED -> System.out.printf("%n(%d nano-USD)%n", event.getCompleted().getCost().getTotalNanoUsd());
          default -> {}
        }
      }
    }
  }

  /** Gives up at the first piece of text; the provider is cut off too. */
  private static void cancelMidway(FrontdeskClient client) {
    StreamCompleteRequest request =
        StreamCompleteRequest.newBuilder()
            .setQuery(Queries.ask("Design a comprehensive multi-agent system for medical diagnosis."))
            .build();
    try (CompletionStream stream = client.streamComplete(request)) {
      for (StreamCompleteResponse event : stream) {
        if (event.hasTextDelta()) {
          stream.close();
        }
      }
      System.out.println("the answer was complete before it could be cancelled");
    } catch (FrontdeskException thrown) {
      if (thrown.getStatus().getCode() != Status.Code.CANCELLED) {
        throw thrown;
      }
      System.out.println("cancelled midway");
    }
  }
}
