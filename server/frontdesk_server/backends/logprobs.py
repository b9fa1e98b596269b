"""Log-probabilities of tokens, as OpenAI writes them in all its APIs."""

from __future__ import annotations

import math
from typing import Any

from frontdesk_server.backends.halves import whole_text
from frontdesk_server.backends.json_reading import Json
from frontdesk_server.domain.errors import UpstreamProtocolError
from frontdesk_server.domain.usage import TokenLogprob, TopLogprob

_ROUNDING = 1e-3


def read_logprob(entry: Json) -> TokenLogprob:
    """One token's."""
    top = tuple(TopLogprob(_token(t), _log(t["logprob"])) for t in entry.get("top_logprobs") or ())
    return TokenLogprob(_token(entry), _log(entry["logprob"]), top)


def _token(entry: Json) -> str:
    token = entry["token"]
    if not isinstance(token, str):
        raise UpstreamProtocolError("a token is not a string")
    return whole_text(token)


def _log(value: Any) -> float:
    """The logarithm of a probability, which is 1 at most, but for the last digits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value <= _ROUNDING:
        raise UpstreamProtocolError("a log-probability is not the logarithm of a probability")
    return min(float(value), 0.0)
