package dev.frontdesk;

import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.StreamCompleteResponse;

/** The whole answer of a stream. */
public final class Completions {
  private Completions() {}

  /**
   * Reads events to their end and returns the whole answer, as {@code complete} would have.
   *
   * @throws FrontdeskException when the stream broke, ended without completed, or its events are out of order; carries what came
   */
  public static CompleteResponse fold(Iterable<StreamCompleteResponse> events) {
    EventFold fold = new EventFold();
    try {
      events.forEach(fold::add);
      fold.end();
    } catch (RuntimeException thrown) {
      throw FrontdeskException.of(thrown).withPartial(fold.result());
    }
    return fold.result();
  }
}
