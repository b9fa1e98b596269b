# ruff: noqa: RUF001 - signs of other scripts look like ours
"""Where a text falls into clauses, by its signs alone."""

from __future__ import annotations

import re

from frontdesk_server.domain.scripts import size_of

_CLAUSE_BYTES, _REST_BYTES = 45, 25
_SIGN = re.compile(r"(?<=[,;:.!?，；、：。！？])\s*|\s+[–—-]\s+")


def clauses_of(text: str) -> list[str]:
    """The clauses of a text, those of a few words together with the next."""
    clauses: list[str] = []
    clause = ""
    for part in _SIGN.split(text):
        clause = f"{clause} {part}" if clause else part
        if size_of(clause) >= _CLAUSE_BYTES:
            clauses.append(clause)
            clause = ""
    if clauses and size_of(clause) < _REST_BYTES:
        clauses[-1] += f" {clause}"
    else:
        clauses.append(clause)
    return clauses
