"""Policies whose loss is certified."""
