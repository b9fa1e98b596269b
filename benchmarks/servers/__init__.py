"""The servers that a run is made of, beside Frontdesk: each a process of its own."""
