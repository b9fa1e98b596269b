package dev.frontdesk;

import io.grpc.Status;
import java.util.List;
import java.util.regex.Pattern;

/** Why there is no connection, in words: gRPC's own tell what failed, not what it means. All clients say the same. */
final class Causes {
  private record Cause(Pattern pattern, String words) {}

  private static final List<Cause> CAUSES =
      List.of(
          new Cause(
              Pattern.compile("PKIX|CertificateException|certification path|certificate_unknown|No name matching"),
              "the server's certificate is not trusted"),
          new Cause(Pattern.compile("NotSslRecord|not an SSL/TLS record"), "the server does not speak TLS as asked"),
          new Cause(Pattern.compile("Connection refused|ConnectException|No such file"), "nobody listens there"),
          new Cause(Pattern.compile("UnknownHostException|Unable to resolve host"), "there is no such name"),
          new Cause(Pattern.compile("485454502f"), "the server speaks HTTP there, and gRPC on another port"), // "HTTP/"
          new Cause(
              Pattern.compile("Network closed|First received frame was not SETTINGS|Connection reset|end of stream|closed"),
              "the server closes connections in plain text: it may want TLS"));

  private Causes() {}

  /** The status of UNAVAILABLE that gRPC itself made, its description after its cause where that is known. */
  static Status inWords(Status status) {
    StringBuilder text = new StringBuilder(String.valueOf(status.getDescription()));
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      text.append("; ").append(cause);
    }
    for (Cause cause : CAUSES) {
      if (cause.pattern().matcher(text).find()) {
        return status.withDescription(cause.words() + " (" + text + ")");
      }
    }
    return status;
  }
}
