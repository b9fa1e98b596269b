"""Frozen values in DESIGN.md's words. No I/O, no protobuf, no httpx."""
