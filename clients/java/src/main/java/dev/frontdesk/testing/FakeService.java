package dev.frontdesk.testing;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.frontdesk.Completions;
import dev.frontdesk.Reason;
import dev.frontdesk.v1.AttemptStarted;
import dev.frontdesk.v1.Candidate;
import dev.frontdesk.v1.CompleteRequest;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.Completed;
import dev.frontdesk.v1.CompletionFailure;
import dev.frontdesk.v1.Cost;
import dev.frontdesk.v1.Decision;
import dev.frontdesk.v1.FinishReason;
import dev.frontdesk.v1.GetDecisionRequest;
import dev.frontdesk.v1.GetDecisionResponse;
import dev.frontdesk.v1.ListModelsRequest;
import dev.frontdesk.v1.ListModelsResponse;
import dev.frontdesk.v1.Model;
import dev.frontdesk.v1.Outcome;
import dev.frontdesk.v1.PlanStep;
import dev.frontdesk.v1.ReportOutcomeRequest;
import dev.frontdesk.v1.ReportOutcomeResponse;
import dev.frontdesk.v1.RouteBatchRequest;
import dev.frontdesk.v1.RouteBatchResponse;
import dev.frontdesk.v1.RouteRequest;
import dev.frontdesk.v1.RouteResponse;
import dev.frontdesk.v1.RouteResult;
import dev.frontdesk.v1.RouterServiceGrpc;
import dev.frontdesk.v1.RoutingPolicy;
import dev.frontdesk.v1.Started;
import dev.frontdesk.v1.StepKind;
import dev.frontdesk.v1.StreamCompleteRequest;
import dev.frontdesk.v1.StreamCompleteResponse;
import dev.frontdesk.v1.TextDelta;
import dev.frontdesk.v1.ToolCall;
import dev.frontdesk.v1.ToolCallDelta;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Plays the script of a desk. */
final class FakeService extends RouterServiceGrpc.RouterServiceImplBase {
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  private final FakeFrontdesk desk;
  private final Map<String, GetDecisionResponse.Builder> decided = new HashMap<>();

  FakeService(FakeFrontdesk desk) {
    this.desk = desk;
  }

  @Override
  public void route(RouteRequest request, StreamObserver<RouteResponse> observer) {
    unary(
        observer,
        () -> {
          Answer answer = next(request);
          return RouteResponse.newBuilder().setDecision(decide(answer, request.getPolicy(), request.getLabelsMap())).build();
        });
  }

  @Override
  public void routeBatch(RouteBatchRequest request, StreamObserver<RouteBatchResponse> observer) {
    unary(
        observer,
        () -> {
          RouteBatchResponse.Builder response = RouteBatchResponse.newBuilder();
          request
              .getQueriesList()
              .forEach(
                  query -> {
                    Decision decision = decide(next(request), request.getPolicy(), request.getLabelsMap());
                    response.addResults(RouteResult.newBuilder().setDecision(decision));
                  });
          return response.build();
        });
  }

  @Override
  public void complete(CompleteRequest request, StreamObserver<CompleteResponse> observer) {
    unary(
        observer,
        () -> {
          Answer answer = next(request);
          Decision decision = decide(answer, request.getPolicy(), request.getLabelsMap());
          List<StreamCompleteResponse> events = events(answer, decision);
          events.add(completed(answer, decision));
          return Completions.fold(events);
        });
  }

  @Override
  public void streamComplete(StreamCompleteRequest request, StreamObserver<StreamCompleteResponse> observer) {
    try {
      Answer answer = next(request);
      Decision decision = decide(answer, request.getPolicy(), request.getLabelsMap());
      events(answer, decision).forEach(observer::onNext);
      observer.onNext(completed(answer, decision));
      observer.onCompleted();
    } catch (StatusRuntimeException failure) {
      observer.onError(failure);
    }
  }

  @Override
  public void reportOutcome(ReportOutcomeRequest request, StreamObserver<ReportOutcomeResponse> observer) {
    desk.keep(request);
    unary(
        observer,
        () -> {
          Outcome outcome =
              Outcome.newBuilder()
                  .setDecisionId(request.getDecisionId())
                  .setQuality(request.getQuality())
                  .setSource(request.getSource())
                  .putAllLabels(request.getLabelsMap())
                  .build();
          found(request.getDecisionId()).addOutcomes(outcome);
          return ReportOutcomeResponse.newBuilder().setOutcome(outcome).build();
        });
  }

  @Override
  public void getDecision(GetDecisionRequest request, StreamObserver<GetDecisionResponse> observer) {
    desk.keep(request);
    unary(observer, () -> found(request.getDecisionId()).build());
  }

