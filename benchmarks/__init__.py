"""Measurements of speed and of routing quality; none of them ships."""
