package dev.frontdesk;

/**
 * One field at fault.
 *
 * @param field path in the request such as {@code query.messages[0].role}
 * @param description what is wrong
 * @param reason the documented reason
 */
public record FieldViolation(String field, String description, String reason) {}
