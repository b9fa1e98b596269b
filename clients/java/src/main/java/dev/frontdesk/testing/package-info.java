/** A Frontdesk for callers' own tests. */
package dev.frontdesk.testing;
