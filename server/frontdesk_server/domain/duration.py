"""Times as people read them."""

from __future__ import annotations


def duration(seconds: float | None) -> str:
    """Seconds as people read them; a dash when unknown."""
    if seconds is None:
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
