package dev.frontdesk;

import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Builds a client with a channel of its own: by TLS with the system's certificates, but in plain text with this machine, unless
 * something else is said; with the token of FRONTDESK_TOKEN, if there is one and no other is given.
 */
public final class FrontdeskClientBuilder {
  private final String target;
  private ChannelCredentials credentials;
  private CallOptions options = CallOptions.DEFAULT.withMaxOutboundMessageSize(ChannelDefaults.MAX_MESSAGE_BYTES);
  private Consumer<ManagedChannelBuilder<?>> customizer = channel -> {};

  FrontdeskClientBuilder(String target) {
    this.target = Targets.of(target);
    credentials = Targets.isLocal(this.target) ? InsecureChannelCredentials.create() : TlsChannelCredentials.create();
    String token = System.getenv("FRONTDESK_TOKEN");
    if (token != null && !token.isBlank()) {
      token(token);
    }
  }

  /** Connects without TLS, as behind a mesh's sidecar. */
  public FrontdeskClientBuilder plaintext() {
    return credentials(InsecureChannelCredentials.create());
  }

  /** Trusts these PEM certificates instead of the system's. */
  public FrontdeskClientBuilder rootCertificates(InputStream pem) throws IOException {
    return credentials(TlsChannelCredentials.newBuilder().trustManager(pem).build());
  }

  /** Connects with credentials of gRPC, such as with a client certificate. */
  public FrontdeskClientBuilder credentials(ChannelCredentials credentials) {
    this.credentials = credentials;
    return this;
  }

  /**
   * Sends {@code authorization: Bearer TOKEN} with every call, without the space around it.
   *
   * @throws IllegalArgumentException when no header carries it; tells the place, never the token
   */
  public FrontdeskClientBuilder token(String token) {
    String clean = BearerToken.clean(token);
    return token(() -> clean);
  }

  /** Asks for the token before every call, so that it may expire; the supplier may block, and caches. */
  public FrontdeskClientBuilder token(Supplier<String> source) {
    options = options.withCallCredentials(new BearerToken(source));
    return this;
  }

  /** Adds interceptors, such as OpenTelemetry's. */
  public FrontdeskClientBuilder intercept(ClientInterceptor... interceptors) {
    return customize(channel -> channel.intercept(interceptors));
  }

  /** Changes the channel's builder after the defaults were applied. */
  public FrontdeskClientBuilder customize(Consumer<ManagedChannelBuilder<?>> customizer) {
    this.customizer = this.customizer.andThen(customizer);
    return this;
  }

  /** Builds the client; it connects with the first call. Close it. */
  public FrontdeskClient build() {
    ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(target, credentials);
    ChannelDefaults.apply(builder);
    customizer.accept(builder);
    ManagedChannel channel = builder.build();
    return new FrontdeskClient(channel, options, null, channel::shutdownNow);
  }
}
