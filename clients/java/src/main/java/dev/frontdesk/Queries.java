package dev.frontdesk;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import dev.frontdesk.v1.ContentPart;
import dev.frontdesk.v1.GenerationConfig;
import dev.frontdesk.v1.Message;
import dev.frontdesk.v1.Query;
import dev.frontdesk.v1.Role;
import dev.frontdesk.v1.ToolResult;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Short ways to ask and to read an answer. */
public final class Queries {
  private Queries() {}

  /** The query of one user message. */
  public static Query ask(String text) {
    return conversation(List.of(user(text)));
  }

  /** The query of one user message, with settings: {@code ask("…", s -> s.setTemperature(0).setMaxOutputTokens(200))}. */
  public static Query ask(String text, Consumer<GenerationConfig.Builder> settings) {
    return conversation(List.of(user(text)), settings);
  }

  /** The query of several messages, oldest first. */
  public static Query conversation(List<Message> messages) {
    return Query.newBuilder().addAllMessages(messages).build();
  }

  /** The query of several messages, oldest first, with settings. */
  public static Query conversation(List<Message> messages, Consumer<GenerationConfig.Builder> settings) {
    Query.Builder query = Query.newBuilder().addAllMessages(messages);
    settings.accept(query.getGenerationBuilder());
    return query.build();
  }

  /** Instructions of the application. */
  public static Message system(String text) {
    return say(Role.ROLE_SYSTEM, text);
  }

  /** What the end user says. */
  public static Message user(String text) {
    return say(Role.ROLE_USER, text);
  }

  /** What the LLM said. Pass a completion's own message where there is one: it keeps tool calls and reasoning. */
  public static Message assistant(String text) {
    return say(Role.ROLE_ASSISTANT, text);
  }

  /** What a called tool returned. */
  public static Message toolResult(String toolCallId, String content) {
    ToolResult result = ToolResult.newBuilder().setToolCallId(toolCallId).setContent(content).build();
    return Message.newBuilder()
        .setRole(Role.ROLE_TOOL)
        .addParts(ContentPart.newBuilder().setToolResult(result))
        .build();
  }

  /** The text parts of a message, joined. */
  public static String textOf(Message message) {
    return message.getPartsList().stream().map(ContentPart::getText).collect(Collectors.joining());
  }

  /** A message of the contract as one line of JSON, in protobuf's own mapping: 64-bit integers are strings. */
  public static String toJson(MessageOrBuilder message) {
    try {
      return JsonFormat.printer().omittingInsignificantWhitespace().print(message);
    } catch (InvalidProtocolBufferException impossible) { // no message of the contract holds an Any
      throw new IllegalArgumentException(impossible);
    }
  }

  private static Message say(Role role, String text) {
    return Message.newBuilder().setRole(role).addParts(ContentPart.newBuilder().setText(text)).build();
  }
}
