package dev.frontdesk;

import dev.frontdesk.v1.AttemptEnded;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.StreamCompleteResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/**
 * A streamed answer as blocking iteration. Read it once, from one thread, in try-with-resources; closing cancels the call if it
 * still runs, and so does interrupting the thread.
 *
 * <p>A broken stream throws a {@link FrontdeskException} with what had come; one that ends without completed or breaks the order of
 * events is broken too.
 */
public final class CompletionStream implements Iterable<StreamCompleteResponse>, AutoCloseable {
  private final Context.CancellableContext context = Context.current().withCancellation();
  private final EventFold fold = new EventFold();
  private final Iterator<StreamCompleteResponse> events;

  CompletionStream(Supplier<Iterator<StreamCompleteResponse>> call) {
    Context caller = context.attach();
    try {
      events = new Events(call.get());
    } finally {
      context.detach(caller);
    }
  }

  /** The one iteration over the events; it goes on where an earlier one stopped. */
  @Override
  public Iterator<StreamCompleteResponse> iterator() {
    return events;
  }

  /**
   * The answer's text, piece by piece; never that of one answer after another's. Where a router streams optimistically and another
   * model takes over, the iteration throws {@link Reason#ANSWER_SUPERSEDED}: discard what was shown and call this again for the answer
   * that follows.
   */
  public Iterable<String> text() {
    return Texts::new;
  }

  /** Reads what is left and returns the whole answer, as {@code complete} would have. */
  public CompleteResponse completion() {
    events.forEachRemaining(event -> {});
    return fold.result();
  }

  /** Cancels the call if it still runs. May be called more than once and from another thread. */
  @Override
  public void close() {
    context.close();
  }

  private final class Texts implements Iterator<String> {
    private boolean shown;
    private String piece = "";

    @Override
    public boolean hasNext() {
      while (piece.isEmpty() && events.hasNext()) {
        StreamCompleteResponse event = events.next();
        if (shown && event.hasAttemptEnded() && event.getAttemptEnded().getSuperseded()) {
          throw superseded(event.getAttemptEnded());
        }
        piece = event.getTextDelta().getText();
      }
      return !piece.isEmpty();
    }

    @Override
    public String next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      String given = piece;
      piece = "";
      shown = true;
      return given;
    }
  }

  private static FrontdeskException superseded(AttemptEnded ended) {
    String description =
        String.format(
            "the answer of %s is superseded; that of %s follows", ended.getAttempt().getModel(), ended.getNextModel());
    return FrontdeskException.ofStream(Status.Code.ABORTED, Reason.ANSWER_SUPERSEDED, description);
  }

  private final class Events implements Iterator<StreamCompleteResponse> {
    private final Iterator<StreamCompleteResponse> responses;
    private FrontdeskException fault;

    Events(Iterator<StreamCompleteResponse> responses) {
      this.responses = responses;
    }

    @Override
    public boolean hasNext() {
      try {
        if (fault == null && responses.hasNext()) {
          return true;
        }
        if (fault == null) {
          fold.end();
        }
      } catch (StatusRuntimeException thrown) {
        fail(thrown);
      }
      close();
      if (fault != null) {
        throw fault;
      }
      return false;
    }

    @Override
    public StreamCompleteResponse next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      StreamCompleteResponse event = responses.next();
      try {
        fold.add(event);
      } catch (FrontdeskException thrown) {
        fail(thrown);
        close();
        throw fault;
      }
      return event;
    }

    private void fail(StatusRuntimeException thrown) {
      fault = FrontdeskException.of(thrown).withPartial(fold.result());
    }
  }
}
