package dev.frontdesk;

import dev.frontdesk.v1.Citation;
import dev.frontdesk.v1.CitationDelta;
import dev.frontdesk.v1.Completed;
import dev.frontdesk.v1.CompleteResponse;
import dev.frontdesk.v1.ContentPart;
import dev.frontdesk.v1.Message;
import dev.frontdesk.v1.ProviderBlock;
import dev.frontdesk.v1.ProviderBlockDelta;
import dev.frontdesk.v1.ProviderState;
import dev.frontdesk.v1.ProviderStateDelta;
import dev.frontdesk.v1.Reasoning;
import dev.frontdesk.v1.ReasoningDelta;
import dev.frontdesk.v1.Role;
import dev.frontdesk.v1.StreamCompleteResponse;
import dev.frontdesk.v1.StreamCompleteResponse.EventCase;
import dev.frontdesk.v1.TextDelta;
import dev.frontdesk.v1.TokenLogprob;
import dev.frontdesk.v1.ToolCall;
import dev.frontdesk.v1.ToolCallDelta;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Collects events and holds them to their order. What an ended attempt said is forgotten. */
final class EventFold {
  private final CompleteResponse.Builder response = CompleteResponse.newBuilder();
  private boolean started;
  private int running;
  private boolean completed;

  private final Map<Place, Reasoning.Builder> reasoning = new TreeMap<>();
  private final Map<Place, StringBuilder> texts = new TreeMap<>();
  private final Set<Place> refusals = new HashSet<>();
  private final Map<Place, ToolCall.Builder> calls = new TreeMap<>();
  private final Map<Place, ProviderBlock> blocks = new TreeMap<>();
  private final Map<Integer, List<Citation>> citations = new HashMap<>();
  private final Map<Integer, List<ProviderState>> state = new HashMap<>();
  private final List<ProviderState> stateOfMessage = new ArrayList<>();
  private final List<TokenLogprob> logprobs = new ArrayList<>();

  /**
   * Where a part stands. Where an older server tells no part, reasoning comes first, then text, then the calls by their
   * index.
   */
  private record Place(int part, int kind, int index) implements Comparable<Place> {
    static Place reasoning(int part) {
      return new Place(part, 0, 0);
    }

    static Place text(int part) {
      return new Place(part, 1, 0);
    }

    static Place block(int part) {
      return new Place(part, 3, 0);
    }

    static Place toolCall(int part, int index) {
      return new Place(part, 2, index);
    }

    @Override
    public int compareTo(Place other) {
      return Comparator.comparingInt(Place::part)
          .thenComparingInt(Place::kind)
          .thenComparingInt(Place::index)
          .compare(this, other);
    }
  }

  void add(StreamCompleteResponse event) {
    EventCase kind = event.getEventCase();
    if (kind == EventCase.EVENT_NOT_SET) {
      return; // of a newer server
    }
    if (completed) {
      throw outOfOrder("an event followed completed");
    }
    if ((kind == EventCase.STARTED) == started) {
      throw outOfOrder("started must come first and once");
    }
    switch (kind) {
      case STARTED -> {
        started = true;
        response.setCompletionId(event.getStarted().getCompletionId());
        if (event.getStarted().hasDecision()) {
          response.setDecision(event.getStarted().getDecision());
        }
      }
      case ATTEMPT_STARTED -> {
        forget();
        running++;
        response.setModel(event.getAttemptStarted().getModel());
      }
      case ATTEMPT_ENDED -> {
        forget();
        running--;
        if (running > 0) {
          response.setModel(event.getAttemptEnded().getNextModel());
        }
        response.addAttempts(event.getAttemptEnded().getAttempt());
      }
      case COMPLETED -> complete(event.getCompleted());
      default -> {
        if (running == 0) {
          throw outOfOrder("a delta came outside an attempt");
        }
        addDelta(event);
      }
    }
  }

  void end() {
    if (!completed) {
      throw FrontdeskException.ofStream(
          Status.Code.DATA_LOSS, Reason.STREAM_CUT, "the stream ended without completed; the answer is cut");
    }
  }

