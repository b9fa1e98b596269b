package dev.frontdesk;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a client calls, and what no server's address can be. */
final class Targets {
  /** What is called where neither the caller nor FRONTDESK_ADDRESS names another target. */
  static final String DEFAULT = "localhost:50051";

  private static final int LAST_PORT = 65535;
  private static final Pattern RESOLVED = Pattern.compile("(?:(dns|ipv4|ipv6):(?:///)?)?(.*)", Pattern.DOTALL);
  private static final Pattern URL = Pattern.compile("(?:https?|grpcs?)://([^/?#]*).*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
  private static final Pattern OTHER_SCHEME = Pattern.compile("[a-z][a-z0-9+.-]*://.*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
  private static final Pattern BRACKETED = Pattern.compile("\\[([^\\]]*)\\]?(.*)", Pattern.DOTALL);
  private static final Pattern LOOPBACK =
      Pattern.compile("localhost|127(\\.\\d{1,3}){3}|[0:]*:0*1", Pattern.CASE_INSENSITIVE);

  /** The port is null where none is named. */
  private record Endpoint(String host, String port) {
    /** Of host, host:port, [v6], [v6]:port or v6. */
    static Endpoint of(String text) {
      Matcher bracketed = BRACKETED.matcher(text);
      if (bracketed.matches()) {
        String behind = bracketed.group(2);
        return new Endpoint(bracketed.group(1), behind.isEmpty() ? null : behind.replaceFirst("^:", ""));
      }
      String[] parts = text.split(":", -1);
      return parts.length == 2 ? new Endpoint(parts[0], parts[1]) : new Endpoint(text, null);
    }

    boolean isLoopback() {
      return LOOPBACK.matcher(host).matches();
    }

    boolean hasPossiblePort() {
      return port.matches("[0-9]{1,5}") && Integer.parseInt(port) >= 1 && Integer.parseInt(port) <= LAST_PORT;
    }
  }

  private Targets() {}

  /**
   * The target, or else that of FRONTDESK_ADDRESS, or else the default one.
   *
   * @throws IllegalArgumentException when gRPC would not understand it as meant
   */
  static String of(String target) {
    String found = target == null || target.isEmpty() ? System.getenv("FRONTDESK_ADDRESS") : target;
    if (found == null || found.isEmpty()) {
      return DEFAULT;
    }
    String fault = faultOf(found);
    if (fault != null) {
      throw new IllegalArgumentException("target: " + found + " " + fault);
    }
    return found;
  }

  /** Whether the target is on this machine: a unix socket, localhost, or nothing but loopback addresses. */
  static boolean isLocal(String target) {
    return endpointsOf(target).stream().allMatch(Endpoint::isLoopback);
  }

  private static String faultOf(String target) {
    Matcher url = URL.matcher(target);
    if (url.matches()) {
      return "is a URL; write " + url.group(1);
    }
    if (target.startsWith("/")) {
      return "is a path; write unix:" + target;
    }
    if (target.startsWith("unix://") && !target.startsWith("unix:///")) {
      return "names a host; write unix:" + target.substring("unix:/".length());
    }
    for (Endpoint endpoint : endpointsOf(target)) {
      if (endpoint.port() == null && endpoint.isLoopback()) {
        return "names no port";
      }
      if (endpoint.port() != null && !endpoint.hasPossiblePort()) {
        return "has port '" + endpoint.port() + "', which is not in 1 to " + LAST_PORT;
      }
    }
    return null;
  }

  /** What a target names; nothing for a unix socket. One that names a name server of its own is nobody's localhost. */
  private static List<Endpoint> endpointsOf(String target) {
    if (target.startsWith("unix:") || target.startsWith("unix-abstract:")) {
      return List.of();
    }
    Matcher parts = RESOLVED.matcher(target);
    parts.matches(); // it matches every text
    if (parts.group(1) == null && OTHER_SCHEME.matcher(target).matches()) {
      return List.of(new Endpoint(target, null));
    }
    boolean listed = parts.group(1) != null && parts.group(1).startsWith("ip");
    String[] addresses = listed ? parts.group(2).split(",", -1) : new String[] {parts.group(2)};
    return Arrays.stream(addresses).map(Endpoint::of).toList();
  }
}
