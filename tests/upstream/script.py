"""What the upstream does with one request."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Fault(enum.Enum):
    """How an upstream misbehaves. "After k": after `Script.after_tokens` tokens of a stream, or half a unary body."""

    NONE = "none"
    RESET = "reset"
    """RST in place of a response."""
    CLOSE = "close"
    """FIN in place of a response."""
    STATUS = "status"
    """`Script.status` with an error body, and `Script.headers` such as Retry-After."""
    HANG_BEFORE_HEADERS = "hang_before_headers"
    HANG = "hang"
    """Silence after k, the connection stays open."""
    CUT = "cut"
    """FIN after k, in the middle of the transfer encoding."""
    CUT_CLEANLY = "cut_cleanly"
    """The HTTP response ends well after k, the answer in it does not; a unary body ends in its middle."""
    RESET_AFTER = "reset_after"
    """RST after k."""
    MALFORMED_CHUNK = "malformed_chunk"
    """Broken JSON after k."""
    MALFORMED_ENCODING = "malformed_encoding"
    """Broken transfer encoding after k."""
    WRONG_CONTENT_TYPE = "wrong_content_type"
    """An HTML page with status 200."""
    INVALID_UTF8 = "invalid_utf8"
    """Bytes that are no UTF-8 after k."""
    ENORMOUS_LINE = "enormous_line"
    """A line of `Script.line_bytes` after k."""
    DUPLICATE_DONE = "duplicate_done"
    """The end marker twice."""
    NO_USAGE = "no_usage"
    EARLY_USAGE = "early_usage"
    """Usage with the first token rather than at the end."""
    ERROR_OBJECT = "error_object"
    """An error object after k with status 200; the whole body when unary."""
    ERROR_BODY = "error_body"
    """A JSON error document with status 200, whatever was asked for."""
    GZIP = "gzip"
    """A healthy response, compressed."""


@dataclass(frozen=True, slots=True)
class Script:
    """How one request is answered: healthy unless it names a fault."""

    fault: Fault = Fault.NONE
    tokens: tuple[str, ...] = ("The ", "answer ", "is ", "four", ".")
    after_tokens: int = 2
    interval_seconds: float = 0.0
    """Pause before each token: a slow drip."""
    first_token_seconds: float = 0.0
    """Pause before the response begins."""
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    error_type: str = "server_error"
    error_message: str = "the upstream is out of order"
    line_bytes: int = 16 * 1024 * 1024
    reasoning: str = ""
    tool_name: str = ""
    """Calls this tool rather than saying the tokens; they are its arguments then."""
    finish_reason: str = ""
    """In the dialect's words. Default: a natural stop."""
    input_tokens: int = 11
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    close_when_reused: bool = False
    """After this answer the connection looks alive but dies, unanswered, under the next request."""

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.tokens)


HEALTHY = Script()
