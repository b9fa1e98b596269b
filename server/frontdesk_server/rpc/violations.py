"""What validation measures requests against, and where it collects what it finds."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.errors import FieldViolation, InvalidRequest
from frontdesk_server.rpc.reasons import InvalidReason


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a request may hold. Lengths are in characters.

    `messages`, `parts`, `extensions` (what stands at both for single providers: options and state), `tools` and what
    their schemas hold are of one query; they are counted before they are read, so that no request keeps the others
    waiting.
    """

    batch_size: int = 1024
    labels: int = 16
    label_key_length: int = 64
    label_value_length: int = 256
    stop_sequences: int = 8
    top_logprobs: int = 20
    listed_models: int = 256
    listed_capabilities: int = 64
    name_length: int = 128
    provider_options: int = 16
    options_characters: int = 65_536
    extensions: int = 40_000
    violations: int = 64
    messages: int = 10_000
    parts: int = 40_000
    tools: int = 1_024
    schema_characters: int = 1_000_000
    subschemas: int = 20_000


DEFAULT_LIMITS = Limits()


class Violations:
    """All that is wrong with one request, in the order of its fields.

    Collecting gives up with `InvalidRequest` at the limit, so that a hostile request cannot
    make its own report expensive.
    """

    __slots__ = ("_found", "_limit")

    def __init__(self, limit: int = DEFAULT_LIMITS.violations) -> None:
        self._found: list[FieldViolation] = []
        self._limit = limit

    def add(self, field: str, reason: InvalidReason, description: str = "") -> None:
        """Note a violation; the description defaults to the reason's meaning."""
        self._found.append(FieldViolation(field, description or reason.value, reason.name))
        if len(self._found) >= self._limit:
            raise InvalidRequest(self._found)

    def raise_any(self) -> None:
        """Raise `InvalidRequest` with all that was found; return when nothing was."""
        if self._found:
            raise InvalidRequest(self._found)