  /** The answer so far. */
  CompleteResponse result() {
    Map<Place, ContentPart.Builder> parts = new TreeMap<>();
    reasoning.forEach((place, said) -> parts.put(place, ContentPart.newBuilder().setReasoning(said)));
    blocks.forEach((place, block) -> parts.put(place, ContentPart.newBuilder().setProviderBlock(block)));
    texts.forEach(
        (place, text) -> {
          List<Citation> cited = citations.getOrDefault(place.part(), List.of());
          ContentPart.Builder part = ContentPart.newBuilder().setText(text.toString()).addAllCitations(cited);
          parts.put(place, part.setRefusal(refusals.contains(place)));
        });
    calls.forEach(
        (place, call) -> {
          if (call.getArgumentsJson().isEmpty()) {
            call.setArgumentsJson("{}");
          }
          parts.put(place, ContentPart.newBuilder().setToolCall(call));
        });
    Message.Builder message = Message.newBuilder().setRole(Role.ROLE_ASSISTANT).addAllProviderState(stateOfMessage);
    parts.forEach(
        (place, part) ->
            message.addParts(part.addAllProviderState(state.getOrDefault(place.part(), List.of()))));
    return response.clone().setMessage(message).addAllLogprobs(logprobs).build();
  }

  private void complete(Completed event) {
    completed = true;
    response
        .setModel(event.getModel())
        .setFinishReasonValue(event.getFinishReasonValue())
        .clearAttempts()
        .addAllAttempts(event.getAttemptsList());
    if (event.hasUsage()) {
      response.setUsage(event.getUsage());
    }
    if (event.hasCost()) {
      response.setCost(event.getCost());
    }
  }

  private void addDelta(StreamCompleteResponse event) {
    switch (event.getEventCase()) {
      case TEXT_DELTA -> {
        TextDelta delta = event.getTextDelta();
        Place place = Place.text(delta.getPart());
        texts.computeIfAbsent(place, fresh -> new StringBuilder()).append(delta.getText());
        if (delta.getRefusal()) {
          refusals.add(place);
        }
        logprobs.addAll(delta.getLogprobsList());
      }
      case REASONING_DELTA -> {
        ReasoningDelta delta = event.getReasoningDelta();
        Reasoning.Builder said =
            reasoning.computeIfAbsent(Place.reasoning(delta.getPart()), place -> Reasoning.newBuilder());
        said.setText(said.getText() + delta.getText())
            .setSignature(said.getSignature() + delta.getSignature())
            .setRedactedData(said.getRedactedData() + delta.getRedactedData());
        if (said.getDialect().isEmpty()) {
          said.setDialect(delta.getDialect());
        }
      }
      case PROVIDER_BLOCK_DELTA -> {
        ProviderBlockDelta delta = event.getProviderBlockDelta();
        blocks.put(Place.block(delta.getPart()), delta.getBlock());
      }
      case PROVIDER_STATE_DELTA -> {
        ProviderStateDelta delta = event.getProviderStateDelta();
        List<ProviderState> held =
            delta.hasPart() ? state.computeIfAbsent(delta.getPart(), fresh -> new ArrayList<>()) : stateOfMessage;
        held.add(delta.getState());
      }
      case CITATION_DELTA -> {
        CitationDelta delta = event.getCitationDelta();
        citations.computeIfAbsent(delta.getPart(), fresh -> new ArrayList<>()).add(delta.getCitation());
      }
      case TOOL_CALL_DELTA -> {
        ToolCallDelta delta = event.getToolCallDelta();
        ToolCall.Builder call =
            calls.computeIfAbsent(
                Place.toolCall(delta.getPart(), delta.getIndex()), place -> ToolCall.newBuilder());
        call.setId(call.getId() + delta.getId())
            .setName(call.getName() + delta.getName())
            .setArgumentsJson(call.getArgumentsJson() + delta.getArgumentsJson());
      }
      default -> throw new AssertionError(event.getEventCase());
    }
  }

  private void forget() {
    reasoning.clear();
    texts.clear();
    refusals.clear();
    blocks.clear();
    citations.clear();
    state.clear();
    stateOfMessage.clear();
    calls.clear();
    logprobs.clear();
  }

  private static FrontdeskException outOfOrder(String description) {
    return FrontdeskException.ofStream(Status.Code.INTERNAL, Reason.STREAM_OUT_OF_ORDER, description);
  }
}
