package dev.frontdesk;

import dev.frontdesk.v1.ContentPart;
import dev.frontdesk.v1.Message;
import dev.frontdesk.v1.Query;
import dev.frontdesk.v1.Role;
import java.util.stream.Collectors;

/** Short ways to ask and to read an answer. */
public final class Queries {
  private Queries() {}

  /** The query of one user message. */
  public static Query ask(String text) {
    return Query.newBuilder()
        .addMessages(
            Message.newBuilder().setRole(Role.ROLE_USER).addParts(ContentPart.newBuilder().setText(text)))
        .build();
  }

  /** The text parts of a message, joined. */
  public static String textOf(Message message) {
    return message.getPartsList().stream().map(ContentPart::getText).collect(Collectors.joining());
  }
}
