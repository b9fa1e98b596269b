"""Typed configuration: schema, loading, hot reload."""
