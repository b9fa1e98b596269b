package dev.frontdesk.testing;

import dev.frontdesk.v1.ToolCall;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;

/**
 * What one call is given. A status other than OK makes it fail: at once, or, where there is text, after a stream has given it.
 *
 * @param model the first model of the pool where it is empty
 */
public record Answer(
    String text, String model, List<ToolCall> toolCalls, long costNanoUsd, Status.Code code, String reason, Duration retryDelay) {
  /** A plain answer of the first model. */
  public static Answer of(String text) {
    return new Answer(text, "", List.of(), 1_000, Status.Code.OK, "", null);
  }

  /** A call that fails at once; {@code retryDelay} is what RetryInfo says, null for none. */
  public static Answer failing(Status.Code code, String reason, Duration retryDelay) {
    return new Answer("", "", List.of(), 1_000, code, reason, retryDelay);
  }

  /** A stream that gives the text and then fails; a unary call fails with the same account. */
  public static Answer breakingOff(String text, String reason) {
    return new Answer(text, "", List.of(), 1_000, Status.Code.UNAVAILABLE, reason, null);
  }

  /** The same by another model. */
  public Answer by(String other) {
    return new Answer(text, other, toolCalls, costNanoUsd, code, reason, retryDelay);
  }

  /** The same with tool calls. */
  public Answer calling(ToolCall... calls) {
    return new Answer(text, model, List.of(calls), costNanoUsd, code, reason, retryDelay);
  }
}
