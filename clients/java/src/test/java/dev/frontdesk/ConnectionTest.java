package dev.frontdesk;

import static dev.frontdesk.Interop.address;
import static dev.frontdesk.Interop.cell;
import static dev.frontdesk.Interop.seen;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.util.JsonFormat;
import dev.frontdesk.v1.CompleteRequest;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.Message;
import dev.frontdesk.v1.Query;
import dev.frontdesk.v1.RouteRequest;
import dev.frontdesk.v1.RoutingPolicy;
import dev.frontdesk.v1.StreamCompleteRequest;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/** How a client finds its server, proves who it is, and says what stands in its way. */
class ConnectionTest {
  private static final Duration DEADLINE = Duration.ofSeconds(20);

  @TestFactory
  Stream<DynamicTest> route() {
    return Stream.of(
        cell(
            "Route",
            "environment",
            () -> {
              address("FRONTDESK_ADDRESS");
              try (FrontdeskClient anywhere = FrontdeskClient.builder().build()) {
                RouteRequest request = RouteRequest.newBuilder().setQuery(Queries.ask("What is 2 + 2?")).build();
                assertEquals("small-llm", anywhere.withDeadline(DEADLINE).route(request).getDecision().getModel());
              }
              try (FrontdeskClient there = scripted().build()) {
                assertEquals("Bearer " + System.getenv("FRONTDESK_TOKEN"), authorization(there));
              }
            }),
        cell(
            "Route",
            "token source",
            () -> {
              Deque<String> tokens = new ArrayDeque<>(List.of("first", "second\n"));
              try (FrontdeskClient renewing = scripted().token(tokens::remove).build()) {
                assertEquals("Bearer first", authorization(renewing));
                assertEquals("Bearer second", authorization(renewing));
                failure(Status.Code.UNAUTHENTICATED, "UNAUTHENTICATED", () -> authorization(renewing));
              }
            }),
        cell(
            "Route",
            "token refused",
            () -> {
              try (FrontdeskClient trimmed = scripted().token("secret\n").build()) {
                assertEquals("Bearer secret", authorization(trimmed));
              }
              String message = assertThrows(IllegalArgumentException.class, () -> scripted().token("se\ncret")).getMessage();
              assertTrue(message.contains("character 3 is U+000A"), message);
              assertFalse(message.contains("cret"), message);
            }),
        cell(
            "Route",
            "untrusted certificate",
            () ->
                unavailable(
                    "the server's certificate is not trusted",
                    FrontdeskClient.builder(address("FRONTDESK_SCRIPTED_TLS_ADDRESS"))
                        .credentials(TlsChannelCredentials.create()))),
        cell(
            "Route",
            "plaintext against TLS",
            () ->
                unavailable(
                    "the server closes connections in plain text: it may want TLS",
                    FrontdeskClient.builder(address("FRONTDESK_SCRIPTED_TLS_ADDRESS")))),
        cell(
            "Route",
            "nobody listens",
            () -> unavailable("nobody listens there", FrontdeskClient.builder("127.0.0.1:9"))),
        cell(
            "Route",
            "closed client",
            () -> {
              FrontdeskClient closed = scripted().build();
              closed.close();
              closed.close();
              failure(Status.Code.FAILED_PRECONDITION, Reason.CLIENT_CLOSED, () -> authorization(closed));
              StreamCompleteRequest request = StreamCompleteRequest.newBuilder().setQuery(Queries.ask("Hi.")).build();
              failure(Status.Code.FAILED_PRECONDITION, Reason.CLIENT_CLOSED, () -> closed.streamComplete(request));
              assertTrue(closed.routeAsync(routed("default")).isCompletedExceptionally());
            }),
        cell(
            "Route",
            "JSON",
            () -> {
              try (FrontdeskClient client = scripted().build()) {
                String written = Queries.toJson(client.withDeadline(DEADLINE).route(routed("default")).getDecision());
                JsonObject decision = JsonParser.parseString(written).getAsJsonObject();
                assertEquals("small-llm", decision.get("model").getAsString());
                JsonObject candidate = decision.getAsJsonArray("candidates").get(0).getAsJsonObject();
                assertEquals(0.8, candidate.get("predictedQuality").getAsDouble());
                assertFalse(written.contains("\n"));
              }
            }),
        cell(
            "Complete",
            "conversation and settings",
            () -> {
              List<Message> messages =
                  List.of(
                      Queries.system("Be brief."),
                      Queries.user("2 + 2?"),
                      Queries.assistant("4"),
                      Queries.toolResult("c1", "none"));
              Query sent = Queries.conversation(messages, s -> s.setMaxOutputTokens(9).setTemperature(0));
              RoutingPolicy policy = RoutingPolicy.newBuilder().setRouter("settings").build();
              try (FrontdeskClient client = scripted().build()) {
                CompleteResponse answer =
                    client
                        .withDeadline(DEADLINE)
                        .complete(CompleteRequest.newBuilder().setQuery(sent).setPolicy(policy).build());
                Query.Builder arrived = Query.newBuilder();
                JsonFormat.parser().merge(Queries.textOf(answer.getMessage()), arrived);
                assertEquals(sent, arrived.build());
                assertEquals(9, sent.getGeneration().getMaxOutputTokens());
              }
            }),
        cell("StreamComplete", "superseded text", ConnectionTest::superseded));
  }

