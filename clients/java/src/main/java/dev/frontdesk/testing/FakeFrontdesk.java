package dev.frontdesk.testing;

import com.google.protobuf.Message;
import dev.frontdesk.FrontdeskClient;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * A Frontdesk for callers' own tests: a server in this process that plays its script, one answer a call, and without one answers "An
 * answer." The client is the real one, so what it does with errors, broken streams and deadlines is tried, too. It needs {@code
 * io.grpc:grpc-inprocess} in the test's class path.
 */
public final class FakeFrontdesk implements AutoCloseable {
  private final Deque<Answer> script = new ArrayDeque<>();
  private final List<Message> requests = new ArrayList<>();
  private final List<String> models;
  private final Server server;
  private final ManagedChannel channel;

  private FakeFrontdesk(List<String> models) {
    this.models = List.copyOf(models);
    String name = InProcessServerBuilder.generateName();
    try {
      server = InProcessServerBuilder.forName(name).addService(new FakeService(this)).build().start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    channel = InProcessChannelBuilder.forName(name).build();
  }

  /** Serves a pool of small-llm and frontier-llm. */
  public static FakeFrontdesk start() {
    return start(List.of("small-llm", "frontier-llm"));
  }

  /** Serves these models; the first is decided for unless an answer names another. */
  public static FakeFrontdesk start(List<String> models) {
    return new FakeFrontdesk(models);
  }

  /** A client of it; closing the desk closes its connection. */
  public FrontdeskClient client() {
    return FrontdeskClient.over(channel);
  }

  /** Adds to the script. */
  public synchronized void answer(Answer... answers) {
    script.addAll(List.of(answers));
  }

  /** What has been asked so far. */
  public synchronized List<Message> requests() {
    return List.copyOf(requests);
  }

  /** Ends the service and the calls that still run. */
  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  List<String> models() {
    return models;
  }

  synchronized Answer next(Message request) {
    requests.add(request);
    Answer answer = script.isEmpty() ? Answer.of("An answer.") : script.remove();
    return answer.model().isEmpty() ? answer.by(models.get(0)) : answer;
  }

  synchronized void keep(Message request) {
    requests.add(request);
  }
}
