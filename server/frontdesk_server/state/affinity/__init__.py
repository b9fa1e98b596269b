"""Memories of which model serves which conversation: of one process, or in Redis."""

from frontdesk_server.state.affinity.memory import MemoryAffinity
from frontdesk_server.state.affinity.opening import open_affinity

__all__ = ["MemoryAffinity", "open_affinity"]
