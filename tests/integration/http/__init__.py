"""The HTTP faces of a running service."""
