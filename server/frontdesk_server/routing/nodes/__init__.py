"""Builders of the strategies that need more than their configuration. One file each."""
