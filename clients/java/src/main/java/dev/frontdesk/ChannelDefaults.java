package dev.frontdesk;

import io.grpc.ManagedChannelBuilder;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What every channel to Frontdesk starts from. Apply it to a channel builder of your own, such as Spring's. */
public final class ChannelDefaults {
  /** The longest message received. */
  public static final int MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

  /** The silence after which a connection is probed. The server accepts 10 s and more. */
  public static final long KEEPALIVE_SECONDS = 30;

  /** How long the answer to a probe may take. */
  public static final long KEEPALIVE_TIMEOUT_SECONDS = 10;

  /**
   * Balances over all addresses of the target and retries calls that no server has begun to answer. The server forbids a retry that
   * would multiply load with {@code grpc-retry-pushback-ms}, which is honoured.
   */
  public static final Map<String, ?> SERVICE_CONFIG =
      Map.of(
          "loadBalancingConfig",
          List.of(Map.of("round_robin", Map.of())),
          "methodConfig",
          List.of(
              Map.of(
                  "name",
                  List.of(Map.of("service", "frontdesk.v1.RouterService")),
                  "retryPolicy",
                  Map.of(
                      "maxAttempts", 4.0,
                      "initialBackoff", "0.1s",
                      "maxBackoff", "2s",
                      "backoffMultiplier", 2.0,
                      "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private ChannelDefaults() {}

  /** Sets keepalive, round robin, retries, message limit and user agent. */
  public static void apply(ManagedChannelBuilder<?> builder) {
    builder
        .userAgent("frontdesk-java/" + version())
        .defaultServiceConfig(SERVICE_CONFIG)
        .enableRetry()
        .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .keepAliveWithoutCalls(true)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES);
  }

  /** The version in the jar's manifest; "dev" outside of a jar. */
  private static String version() {
    String version = ChannelDefaults.class.getPackage().getImplementationVersion();
    return version == null ? "dev" : version;
  }
}
