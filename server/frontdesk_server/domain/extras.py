"""What brings a package that not every installation has."""

from __future__ import annotations

__all__ = ["brought_by"]


def brought_by(extra: str) -> str:
    """The line that installs an extra of this distribution; of a checkout, for nothing is published yet."""
    return f"pip install '.[{extra}]' in a checkout"