  @Test
  void thisMachineIsToldFromOthers() {
    for (String local :
        List.of(
            "localhost:50051", "LOCALHOST", "127.0.0.1:50051", "127.8.0.1:1", "[::1]:50051", "::1", "dns:localhost:1",
            "dns:///127.0.0.1:1", "ipv4:127.0.0.1:1,127.0.0.2:1", "ipv6:[::1]:1", "unix:/run/x.sock", "unix-abstract:x")) {
      assertTrue(Targets.isLocal(local), local);
    }
    for (String remote :
        List.of(
            "frontdesk:50051", "127.0.0.1.example.org:1", "localhost.example.org:1", "dns:///frontdesk:1",
            "dns://10.0.0.1/localhost:1", "ipv4:127.0.0.1:1,10.0.0.1:1", "[2001:db8::1]:1", "10.0.0.1:1")) {
      assertFalse(Targets.isLocal(remote), remote);
    }
  }

  private static void superseded() {
    RoutingPolicy policy = RoutingPolicy.newBuilder().setRouter("superseded").build();
    StreamCompleteRequest request =
        StreamCompleteRequest.newBuilder().setQuery(Queries.ask("It is so.")).setPolicy(policy).build();
    try (FrontdeskClient client = scripted().build();
        CompletionStream stream = client.withDeadline(DEADLINE).streamComplete(request)) {
      StringBuilder shown = new StringBuilder();
      failure(Status.Code.ABORTED, Reason.ANSWER_SUPERSEDED, () -> stream.text().forEach(shown::append));
      assertEquals("Perhaps it ", shown.toString());
      assertEquals("It is so.", String.join("", stream.text()));
      assertEquals("It is so.", Queries.textOf(stream.completion().getMessage()));
    }
  }

  private static FrontdeskClientBuilder scripted() {
    return FrontdeskClient.builder(address("FRONTDESK_SCRIPTED_ADDRESS"));
  }

  private static RouteRequest routed(String router) {
    return RouteRequest.newBuilder()
        .setQuery(Queries.ask("Hi."))
        .setPolicy(RoutingPolicy.newBuilder().setRouter(router))
        .build();
  }

  private static String authorization(FrontdeskClient client) {
    JsonObject found = seen(client.withDeadline(DEADLINE).route(routed("metadata")).getDecision());
    return found.getAsJsonObject("metadata").get("authorization").getAsString();
  }

  private static FrontdeskException failure(Status.Code code, String reason, Executable call) {
    FrontdeskException thrown = assertThrows(FrontdeskException.class, call);
    assertEquals(code, thrown.getStatus().getCode());
    assertEquals(reason, thrown.reason());
    return thrown;
  }

  private static void unavailable(String cause, FrontdeskClientBuilder builder) {
    try (FrontdeskClient client = builder.build()) {
      FrontdeskException thrown =
          failure(
              Status.Code.UNAVAILABLE,
              "UNAVAILABLE",
              () -> client.withDeadline(DEADLINE).route(routed("default")));
      String description = thrown.getStatus().getDescription();
      assertTrue(description.startsWith(cause + " ("), description);
    }
  }
}
