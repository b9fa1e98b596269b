"""Cascades fitted to recorded answers."""
