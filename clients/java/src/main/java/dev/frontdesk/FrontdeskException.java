package dev.frontdesk;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.CompletionFailure;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Every failure of a call, with all that the server said of it. As it is gRPC's own exception too, what handles that handles this.
 */
public final class FrontdeskException extends StatusRuntimeException {
  private static final Metadata.Key<String> ID =
      Metadata.Key.of("x-frontdesk-decision-id", Metadata.ASCII_STRING_MARSHALLER);

  private static final String DOMAIN = "frontdesk";
  private static final long serialVersionUID = 1;

  private final ErrorInfo info;
  private final BadRequest badRequest;
  private final RetryInfo retry;
  private final CompletionFailure failure;
  private final CompleteResponse partial;
  private final String completionId;

  private FrontdeskException(
      Status status,
      Metadata trailers,
      ErrorInfo info,
      BadRequest badRequest,
      RetryInfo retry,
      CompletionFailure failure,
      CompleteResponse partial,
      String completionId) {
    super(status, trailers);
    this.info = info;
    this.badRequest = badRequest;
    this.retry = retry;
    this.failure = failure;
    this.partial = partial;
    this.completionId = completionId;
  }

  /** Translates an exception of gRPC. */
  static FrontdeskException of(Throwable thrown) {
    return of(thrown, null);
  }

  /** Translates an exception of a call whose headers are known as far as they came. */
  static FrontdeskException of(Throwable thrown, Metadata headers) {
    if (thrown instanceof FrontdeskException known) {
      return known;
    }
    Status status = Status.fromThrowable(thrown);
    com.google.rpc.Status rich = StatusProto.fromThrowable(thrown);
    List<Any> details = rich == null ? List.of() : rich.getDetailsList();
    ErrorInfo info = find(details, ErrorInfo.class);
    CompletionFailure failure = find(details, CompletionFailure.class);
    if (info == null && status.getCode() == Status.Code.UNAVAILABLE) {
      status = Causes.inWords(status);
    }
    String id = failure != null ? failure.getCompletionId() : headers == null ? null : headers.get(ID);
    return new FrontdeskException(
        status.withCause(thrown),
        Status.trailersFromThrowable(thrown),
        info != null && info.getDomain().equals(DOMAIN) ? info : reason(status.getCode().name()),
        find(details, BadRequest.class),
        find(details, RetryInfo.class),
        failure,
        null,
        id == null ? "" : id);
  }

  /** The error of a call on a client that has been closed. */
  static FrontdeskException closed() {
    return ofStream(Status.Code.FAILED_PRECONDITION, Reason.CLIENT_CLOSED, "the client has been closed");
  }

  /** A fault which the client itself finds. */
  static FrontdeskException ofStream(Status.Code code, String reason, String description) {
    Status status = code.toStatus().withDescription(description);
    return new FrontdeskException(status, null, reason(reason), null, null, null, null, "");
  }

  /** The same with what had come; the server's own account of attempts and cost wins. */
  FrontdeskException withPartial(CompleteResponse received) {
    CompleteResponse account =
        failure == null
            ? received
            : received.toBuilder()
                .clearAttempts()
                .addAllAttempts(failure.getAttemptsList())
                .setCost(failure.getCost())
                .build();
    String id = completionId.isEmpty() ? received.getCompletionId() : completionId;
    return new FrontdeskException(getStatus(), getTrailers(), info, badRequest, retry, failure, account, id);
  }

  /** The documented reason such as {@link Reason#UNKNOWN_ROUTER}; the code's name when gRPC itself ended the call. */
  public String reason() {
    return info.getReason();
  }

  /** Particulars such as each model's reason to be excluded. */
  public Map<String, String> metadata() {
    return info.getMetadataMap();
  }

  /** The fields at fault. */
  public List<FieldViolation> violations() {
    return badRequest == null
        ? List.of()
        : badRequest.getFieldViolationsList().stream()
            .map(v -> new FieldViolation(v.getField(), v.getDescription(), v.getReason()))
            .toList();
  }

  /** How long to wait before the next try; empty when waiting is not known to help. */
  public Optional<Duration> retryDelay() {
    return Optional.ofNullable(retry)
        .map(RetryInfo::getRetryDelay)
        .map(delay -> Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
  }

  /** What a failed completion did and cost; empty when it failed before any model was called. */
  public Optional<CompletionFailure> failure() {
    return Optional.ofNullable(failure);
  }

  /** What {@code getDecision} finds the completion by, also when its deadline has passed; empty when it failed before routing. */
  public String completionId() {
    return completionId;
  }

  /** What a broken stream had brought; empty for other calls. */
  public Optional<CompleteResponse> partial() {
    return Optional.ofNullable(partial);
  }

  private static ErrorInfo reason(String reason) {
    return ErrorInfo.newBuilder().setReason(reason).build();
  }

  private static <M extends Message> M find(List<Any> details, Class<M> type) {
    for (Any detail : details) {
      if (detail.is(type)) {
        try {
          return detail.unpack(type);
        } catch (InvalidProtocolBufferException broken) {
          return null;
        }
      }
    }
    return null;
  }
}