  @Override
  public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> observer) {
    desk.keep(request);
    ListModelsResponse.Builder response = ListModelsResponse.newBuilder();
    desk.models().forEach(name -> response.addModels(Model.newBuilder().setName(name).setAvailable(true)));
    unary(observer, response::build);
  }

  private static <R> void unary(StreamObserver<R> observer, Supplier<R> serve) {
    try {
      observer.onNext(serve.get());
      observer.onCompleted();
    } catch (StatusRuntimeException failure) {
      observer.onError(failure);
    }
  }

  /** The next answer; throws the status of one that fails at once. */
  private Answer next(Message request) {
    Answer answer = desk.next(request);
    if (answer.code() != Status.Code.OK && answer.text().isEmpty()) {
      throw failure(answer, null);
    }
    return answer;
  }

  private synchronized Decision decide(Answer answer, RoutingPolicy policy, Map<String, String> labels) {
    Decision.Builder decision =
        Decision.newBuilder()
            .setDecisionId(String.format("%026d", decided.size() + 1))
            .setModel(answer.model())
            .setReason("the test said so")
            .setRouter(policy.getRouter().isEmpty() ? "default" : policy.getRouter())
            .setStrategy("fake")
            .setPropensity(1)
            .addPlan(PlanStep.newBuilder().setModel(answer.model()).setKind(StepKind.STEP_KIND_PRIMARY));
    desk.models().forEach(model -> decision.addCandidates(Candidate.newBuilder().setModel(model)));
    decided.put(
        decision.getDecisionId(), GetDecisionResponse.newBuilder().setDecision(decision).putAllLabels(labels));
    return decision.build();
  }

  private static List<StreamCompleteResponse> events(Answer answer, Decision decision) {
    List<StreamCompleteResponse> events = new ArrayList<>();
    Started started = Started.newBuilder().setCompletionId(decision.getDecisionId()).setDecision(decision).build();
    events.add(StreamCompleteResponse.newBuilder().setStarted(started).build());
    AttemptStarted attempt =
        AttemptStarted.newBuilder().setModel(answer.model()).setKind(StepKind.STEP_KIND_PRIMARY).build();
    events.add(StreamCompleteResponse.newBuilder().setAttemptStarted(attempt).build());
    String text = answer.text();
    int half = text.offsetByCodePoints(0, text.codePointCount(0, text.length()) / 2);
    for (String piece : List.of(text.substring(0, half), text.substring(half))) {
      if (!piece.isEmpty()) {
        TextDelta delta = TextDelta.newBuilder().setText(piece).build();
        events.add(StreamCompleteResponse.newBuilder().setTextDelta(delta).build());
      }
    }
    int index = 0;
    for (ToolCall call : answer.toolCalls()) {
      ToolCallDelta delta =
          ToolCallDelta.newBuilder()
              .setPart(index + 1)
              .setIndex(index++)
              .setId(call.getId())
              .setName(call.getName())
              .setArgumentsJson(call.getArgumentsJson())
              .build();
      events.add(StreamCompleteResponse.newBuilder().setToolCallDelta(delta).build());
    }
    return events;
  }

  /** The last event; throws the status of an answer that breaks off. */
  private synchronized StreamCompleteResponse completed(Answer answer, Decision decision) {
    Cost cost =
        Cost.newBuilder().setTotalNanoUsd(answer.costNanoUsd()).setAttemptsNanoUsd(answer.costNanoUsd()).build();
    decided.get(decision.getDecisionId()).setCost(cost);
    if (answer.code() != Status.Code.OK) {
      throw failure(
          answer,
          CompletionFailure.newBuilder()
              .setCompletionId(decision.getDecisionId())
              .setCost(cost)
              .setCommitted(true)
              .build());
    }
    Completed completed =
        Completed.newBuilder()
            .setModel(answer.model())
            .setFinishReason(FinishReason.FINISH_REASON_STOP)
            .setCost(cost)
            .build();
    return StreamCompleteResponse.newBuilder().setCompleted(completed).build();
  }

  private synchronized GetDecisionResponse.Builder found(String id) {
    GetDecisionResponse.Builder recorded = decided.get(id);
    if (recorded == null) {
      throw failure(Answer.failing(Status.Code.NOT_FOUND, Reason.DECISION_NOT_FOUND, null), null);
    }
    return recorded;
  }

  private static StatusRuntimeException failure(Answer answer, CompletionFailure account) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder().setCode(answer.code().value()).setMessage("the test said so");
    status.addDetails(Any.pack(ErrorInfo.newBuilder().setReason(answer.reason()).setDomain("frontdesk").build()));
    Duration delay = answer.retryDelay();
    if (delay != null) {
      com.google.protobuf.Duration retry =
          com.google.protobuf.Duration.newBuilder().setSeconds(delay.getSeconds()).setNanos(delay.getNano()).build();
      status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(retry).build()));
    }
    if (account != null) {
      status.addDetails(Any.pack(account));
    }
    Metadata trailers = new Metadata();
    trailers.put(PUSHBACK, "-1"); // gRPC's own retries rest: a test has said what comes
    return StatusProto.toStatusRuntimeException(status.build(), trailers);
  }
}
