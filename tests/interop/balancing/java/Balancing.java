import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.EquivalentAddressGroup;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/**
 * Poses the query of its first argument again and again over the addresses that follow, balanced by the load that their
 * answers report, and prints how many calls each address got.
 */
public final class Balancing {
  /** Calls by which the loads become known, and calls that are counted: so many, however long a busy machine takes. */
  private static final int LEARNING = 600;

  private static final int COUNTING = 600;
  private static final int PAUSE_MS = 2;
  private static final Map<String, ?> BALANCED =
      Map.of(
          "loadBalancingConfig",
          List.of(Map.of("weighted_round_robin", Map.of("blackoutPeriod", "0s", "weightUpdatePeriod", "0.1s"))));

  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        }
      };
  private static final MethodDescriptor<byte[], byte[]> ROUTE =
      MethodDescriptor.newBuilder(BYTES, BYTES)
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("frontdesk.v1.RouterService/Route")
          .build();

  private Balancing() {}

  public static void main(String[] arguments) throws Exception {
    byte[] request = Base64.getDecoder().decode(arguments[0]);
    List<EquivalentAddressGroup> replicas = new ArrayList<>();
    for (String address : List.of(arguments).subList(1, arguments.length)) {
      URI uri = URI.create("given://" + address);
      replicas.add(new EquivalentAddressGroup(new InetSocketAddress(uri.getHost(), uri.getPort())));
    }
    NameResolverRegistry.getDefaultRegistry().register(new Given(replicas));
    ManagedChannel channel =
        ManagedChannelBuilder.forTarget("given:///frontdesk").usePlaintext().defaultServiceConfig(BALANCED).build();
    Map<String, Integer> counts = new TreeMap<>();
    for (int call = 0; call < LEARNING + COUNTING; call++) {
      String answered = ask(channel, request);
      if (call >= LEARNING) {
        counts.merge(answered, 1, Integer::sum);
      }
      Thread.sleep(PAUSE_MS);
    }
    channel.shutdownNow();
    StringJoiner printed = new StringJoiner(", ", "{", "}");
    counts.forEach((address, calls) -> printed.add('"' + address + "\": " + calls));
    System.out.println(printed);
  }

  /** The address that answered. */
  private static String ask(Channel channel, byte[] request) throws Exception {
    ClientCall<byte[], byte[]> call = channel.newCall(ROUTE, CallOptions.DEFAULT.withWaitForReady());
    ClientCalls.futureUnaryCall(call, request).get();
    InetSocketAddress address = (InetSocketAddress) call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    return address.getAddress().getHostAddress() + ":" + address.getPort();
  }

  /** Resolves every target of its scheme to the addresses that were given. */
  private static final class Given extends NameResolverProvider {
    private final List<EquivalentAddressGroup> replicas;

    Given(List<EquivalentAddressGroup> replicas) {
      this.replicas = replicas;
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 5;
    }

    @Override
    public String getDefaultScheme() {
      return "given";
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      return new NameResolver() {
        @Override
        public String getServiceAuthority() {
          return "frontdesk";
        }

        @Override
        public void start(Listener2 listener) {
          listener.onResult(
              ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(replicas)).build());
        }

        @Override
        public void shutdown() {}
      };
    }
  }
}
