"""What must come of every fault. Small costs 100 nano-USD an input token and 500 an output token, mid 600 and 3,000."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one injection.

    The ledger's attempts read: model, outcome, input+output tokens, "~" when Frontdesk counted them itself.
    """

    caller: str
    events: str
    ledger: str
    cost_nano_usd: int | None


Rows = tuple[Row, Row, Row, Row]
"""Streamed without and with a fallback, unary without and with one."""

_SILENT = "started, attempt started"
_BROKEN = "started, attempt started, text"
_WHOLE = "started, attempt started, text, completed"
_FELL_BACK = "started, attempt started, attempt ended, attempt started, text, completed"
_CODES = {
    "UPSTREAM_REQUEST_REFUSED": "FAILED_PRECONDITION",
    "UPSTREAM_RESPONSE_TOO_LONG": "RESOURCE_EXHAUSTED",
}
_MID, _MID_COST = "mid accepted 11+5", 21_600


def _failed(error: str, events: str, account: str, cost: int) -> Row:
    code = _CODES.get(error, "UNAVAILABLE")
    return Row(f"{code}: {error}", events, f"small failed {account}", cost)


def _fell_back(events: str, account: str, cost: int) -> Row:
    return Row("OK from mid", events, f"small failed {account}; {_MID}", cost + _MID_COST)


def _before_content(error: str, account: str, cost: int, unary_account: str = "", unary_cost: int = 0) -> Rows:
    """The caller has seen nothing, so the fallback answers. A unary call costs the same unless told."""
    unary_account, unary_cost = (unary_account, unary_cost) if unary_account else (account, cost)
    return (
        _failed(error, _SILENT, account, cost),
        _fell_back(_FELL_BACK, account, cost),
        _failed(error, "", unary_account, unary_cost),
        _fell_back("", unary_account, unary_cost),
    )


def _after_content(error: str, unary_error: str, unary_account: str, unary_cost: int) -> Rows:
    """A stream that has begun breaks, whatever is configured; a unary answer is still replaced."""
    broken = _failed(error, _BROKEN, "8+3~", 2_300)
    return (
        broken,
        broken,
        _failed(unary_error, "", unary_account, unary_cost),
        _fell_back("", unary_account, unary_cost),
    )


def _harmless(account: str, cost: int) -> Rows:
    """Small's answer is whole."""
    streamed = Row("OK from small", _WHOLE, f"small accepted {account}", cost)
    unary = Row("OK from small", "", f"small accepted {account}", cost)
    return (streamed, streamed, unary, unary)


_PROTOCOL = "UPSTREAM_PROTOCOL_ERROR"
_TOO_LONG = "UPSTREAM_RESPONSE_TOO_LONG"
_TIMED_OUT = "UPSTREAM_TIMED_OUT"
_CUT = "UPSTREAM_CUT"
_LENGTH = 63
"""Tokens that an answer to the query is expected to have, which follows its difficulty."""
_EXPECTED = (f"8+{_LENGTH}~", 800 + 500 * _LENGTH)
"""A unary call without its answer: the provider may have written it."""
_TWICE = (f"16+{2 * _LENGTH}~, 1 repeat", 2 * (800 + 500 * _LENGTH))

EXPECTED: dict[str, Rows] = {
    "connection refused": _before_content("UPSTREAM_UNREACHABLE", "0+0, 1 repeat", 0),
    "connection reset": _before_content("UPSTREAM_UNREACHABLE", "0+0, 1 repeat", 0),
    "connection closed": _before_content("UPSTREAM_UNREACHABLE", "0+0, 1 repeat", 0),
    "401": _before_content("UPSTREAM_CREDENTIALS_REFUSED", "0+0", 0),
    "404": _before_content("UPSTREAM_REQUEST_REFUSED", "0+0", 0),
    "429": _before_content("UPSTREAM_OVERLOADED", "0+0, 1 repeat", 0),
    "429, Retry-After 7 s": _before_content("UPSTREAM_OVERLOADED, retry after 7 s", "0+0", 0),
    "500": _before_content("UPSTREAM_FAILED", "0+0, 1 repeat", 0),
    "503": _before_content("UPSTREAM_FAILED", "0+0, 1 repeat", 0),
    "hang before headers": _before_content(_TIMED_OUT, "8+0~", 800, *_EXPECTED),
    "hang after 0 tokens": _before_content(_TIMED_OUT, "8+0~", 800, *_EXPECTED),
    "hang after 2 tokens": _after_content(_TIMED_OUT, _TIMED_OUT, *_EXPECTED),
    "cut at 0 tokens": _before_content(_CUT, "16+0~, 1 repeat", 1_600, *_TWICE),
    "cut at 2 tokens": _after_content(_CUT, _CUT, *_TWICE),
    "reset at 2 tokens": _after_content(_CUT, _CUT, *_TWICE),
    "ends without its end": _after_content(_CUT, _PROTOCOL, *_EXPECTED),
    "slow drip": _harmless("11+5", 3_600),
    "malformed chunk": _after_content(_PROTOCOL, _PROTOCOL, *_EXPECTED),
    "malformed transfer encoding": _before_content(_PROTOCOL, "8+0~", 800, *_EXPECTED),
    "wrong content type": _before_content(_PROTOCOL, "8+0~", 800, *_EXPECTED),
    "invalid UTF-8": _after_content(_PROTOCOL, _PROTOCOL, *_EXPECTED),
    "enormous line": _after_content(_TOO_LONG, _TOO_LONG, *_EXPECTED),
    "duplicate [DONE]": _harmless("11+5", 3_600),
    "missing usage": _harmless("8+5~", 3_300),
    "usage before the end": _harmless("11+5", 3_600),
    "error object in the middle": _after_content("UPSTREAM_FAILED", "UPSTREAM_FAILED", "0+0, 1 repeat", 0),
    "200 with an error body": _before_content("UPSTREAM_FAILED", "0+0, 1 repeat", 0),
    "gzip": _harmless("11+5", 3_600),
}
