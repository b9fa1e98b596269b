package dev.frontdesk;

import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.StreamCompleteResponse;
import io.grpc.Context;
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
