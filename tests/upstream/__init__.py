"""A real HTTP upstream on loopback that speaks the OpenAI and the Anthropic dialect and misbehaves on demand."""

from __future__ import annotations

from tests.upstream.script import Fault, Script
from tests.upstream.server import FaultyUpstream, SeenRequest

__all__ = ["Fault", "FaultyUpstream", "Script", "SeenRequest"]
