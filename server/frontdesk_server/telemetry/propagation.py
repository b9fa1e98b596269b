"""W3C trace context and baggage: in by call metadata, out by request headers (w3.org/TR/trace-context, /baggage)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
BAGGAGE = "baggage"

_HEX = frozenset("0123456789abcdef")
_LONGEST_TRACESTATE = 512
_LONGEST_BAGGAGE = 8192


@dataclass(frozen=True, slots=True)
class Inbound:
    """The context a call brings; `trace_id` 0 when it brings none."""

    trace_id: int = 0
    span_id: int = 0
    sampled: bool = False
    tracestate: str = ""
    baggage: str = ""


NOTHING = Inbound()


def extract(metadata: Mapping[str, str], propagators: frozenset[str]) -> Inbound:
    """Read the context; what is malformed or too long is taken for absent, as the standards want it."""
    baggage = metadata.get(BAGGAGE, "") if "baggage" in propagators else ""
    if not _printable(baggage, _LONGEST_BAGGAGE):
        baggage = ""
    parent = _parse(metadata.get(TRACEPARENT, "")) if "tracecontext" in propagators else None
    if parent is None:
        return Inbound(baggage=baggage) if baggage else NOTHING
    state = metadata.get(TRACESTATE, "")
    return Inbound(*parent, tracestate=state if _printable(state, _LONGEST_TRACESTATE) else "", baggage=baggage)


def inject(
    trace_id: int, span_id: int, sampled: bool, inbound: Inbound, propagators: frozenset[str]
) -> Mapping[str, str]:
    """Headers that continue the trace with this span as parent."""
    headers = {}
    if "tracecontext" in propagators and trace_id:
        headers[TRACEPARENT] = f"00-{trace_id:032x}-{span_id:016x}-{sampled:02x}"
        if inbound.tracestate:
            headers[TRACESTATE] = inbound.tracestate
    if inbound.baggage:
        headers[BAGGAGE] = inbound.baggage
    return headers


def _parse(header: str) -> tuple[int, int, bool] | None:
    parts = header.strip().split("-")
    if len(parts) < 4 or [len(part) for part in parts[:4]] != [2, 32, 16, 2]:
        return None
    version, trace, span, flags = parts[:4]
    if not _HEX.issuperset(version + trace + span + flags) or version == "ff" or (version == "00" and len(parts) > 4):
        return None
    trace_id, span_id = int(trace, 16), int(span, 16)
    return (trace_id, span_id, bool(int(flags, 16) & 1)) if trace_id and span_id else None


def _printable(value: str, longest: int) -> bool:
    return len(value) <= longest and value.isascii() and value.isprintable()
