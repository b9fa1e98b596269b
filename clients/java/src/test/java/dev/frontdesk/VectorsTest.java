package dev.frontdesk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.frontdesk.v1.CompletionFailure;
import dev.frontdesk.v1.Decision;
import dev.frontdesk.v1.StreamCompleteResponse;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.ThrowingConsumer;

/** The golden vectors which the clients of all languages share. */
class VectorsTest {
  @TestFactory
  Stream<DynamicTest> everyFieldOfEveryMessageRoundTrips() throws IOException {
    return tests(
        vectors("messages").getAsJsonObject().get("current"),
        vector -> {
          Message message = decode(vector);
          assertEquals(vector.get("json"), json(message));
          assertTrue(message.getUnknownFields().asMap().isEmpty(), "a field is unknown to the stubs");
          assertEquals(message, parse(vector.get("json"), message.newBuilderForType()));
          assertEquals(message, message.getParserForType().parseFrom(message.toByteString()));
        });
  }

  @TestFactory
  Stream<DynamicTest> aNewerServerDoesNotBreakAnOlderClient() throws IOException {
    return tests(
        vectors("messages").getAsJsonObject().get("newer"),
        vector -> {
          Message message = decode(vector);
          assertEquals(vector.get("json"), json(message));
          assertFalse(message.getUnknownFields().asMap().isEmpty(), "what a newer server sent is kept");
          assertEquals(bytes(vector, "base64").size(), message.toByteString().size());
        });
  }

  @TestFactory
  Stream<DynamicTest> everyReasonMapsToATypedException() throws IOException {
    return tests(
        vectors("errors"),
        vector -> {
          com.google.rpc.Status status = com.google.rpc.Status.parseFrom(bytes(vector, "status"));
          FrontdeskException thrown = FrontdeskException.of(StatusProto.toStatusRuntimeException(status));
          assertEquals(vector.get("code").getAsString(), thrown.getStatus().getCode().name());
          assertEquals(vector.get("reason").getAsString(), thrown.reason());
          assertEquals(vector.get("message").getAsString(), thrown.getStatus().getDescription());
          JsonObject metadata = new JsonObject();
          thrown.metadata().forEach(metadata::addProperty);
          assertEquals(vector.get("metadata"), metadata);
          JsonArray violations = new JsonArray();
          for (FieldViolation violation : thrown.violations()) {
            JsonObject object = new JsonObject();
            object.addProperty("field", violation.field());
            object.addProperty("description", violation.description());
            object.addProperty("reason", violation.reason());
            violations.add(object);
          }
          assertEquals(vector.get("violations"), violations);
          JsonElement delay = vector.get("retryDelayMs");
          assertEquals(delay.isJsonNull() ? -1 : delay.getAsLong(), thrown.retryDelay().map(d -> d.toMillis()).orElse(-1L));
          JsonElement failure = vector.get("failure");
          assertEquals(
              failure.isJsonNull() ? null : parse(failure, CompletionFailure.newBuilder()),
              thrown.failure().orElse(null));
        });
  }

  @TestFactory
  Stream<DynamicTest> eventsFoldInOrderOrNotAtAll() throws IOException {
    return tests(
        vectors("events"),
        vector -> {
          List<StreamCompleteResponse> events = new ArrayList<>();
          for (JsonElement event : vector.getAsJsonArray("events")) {
            events.add((StreamCompleteResponse) parse(event, StreamCompleteResponse.newBuilder()));
          }
          if (vector.has("completion")) {
            assertEquals(vector.get("completion"), json(Completions.fold(events)));
            return;
          }
          FrontdeskException fault = assertThrows(FrontdeskException.class, () -> Completions.fold(events));
          assertEquals(vector.get("fault").getAsString(), fault.reason());
          assertEquals(vector.get("partial"), json(fault.partial().orElseThrow()));
        });
  }

  @TestFactory
  Stream<DynamicTest> explanationsReadTheSameInEveryLanguage() throws IOException {
    return tests(
        vectors("explanations"),
        vector -> {
          List<String> lines = new ArrayList<>();
          vector.getAsJsonArray("text").forEach(line -> lines.add(line.getAsString()));
          Message decision = parse(vector.get("decision"), Decision.newBuilder());
          assertEquals(String.join("\n", lines), Decisions.explain((Decision) decision));
        });
  }

  @TestFactory
  Stream<DynamicTest> aTargetThatCannotBeMeantIsRefusedAndToldWhatIsWrong() throws IOException {
    return tests(
        vectors("targets"),
        vector -> {
          String target = vector.get("name").getAsString();
          if (vector.has("fault")) {
            Exception thrown = assertThrows(IllegalArgumentException.class, () -> FrontdeskClient.builder(target));
            assertEquals("target: " + vector.get("fault").getAsString(), thrown.getMessage());
          } else {
            assertEquals(target, Targets.of(target));
          }
        });
  }

  private static JsonElement vectors(String name) throws IOException {
    Path path = Path.of("../../tests/contract/vectors/" + name + ".json");
    return JsonParser.parseString(Files.readString(path));
  }

  private static Stream<DynamicTest> tests(JsonElement vectors, ThrowingConsumer<JsonObject> test) {
    assertFalse(vectors.getAsJsonArray().isEmpty());
    return StreamSupport.stream(vectors.getAsJsonArray().spliterator(), false)
        .map(JsonElement::getAsJsonObject)
        .map(vector -> DynamicTest.dynamicTest(vector.get("name").getAsString(), () -> test.accept(vector)));
  }

  private static ByteString bytes(JsonObject vector, String name) {
    return ByteString.copyFrom(Base64.getDecoder().decode(vector.get(name).getAsString()));
  }

  private static Message decode(JsonObject vector) throws ReflectiveOperationException, IOException {
    String type = vector.get("type").getAsString();
    Class<?> message = Class.forName("dev." + type);
    Message prototype = (Message) message.getMethod("getDefaultInstance").invoke(null);
    return prototype.getParserForType().parseFrom(bytes(vector, "base64"));
  }

  private static Message parse(JsonElement json, Message.Builder into) throws IOException {
    JsonFormat.parser().merge(json.toString(), into);
    return into.build();
  }

  private static JsonElement json(Message message) throws IOException {
    return JsonParser.parseString(JsonFormat.printer().print(message));
  }
}
