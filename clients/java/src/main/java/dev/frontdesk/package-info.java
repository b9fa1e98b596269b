/**
 * Calls Frontdesk, the LLM router, from Java.
 *
 * <p>{@link dev.frontdesk.FrontdeskClient} has one method for each RPC and speaks the generated messages of {@code dev.frontdesk.v1}.
 * What it adds to the generated code: a channel with good defaults, streamed answers as iterators and publishers, their fold into
 * the whole answer, exceptions that carry all the server said, and decisions explained as text.
 */
package dev.frontdesk;
