package dev.frontdesk;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a client calls. */
final class Targets {
  /** What is called where neither the caller nor FRONTDESK_ADDRESS names another target. */
  static final String DEFAULT = "localhost:50051";

  private static final Pattern RESOLVED = Pattern.compile("(?:(dns|ipv4|ipv6):(?:///)?)?(.*)", Pattern.DOTALL);
  private static final Pattern LOOPBACK =
      Pattern.compile("localhost|127(\\.\\d{1,3}){3}|[0:]*:0*1", Pattern.CASE_INSENSITIVE);

  private Targets() {}

  /** The target, or else that of FRONTDESK_ADDRESS, or else the default one. */
  static String of(String target) {
    if (target != null && !target.isEmpty()) {
      return target;
    }
    String named = System.getenv("FRONTDESK_ADDRESS");
    return named == null || named.isEmpty() ? DEFAULT : named;
  }

  /** Whether the target is on this machine: a unix socket, localhost, or nothing but loopback addresses. */
  static boolean isLocal(String target) {
    if (target.startsWith("unix:") || target.startsWith("unix-abstract:")) {
      return true;
    }
    Matcher parts = RESOLVED.matcher(target);
    parts.matches(); // it matches every text
    boolean listed = parts.group(1) != null && parts.group(1).startsWith("ip");
    List<String> addresses = listed ? Arrays.asList(parts.group(2).split(",")) : List.of(parts.group(2));
    return addresses.stream().allMatch(address -> LOOPBACK.matcher(host(address)).matches());
  }

  /** The host of host, host:port, [v6] or [v6]:port. */
  private static String host(String address) {
    if (address.startsWith("[")) {
      return address.substring(1).split("]", 2)[0];
    }
    return address.chars().filter(c -> c == ':').count() == 1 ? address.split(":", 2)[0] : address;
  }
}
