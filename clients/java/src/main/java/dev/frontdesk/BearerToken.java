package dev.frontdesk;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** Sends {@code authorization: Bearer TOKEN}; the source is asked before every call, so that tokens may expire. */
final class BearerToken extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Supplier<String> source;

  BearerToken(Supplier<String> source) {
    this.source = source;
  }

  @Override
  public void applyRequestMetadata(RequestInfo request, Executor executor, MetadataApplier applier) {
    executor.execute(
        () -> {
          try {
            Metadata headers = new Metadata();
            headers.put(AUTHORIZATION, "Bearer " + clean(source.get()));
            applier.apply(headers);
          } catch (RuntimeException e) {
            // The exception's own text may hold the token.
            applier.fail(Status.UNAUTHENTICATED.withDescription("no token: its source threw " + e.getClass().getSimpleName()));
          }
        });
  }

  /**
   * The token without the space around it, such as the newline at the end of a key file.
   *
   * @throws IllegalArgumentException when it is empty or no header carries it; tells the place, never the token
   */
  static String clean(String token) {
    String trimmed = token.strip();
    if (trimmed.isEmpty()) {
      throw new IllegalArgumentException("the token is empty");
    }
    int[] characters = trimmed.codePoints().toArray();
    for (int place = 0; place < characters.length; place++) {
      if (characters[place] < '!' || characters[place] > '~') {
        throw new IllegalArgumentException(
            String.format("the token cannot be sent: character %d is U+%04X", place + 1, characters[place]));
      }
    }
    return trimmed;
  }
}
