"""Prompts with placeholders: filled once, by position, so that no text that is put in is read as a template."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SHORTEST_FENCE = 4
_DASHES = re.compile(r"-{4,}")


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with every `{name}` of `values` replaced; other braces stay, also those within the values."""
    placeholder = re.compile("|".join(re.escape(f"{{{name}}}") for name in values))
    return placeholder.sub(lambda found: values[found[0][1:-1]], template)


def fence_around(text: str) -> str:
    """A line of dashes that is longer than any in the text, so that the text cannot end it."""
    longest = max(map(len, _DASHES.findall(text)), default=_SHORTEST_FENCE - 1)
    return "-" * (longest + 1)
