package dev.frontdesk;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.frontdesk.v1.Decision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.function.Executable;

/** The interop table. The servers are started by tests/interop; scripted_server.py tells the scenarios. */
public final class Interop {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private Interop() {}

  /** Where a server is; skips the test when it runs without tests/interop. */
  static String address(String variable) {
    String value = System.getenv(variable);
    assumeTrue(value != null && !value.isEmpty(), variable + " is not set; tests/interop sets it");
    return value;
  }

  /** One cell of the table: runs it and records how it went. */
  public static DynamicTest cell(String rpc, String feature, Executable test) {
    return DynamicTest.dynamicTest(
        rpc + ": " + feature,
        () -> {
          boolean passed = false;
          try {
            Assertions.assertTimeoutPreemptively(LIMIT, test);
            passed = true;
          } finally {
            record(rpc, feature, passed);
          }
        });
  }

  /** What the server saw of a call of the scenario "metadata". */
  static JsonObject seen(Decision decision) {
    return JsonParser.parseString(decision.getReason()).getAsJsonObject();
  }

  /** Adds a JSON object to the file which the variable names. */
  static void appendLine(String variable, JsonObject line) throws IOException {
    String path = System.getenv(variable);
    if (path != null) {
      Files.writeString(Path.of(path), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }

  private static void record(String rpc, String feature, boolean passed) throws IOException {
    JsonObject line = new JsonObject();
    line.addProperty("language", "Java");
    line.addProperty("rpc", rpc);
    line.addProperty("feature", feature);
    line.addProperty("passed", passed);
    appendLine("FRONTDESK_INTEROP_RESULTS", line);
  }
}
