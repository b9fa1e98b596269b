"""Routers on recorded outcomes, beside what they must beat."""
