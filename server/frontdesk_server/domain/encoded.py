"""What a value has been encoded to, kept beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Encoded:
    """The bytes of one frozen value, once somebody has made them; a copy with other fields begins without.

    Whoever encodes the value first keeps them here, so that the answer, the ledger and a later look-up share them. Two
    threads that encode at once make the same bytes.
    """

    data: bytes | None = None
