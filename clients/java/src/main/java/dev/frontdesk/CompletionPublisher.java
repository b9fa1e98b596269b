package dev.frontdesk;

import dev.frontdesk.v1.StreamCompleteRequest;
import dev.frontdesk.v1.StreamCompleteResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** A streamed answer with back pressure; every subscriber makes a call of its own. */
final class CompletionPublisher implements Flow.Publisher<StreamCompleteResponse> {
  private final Consumer<ClientResponseObserver<StreamCompleteRequest, StreamCompleteResponse>> start;

  CompletionPublisher(Consumer<ClientResponseObserver<StreamCompleteRequest, StreamCompleteResponse>> start) {
    this.start = start;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super StreamCompleteResponse> subscriber) {
    Call call = new Call(subscriber);
    subscriber.onSubscribe(call);
    call.start(start);
  }

  /** One call. Demand and cancellation that come before it has started are kept until then. */
  private static final class Call
      implements Flow.Subscription, ClientResponseObserver<StreamCompleteRequest, StreamCompleteResponse> {
    private final Flow.Subscriber<? super StreamCompleteResponse> subscriber;
    private final EventFold fold = new EventFold();
    private ClientCallStreamObserver<StreamCompleteRequest> call;
    private boolean started;
    private long early;
    private final AtomicBoolean over = new AtomicBoolean();

    Call(Flow.Subscriber<? super StreamCompleteResponse> subscriber) {
      this.subscriber = subscriber;
    }

    synchronized void start(
        Consumer<ClientResponseObserver<StreamCompleteRequest, StreamCompleteResponse>> start) {
      if (over.get()) {
        return;
      }
      start.accept(this);
      started = true;
      demand(early);
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamCompleteRequest> requestStream) {
      call = requestStream;
      call.disableAutoRequestWithInitial(0);
    }

    @Override
    public synchronized void request(long n) {
      if (n <= 0) {
        cancelCall();
        end(() -> subscriber.onError(new IllegalArgumentException("demand must be positive, not " + n)));
      } else if (started) {
        demand(n);
      } else {
        early = early + n < 0 ? Long.MAX_VALUE : early + n;
      }
    }

    @Override
    public synchronized void cancel() {
      over.set(true);
      cancelCall();
    }

    @Override
    public void onNext(StreamCompleteResponse event) {
      if (over.get()) {
        return;
      }
      try {
        fold.add(event);
      } catch (FrontdeskException fault) {
        cancelCall();
        onError(fault);
        return;
      }
      subscriber.onNext(event);
    }

    @Override
    public void onError(Throwable thrown) {
      end(() -> subscriber.onError(FrontdeskException.of(thrown).withPartial(fold.result())));
    }

    @Override
    public void onCompleted() {
      try {
        fold.end();
      } catch (FrontdeskException fault) {
        onError(fault);
        return;
      }
      end(subscriber::onComplete);
    }

    private void demand(long n) {
      if (n > 0 && !over.get()) {
        call.request((int) Math.min(n, Integer.MAX_VALUE));
      }
    }

    private void cancelCall() {
      if (started) {
        call.cancel("the subscriber cancelled", null);
      }
    }

    private void end(Runnable signal) {
      if (over.compareAndSet(false, true)) {
        signal.run();
      }
    }
  }
}
